"""The timers on real sockets: each phase by its own, with room for slow machines, sync and async alike."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import Any

import httpx
import pytest

from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4, PhaseTimeoutError, Timeouts
from tests.support.calls import chat, failure, in_each_mode
from tests.support.hostile_server import HEAD, JSON_HEAD, HostileServer, chunk_of
from tests.support.wire import DONE, call, finish, say

COMMENT = b": keep-alive\n\n"


def test_defaults() -> None:
    timers = Timeouts()
    assert (timers.connect_seconds, timers.total_seconds) == (10, 6 * 3600)
    assert (timers.idle_seconds(in_tool_call=False), timers.idle_seconds(in_tool_call=True)) == (120, 900)
    assert timers.first_event_seconds(0) == 600
    assert timers.first_event_seconds(3_000_000) == 1_600


def says(*blocks: bytes, every: float = 0.0, end: bool = True) -> Any:
    """A server that says these blocks, then ends the answer or is silent."""

    def serve(connection: socket.socket, server: HostileServer) -> None:
        while server.hear(connection):
            connection.sendall(HEAD)
            for block in blocks:
                connection.sendall(chunk_of(block))
                server.ended.wait(every)
            if not end:
                server.ended.wait(30)
                return
            connection.sendall(b"0\r\n\r\n")

    return serve


@in_each_mode
def test_a_handshake_that_is_not_answered_is_the_connect_timer(mode: str) -> None:
    """The TCP connection opens, and nobody speaks TLS on it."""

    def serve(connection: socket.socket, server: HostileServer) -> None:
        server.ended.wait(30)

    with HostileServer(serve) as server:
        started = time.monotonic()
        url = server.url.replace("http:", "https:")
        error = failure(mode, url, timeout=Timeouts(connect=0.2), max_retries=1)
        assert server.connections == 2
    assert (type(error), error.phase, error.seconds) == (PhaseTimeoutError, "connect", 0.2)
    assert "timeout.connect" in str(error)
    assert [attempt.error for attempt in error.attempts] == ["PhaseTimeoutError"] * 2
    assert 0.4 <= time.monotonic() - started < 10


@in_each_mode
@pytest.mark.parametrize(("timer", "limit"), [("first_event", 0.2), ("total", 0.2)])
def test_connecting_has_no_more_time_than_the_others_leave(mode: str, timer: str, limit: float) -> None:
    """The error names the timer that ran out, not the longer one of the phase."""

    def serve(connection: socket.socket, server: HostileServer) -> None:
        server.ended.wait(30)

    with HostileServer(serve) as server:
        url = server.url.replace("http:", "https:")
        error = failure(mode, url, timeout=Timeouts(**{"connect": 30.0, timer: limit}))
    assert (error.phase, error.seconds) == (timer, limit)


@in_each_mode
def test_a_head_that_drips_is_the_first_event_timer(mode: str) -> None:
    def serve(connection: socket.socket, server: HostileServer) -> None:
        server.hear(connection)
        for byte in HEAD * 10:
            connection.sendall(bytes([byte]))
            if server.ended.wait(0.02):
                return

    with HostileServer(serve) as server:
        started = time.monotonic()
        error = failure(mode, server.url, timeout=Timeouts(first_event=0.3))
    assert (error.phase, error.seconds, error.partial) == ("first_event", 0.3, None)
    assert time.monotonic() - started < 5


@in_each_mode
def test_comments_are_no_first_event(mode: str) -> None:
    with HostileServer(says(*[COMMENT] * 100, every=0.05)) as server:
        error = failure(mode, server.url, timeout=Timeouts(first_event=0.4, idle=0.2))
    assert (error.phase, error.seconds) == ("first_event", 0.4)


@in_each_mode
def test_comments_are_no_silence(mode: str) -> None:
    blocks = [say("H"), *[COMMENT] * 20, say("i"), finish("stop"), DONE]
    with HostileServer(says(*blocks, every=0.05)) as server:
        assert chat(mode, server.url, timeout=Timeouts(idle=0.7)).text == "Hi"


@in_each_mode
def test_bytes_that_are_no_event_are_no_silence_but_end_with_the_total(mode: str) -> None:
    with HostileServer(says(say("Hi"), *[b"data: {"] * 200, every=0.02, end=False)) as server:
        error = failure(mode, server.url, timeout=Timeouts(idle=0.5, total=1.0))
    assert (error.phase, error.seconds, error.partial.text) == ("total", 1.0, "Hi")


@in_each_mode
def test_silence_in_a_call_names_its_phase_and_keeps_the_pieces(mode: str) -> None:
    with HostileServer(says(say("So: "), call(0, "a", "f", '{"x": '), end=False)) as server:
        error = failure(mode, server.url, timeout=Timeouts(idle=0.2))
    assert (error.phase, error.partial.text) == ("idle", "So: ")
    assert [piece.arguments for piece in error.partial.partial_tool_calls] == ['{"x": ']
    assert error.request_id
    assert error.url.endswith("/v1/chat/completions")


@in_each_mode
def test_a_plain_body_that_drips_ends_with_the_timer(mode: str) -> None:
    def serve(connection: socket.socket, server: HostileServer) -> None:
        server.hear(connection)
        connection.sendall(JSON_HEAD % (200, 10_000) + b"{")
        while not server.ended.wait(0.02):
            connection.sendall(b" ")

    with HostileServer(serve) as server:
        error = failure(mode, server.url, timeout=Timeouts(first_event=0.3), call={"wire": "plain"})
    assert (error.phase, error.seconds) == ("first_event", 0.3)


@in_each_mode
def test_a_refusal_that_never_ends_ends_with_the_timer(mode: str) -> None:
    def serve(connection: socket.socket, server: HostileServer) -> None:
        server.hear(connection)
        connection.sendall(JSON_HEAD % (503, 10_000) + b"{")
        server.ended.wait(30)

    with HostileServer(serve) as server:
        error = failure(mode, server.url, timeout=Timeouts(first_event=0.3))
    assert (type(error), error.phase) == (PhaseTimeoutError, "first_event")


@in_each_mode
def test_nothing_is_awaited_behind_done(mode: str) -> None:
    """Not even the end of the HTTP body: the connection is dropped instead."""
    with HostileServer(says(say("Hi"), finish("stop"), DONE, end=False)) as server:
        started = time.monotonic()
        assert chat(mode, server.url, times=3).text == "Hi"
        assert server.connections == 3
    assert time.monotonic() - started < 5


@in_each_mode
def test_behind_the_finish_reason_a_shorter_idle_timer_holds(mode: str) -> None:
    with HostileServer(says(say("Hi"), finish("stop"), end=False)) as server:
        started = time.monotonic()
        assert chat(mode, server.url, timeout=Timeouts(idle=0.3)).text == "Hi"
    assert 0.3 <= time.monotonic() - started < 5


def ask_foreign(mode: str, url: str, timeout: Timeouts, **settings: Any) -> Any:
    """The error, or the reply, through an HTTP client of the user's."""
    ours: dict[str, Any] = {"base_url": url, "model": "m", "max_retries": 0, "timeout": timeout}

    async def run() -> Any:
        async with httpx.AsyncClient(**settings) as theirs:
            return await AsyncDeepSeekV4("vllm", http_client=theirs, **ours).chat("x")

    if mode == "async":
        return asyncio.run(run())
    with httpx.Client(**settings) as theirs:
        return DeepSeekV4("vllm", http_client=theirs, **ours).chat("x")


@in_each_mode
def test_a_client_of_the_users_has_the_first_event_timer(mode: str) -> None:
    with HostileServer(says(end=False)) as server, pytest.raises(PhaseTimeoutError) as caught:
        ask_foreign(mode, server.url, Timeouts(first_event=0.3))
    assert (caught.value.phase, caught.value.seconds) == ("first_event", 0.3)


@in_each_mode
def test_its_deadlines_are_looked_at_with_each_block(mode: str) -> None:
    """A block that comes too late for the idle timer is noticed when it comes."""
    with HostileServer(says(say("H"), say("i"), finish("stop"), DONE, every=0.6)) as server:
        with pytest.raises(PhaseTimeoutError) as caught:
            ask_foreign(mode, server.url, Timeouts(idle=0.3))
        assert (caught.value.phase, caught.value.seconds) == ("idle", 0.3)
        assert caught.value.partial is not None
        assert caught.value.partial.text == "H"
        with pytest.raises(PhaseTimeoutError) as total:
            ask_foreign(mode, server.url, Timeouts(total=0.9))
        assert total.value.phase == "total"


@in_each_mode
def test_its_silence_ends_with_the_one_timeout_that_it_knows(mode: str) -> None:
    """It takes the time left until the first event for every read, so that a shorter idle timer waits for that."""
    with HostileServer(says(say("H"), end=False)) as server, pytest.raises(PhaseTimeoutError) as caught:
        ask_foreign(mode, server.url, Timeouts(first_event=1.0, idle=0.2))
    assert caught.value.phase == "idle"
    assert caught.value.partial is not None
    assert caught.value.partial.text == "H"
