"""TLS and proxies on real sockets, over each way of carrying requests."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest
import trustme

from deepseek_v4_sdk import ConnectionFailedError
from tests.support.calls import chat, failure, in_each_mode
from tests.support.hostile_server import HEAD, HostileServer, chunk_of
from tests.support.wire import DONE, finish, say

if TYPE_CHECKING:
    import socket
    from pathlib import Path

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
