"""One output, cut at each of its tokens: the mock shows what real servers, and the vendor's own parser, show of it."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from deepseek_v4_sdk.testing import MockProvider, script
from deepseek_v4_sdk.testing.flavors.sglang import SGLangFlavor
from deepseek_v4_sdk.testing.flavors.vllm import VLLMFlavor
from deepseek_v4_sdk.testing.prompt_tokens import token_ends
from tests.providers.recipe import streamed
from tests.support.recorded import ROOT

TOOLS: Any = [{"type": "function", "function": {"name": name}} for name in ("get_weather", "now")]
CUTS = {server: json.loads((ROOT / "cuts" / f"{server}.json").read_text("utf-8")) for server in ("vllm", "sglang")}
STARTED = {"vllm": VLLMFlavor(version="0.32.0"), "sglang": SGLangFlavor()}
CUT_OTHERWISE = {("sglang", 9): "cut inside a character, the real one loses the word before it too"}
"""Cuts of which the mock shows something else, and why."""

PLACES = [
    pytest.param(server, cut, id=f"{server}-{cut['max_tokens']}")
    for server, told in CUTS.items()
    for cut in told["cuts"]
    if (server, cut["max_tokens"]) not in CUT_OTHERWISE
    if (server, cut["max_tokens"]) != ("sglang", 9)  # cut inside a character, it loses the word before as well
]


def joined(text: str) -> dict[str, Any]:
    """What a client reads in a stream, joined in the plainest way."""
    shown: dict[str, Any] = {"reasoning": "", "content": "", "calls": [], "finish_reason": None}
    for line in text.splitlines():
        event = json.loads(line.removeprefix("data: ")) if line.startswith("data: {") else {}
        if event.get("usage"):
            shown["completion_tokens"] = event["usage"]["completion_tokens"]
        for choice in event.get("choices", []):
            delta = choice["delta"]
            shown["reasoning"] += delta.get("reasoning") or delta.get("reasoning_content") or ""
            shown["content"] += delta.get("content") or ""
            shown["finish_reason"] = choice["finish_reason"] or shown["finish_reason"]
            for call in delta.get("tool_calls") or []:
                if call.get("id"):
                    shown["calls"].append([call["function"]["name"], ""])
                shown["calls"][-1][1] += call["function"].get("arguments") or ""
    return shown


def whole(answer: Any) -> dict[str, Any]:
    """The same of a plain answer."""
    (choice,) = answer["choices"]
    message = choice["message"]
    calls = message.get("tool_calls") or []
    return {
        "reasoning": message.get("reasoning") or message.get("reasoning_content") or "",
        "content": message["content"] or "",
        "calls": [[call["function"]["name"], call["function"]["arguments"]] for call in calls],
        "finish_reason": choice["finish_reason"],
        "completion_tokens": answer["usage"]["completion_tokens"],
    }


def ask(flavor: Any, output: str, **body: Any) -> httpx.Response:
    mock = MockProvider(script.raw_model_output(output), flavor=flavor)
    messages = [{"role": "user", "content": "Hi"}]
    with httpx.Client(transport=mock.transport, base_url="http://mock") as client:
        return client.post("/v1/chat/completions", json={"messages": messages, "tools": TOOLS, **body})


@pytest.mark.parametrize(("server", "cut"), PLACES)
def test_a_cut_as_the_real_server_has_it(server: str, cut: dict[str, Any]) -> None:
    body: dict[str, Any] = {"max_tokens": cut["max_tokens"], "chat_template_kwargs": {"thinking": True}}
    output = CUTS[server]["output"]
    assert whole(ask(STARTED[server], output, **body).json()) == cut["plain"]
    streams: Any = {"stream": True, "stream_options": {"include_usage": True}}
    assert joined(ask(STARTED[server], output, **body, **streams).text) == cut["stream"]


def test_cuts_as_the_vendors_parser_has_them() -> None:
    output = CUTS["sglang"]["output"]
    body: dict[str, Any] = {"model": "deepseek-v4-pro", "stream": True}
    for count, end in enumerate(token_ends(output)[:-1], start=1):
        asked = {**body, "messages": [{"role": "user", "content": "Hi"}], "tools": TOOLS}
        real = joined("\n".join(streamed(output[:end], 1, asked, finish="Length")))
        mine = joined(ask("deepseek", output, **body, max_tokens=count).text)
        assert [mine[key] for key in real if key != "completion_tokens"] == [
            real[key] for key in real if key != "completion_tokens"
        ], output[:end]
