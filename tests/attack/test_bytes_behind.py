"""Bytes behind an answer belong to nobody: the next call never takes them for its own (RFC 9112, section 6.3)."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from typing import Any

import pytest

from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4Error
from deepseek_v4_sdk.transport.aiohttp_protocol import FramedHandler
from deepseek_v4_sdk.transport.asyncio_network import AsyncTimedStream
from deepseek_v4_sdk.transport.network import TimedStream
from deepseek_v4_sdk.transport.sockets import is_readable
from tests.attack.harness import (
    HostileServer,
    answered,
    ask,
    bare_answer,
    in_each_way,
    in_each_way_of_ours,
    json_answer,
    stream_answer,
)

FOREIGN = stream_answer("foreign")
REFUSAL = b'{"error": {"message": "no"}}'
FIRST = {
    "200": stream_answer("first"),
    "204": bare_answer(204),
    "304": bare_answer(304),
    "404": json_answer(REFUSAL, 404),
    "503": json_answer(REFUSAL, 503),
    "empty": json_answer(b"", 500),
    "in chunks": b"HTTP/1.1 503 Said\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nx-trailer: y\r\n\r\n",
}
in_each_first = pytest.mark.parametrize("first", FIRST.values(), ids=FIRST)


def kind(heard: object) -> str:
    return "error" if isinstance(heard, DeepSeekV4Error) else str(heard)


@in_each_way
@in_each_first
def test_a_second_answer_behind_the_first(way: str, first: bytes) -> None:
    with HostileServer(answered(first + FOREIGN, FOREIGN)) as server:
        heard = ask(way, server.url, "a", "b", "c")
        assert "foreign" not in map(kind, heard)
        assert server.connections == 3


@in_each_way
@in_each_first
def test_an_unfinished_answer_behind_the_first(way: str, first: bytes) -> None:
    """The rest of it would come with the next call."""
    head = FOREIGN[:30]
    with HostileServer(answered(first + head, FOREIGN[30:])) as server:
        assert "foreign" not in map(kind, ask(way, server.url, "a", "b"))
        assert server.connections == 2


@in_each_way
@in_each_first
@pytest.mark.parametrize("size", [len(FOREIGN), 30], ids=["whole", "begun"])
def test_an_answer_that_comes_while_the_connection_is_idle(way: str, first: bytes, size: int) -> None:
    def serve(connection: socket.socket, server: HostileServer) -> None:
        server.hear(connection)
        connection.sendall(first)
        time.sleep(0.02)
        connection.sendall(FOREIGN[:size])
        if server.hear(connection):
            connection.sendall(FOREIGN[size:] or FOREIGN)

    with HostileServer(serve) as server:
        assert "foreign" not in map(kind, ask(way, server.url, "a", "b", pause=0.08))
        assert server.connections == 2


@in_each_way
def test_behind_a_plain_answer(way: str) -> None:
    with HostileServer(answered(json_answer("first") + json_answer("foreign"), json_answer("foreign"))) as server:
        assert ask(way, server.url, "a", "b", options={"wire": "plain"}) == ["first", "first"]
        assert server.connections == 2


@in_each_way
@pytest.mark.parametrize("status", [429, 503])
def test_behind_a_refusal_that_is_tried_again_within_the_call(way: str, status: int) -> None:
    right = stream_answer("right")

    def serve(connection: socket.socket, server: HostileServer) -> None:
        is_first = server.connections == 1
        while server.hear(connection):
            connection.sendall(json_answer(REFUSAL, status, b"retry-after: 0.01") + FOREIGN if is_first else right)

    with HostileServer(serve) as server:
        assert ask(way, server.url, "a", max_retries=1) == ["right"]
        assert server.connections == 2


@in_each_way
def test_one_byte_is_enough(way: str) -> None:
    with HostileServer(answered(json_answer("first") + b"\n", json_answer("second"))) as server:
        assert ask(way, server.url, "a", "b", options={"wire": "plain"}) == ["first", "first"]
        assert server.connections == 2


@in_each_way
def test_a_connection_without_such_bytes_is_kept(way: str) -> None:
    with HostileServer(answered(*[json_answer("first")] * 3)) as server:
        assert ask(way, server.url, "a", "b", "c", options={"wire": "plain"}) == ["first"] * 3
        assert server.connections == 1


@in_each_way
def test_what_an_old_server_says_when_it_closes_an_idle_connection(way: str) -> None:
    """HAProxy and others send 408 on an idle connection: it is no answer to the request that comes next."""

    def serve(connection: socket.socket, server: HostileServer) -> None:
        server.hear(connection)
        connection.sendall(json_answer("right"))
        time.sleep(0.02)
        connection.sendall(json_answer(b"", 408, b"connection: close"))

    with HostileServer(serve) as server:
        assert ask(way, server.url, "a", "b", options={"wire": "plain"}, pause=0.08) == ["right", "right"]


class Moment:
    """Lets bytes come in the moment after the client asked whether an idle connection is silent.

    Args:
        patch: To take the client's question over with.
        way: Of the client.
        first: The answer to the first request.
        late: What comes in that moment.
        right: The answer to any other request, on any connection.
    """

    def __init__(self, patch: pytest.MonkeyPatch, way: str, first: bytes, late: bytes, right: bytes) -> None:
        self.is_near = False  # the next question is the one
        self._comes = threading.Event()
        self._answers = first, late, right
        cls, name = {
            "sync": (TimedStream, "get_extra_info"),
            "async": (AsyncTimedStream, "get_extra_info"),
            "aiohttp": (FramedHandler, "is_connected"),
        }[way]
        asked = getattr(cls, name)

        def ask(connection: Any, *what: str) -> object:
            answer = asked(connection, *what)
            if self.is_near and what in {(), ("is_readable",)}:
                self.is_near = False
                self._comes.set()
                holder = connection.transport if way == "aiohttp" else connection
                ends = time.monotonic() + 5
                while not is_readable(holder.get_extra_info("socket")) and time.monotonic() < ends:
                    time.sleep(0.001)
            return answer

        patch.setattr(cls, name, ask)

    def serve(self, connection: socket.socket, server: HostileServer) -> None:
        first, late, right = self._answers
        server.hear(connection)
        if server.connections == 1:
            connection.sendall(first)
            self._comes.wait(5)
            connection.sendall(late)
            server.hear(connection)
        connection.sendall(right)

    def come_near(self) -> None:
        self.is_near = True


@in_each_way_of_ours
@pytest.mark.parametrize("size", [len(FOREIGN), 30], ids=["whole", "begun"])
def test_bytes_that_come_after_the_pool_has_chosen_the_connection(
    way: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between that and the first byte of the request a busy program may do much else."""
    moment = Moment(monkeypatch, way, stream_answer("first"), FOREIGN[:size], stream_answer("right"))
    with HostileServer(moment.serve) as server:
        assert ask(way, server.url, "a", "b", between=moment.come_near) == ["first", "right"]
        assert server.connections == 2


def test_the_same_before_a_request_without_a_body(monkeypatch: pytest.MonkeyPatch) -> None:
    def listed(name: str) -> bytes:
        return json_answer(b'{"object": "list", "data": [{"id": "%s", "object": "model"}]}' % name.encode())

    moment = Moment(monkeypatch, "aiohttp", stream_answer("first"), listed("foreign"), listed("right"))

    async def run(url: str) -> list[str]:
        async with AsyncDeepSeekV4("vllm", base_url=url, model="m", transport="aiohttp", max_retries=0) as client:
            await client.chat("a")
            moment.come_near()
            return [model.id for model in await client.models()]

    with HostileServer(moment.serve) as server:
        assert asyncio.run(run(server.url)) == ["right"]
