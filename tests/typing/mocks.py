"""The mock as users write it into their own tests."""

from __future__ import annotations

from pathlib import Path
from typing import assert_type

from deepseek_v4_sdk import AsyncDeepSeekV4, Conversation, DeepSeekV4, JsonValue, ToolRun
from deepseek_v4_sdk.testing import MockProvider, MockRequest, faults, make_run, script
from deepseek_v4_sdk.testing.flavors.vllm import VLLMFlavor


def scripts() -> MockProvider:
    mock = MockProvider(
        script.think("Hm.") + script.text("Hello") + script.tool_call("now"),
        script.tool_call("weather", {"city": "Paris"}),
        script.tool_call("weather", city="Paris", days=3),
        script.error(429, "slow down", headers={"retry-after": "1"}),
        script.raw(b"data: [DONE]\n\n", "text too"),
        flavor="sglang",
        default=script.text("Again"),
    )
    DeepSeekV4(mock).chat("Hi")
    AsyncDeepSeekV4(mock)
    assert_type(mock.requests, list[MockRequest])
    assert_type(mock.requests[0].body, dict[str, JsonValue])
    return mock


def conversations(talk: Conversation) -> ToolRun:
    MockProvider(*script.from_conversation(talk), *script.from_conversation(Path("talk.json"), strict=False))
    MockProvider(script.tool_call("now") | faults.cut_call(), flavor=VLLMFlavor(models=["ours"]))
    run = make_run(script.tool_call("now"), "Noon.", question=talk, results={"now": {"hour": 12}}, stopped="answered")
    assert_type(run, ToolRun)
    make_run("x", stopped="whenever")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    return run
