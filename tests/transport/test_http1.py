"""Our own HTTP/1.1: an HTTP library writes the same requests, and reads the same answers however they are cut."""

from __future__ import annotations

import asyncio
import socket
from typing import cast

import httpcore
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from deepseek_v4_sdk.exchange import ResponseHead
from deepseek_v4_sdk.providers import HttpCall
from deepseek_v4_sdk.transport.clock import Deadline, SystemClock
from deepseek_v4_sdk.transport.connection import CommonTransport, head_of
from deepseek_v4_sdk.transport.direct_transport import AsyncDirectTransport, DirectTransport
from deepseek_v4_sdk.transport.framing import Framer
from deepseek_v4_sdk.transport.http1 import AnswerReader, place_of, request_head
from deepseek_v4_sdk.transport.httpcore_transport import PooledTransport
from deepseek_v4_sdk.transport.request import Open
from tests.support.calls import MODES, chat
from tests.support.hostile_server import HEAD, HostileServer, chunk_of
from tests.support.wire import DONE, finish, say
from tests.transport.test_framing import BODIES, HEADS, ODD_HEADS, cut, read

MORE_HEADS = (
    b"HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\nA:\r\nB: \xc3\xa4\t\r\nC: \xe4\r\na: 2\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: Keep-Alive, close\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nA: b\r\n folded\r\nContent-Length: 3\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nA b: c\r\nContent-Length: 3\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\nA: b\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\nContent-Length: +1\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked, chunked\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: CHUNKED\r\n\r\n",
)


def read_directly(blocks: list[bytes]) -> tuple[object, bytes, bool]:
    """The blocks as our own reader takes them, and h11 where that must: head, body, and whether it is wrong."""
    framer, rest = Framer(unpacks=True), iter(blocks)
    framer.sent()
    reader = AnswerReader(framer)
    reader.begin(next((passed for block in rest if (passed := framer.feed(block))), b"") or framer.finish())
    body = [reader.take()]
    while reader.unread is None and not reader.ended:
        try:
            body.append(reader.feed(next(rest, b"")))
        except httpcore.RemoteProtocolError:
            return reader.head, b"".join(body), True
    if reader.unread is None:
        return reader.head, b"".join(body), False
    head, further, _, wrong, _ = read([reader.unread, *rest], None)
    return reader.head or head, b"".join(body) + further, wrong


def head_in(found: object) -> tuple[int, dict[str, str]] | None:
    """Status and headers of a head of ours, or of h11's."""
    if found is None:
        return None
    head = found if isinstance(found, ResponseHead) else head_of(*cast("tuple[int, list[tuple[bytes, bytes]]]", found))
    return head.status, dict(head.headers)


@given(
    head=st.sampled_from(HEADS * 3 + ODD_HEADS + MORE_HEADS * 2),
    body=BODIES,
    places=st.lists(st.integers(0, 2000), max_size=30),
    wrong=st.none() | st.tuples(st.integers(0, 2000), st.sampled_from((b"", b"x", b"0", b"\r", b"\n", b";"))),
)
@example(head=HEADS[0], body=b"1\r\na\r\n0\r\n\n", places=[], wrong=None)
@example(head=HEADS[0], body=b"1\r\na\r\n0\r\n\n", places=[60], wrong=None)
@example(head=HEADS[0], body=b"1\r\na\r\n0\r\nx y\r\n\r\n", places=[], wrong=None)
@example(head=MORE_HEADS[-3], body=b"", places=[], wrong=None)
@example(head=MORE_HEADS[-2], body=b"", places=[], wrong=None)
@example(head=MORE_HEADS[-1], body=b"1\r\na\r\n0\r\n\r\n", places=[], wrong=None)
def test_an_http_library_reads_the_same(
    head: bytes, body: bytes, places: list[int], wrong: tuple[int, bytes] | None
) -> None:
    if wrong is not None and body:
        place = wrong[0] % len(body)
        body = body[:place] + wrong[1] + body[place + 1 :]
    blocks = cut(head + body, places)
    library, ours = read(blocks, None), read_directly(blocks)
    assert ours[2] == library[3]
    assert head_in(ours[0]) == head_in(library[0]) or library[0] is None
    if library[3]:  # how much of a broken body is read before it is found out may differ
        assert library[1].startswith(ours[1]) or ours[1].startswith(library[1])
    else:
        assert ours[1] == library[1]


@pytest.mark.parametrize("trailer", [b"x\ry: z\r\n", b"x: y\n"])
def test_a_broken_end_is_found_out_before_the_connection_ends(trailer: bytes) -> None:
    framer = Framer(unpacks=True)
    framer.sent()
    reader = AnswerReader(framer)
    reader.begin(framer.feed(HEADS[0] + b"1\r\na\r\n0\r\n" + trailer + b"\r\n"))
    assert reader.unread == HEADS[0] + b"0\r\n" + trailer + b"\r\n"


def step_of(call: HttpCall, transport: CommonTransport) -> Open:
    clock = SystemClock()
    return Open(call, 5.0, Deadline(clock, clock.now() + 10), lambda: transport)


@pytest.mark.parametrize(
    ("path", "headers", "body"),
    [
        ("/v1/models?all=a b&ü=1", (("accept", "*/*"),), None),
        ("/v1/chat/completions", (("Content-Type", "application/json"), ("Authorization", "Bearer k")), b'{"a":1}'),
        ("", (("HOST", "elsewhere.example:80"), ("x-empty", "")), b""),
    ],
)
def test_an_http_library_writes_the_same(path: str, headers: tuple[tuple[str, str], ...], body: bytes | None) -> None:
    def serve(connection: socket.socket, server: HostileServer) -> None:
        server.hear(connection)
        connection.sendall(b"HTTP/1.1 204 X\r\n\r\n")

    with HostileServer(serve) as server:
        call = HttpCall("GET" if body is None else "POST", server.url + path, headers, body)
        for transport in (DirectTransport(), PooledTransport(tls=False)):
            transport.send(step_of(call, transport)).close()
            transport.close()

        async def run() -> None:
            transport = AsyncDirectTransport()
            await (await transport.send(step_of(call, transport))).close()
            await transport.aclose()

        asyncio.run(run())
    assert server.requests == [server.requests[0]] * 3


@pytest.mark.parametrize("header", [("x", "a\r\nb: c"), ("x\n", "a"), ("x y", "a"), ("", "a"), ("x", "a\0")])
def test_no_header_writes_another(header: tuple[str, str]) -> None:
    call = HttpCall("GET", "http://localhost/x", (("a", "secret"), header))
    with pytest.raises(httpcore.LocalProtocolError) as caught:
        request_head(call, place_of(call.url))
    assert "secret" not in str(caught.value)


EVENTS = [say("Hi"), finish("stop"), DONE]
WHOLE = b"".join(map(chunk_of, EVENTS)) + b"0\r\n\r\n"
ODD = {
    "a chunk with an extension": HEAD
    + chunk_of(EVENTS[0])
    + WHOLE[len(chunk_of(EVENTS[0])) :].replace(b"\r\n", b";x=1\r\n", 1),
    "a folded header": HEAD.replace(b"\r\n\r\n", b"\r\na: b\r\n c\r\n\r\n") + WHOLE,
    "bare line feeds": HEAD.replace(b"\r\n", b"\n") + WHOLE,
    "the old version": b"HTTP/1.0 200 OK\r\ncontent-type: text/event-stream\r\n\r\n" + b"".join(EVENTS),
    "the last answer of the connection": HEAD.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n") + WHOLE,
}


@pytest.mark.parametrize("mode", MODES[:2])
@pytest.mark.parametrize("what", ODD)
@pytest.mark.parametrize("split", [False, True])
def test_an_odd_answer_is_read_and_its_connection_is_not_used_again(what: str, mode: str, *, split: bool) -> None:
    def serve(connection: socket.socket, server: HostileServer) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while server.hear(connection):
            for block in cut(ODD[what], list(range(0, len(ODD[what]), 40)) if split else []):
                connection.sendall(block)
            if "old" in what:
                return

    with HostileServer(serve) as server:
        assert chat(mode, server.url, times=2).text == "Hi"
        assert server.connections == 2
