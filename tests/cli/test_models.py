"""`deepseek-v4 models` and `deepseek-v4 demo`."""

from __future__ import annotations

import json

from deepseek_v4_sdk import __version__
from deepseek_v4_sdk.testing import MockProvider
from deepseek_v4_sdk.testing.server import MockServer
from tests.support.commands import run


def test_models() -> None:
    with MockServer(MockProvider(window=65_536)) as server:
        arguments = ("models", "--provider", "vllm", "--base-url", server.url)
        shown = run(*arguments).stdout
        told = json.loads(run(*arguments, "--json").stdout)
    assert shown.splitlines() == [
        f"vllm at {server.url}: 1 model",
        "  deepseek-ai/DeepSeek-V4-Pro       65,536 tokens",
    ]
    (model,) = told["models"]
    assert (model["id"], model["context_window"]) == ("deepseek-ai/DeepSeek-V4-Pro", 65_536)


def test_models_of_a_server_that_tells_no_window() -> None:
    with MockServer(MockProvider(flavor="deepseek")) as server:
        shown = run("models", "--provider", "nim", "--base-url", server.url).stdout
    assert "window not reported" in shown


def test_demo() -> None:
    shown = run("demo").stdout
    assert shown.startswith(f"deepseek_v4_sdk {__version__} on its mock")
    assert '-> get_weather {"city": "Paris"}' in shown
    assert "StreamInterruptedError: the connection to http://mock.invalid/v1/chat/completions broke" in shown
    assert "They are about why, cats, purr.\nYou wrote 4 words" in shown  # the thinking apart from the text
    assert "\x1b" not in shown
    told = json.loads(run("demo", "--json").stdout)
    assert told["tool_result"] == "18 degrees and sunny in Paris"
    assert "The sky is blue because".startswith(told["partial"])
    assert told["partial"]
