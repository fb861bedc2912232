"""Our own connection of the async client on real sockets: opened, filled, stopped up, broken and closed."""

from __future__ import annotations

import asyncio
import gc
import select
import socket
import ssl
import struct
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import httpcore
import pytest

from deepseek_v4_sdk import ConnectionFailedError, PhaseTimeoutError, Timeouts
from deepseek_v4_sdk.transport import asyncio_socket as wire
from deepseek_v4_sdk.transport.asyncio_socket import AsyncioSocket, connect
from deepseek_v4_sdk.transport.clock import deadline_of
from tests.support.calls import chat, failure, in_each_mode
from tests.support.hostile_server import HEAD, JSON_HEAD, HostileServer, chunk_of
from tests.support.wire import DONE, finish, say
from tests.transport.server import Server

MEGABYTE = 1024 * 1024
HELLO = (say("Hi"), finish("stop"), DONE)
TOO_LARGE = b'{"error": {"message": "at most 1 MB", "type": "too_large", "code": 413}}'


def on_wire(server: HostileServer, work: Callable[[AsyncioSocket], Coroutine[Any, Any, None]]) -> None:
    """Connect to a server, do something with the connection, and close it."""

    async def run() -> None:
        connection = await connect("127.0.0.1", int(server.url.rpartition(":")[2]), 10)
        try:
            await asyncio.wait_for(work(connection), 20)
        finally:
            connection.close()

    asyncio.run(run())


def waits(connection: socket.socket, server: HostileServer) -> None:
    server.ended.wait(30)


async def until(holds: Callable[[], object]) -> None:
    """Wait for something that no event tells of."""
    while not holds():  # noqa: ASYNC110
        await asyncio.sleep(0.001)


def test_who_does_not_read_stops_the_server_and_loses_nothing() -> None:
    pattern = bytes(range(256)) * 4096

    def serve(connection: socket.socket, _: HostileServer) -> None:
        for _ in range(16):
            connection.sendall(pattern)

    async def read_late(connection: AsyncioSocket) -> None:
        await asyncio.sleep(0.05)  # in which 16 MB would come
        blocks = [await connection.receive(deadline_of(10))]
        assert len(blocks[0]) < MEGABYTE
        while block := await connection.receive(deadline_of(10)):
            blocks.append(block)
        assert b"".join(blocks) == pattern * 16

    with HostileServer(serve) as server:
        on_wire(server, read_late)


def test_a_server_that_takes_no_more_is_a_write_timeout() -> None:
    async def write(connection: AsyncioSocket) -> None:
        with pytest.raises(httpcore.WriteTimeout):
            await connection.send(bytes(32 * MEGABYTE), 0.05, lambda: True)

    with HostileServer(waits) as server:
        on_wire(server, write)


def test_a_server_that_takes_bytes_slowly_gets_them_all() -> None:
    taken: list[int] = []

    def serve(connection: socket.socket, server: HostileServer) -> None:
        server.ended.wait(0.02)  # until then the buffers are full
        while block := connection.recv(MEGABYTE):
            taken.append(len(block))
            if sum(taken) == 32 * MEGABYTE:
                connection.sendall(b"all")

    async def write(connection: AsyncioSocket) -> None:
        await connection.send(bytes(32 * MEGABYTE), 10, lambda: True)
        assert await connection.receive(deadline_of(10)) == b"all"

    with HostileServer(serve) as server:
        on_wire(server, write)


def test_nothing_is_sent_into_a_connection_that_was_closed() -> None:
    async def write(connection: AsyncioSocket) -> None:
        connection.close()
        with pytest.raises(httpcore.WriteError, match="closed"):
            await connection.send(b"x", 1, lambda: True)

    with HostileServer(waits) as server:
        on_wire(server, write)


@pytest.mark.parametrize("poll", [True, False])
def test_a_connection_is_offered_only_while_nothing_has_come(poll: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also what the loop has not seen yet counts, on a system without `poll` as well."""
    if not poll:
        monkeypatch.delattr(select, "poll", raising=False)

    def serve(connection: socket.socket, server: HostileServer) -> None:
        connection.recv(1)
        connection.close()

    async def look(connection: AsyncioSocket) -> None:
        assert not connection.get_extra_info("is_readable")
        await connection.send(b"x", 1, lambda: True)
        await until(lambda: connection.get_extra_info("is_readable"))
        assert await connection.receive(deadline_of(10)) == b""
        assert connection.get_extra_info("is_readable")

    with HostileServer(serve) as server:
        on_wire(server, look)


def test_a_connection_that_was_reset_says_so_and_is_offered_no_more() -> None:
    def serve(connection: socket.socket, _: HostileServer) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.recv(1)

    async def read(connection: AsyncioSocket) -> None:
        await connection.send(b"x", 1, lambda: True)
        with pytest.raises(httpcore.ReadError, match="reset"):
            await connection.receive(deadline_of(10))
        with pytest.raises(httpcore.ReadError, match="reset"):
            await connection.receive(deadline_of(10))
        assert connection.get_extra_info("is_readable")

    with HostileServer(serve) as server:
        on_wire(server, read)


def shakes_hands(
    server: HostileServer, interrupt: Callable[[AsyncioSocket, asyncio.Task[None]], Awaitable[None]]
) -> None:
    """Begin a handshake that nobody answers, and interrupt it."""

    async def work(connection: AsyncioSocket) -> None:
        shaking = asyncio.create_task(connection.start_tls(ssl.create_default_context(), "localhost", 20))
        await until(lambda: server.requests)
        await interrupt(connection, shaking)

    on_wire(server, work)


def hears_hello(connection: socket.socket, server: HostileServer) -> None:
    server.requests.append(connection.recv(1))
    while connection.recv(65_536):
        pass
    server.requests.append(b"left")


def test_a_handshake_that_is_cancelled_leaves_no_connection_open() -> None:
    async def cancel(_: AsyncioSocket, shaking: asyncio.Task[None]) -> None:
        shaking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await shaking
        await until(lambda: server.requests[1:] == [b"left"])

    with HostileServer(hears_hello) as server:
        shakes_hands(server, cancel)


def test_closing_ends_a_handshake() -> None:
    async def close(connection: AsyncioSocket, shaking: asyncio.Task[None]) -> None:
        connection.close()
        with pytest.raises(httpcore.ConnectError, match="handshake"):
            await shaking

    with HostileServer(hears_hello) as server:
        shakes_hands(server, close)


@in_each_mode
def test_a_server_that_hangs_up_in_the_handshake_is_no_connection(mode: str) -> None:
    def serve(connection: socket.socket, _: HostileServer) -> None:
        connection.recv(1)

    with HostileServer(serve) as server:
        error = failure(mode, server.url.replace("http:", "https:"))
    assert type(error) is ConnectionFailedError


@in_each_mode
def test_an_address_that_does_not_answer_is_the_connect_timer(mode: str) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        others = [socket.socket() for _ in range(3)]
        try:
            for other in others:  # they fill the line, so that nobody else gets into it
                other.setblocking(False)
                other.connect_ex(address)
            error = failure(mode, f"http://127.0.0.1:{address[1]}", timeout=Timeouts(connect=0.1))
        finally:
            for other in others:
                other.close()
    assert (type(error), error.phase, error.seconds) == (PhaseTimeoutError, "connect", 0.1)


@pytest.fixture
def two_addresses(monkeypatch: pytest.MonkeyPatch) -> str:
    """A name that has two addresses; nobody listens at the first."""
    look_up = socket.getaddrinfo

    def both(host: Any, *arguments: Any, **options: Any) -> list[Any]:
        if host != "two.test":
            return look_up(host, *arguments, **options)
        return [info for each in ("127.0.0.2", "127.0.0.1") for info in look_up(each, *arguments, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    return "two.test"


@in_each_mode
def test_a_name_with_two_addresses_is_found_at_the_second(mode: str, two_addresses: str) -> None:
    with Server(*HELLO) as server:
        assert chat(mode, server.url.replace("127.0.0.1", two_addresses)).text == "Hi"


@in_each_mode
def test_a_name_with_two_addresses_and_nobody_there(mode: str, two_addresses: str) -> None:
    with Server() as server:
        url = server.url.replace("127.0.0.1", two_addresses)
    assert type(failure(mode, url)) is ConnectionFailedError


def test_an_address_that_is_silent_is_passed_over(two_addresses: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "_NEXT_ADDRESS", 0.05)
    with Server(*HELLO) as server, socket.socket() as silent:
        port = int(server.url.rpartition(":")[2])
        silent.bind(("127.0.0.2", port))
        silent.listen(0)
        others = [socket.socket() for _ in range(3)]
        for other in others:
            other.setblocking(False)
            other.connect_ex(("127.0.0.2", port))
        assert chat("async", server.url.replace("127.0.0.1", two_addresses)).text == "Hi"
        for other in others:
            other.close()


def refuses_early(connection: socket.socket, *, lingers: bool) -> None:
    """Answer behind the head of a request, and close."""
    head = b""
    while b"\r\n\r\n" not in head:
        head += connection.recv(1024)
    connection.sendall(JSON_HEAD % (413, len(TOO_LARGE)) + TOO_LARGE)
    if lingers:
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65_536):
            pass


def test_closing_behind_the_end_is_no_error() -> None:
    """The server says no more and takes the rest; asyncio has closed the connection itself when it is sent."""
    refused = threading.Event()

    def serve(connection: socket.socket, server: HostileServer) -> None:
        connection.shutdown(socket.SHUT_WR)
        refused.wait(10)
        while connection.recv(MEGABYTE):
            pass
        server.requests.append(b"left")

    async def write_on(connection: AsyncioSocket) -> None:
        with pytest.raises(httpcore.WriteError):
            await connection.send(bytes(32 * MEGABYTE), 10, lambda: True)
        refused.set()
        await until(lambda: server.requests)
        connection.close()
        assert await connection.receive(deadline_of(1)) == b""

    with HostileServer(serve) as server:
        on_wire(server, write_on)


@in_each_mode
def test_an_answer_that_comes_before_all_is_sent_is_read(mode: str) -> None:
    with HostileServer(lambda connection, _: refuses_early(connection, lingers=True)) as server:
        error = failure(mode, server.url, call={"extra_body": {"pad": "x" * 20 * MEGABYTE}})
    assert (error.status_code, "at most 1 MB" in str(error)) == (413, True)


def test_what_nobody_takes_is_not_kept_to_be_sent() -> None:
    """The loop ends with its last call: a connection with something to send would be left open, and warn of it."""

    def serve(connection: socket.socket, server: HostileServer) -> None:
        connection.recv(1024)
        server.ended.wait(0.3)  # by now the rest fills all buffers
        connection.sendall(JSON_HEAD % (413, len(TOO_LARGE)) + TOO_LARGE)
        server.ended.wait(30)

    with HostileServer(serve) as server:
        error = failure("aiohttp", server.url, call={"extra_body": {"pad": "x" * 20 * MEGABYTE}})
        gc.collect()
    assert error.status_code == 413


@in_each_mode
def test_so_it_is_where_the_server_takes_nothing_more(mode: str) -> None:
    """Sending fails then. An event loop drops the connection, and what the system still holds of it is read."""
    with HostileServer(lambda connection, _: refuses_early(connection, lingers=False)) as server:
        error = failure(mode, server.url, call={"extra_body": {"pad": "x" * 20 * MEGABYTE}})
    assert (error.status_code, "at most 1 MB" in str(error)) == (413, True)


@in_each_mode
def test_framing_that_comes_byte_by_byte(mode: str) -> None:
    def serve(connection: socket.socket, server: HostileServer) -> None:
        server.hear(connection)
        connection.sendall(HEAD)
        for block in (*HELLO, b""):
            framed = chunk_of(block)
            for part in (framed[:1], framed[1:3], framed[3:-1], framed[-1:]):
                server.ended.wait(0.002)  # else they come together
                connection.sendall(part)

    with HostileServer(serve) as server:
        assert chat(mode, server.url).text == "Hi"
