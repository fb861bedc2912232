"""Arbitrary bodies: never a failure of the gateway's own, and what it refuses does not reach the server."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepseek_v4_sdk.gateway import Gateway
from deepseek_v4_sdk.testing import MockProvider
from tests.gateway.serving import PATHS, SCHEMA, TOOL, client_for, inside
from tests.support.profiles import examples

CALL = {"id": "c", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
VALID: dict[str, dict[str, Any]] = {
    "chat": {
        "model": "m",
        "messages": [
            {"role": "system", "content": "s"},
            {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
            {"role": "assistant", "content": None, "reasoning_content": "Hm.", "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "c", "content": "sun"},
        ],
        "tools": [TOOL],
        "tool_choice": "auto",
        "reasoning_effort": "low",
        "chat_template_kwargs": {"thinking": True},
        "response_format": {"type": "text"},
        "stream_options": {"include_usage": True},
        "max_tokens": 9,
        "temperature": 1,
        "stop": ["x"],
        "logit_bias": {"5": 1},
        "logprobs": False,
    },
    "messages": {
        "model": "m",
        "max_tokens": 9,
        "system": [{"type": "text", "text": "s"}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "Hm.", "signature": "s"},
                    {"type": "tool_use", "id": "c", "name": "weather", "input": {"city": "x"}},
                ],
            },
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": "sun"}]},
        ],
        "tools": [{"name": "weather", "input_schema": SCHEMA}],
        "tool_choice": {"type": "auto"},
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "output_config": {"effort": "low"},
        "stop_sequences": ["x"],
    },
    "responses": {
        "model": "m",
        "instructions": "s",
        "input": [
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]},
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}], "encrypted_content": "e"},
            {"type": "function_call", "call_id": "c", "name": "weather", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c", "output": "sun"},
        ],
        "tools": [{"type": "function", "name": "weather", "parameters": SCHEMA}, {"type": "custom", "name": "patch"}],
        "tool_choice": {"type": "function", "name": "weather"},
        "reasoning": {"effort": "low", "summary": "auto"},
        "text": {"format": {"type": "text"}},
        "max_output_tokens": 9,
    },
}
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-3, 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
)
KEYS = st.sampled_from(["type", "role", "content", "text", "name", "id", "function", "input", "effort", "schema", "x"])
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=6
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a body."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inner for place in places(item, (*path, key)))]


def with_change(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = with_change(value[path[0]], path[1:], new)
    return copy


@pytest.mark.parametrize("route", PATHS)
@pytest.mark.parametrize("flavor", ["vllm", "deepseek"])
def test_no_body_breaks_the_gateway(route: str, flavor: str) -> None:
    mock = MockProvider(flavor=flavor, count_tokens=False)
    gateway, spots = Gateway(client_for(mock)), places(VALID[route])[1:]

    @examples(15)
    @given(st.lists(st.tuples(st.sampled_from(spots), JSON), min_size=1, max_size=3), st.booleans())
    def check(changes: list[tuple[tuple[Any, ...], Any]], stream: bool) -> None:
        body: Any = {**VALID[route], "stream": stream}
        for path, new in changes:
            try:
                body = with_change(body, path, new)
            except (KeyError, IndexError, TypeError):
                continue  # an earlier change took the place away
        before = len(mock.requests)
        answer = runner.run(post(body))
        assert answer.status_code in (200, 400, 404), answer.text
        assert "Traceback" not in answer.text
        if answer.status_code != 200:
            message = answer.json()["error"]["message"]
            assert message
            assert len(mock.requests) == before or " answered 4" in message, message

    async def post(body: Any) -> Any:
        return await http.post(PATHS[route], json=body)

    with asyncio.Runner() as runner:
        http = inside(gateway)
        check()
        runner.run(http.aclose())
