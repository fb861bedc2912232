"""Joining HTTP chunks changes nothing of what an HTTP library reads, however the bytes are cut, right or wrong."""

from __future__ import annotations

from itertools import pairwise

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepseek_v4_sdk.transport.framing import Framer

HEADS = (
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nX: y\r\nTransfer-Encoding:chunked \r\n\r\n",
)
ODD_HEADS = (
    b"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\n",
    b"HTTP/1.0 200 OK\r\n\r\n",
    b"HTTP/1.1 500 Oh\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nx-transfer-encoding: chunked\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
)
DATA = st.text("ab\r\n0;5", min_size=1, max_size=40).map(str.encode)


def framed(data: bytes) -> st.SearchStrategy[bytes]:
    size = b"%x" % len(data)
    lines = st.sampled_from((size, size, size, size.upper(), b"0" + size, size + b";x=1", size + b" "))
    return lines.map(lambda line: line + b"\r\n" + data + b"\r\n")


BODIES = st.tuples(
    st.lists(DATA.flatmap(framed), max_size=8).map(b"".join),
    st.sampled_from((b"0\r\n\r\n", b"0\r\n\r\n", b"0\r\nx: y\r\n\r\n", b"00\r\n\r\n", b"")),
).map(b"".join)


class Unpacked:
    """A framer that takes bodies in chunks apart: it has the content, and the library reads the rest."""

    def __init__(self) -> None:
        self.framer = Framer(unpacks=True)
        self.body: list[bytes] = []

    def sent(self) -> None:
        self.framer.sent()

    def feed(self, block: bytes) -> bytes:
        framer, head = self.framer, b""
        if not framer.in_chunks:
            head, block = framer.feed(block), framer.behind_head
        if not framer.in_chunks:
            return head
        self.body.append(framer.content(block))
        return head + framer.rest


def read(blocks: list[bytes], framer: Framer | Unpacked | None) -> tuple[object, bytes, list[object], bool, int]:
    """What h11 makes of the blocks: head, body, end, whether it is wrong, and in how many pieces it came."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("host", "x")]))
    connection.send(h11.EndOfMessage())
    head: object = None
    body: list[bytes] = []
    ends: list[object] = []
    if framer is not None:
        framer.sent()
    own = framer.body if isinstance(framer, Unpacked) else []
    try:
        for block in [*blocks, b""]:
            given_on = framer.feed(block) if framer is not None and block else block
            if block and not given_on:
                continue
            connection.receive_data(given_on)
            while (event := connection.next_event()) is not h11.NEED_DATA and event is not h11.PAUSED:
                if isinstance(event, h11.Response):
                    head = event.status_code, list(event.headers)
                elif isinstance(event, h11.Data):
                    body.append(bytes(event.data))
                elif isinstance(event, h11.EndOfMessage):
                    ends.append(list(event.headers))
                    return head, b"".join(own + body), ends, False, len(body)
                elif isinstance(event, h11.ConnectionClosed):
                    break
    except h11.RemoteProtocolError:
        return head, b"".join(own + body), ends, True, len(body)
    return head, b"".join(own + body), ends, False, len(body)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [data[start:end] for start, end in pairwise(ends)]


@given(
    head=st.sampled_from(HEADS * 4 + ODD_HEADS),
    body=BODIES,
    places=st.lists(st.integers(0, 2000), max_size=30),
    wrong=st.none() | st.tuples(st.integers(0, 2000), st.sampled_from((b"", b"x", b"0", b"\r", b"\n", b";"))),
    unpacks=st.booleans(),
)
def test_an_http_library_reads_the_same(
    head: bytes, body: bytes, places: list[int], wrong: tuple[int, bytes] | None, *, unpacks: bool
) -> None:
    if wrong is not None and body:
        place = wrong[0] % len(body)
        body = body[:place] + wrong[1] + body[place + 1 :]
    blocks = cut(head + body, places)
    plain, joined = read(blocks, None), read(blocks, Unpacked() if unpacks else Framer())
    assert joined[0] == plain[0]
    assert joined[3] == plain[3]
    if plain[3]:  # how much of a broken body is read before it is found out may differ
        assert plain[1].startswith(joined[1]) or joined[1].startswith(plain[1])
    else:
        assert joined[1:3] == plain[1:3]


@pytest.mark.parametrize("head", HEADS)
def test_what_came_together_is_one_piece(head: bytes) -> None:
    body = b"".join(b"5\r\nhello\r\n" for _ in range(1000)) + b"0\r\n\r\n"
    assert read([head + body], Framer())[4] == 1
    assert read([head + body], None)[4] == 1000


def test_nothing_of_a_body_is_held_back() -> None:
    framer = Framer()
    framer.sent()
    framer.feed(HEADS[0])
    assert framer.feed(b"8\r\nhel") == b"3\r\nhel\r\n"
    assert framer.feed(b"lo w") == b"4\r\nlo w\r\n"
    assert framer.feed(b"o\r\n5") == b"1\r\no\r\n"
    assert framer.feed(b"\r\n") == b""


def test_nothing_of_the_content_is_held_back() -> None:
    framer = Framer(unpacks=True)
    framer.sent()
    assert framer.feed(HEADS[0] + b"8\r\nh") == HEADS[0]
    assert framer.content(framer.behind_head) == b"h"
    assert framer.content(b"el") == b"el"
    assert framer.content(b"lo wo") == b"lo wo"
    assert framer.content(b"\r\n5") == b""
    assert framer.content(b"\r\nhello\r\n0\r\n\r\n") == b"hello"
    assert framer.rest == b"0\r\n\r\n"
    assert framer.clean


def test_an_answer_that_follows_is_read_anew() -> None:
    framer = Framer()
    for _ in range(3):
        framer.sent()
        assert framer.feed(HEADS[0] + b"1\r\na\r\n1\r\nb\r\n0\r\n\r\n") == HEADS[0] + b"2\r\nab\r\n0\r\n\r\n"
