"""A hostile server: whatever it sends, the answer is a typed error in time, and memory is bounded."""

from __future__ import annotations

import gzip
import json
import socket
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from aiohttp.http_exceptions import HttpProcessingError
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from deepseek_v4_sdk import APIError, ConnectionFailedError, DeepSeekV4Error, ServerError, StreamInterruptedError
from deepseek_v4_sdk.exchange import answer_reader as reading
from deepseek_v4_sdk.exchange import http_exchange as transfer
from deepseek_v4_sdk.exchange.sse import SSEDecoder
from deepseek_v4_sdk.providers import HttpCall, find_provider
from deepseek_v4_sdk.providers.refusals import error_event
from deepseek_v4_sdk.providers.scrub import scrub
from deepseek_v4_sdk.transport.failures import as_failure
from tests.support.calls import MODES, chat, failure, in_each_mode
from tests.support.hostile_server import HEAD, JSON_HEAD, HostileServer, chunk_of
from tests.support.profiles import paired
from tests.support.replay import JSON, Replay, answer, ask, client_for
from tests.support.wire import DONE, FRAME, chunk, finish, say, sse

MEGABYTE = 1024 * 1024


def pours(head: bytes, block: bytes, most: int = 120 * MEGABYTE) -> Callable[[socket.socket, HostileServer], None]:
    """A server that sends a head and then the block again and again, until the client has gone."""

    def serve(connection: socket.socket, server: HostileServer) -> None:
        server.hear(connection)
        connection.sendall(head)
        for _ in range(most // len(block)):
            connection.sendall(block)
        server.ended.wait(2)

    return serve


def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bounds, small enough to be met quickly."""
    monkeypatch.setattr(transfer, "_LONGEST_BODY", MEGABYTE)
    monkeypatch.setattr(reading, "_LONGEST_STREAM", MEGABYTE)
    monkeypatch.setattr(reading, "SSEDecoder", lambda: SSEDecoder(MEGABYTE // 8))


def stream_of(block: bytes) -> bytes:
    return chunk_of(block * (65_536 // len(block) + 1))


ENDLESS: dict[str, tuple[bytes, bytes, type[DeepSeekV4Error], str]] = {
    "a line": (HEAD, chunk_of(b"x" * 65_536), ServerError, "an event of more than"),
    "an event": (HEAD, stream_of(b"data: [1, 2, 3],\n"), ServerError, "an event of more than"),
    "empty lines of data": (HEAD, stream_of(b"data\n"), ServerError, "an event of more than"),
    "comments": (HEAD, stream_of(b": wait\n\n"), ServerError, "a stream of more than"),
    "events without a name": (HEAD, stream_of(b"id: 7\n\n"), ServerError, "a stream of more than"),
    "an answer": (HEAD, stream_of(say("word ")), StreamInterruptedError, "a stream of more than"),
    "a plain body": (JSON_HEAD % (200, 10**12), b" " * 65_536, ServerError, "exceeds"),
    "a page of an error": (JSON_HEAD % (400, 10**12), b"x" * 65_536, APIError, "answered 400"),
    "headers": (b"HTTP/1.1 200 OK\r\n", b"x-more: " + b"y" * 1_000 + b"\r\n", ConnectionFailedError, ""),
    "one header": (b"HTTP/1.1 200 OK\r\nx: ", b"y" * 65_536, ConnectionFailedError, ""),
    "a status line": (b"HTTP/1.1 200 ", b"O" * 65_536, ConnectionFailedError, ""),
    "no HTTP at all": (b"", b"\x00\xff\x13" * 20_000, ConnectionFailedError, ""),
    "a size of a chunk": (HEAD, b"0" * 65_536, DeepSeekV4Error, ""),
    "trailers": (HEAD + b"0\r\n", b"x-more: " + b"y" * 1_000 + b"\r\n", DeepSeekV4Error, ""),
}


@pytest.mark.parametrize(("case", "mode"), paired(ENDLESS, MODES))
def test_what_does_not_end_is_ended(case: str, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    small(monkeypatch)
    head, block, kind, text = ENDLESS[case]
    started = time.monotonic()
    with HostileServer(pours(head, block)) as server:
        tracemalloc.start()
        try:
            error = failure(mode, server.url, call={"wire": "plain"} if "plain" in case else {})
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert isinstance(error, kind)
    assert text in str(error)
    assert len(str(error)) < 2_000
    assert peak < 60 * MEGABYTE
    assert time.monotonic() - started < 60


@in_each_mode
def test_a_hundred_megabytes_of_an_error_are_not_read(mode: str) -> None:
    """With the bounds as they are."""
    with HostileServer(pours(JSON_HEAD % (400, 100 * MEGABYTE), b"x" * MEGABYTE)) as server:
        tracemalloc.start()
        try:
            error = failure(mode, server.url)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert error.status_code == 400
    assert peak < 20 * MEGABYTE


def event(**more: Any) -> bytes:
    return sse({**FRAME, "choices": [], **more})


HUGE = 10**400
ODD: dict[str, bytes] = {
    "deep JSON": b"data: " + b'{"a":' * 5_000 + b"1" + b"}" * 5_000 + b"\n\n",
    "deep lists": b"data: " + b"[" * 100_000 + b"\n\n",
    "a number of 100,000 digits": b'data: {"choices": [], "id": ' + b"9" * 100_000 + b"}\n\n",
    "a number beyond a float": b'data: {"choices": [], "usage": {"completion_tokens": 1e999}}\n\n',
    "a count beyond a float": event(usage={"completion_tokens": HUGE, "prompt_tokens": -HUGE, "total_tokens": HUGE}),
    "an index beyond a machine word": chunk({"tool_calls": [{"index": HUGE, "function": {"name": "f"}}]}),
    "a status of 5,000 digits": sse({"error": {"message": "x", "code": "9" * 5_000}}),
    "a reason that is a list": chunk({"content": "x"}, finish_reason=[[HUGE]]),
    "arguments that are deep": chunk(
        {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": "[" * 50_000}}]}
    ),
    "arguments with a huge number": chunk(
        {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": '{"x": ' + "9" * 9_000 + "}"}}]}
    ),
    "half a character": b'data: {"choices": [{"delta": {"content": "\\ud83d"}}]}\n\n',
    "no UTF-8": b'data: {"choices": [{"delta": {"content": "\xff\xfe"}}]}\n\n',
    "NaN": b'data: {"choices": [], "usage": {"total_tokens": NaN}}\n\n',
    "a key of a megabyte": sse({"k" * MEGABYTE: 1}),
}


@pytest.mark.parametrize("case", ODD)
def test_an_odd_event_is_an_answer_or_a_typed_error(case: str) -> None:
    """`ask` lets nothing but the SDK's own errors pass; the reply and its partials can be put into words."""
    outcome = ask(answer(say("Hi") + b"", finish("stop"), ODD[case], say("!"), DONE))
    assert len(str(outcome.error)) < 2_000
    said = outcome.reply or outcome.partial
    assert said.text.startswith("Hi")
    repr(said)
    said.to_dict()
    early = ask(answer(ODD[case], finish("stop"), DONE))
    assert early.error is not None or early.reply is not None
    assert len(str(early.error)) < 2_000


@pytest.mark.parametrize(
    "event",
    [
        '{"choices": [], "usage": {"completion_tokens": 1, "speed": N}}',
        '{"choices": [], "of_its_own": [{"speed": N}]}',
        '{"choices": [{"delta": {"content": "!"}, "logprobs": {"content": [{"token": "!", "logprob": N}]}}]}',
        '{"choices": [{"delta": {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments":'
        ' {"x": N}}}]}}]}',
    ],
    ids=["usage", "a field of its own", "logprobs", "arguments"],
)
@pytest.mark.parametrize("number", ["NaN", "1e999", "-1e999"])
def test_a_number_that_is_none_ends_the_answer(event: str, number: str) -> None:
    data = f"data: {event}\n\n".encode()
    finite = ask(answer(say("Hi"), data.replace(b"N", b"-1e99"), finish("stop"), DONE))
    assert finite.error is None
    outcome = ask(answer(say("Hi"), data.replace(b"N", number.encode()), finish("stop"), DONE))
    assert type(outcome.error) is StreamInterruptedError
    assert "vllm sent something that is not an answer" in str(outcome.error)
    assert outcome.partial.text.startswith("Hi")


def refused(status: int, body: bytes, **headers: str) -> APIError:
    call = HttpCall("POST", "http://localhost:8000/v1/chat/completions", (("authorization", "Bearer key-123456"),))
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return find_provider("vllm").refusal(status, named, body, call)


@pytest.mark.parametrize(
    "text",
    [
        "maximum context length is " + "9" * 5_000,
        "maximum context length is 5 tokens. However, your prompt contains " + "9" * 5_000 + " input tokens",
        "end of life on 9999-99-99",
    ],
)
def test_numbers_in_a_refusal_may_be_of_any_length(text: str) -> None:
    assert refused(400, json.dumps({"error": {"message": text}}).encode()).status_code == 400


def test_an_error_event_keeps_its_words_whatever_its_code() -> None:
    error = error_event("vllm", {"error": {"message": "the words", "code": "9" * 5_000}})
    assert error is not None
    assert "the words" in str(error)
    assert error.status_code is None


@in_each_mode
def test_what_is_no_http_is_not_quoted_at_length(mode: str) -> None:
    def serve(connection: socket.socket, server: HostileServer) -> None:
        server.hear(connection)
        connection.sendall(b"NOT HTTP " * 6_000 + b"\r\n\r\n")
        server.ended.wait(30)

    with HostileServer(serve) as server:
        error = failure(mode, server.url)
    assert "NOT HTTP" in str(error)
    assert len(str(error)) < 2_000


def test_an_error_of_aiohttp_without_words_has_those_of_its_cause() -> None:
    where = aiohttp.RequestInfo(
        URL("http://localhost"), "POST", CIMultiDictProxy(CIMultiDict()), URL("http://localhost")
    )
    silent = aiohttp.ClientResponseError(where, (), status=0, message="")
    silent.__cause__ = HttpProcessingError()
    silent.__cause__.__cause__ = ValueError("NOT HTTP")
    assert str(as_failure(silent)) == "NOT HTTP"
    silent.__cause__ = None
    assert str(as_failure(silent)) == "ClientResponseError"


@pytest.mark.parametrize(
    "date",
    [
        "Wed, 21 Oct 2015 07:28:00 +99999999999999999999",
        "Wed, 21 Oct 99999999999999999999 07:28:00 GMT",
        "Mon, 1 Jan 9999 23:59:59 -2359",
        "9" * 5_000,
    ],
)
def test_retry_after_may_be_any_nonsense(date: str) -> None:
    error: Any = refused(503, b"", retry_after=date)
    assert error.retry_after is None or error.retry_after >= 0


PIECES = ["org ", "org-", "/@", "/a//", "input_value=", "'input': {", "function id ", "sk-", "account id"]
GAPS = [" ", "-", "_ ", ":="]


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("start", "piece"),
    [*(("", piece) for piece in (*PIECES, "The supported API model names are ")), *(("org", gap) for gap in GAPS)],
)
def test_a_refusal_of_a_megabyte_is_read_at_once(start: str, piece: str) -> None:
    """No pattern takes time that grows faster than the text."""
    text = start + piece * (MEGABYTE // len(piece))
    started = time.monotonic()
    refused(400, json.dumps({"error": {"message": text}}).encode())
    scrub(text)
    assert time.monotonic() - started < 10


@in_each_mode
def test_a_compressed_answer_that_nobody_asked_for_does_not_become_a_large_one(mode: str) -> None:
    packed = gzip.compress(b"data: " + b" " * 50 * MEGABYTE)

    def serve(connection: socket.socket, server: HostileServer) -> None:
        request = server.hear(connection)
        assert b"accept-encoding: identity" in request.lower()
        head = HEAD.replace(b"\r\n\r\n", b"\r\ncontent-encoding: gzip\r\n\r\n")
        connection.sendall(head + chunk_of(packed) + b"0\r\n\r\n")

    with HostileServer(serve) as server:
        tracemalloc.start()
        try:
            failure(mode, server.url)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 20 * MEGABYTE


@in_each_mode
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_takes_no_key_along(status: int, mode: str) -> None:
    def elsewhere(connection: socket.socket, server: HostileServer) -> None:
        server.hear(connection)

    with HostileServer(elsewhere) as other:

        def serve(connection: socket.socket, server: HostileServer) -> None:
            server.hear(connection)
            connection.sendall(
                b"HTTP/1.1 %d X\r\nlocation: %s/v1\r\ncontent-length: 0\r\n\r\n" % (status, other.url.encode())
            )

        with HostileServer(serve) as server:
            error = failure(mode, server.url, api_key="key-123456", max_retries=2)
            assert len(server.requests) == 1
        assert other.requests == []
    assert (error.status_code, "not followed" in str(error)) == (status, True)


def test_a_long_answer_is_no_hostile_one() -> None:
    """A reply of ten megabytes in small pieces comes through whole."""
    reply = client_for(Replay(answer(*[say("word " * 200)] * 10_000, finish("stop"), DONE))).chat("x")
    assert len(reply.text) == 10_000_000


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"data": [{"id": 5}]}', "a model without an id"),
        (b"[" * 1000, "no JSON"),
        (b'{"data": [{"id": "m", "max_model_len": 1e999}]}', "no JSON"),
        (b"\xff", "no JSON"),
    ],
)
def test_an_odd_list_of_models_is_an_error_of_the_server(body: bytes, told: str) -> None:
    with pytest.raises(ServerError, match=told) as raised:
        client_for(Replay(answer(body, headers=JSON)), max_retries=0).models()
    assert len(str(raised.value)) < 2_000


@pytest.mark.parametrize("body", [b'{"count": 1e999}', b'{"count": "9"}', b"[" * 1000, b"\xff", b"{}"])
def test_an_odd_count_of_tokens_is_an_error_of_the_server(body: bytes) -> None:
    with pytest.raises(ServerError) as raised:
        client_for(Replay(answer(body, headers=JSON)), max_retries=0, model="m").count_tokens("Hi", source="server")
    assert len(str(raised.value)) < 2_000


@in_each_mode
def test_informational_answers_without_end_end_with_the_timer(mode: str) -> None:
    from deepseek_v4_sdk import Timeouts

    def serve(connection: socket.socket, server: HostileServer) -> None:
        server.hear(connection)
        while not server.ended.wait(0.005):
            connection.sendall(b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n")

    with HostileServer(serve) as server:
        error = failure(mode, server.url, timeout=Timeouts(first_event=0.4))
    assert isinstance(error, DeepSeekV4Error)


def test_the_helpers_can_say_something_ordinary() -> None:
    def serve(connection: socket.socket, server: HostileServer) -> None:
        server.hear(connection)
        connection.sendall(HEAD + chunk_of(say("Hi") + finish("stop") + DONE) + b"0\r\n\r\n")

    with HostileServer(serve) as server:
        assert chat("sync", server.url).text == "Hi"
