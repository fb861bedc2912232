"""Everything ends: what never stops, and what stands still, is ended by its timer, however many bytes there are."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from itertools import repeat

import pytest

from deepseek_v4_sdk import PhaseTimeoutError, Timeouts
from tests.attack.harness import Attack, HostileServer, ask, in_each_way_of_ours
from tests.support.hostile_server import HEAD, chunk_of
from tests.support.wire import say

MEGABYTE = 1024 * 1024
FLOODS: dict[str, Callable[[], Iterator[bytes]]] = {
    "interim": lambda: repeat(b"HTTP/1.1 100 Continue\r\n\r\n" * 500),
    "interim with fields": lambda: repeat(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\nx: y\r\n\r\n" * 100),
    "comments": lambda: iter([HEAD, *[chunk_of(b": still here\n\n") * 1000] * 100_000]),
    "chunks of nothing": lambda: iter([HEAD, *[chunk_of(b"\n") * 2000] * 100_000]),
    "events that say nothing": lambda: iter([HEAD, *[chunk_of(b"event: x\n\n") * 1000] * 100_000]),
}
DRIPS: dict[str, Callable[[], Iterator[bytes]]] = {
    "interim": lambda: repeat(b"HTTP/1.1 102 Processing\r\n\r\n"),
    "head": lambda: (b"%c" % byte for byte in HEAD * 50),
    "one field": lambda: iter([b"HTTP/1.1 200 OK\r\nx: ", *repeat(b"y", 500)]),
    "size of a chunk": lambda: iter([HEAD, *repeat(b"0", 500)]),
    "trailers": lambda: iter([HEAD, b"0\r\n", *repeat(b"x: y\r\n", 500)]),
}


def sends(parts: Callable[[], Iterator[bytes]], every: float = 0.0) -> Attack:
    """An attack that answers with these parts, and listens no more."""

    def serve(connection: socket.socket, server: HostileServer) -> None:
        server.hear(connection)
        for part in parts():
            connection.sendall(part)
            if every and server.ended.wait(every):
                return

    return serve


def timed(way: str, attack: Attack, timeout: Timeouts, **given: object) -> tuple[object, float]:
    with HostileServer(attack) as server:
        started = time.monotonic()
        [heard] = ask(way, server.url, "x", timeout=timeout, **given)
        return heard, time.monotonic() - started


@in_each_way_of_ours
@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
@pytest.mark.parametrize("phase", ["first_event", "total"])
def test_bytes_that_never_stop(way: str, flood: Callable[[], Iterator[bytes]], phase: str) -> None:
    heard, seconds = timed(way, sends(flood), Timeouts(**{"first_event": 30, "total": 30, phase: 0.4}))
    assert isinstance(heard, PhaseTimeoutError)
    assert (heard.phase, heard.seconds) == (phase, 0.4)
    assert 0.4 <= seconds < 10


@in_each_way_of_ours
@pytest.mark.parametrize("drip", DRIPS.values(), ids=DRIPS)
def test_bytes_that_drip(way: str, drip: Callable[[], Iterator[bytes]]) -> None:
    heard, seconds = timed(way, sends(drip, every=0.02), Timeouts(first_event=0.4, idle=30))
    assert isinstance(heard, PhaseTimeoutError)
    assert heard.phase == "first_event"
    assert 0.4 <= seconds < 10


@in_each_way_of_ours
def test_a_flood_behind_the_first_event(way: str) -> None:
    def parts() -> Iterator[bytes]:
        return iter([HEAD, chunk_of(say("Hi")), *[chunk_of(b": x\n\n") * 1000] * 100_000])

    heard, seconds = timed(way, sends(parts), Timeouts(idle=30, total=0.5))
    assert isinstance(heard, PhaseTimeoutError)
    assert heard.partial is not None
    assert (heard.phase, heard.partial.text) == ("total", "Hi")
    assert seconds < 10


@in_each_way_of_ours
def test_headers_without_end(way: str) -> None:
    """They are too many long before a timer ends them."""
    flood = sends(lambda: iter([b"HTTP/1.1 200 OK\r\n", *repeat(b"x-a: " + b"b" * 100 + b"\r\n", 1_000_000)]))
    heard, seconds = timed(way, flood, Timeouts(first_event=5))
    assert isinstance(heard, Exception)
    assert seconds < 10


@in_each_way_of_ours
@pytest.mark.parametrize("every", [None, 0.01], ids=["not at all", "slowly"])
def test_a_request_that_the_server_does_not_read(way: str, every: float | None) -> None:
    def serve(connection: socket.socket, server: HostileServer) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        while not server.ended.wait(every) and connection.recv(1024):
            pass

    heard, seconds = timed(
        way, serve, Timeouts(first_event=0.5, idle=30, total=1.0), options={"user": "x" * 16 * MEGABYTE}
    )
    assert isinstance(heard, PhaseTimeoutError)
    assert seconds < 10


def test_an_async_client_of_the_users_ends_endless_interim_answers() -> None:
    heard, seconds = timed("httpx-async", sends(FLOODS["interim"]), Timeouts(first_event=0.4))
    assert isinstance(heard, PhaseTimeoutError)
    assert seconds < 10


@in_each_way_of_ours
def test_a_handshake_that_drips_ends_with_the_connect_timer(way: str) -> None:
    """One record of TLS, byte by byte: each byte is progress, and none is an end."""

    def serve(connection: socket.socket, server: HostileServer) -> None:
        connection.recv(1024)
        for byte in b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc\x03\x03" + bytes(500):
            connection.sendall(bytes([byte]))
            if server.ended.wait(0.02):
                return

    with HostileServer(serve) as server:
        started = time.monotonic()
        [heard] = ask(way, server.url.replace("http:", "https:"), "x", timeout=Timeouts(connect=0.4))
    assert isinstance(heard, PhaseTimeoutError)
    assert heard.phase == "connect"
    assert time.monotonic() - started < 5
