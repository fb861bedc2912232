"""Questions to real servers whose model follows a script in the prompt: two rounds with a tool.

The script of the second round is in the reasoning of the first. So there is a second answer only if the framework sent
the reasoning back, and the server put it into the prompt.
"""

from __future__ import annotations

import base64
import json
import os

import pytest

__all__ = ["ANSWER", "MODELS", "key_of", "question", "react_question", "server", "url_of"]

MODELS = {"vllm": "deepseek-ai/DeepSeek-V4-Flash", "sglang": "deepseek-ai/DeepSeek-V4-Pro"}
ANSWER = "It rains in Zürich."
_MARK = "｜DSML｜"


def url_of(server: str) -> str:
    return os.environ[f"{server.upper()}_URL"]


def key_of(server: str) -> str:
    return os.environ.get(f"{server.upper()}_KEY", "none")


@pytest.fixture(params=["vllm", "sglang"])
def server(request: pytest.FixtureRequest) -> str:
    """A server that `VLLM_URL` or `SGLANG_URL` names."""
    name = str(request.param)
    if f"{name.upper()}_URL" not in os.environ:
        pytest.skip(f"{name.upper()}_URL is not set")
    return name


def question(server: str, tool: str, **arguments: str) -> str:
    """A text after which the model calls a tool, and then answers."""
    last = _marked(server, f"Now I know.</think>{ANSWER}")
    written = "".join(
        f'<{_MARK}parameter name="{name}" string="true">{value}</{_MARK}parameter>\n'
        for name, value in arguments.items()
    )
    call = f'<{_MARK}tool_calls>\n<{_MARK}invoke name="{tool}">\n{written}</{_MARK}invoke>\n</{_MARK}tool_calls>'
    return f"How is the weather? {_marked(server, f'I need a tool. {last}</think>{_BLANK}{call}')}"


_BLANK = "\n\n"


def react_question(server: str, tool: str) -> str:
    """A text after which the model writes an action as a ReAct agent reads it, and then the final answer.

    The script of the second round is in the text of the first, which such an agent keeps in its prompt.
    """
    last = _marked(server, f"Good.</think>Thought: I now know the final answer\nFinal Answer: {ANSWER}")
    action = f"Question: the weather\nThought: I look. {last}\nAction: {tool}\nAction Input: None\n"
    return f"How is the weather? {_marked(server, f'I use a tool.</think>{action}')}"


def _marked(server: str, output: str) -> str:
    """What makes the scripted model write this."""
    if server == "sglang":
        return f"[[raw:{base64.b64encode(output.encode()).decode()}]]"
    packed = base64.urlsafe_b64encode(json.dumps({"raw": output}).encode()).decode().rstrip("=")
    return f"script-b64:{packed}"
