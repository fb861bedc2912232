"""A server may refuse a request before it has read it: the refusal is read, whatever becomes of the rest."""

from __future__ import annotations

import socket
import time
from typing import Any

import pytest

from deepseek_v4_sdk import APIError, AuthenticationError, Timeouts
from tests.attack.harness import HostileServer, ask, in_each_way_of_ours, json_answer, stream_answer

LARGE = {"user": "x" * 20 * 1024 * 1024}
REFUSAL = b'{"error": {"message": "not today"}}'


def read_head(connection: socket.socket) -> None:
    head = b""
    while b"\r\n\r\n" not in head:
        head += connection.recv(1000)


def take(connection: socket.socket, size: int) -> None:
    """Read so many bytes."""
    while size > 0 and (block := connection.recv(1024 * 1024)):
        size -= len(block)


def refuse(connection: socket.socket, answer: bytes) -> None:
    """Answer behind the head of a request, whose body is never read."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    read_head(connection)
    connection.sendall(answer)


def heard_of(way: str, url: str, *questions: str, **options: Any) -> list[Any]:
    return ask(way, url, *questions, options={**LARGE, **options}, timeout=Timeouts(first_event=10, total=10))


@in_each_way_of_ours
@pytest.mark.parametrize("status", [302, 400, 401, 413, 429, 503])
@pytest.mark.parametrize("wire", ["stream", "plain"])
def test_it_is_read_while_the_connection_stays_open(way: str, status: int, wire: str) -> None:
    def serve(connection: socket.socket, server: HostileServer) -> None:
        refuse(connection, json_answer(REFUSAL, status))
        server.ended.wait(20)

    started = time.monotonic()
    with HostileServer(serve) as server:
        [first, second] = heard_of(way, server.url, "a", "b", wire=wire)
        assert server.connections == 2
    for error in (first, second):
        assert isinstance(error, APIError)
        assert error.status_code == status
    assert time.monotonic() - started < 8


@in_each_way_of_ours
@pytest.mark.parametrize("part", [1.0, 0.5], ids=["whole", "cut"])
def test_it_is_read_where_the_connection_is_reset(way: str, part: float) -> None:
    """A server that closes with something unread resets the connection, perhaps in the middle of its own words."""
    answer = json_answer(REFUSAL, 401, b"connection: close")

    def serve(connection: socket.socket, server: HostileServer) -> None:
        refuse(connection, answer[: len(answer) - int(len(REFUSAL) * (1 - part))])

    with HostileServer(serve) as server:
        [error] = heard_of(way, server.url, "a")
    assert isinstance(error, AuthenticationError)


@in_each_way_of_ours
def test_interim_answers_do_not_stop_the_request(way: str) -> None:
    def serve(connection: socket.socket, server: HostileServer) -> None:
        read_head(connection)
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early")
        time.sleep(0.05)
        connection.sendall(b" Hints\r\nlink: </x>\r\n\r\n")
        take(connection, len(LARGE["user"]) - 1000)
        connection.sendall(stream_answer("whole"))
        server.ended.wait(20)

    with HostileServer(serve) as server:
        assert heard_of(way, server.url, "a") == ["whole"]


@in_each_way_of_ours
def test_an_answer_that_begins_before_all_is_sent_is_no_refusal(way: str) -> None:
    """A gateway may say 200 as soon as it has the head; it still wants the body."""
    answer = stream_answer("whole")

    def serve(connection: socket.socket, server: HostileServer) -> None:
        read_head(connection)
        connection.sendall(answer[:130])
        time.sleep(0.05)
        take(connection, len(LARGE["user"]) - 1000)
        connection.sendall(answer[130:])
        server.ended.wait(20)

    with HostileServer(serve) as server:
        assert heard_of(way, server.url, "a") == ["whole"]
