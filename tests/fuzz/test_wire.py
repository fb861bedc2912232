"""Whatever a server sends, a client raises nothing but the SDK's own errors, and all splits of it mean the same."""

from __future__ import annotations

import json
import pickle
from contextlib import suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from deepseek_v4_sdk import APIError, DeepSeekV4Error
from deepseek_v4_sdk.call.retry import RetryPolicy
from deepseek_v4_sdk.exchange.sse import EventTooLargeError, SSEDecoder
from deepseek_v4_sdk.providers import PROVIDER_NAMES, HttpCall, find_provider
from tests.fuzz.values import HEADERS, JSON, SOME, body_like, event_like
from tests.support.replay import JSON as JSON_HEADERS
from tests.support.replay import Replay, answer, ask, client_for

TOOL: dict[str, Any] = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
SERVERS = st.sampled_from(["vllm", "sglang", "nvidia", "deepseek", "dynamo"])
PIECES = st.binary(max_size=20) | st.sampled_from(
    [b"data: ", b"data:", b"data", b"\n", b"\n\n", b"\r", b"\r\n", b": x", b"event: e\n", b"[DONE]", b"\xef\xbb\xbf"]
)


def written(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=True).encode()


@SOME
@given(st.lists(PIECES, max_size=40), st.integers(1, 200))
def test_the_event_stream_takes_any_bytes_and_keeps_to_its_bound(pieces: list[bytes], limit: int) -> None:
    def decode(blocks: list[bytes]) -> list[tuple[str, bytes]] | None:
        decoder = SSEDecoder(limit)
        try:
            return [event for block in blocks for event in decoder.feed(block)] + decoder.finish()
        except EventTooLargeError:
            return None

    events = decode(pieces)
    assert events == decode([b"".join(pieces)])
    assert all(len(data) <= limit for _, data in events or [])


@SOME
@given(
    st.lists(event_like.map(written) | JSON.map(written) | st.binary(max_size=30), max_size=6), SERVERS, st.booleans()
)
def test_any_events_are_an_answer_or_one_of_our_errors(events: list[bytes], server: str, net: bool) -> None:
    """`ask` lets every foreign exception pass, and so fails the test; so does what cannot be written or pickled."""
    body = b"".join(b"data: " + event.replace(b"\n", b" ") + b"\n\n" for event in events)
    model = {"model": "pro"} if server in {"nvidia", "deepseek"} else {}
    outcome = ask(answer(body), server, tools=[TOOL], dsml="auto" if net else "off", **model)
    said = outcome.reply or (outcome.error.partial if outcome.error else None)
    if said is not None:
        repr(said.to_dict())
        pickle.loads(pickle.dumps(said))
        for call in said.tool_calls:
            assert call.error is None or isinstance(call.error, DeepSeekV4Error)
    if outcome.error is not None:
        assert len(str(outcome.error)) < 3_000
        assert type(pickle.loads(pickle.dumps(outcome.error))) is type(outcome.error)


@SOME
@given(event_like.map(written) | JSON.map(written) | st.binary(max_size=50), SERVERS)
def test_so_is_any_plain_answer(body: bytes, server: str) -> None:
    model = {"model": "pro"} if server in {"nvidia", "deepseek"} else {}
    outcome = ask(answer(body, headers=JSON_HEADERS), server, wire="plain", **model)
    assert (outcome.reply is None) == (outcome.error is not None)


@SOME
@given(
    st.sampled_from(PROVIDER_NAMES),
    st.integers(100, 599),
    HEADERS,
    body_like.map(written) | st.binary(max_size=80) | st.text(max_size=80).map(str.encode),
)
def test_any_refusal_is_an_api_error(provider: str, status: int, headers: dict[str, str], body: bytes) -> None:
    call = HttpCall(
        "POST", "http://localhost:8000/v1/chat/completions", (("authorization", "Bearer key-123456"),), b"{}"
    )
    error = find_provider(provider).refusal(status, headers, body, call)
    assert isinstance(error, APIError)
    assert error.status_code == status
    assert len(str(error)) < 3_000
    assert "key-123456" not in f"{error} {error.body} {error.code}"
    wait = RetryPolicy(max_retries=2).wait(error, 1, 0.5)
    assert wait is None or 0 <= wait <= 120
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


@SOME
@given(st.integers(200, 599), body_like.map(written) | st.binary(max_size=50))
def test_any_list_of_models_is_one_or_one_of_our_errors(status: int, body: bytes) -> None:
    with suppress(DeepSeekV4Error):
        client_for(Replay(answer(body, status=status, headers=JSON_HEADERS)), max_retries=0).models()
