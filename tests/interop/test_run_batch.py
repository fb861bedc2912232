"""One file through `deepseek-v4 batch run` and through a real `vllm run-batch`: the same ids, texts and calls.

Off by default. `VLLM_URL` names a server of vLLM whose model says what a script in the prompt tells it, and
`VLLM_RUN_BATCH` is the command that runs the same model over a file: `-i IN -o OUT` is added to it.
"""

from __future__ import annotations

import base64
import json
import os
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from deepseek_v4_sdk.prompt import render_prompt
from tests.fidelity.compare import VLLM_MODEL
from tests.interop.test_servers import OUTPUTS, TOOLS, key_of, url_of
from tests.support.commands import run

pytestmark = [pytest.mark.realserver, pytest.mark.usefixtures("allow_network")]

OFFERED: list[Any] = [
    {"type": "function", "function": {"parameters": {"type": "object", "properties": {}}, **tool}} for tool in TOOLS
]
ROWS: dict[str, dict[str, Any]] = {
    **{name: {"raw": output} for name, output in OUTPUTS.items()},
    "markers in bytes": {"raw": "Hm 🤔.</think>Grüße 你好.", "split": "byte"},
    "a call in bytes": {"raw": OUTPUTS["calls"].replace("</think>Let me look.", "</think>"), "split": "byte"},
    "cut in the text": {"raw": "Hm.</think>" + "word " * 60, "max_tokens": 30},
    "cut in the reasoning": {"raw": "word " * 60 + "</think>Hi.", "max_tokens": 30},
    "refused": {"raw": "Hm.</think>Hi.", "max_tokens": 1_000_000},
}


def request(row_id: str, row: dict[str, Any]) -> str:
    """A line of the file, which makes the scripted model say this."""
    script: dict[str, Any] = {name: row[name] for name in ("raw", "split") if name in row}
    packed = base64.urlsafe_b64encode(json.dumps(script).encode()).decode().rstrip("=")
    body: dict[str, Any] = {"model": VLLM_MODEL, "messages": [{"role": "user", "content": f"Hi script-b64:{packed}"}]}
    body |= {"max_tokens": row.get("max_tokens", 900), **({"tools": OFFERED} if "call" in row_id else {})}
    return json.dumps({"custom_id": row_id, "method": "POST", "url": "/v1/chat/completions", "body": body}) + "\n"


def messages_in(path: Path) -> dict[str, dict[str, Any] | None]:
    """The answers of a file of results by their ids; None for a row without one."""
    found: dict[str, dict[str, Any] | None] = {}
    for line in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
        response = line["response"]
        if line["error"] or response["status_code"] != 200:
            found[line["custom_id"]] = None
            continue
        (choice,) = response["body"]["choices"]
        message: dict[str, Any] = choice["message"]
        calls: list[Any] = message.get("tool_calls") or []
        found[line["custom_id"]] = {
            "text": message["content"] or "",
            "reasoning": message.get("reasoning") or message.get("reasoning_content") or "",
            "calls": [(call["function"]["name"], call["function"]["arguments"]) for call in calls],
            "finish": choice["finish_reason"],
        }
    return found


def as_ours(message: dict[str, Any] | None) -> dict[str, Any] | None:
    """Their row with the two differences that are meant: docs/batch.md."""
    if message is None or not (message["text"] or message["calls"]):
        return None  # no answer is a row that failed
    return {**message, "text": message["text"].removesuffix("\n\n") if message["calls"] else message["text"]}


@pytest.mark.timeout(900)
def test_the_same_ids_and_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VLLM_URL", "VLLM_RUN_BATCH"):
        if name not in os.environ:
            pytest.skip(f"{name} is not set")
    given, ours, theirs = (tmp_path / f"{name}.jsonl" for name in ("in", "ours", "theirs"))
    given.write_text("".join(request(row_id, row) for row_id, row in ROWS.items()), encoding="utf-8")
    monkeypatch.setenv("VLLM_API_KEY", key_of("vllm"))
    run("batch", "run", str(given), "-o", str(ours), "--provider", "vllm", "--base-url", url_of("vllm"), code=1)
    command = [*shlex.split(os.environ["VLLM_RUN_BATCH"]), "-i", str(given), "-o", str(theirs)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    found, expected = messages_in(ours), messages_in(theirs)
    assert found.keys() == expected.keys() == ROWS.keys()
    assert found == {row_id: as_ours(message) for row_id, message in expected.items()}
    failed = {row_id for row_id, message in found.items() if message is None}
    assert failed == {"no end of thinking", "cut in the reasoning", "refused"}
    answer = found["calls"]
    assert answer is not None
    calls = [
        {"id": name, "type": "function", "function": {"name": name, "arguments": arguments}}
        for name, arguments in answer["calls"]
    ]
    turn = {"role": "assistant", "content": answer["text"], "reasoning": answer["reasoning"], "tool_calls": calls}
    rendered = render_prompt([{"role": "user", "content": "Hi"}, turn], tools=OFFERED).text
    assert rendered.count("Let me look.\n\n<｜DSML｜tool_calls>") == 1  # one blank line, as the model wrote it
