"""The mock as users write it into their own tests."""

from __future__ import annotations

from typing import assert_type

from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4, JsonValue
from deepseek_v4_sdk.testing import MockProvider, MockRequest, script


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
