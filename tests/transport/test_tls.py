"""TLS and proxies on real sockets, over each way of carrying requests."""

from __future__ import annotations

import asyncio
import ssl
import threading
from typing import TYPE_CHECKING

import pytest
import trustme

from deepseek_v4_sdk import ConnectionFailedError
from deepseek_v4_sdk.providers import HttpCall
from deepseek_v4_sdk.transport.clock import Deadline, SystemClock
from deepseek_v4_sdk.transport.direct_transport import AsyncDirectTransport
from deepseek_v4_sdk.transport.request import Open
from tests.support.calls import chat, failure, in_each_mode
from tests.support.hostile_server import HEAD, HostileServer, chunk_of
from tests.support.wire import DONE, finish, say

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator
    from pathlib import Path

    from deepseek_v4_sdk.transport.connection import AsyncResponse

AUTHORITY = trustme.CA()
CERTIFICATE = AUTHORITY.issue_cert("localhost", "127.0.0.1", "::1")
ANSWER = HEAD + b"".join(chunk_of(block) for block in (say("Hi"), finish("stop"), DONE, b""))
LONG = "x" * 3_000_000


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> str:
    file: Path = tmp_path_factory.mktemp("tls") / "authority.pem"
    AUTHORITY.cert_pem.write_to_path(str(file))
    return str(file)


def answers(connection: socket.socket, server: HostileServer) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    CERTIFICATE.configure_cert(context)
    with context.wrap_socket(connection, server_side=True) as encrypted:
        while server.hear(encrypted):
            encrypted.sendall(ANSWER)


def stands_between(connection: socket.socket, server: HostileServer) -> None:
    """A proxy that opens a tunnel, and is the server at its end."""
    server.hear(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    answers(connection, server)


@in_each_mode
def test_a_server_whose_certificate_is_given(mode: str, bundle: str) -> None:
    with HostileServer(answers) as server:
        url = server.url.replace("http", "https")
        assert chat(mode, url, times=2, ca_bundle=bundle).text == "Hi"
        assert chat(mode, url, ca_bundle=bundle, call={"extra_body": {"pad": LONG}}).text == "Hi"
        assert LONG.encode() in server.requests[-1]
    assert server.connections == 2


@in_each_mode
def test_a_certificate_that_nobody_vouches_for_is_no_connection(mode: str) -> None:
    with HostileServer(answers) as server:
        error = failure(mode, server.url.replace("http", "https"), api_key="key-123456")
        assert type(error) is ConnectionFailedError
        assert "certificate verify failed" in str(error).lower().replace("_", " ")
        assert server.requests == []


@in_each_mode
def test_a_tunnel_through_a_proxy(mode: str, bundle: str) -> None:
    with HostileServer(stands_between) as server:
        proxy = server.url.replace("//", "//me:secret@")
        reply = chat(mode, "https://localhost:9", proxy=proxy, ca_bundle=bundle, api_key="key-123456")
        assert reply.text == "Hi"
        tunnel, request = server.requests
        assert tunnel.startswith(b"CONNECT localhost:9 ")
        assert b"proxy-authorization: basic bwu6c2vjcmv0" in tunnel.lower()
        assert b"key-123456" not in tunnel
        assert b"secret" not in request
        assert b"proxy-auth" not in request.lower()
        assert b"authorization: bearer key-123456" in request.lower()


@in_each_mode
def test_a_proxy_in_front_of_a_server_without_tls(mode: str) -> None:
    def serve(connection: socket.socket, server: HostileServer) -> None:
        while server.hear(connection):
            connection.sendall(ANSWER)

    with HostileServer(serve) as server:
        proxy = server.url.replace("//", "//me:secret@")
        assert chat(mode, "http://localhost:9", proxy=proxy).text == "Hi"
        assert server.requests[0].startswith(b"POST http://localhost:9/v1/chat/completions HTTP/1.1\r\n")
        assert b"proxy-authorization: basic bwu6c2vjcmv0" in server.requests[0].lower()


@in_each_mode
def test_a_proxy_that_refuses(mode: str) -> None:
    def serve(connection: socket.socket, server: HostileServer) -> None:
        server.hear(connection)
        connection.sendall(b"HTTP/1.1 407 No\r\ncontent-length: 0\r\n\r\n")

    with HostileServer(serve) as server:
        error = failure(mode, "https://localhost:9", proxy=server.url.replace("//", "//me:secret@"))
        assert type(error) is ConnectionFailedError
        assert "secret" not in str(error) + repr(error)


def test_all_bytes_before_the_end_of_a_connection_are_read(bundle: str) -> None:
    body, closed = b"x" * 62_000, threading.Event()  # less than the system holds for a socket

    def serve(connection: socket.socket, server: HostileServer) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        CERTIFICATE.configure_cert(context)
        with context.wrap_socket(connection, server_side=True) as encrypted:
            server.hear(encrypted)
            encrypted.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + body)
        closed.set()

    async def read(server: HostileServer) -> bytes:
        transport, clock = AsyncDirectTransport(bundle), SystemClock()
        call = HttpCall("GET", server.url.replace("http", "https"))
        step = Open(call, 5.0, Deadline(clock, clock.now() + 10), lambda: transport)
        sending = asyncio.create_task(transport.send(step))
        while not server.requests:  # noqa: ASYNC110  # the server runs in a thread
            await asyncio.sleep(0)
        closed.wait(5)  # the loop stands still: all has arrived when it reads
        response = await sending
        blocks = [block async for block in _blocks_of(response)]
        await transport.aclose()
        return b"".join(blocks)

    with HostileServer(serve) as server:
        assert asyncio.run(read(server)) == body


async def _blocks_of(response: AsyncResponse) -> AsyncIterator[bytes]:
    while block := await response.read():
        yield block
