"""HTTP/1.1 without I/O: a request as bytes, and an answer out of bytes, as far as it is plain.

httpcore reads every other answer, from its beginning.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import httpcore

from deepseek_v4_sdk.transport.addresses import wire_url
from deepseek_v4_sdk.transport.connection import head_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deepseek_v4_sdk.exchange import ResponseHead
    from deepseek_v4_sdk.providers import HttpCall
    from deepseek_v4_sdk.transport.framing import Framer

__all__ = ["AnswerReader", "Origin", "Place", "place_of", "request_head"]

# The grammar of RFC 9110 and RFC 9112 without what they deprecate: no folded lines, and no bare line feeds.
_TOKEN = r"[-!#$%&'*+.^_`|~0-9A-Za-z]+"  # noqa: S105
_VALUE = r"[^\0\r\n\v\f]*+"
_HEAD = re.compile(rf"HTTP/1\.1 ([0-9]{{3}})(?: {_VALUE})?\r\n((?:{_TOKEN}:{_VALUE}\r\n)*+)\r\n".encode())
_FIELDS = re.compile(rf"(?:{_TOKEN}:{_VALUE}\r\n)*+")
_LAST_CHUNK = re.compile(rf"0+\r\n(?:{_TOKEN}:{_VALUE}\r\n)*+\r\n".encode())
_HALF_LINE_BREAK = re.compile(rb"(?<!\r)\n|\r(?!\n|\Z)")


class Origin(NamedTuple):
    """The server of a connection."""

    uses_tls: bool
    host: str
    port: int


class Place(NamedTuple):
    """The place of a URL: its server, its target (path and query), and the value of the header `Host`."""

    origin: Origin
    target: str
    host_field: str


@lru_cache(maxsize=256)
def place_of(url: str) -> Place:
    """Take a URL apart."""
    parts = urlsplit(wire_url(url))
    uses_tls = parts.scheme == "https"
    origin = Origin(uses_tls, parts.hostname or "", parts.port or (443 if uses_tls else 80))
    return Place(origin, parts.path + (f"?{parts.query}" if parts.query else ""), parts.netloc)


def request_head(call: HttpCall, place: Place) -> bytes:
    """Write the head of a request.

    Raises:
        httpcore.LocalProtocolError: A header has characters that HTTP does not allow.
    """
    fields = "".join([f"{name}: {value}\r\n" for name, value in call.headers])
    if _FIELDS.fullmatch(fields) is None or fields.count("\n") != len(call.headers):
        raise httpcore.LocalProtocolError("a header of the request has a line break, or its name is not one of HTTP")
    host = "" if "host" in [name.lower() for name, _ in call.headers] else f"Host: {place.host_field}\r\n"
    length = "" if call.body is None else f"Content-Length: {len(call.body)}\r\n"
    return f"{call.method} {place.target} HTTP/1.1\r\n{host}{fields}{length}\r\n".encode("ascii")


class AnswerReader:
    """Reads one answer: bytes in, its head and content out.

    Args:
        framer: The framer of the connection, which knows that a request was sent.

    Attributes:
        head: Status and headers, after `begin`; None where httpcore reads the answer.
        keeps: Whether the server keeps the connection open after it.
        unread: The bytes with which httpcore begins to read the answer, once it must; what `feed` has returned is the
            beginning of its content.
    """

    __slots__ = ("_begun", "_content", "_framer", "_last", "head", "keeps", "unread")

    def __init__(self, framer: Framer) -> None:
        self._framer = framer
        self._content = b""
        self._begun = b""  # the head of an answer in chunks
        self._last = b""  # the beginning of its last chunk
        self.head: ResponseHead | None = None
        self.keeps = False
        self.unread: bytes | None = None

    @property
    def ended(self) -> bool:
        """Whether the answer has ended."""
        return not self._framer.busy

    def begin(self, data: bytes) -> None:
        """Take the first bytes that the framer has passed on: the head, and the content as far as it has arrived."""
        framer = self._framer
        found = None if framer.unclear else _HEAD.match(data)
        head = None if found is None else head_of(int(found[1]), _fields(found[2]))
        if found is None or head is None or _has_odd_framing(head):
            self.unread = data + framer.leave()
            return
        self.head = head
        connection = head.headers.get("connection")
        self.keeps = connection is None or "close" not in map(str.strip, connection.lower().split(","))
        if framer.in_chunks:
            self._begun = data
            if behind := framer.behind_head:
                framer.behind_head = b""
                self._content = self.feed(behind)
        else:
            self._content = data[found.end() :]

    def take(self) -> bytes:
        """Take the content that arrived with the head."""
        content, self._content = self._content, b""
        return content

    def feed(self, data: bytes) -> bytes:
        """Take bytes that have arrived, and return their content: none, where they are only a part of the framing.

        Raises:
            httpcore.RemoteProtocolError: There are none: the connection has ended.
        """
        framer = self._framer
        if not data:
            framer.finish()
            raise httpcore.RemoteProtocolError("the server closed the connection before the end of its answer")
        if not self._begun:
            return framer.feed(data)
        content = b""
        if framer.in_chunks:
            content = framer.content(data)
            self._last, framer.rest = framer.rest, b""
        else:
            self._last += framer.feed(data)
        if self._last:
            self._check_end()
        return content

    def _check_end(self) -> None:
        """Check what follows the content: httpcore judges it unless it is plain."""
        framer = self._framer
        is_plain = _LAST_CHUNK.fullmatch(self._last) if self.ended else not _HALF_LINE_BREAK.search(self._last)
        if framer.unclear or not is_plain:
            self.unread = self._begun + self._last
            framer.leave()


def _has_odd_framing(head: ResponseHead) -> bool:
    """Whether httpcore must judge the fields that frame the body: it may refuse them, or change their values."""
    coding = head.headers.get("transfer-encoding")
    return coding not in {None, "chunked"} or (
        head.status in {204, 304} and (coding is not None or "content-length" in head.headers)
    )


def _fields(lines: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the names and values of a head's lines."""
    for line in lines.split(b"\r\n")[:-1]:
        name, _, value = line.partition(b":")
        yield name, value.strip(b" \t")
