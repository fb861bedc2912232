"""Finding the ends of answers among the bytes of a connection, and joining HTTP chunks that arrived together.

A connection may be used again only after an answer that is seen to have ended, with nothing after it: later bytes would
be taken for the next answer (RFC 9112, section 6.3). So the framing is read here, before the HTTP library does, and
it drops bytes outside any answer.

Servers send each event in a separate chunk, and an HTTP library spends more on a chunk than on its content. So the
default transport takes the content of a body in chunks from the framer (`content`). httpcore and aiohttp get joined
chunks: those of one read become one.

The framer follows only clear framing; it passes all else on unchanged, so that the library reads or refuses it, and
does not keep the connection.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["Framer"]

_HEAD_END = re.compile(rb"\n\r?\n")
_STATUS = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})[ \r\n]")
_FRAMING = re.compile(rb"\n(content-length|transfer-encoding)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE)
_LENGTH = re.compile(rb"[0-9]{1,15}")
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})\r\n")
_SIZE_BEGUN = re.compile(rb"[0-9A-Fa-f]{0,8}\r?")
_LAST = re.compile(rb"0{1,8}\r\n(?:[^\r\n]+\r\n)*\r\n")
_LONGEST_HEAD = 64 * 1024
_LEAST_REFUSAL = 300

# The kind of the next bytes.
_NOTHING: Final = 0  # no answer is awaited
_HEAD: Final = 1
_LENGTH_OF_BODY: Final = 2  # of a body with a known length
_CHUNKS: Final = 3
_LAST_CHUNK: Final = 4
_ANYTHING: Final = 5  # the library reads it, and its end is not known


class Framer:
    """Reads the bytes of one connection and passes them on, with fewer and larger chunks and the same body.

    It holds back nothing of a body: a part of a chunk is passed on as a chunk. A head is passed on when it is complete.
    Interim answers (1xx) end here: the client waits for none, and an endless series of them is not a head.

    Args:
        unpacks: Whether `content` takes the bodies in chunks, and not `feed`.
    """

    __slots__ = ("_end", "_held", "_left", "_next", "_spoilt", "behind_head", "rest", "status", "unpacks")

    def __init__(self, *, unpacks: bool = False) -> None:
        self.unpacks = unpacks
        self.status = 0
        """The status of the answer; 0 until its head has arrived, 999 where that is not a head of HTTP/1."""
        self.rest = b""
        """The bytes for the library after the last content: the end of the answer, or framing that is not clear."""
        self.behind_head = b""
        """The first bytes of a body in chunks, which arrived before `content` was called."""
        self._next = _NOTHING
        self._spoilt = False
        self._held: bytes = b""  # of a head, of the line of a chunk's size, or of the last chunk
        self._left = 0  # of a body, or of a chunk that has arrived in part
        self._end = b""  # the bytes that must follow that chunk

    @property
    def clean(self) -> bool:
        """Whether the connection may be used again: an answer has ended, and nothing follows it."""
        return self._next == _NOTHING and not self._spoilt

    @property
    def busy(self) -> bool:
        """Whether an answer is awaited or under way."""
        return self._next != _NOTHING

    @property
    def unclear(self) -> bool:
        """Whether the framing is not clear, or the connection has ended: the library reads what was passed on."""
        return self._next == _ANYTHING

    @property
    def refuses(self) -> bool:
        """Whether the rest of the request should not be sent after this answer."""
        return self.status >= _LEAST_REFUSAL

    def spoil(self) -> None:
        """Mark the connection as not to be used again."""
        self._spoilt = True

    def sent(self) -> None:
        """Note that a request was sent: the next bytes are the head of its answer."""
        self._next, self._held, self._left, self._end, self.status = _HEAD, b"", 0, b"", 0
        self.rest = self.behind_head = b""

    @property
    def in_chunks(self) -> bool:
        """Whether `content` takes the next bytes."""
        return self._next == _CHUNKS and self.unpacks

    def content(self, data: bytes) -> bytes:
        """Take bytes of a body in chunks, and return their content: none, where they are only a part of the framing."""
        if start := self._only_chunk(data):
            return data[start:-2]
        pieces, self.rest = self._split(data)
        return b"".join(pieces)

    def feed(self, data: bytes) -> bytes:
        """Take bytes, and return those to pass on: none, where they are only a part of the framing."""
        what = self._next
        if what == _CHUNKS:
            if self.unpacks:
                self.behind_head += data
                return b""
            if self._only_chunk(data):
                return data
            pieces, rest = self._split(data)
            return _chunk(pieces) + rest
        if what == _LENGTH_OF_BODY:
            left = self._left
            self._left = left - len(data)
            return data if self._left > 0 else self._ended(data, left)
        if what == _HEAD:
            return self._head(data)
        if what == _LAST_CHUNK:
            return self._last(data)
        if what == _ANYTHING:
            return data
        self._spoilt = self._spoilt or bool(data)
        return b""

    def leave(self) -> bytes:
        """Leave the answer to the library: pass on everything from now, and return the bytes that were kept back."""
        behind, self.behind_head = self.behind_head, b""
        return self._through(behind)

    def finish(self) -> bytes:
        """The bytes to pass on when the connection has ended: an incomplete head."""
        held, self._held = self._held, b""
        what, self._next, self._spoilt = self._next, _ANYTHING, True
        return held if what == _HEAD else b""

    def _ended(self, data: bytes, end: int) -> bytes:
        self._next = _NOTHING
        if end == len(data):
            return data
        self._spoilt = True
        return data[:end]

    def _through(self, data: bytes) -> bytes:
        """Pass on this and all later data unchanged."""
        self._next, self._held = _ANYTHING, b""
        return data

    def _head(self, data: bytes) -> bytes:
        before = len(self._held)
        data = self._held + data
        at, start = 0, max(0, before - 2)
        while True:
            line = _STATUS.match(data, at)
            if line is None and (len(data) - at > 16 or not _may_begin(data[at:])):
                self.status = 999
                return self._through(data[at:])
            found = _HEAD_END.search(data, start)
            if found is None or line is None:
                self._held = data[at:]
                if len(self._held) <= _LONGEST_HEAD:
                    return b""
                self.status = 999
                return self._through(self._held)
            status, end = int(line[2]), found.end()
            if status >= 200 or status == 101:
                break
            at = start = end
            if at == len(data):
                self._held = b""
                return b""
        self._held, self.status = b"", status
        return self._body(data[at:] if at else data, end - at, is_old=line[1] == b"0")

    def _body(self, head: bytes, end: int, *, is_old: bool) -> bytes:
        """Continue after a complete head."""
        status = self.status
        if status in {204, 304}:
            return self._ended(head, end)
        framing = _FRAMING.findall(head, 0, end)
        if is_old or status == 101 or len(framing) != 1:
            return self._through(head)
        name, value = framing[0][0].lower(), framing[0][1].strip(b" \t")
        if name == b"transfer-encoding" and value.lower() == b"chunked":
            self._next = _CHUNKS
        elif name == b"content-length" and _LENGTH.fullmatch(value):
            self._next, self._left = _LENGTH_OF_BODY, int(value)
        else:
            return self._through(head)
        if self._next == _CHUNKS and self.unpacks:
            self.behind_head = head[end:]
            return head[:end]
        if end == len(head) and not (self._next == _LENGTH_OF_BODY and self._left == 0):
            return head
        return head[:end] + self.feed(head[end:])

    def _only_chunk(self, data: bytes) -> int:
        """The place of the content in bytes that are exactly one chunk; 0 for others."""
        if self._held or self._left or self._end or data[-2:] != b"\r\n" or (found := _SIZE.match(data)) is None:
            return 0
        start, size = found.end(), int(found[1], 16)
        return start if 0 < size == len(data) - start - 2 else 0

    def _split(self, data: bytes) -> tuple[list[bytes], bytes]:
        """The content of the chunks, and the bytes that follow it where these are not chunks with content."""
        pieces: list[bytes] = []
        at, size = 0, len(data)
        if self._held:
            data, self._held = self._held + data, b""
            size = len(data)
        elif self._left or self._end:
            at = min(self._left, size)
            pieces.append(data[:at])
            self._left -= at
            end = data[at : at + len(self._end)]
            if end != self._end[: len(end)]:
                # a chunk without its end: no size begins like this
                return pieces, self._through(b";" + data[at:])
            at += len(end)
            self._end = self._end[len(end) :]
        whole, at = _whole_chunks(data, at)
        pieces += whole
        while at < size:
            found = _SIZE.match(data, at)
            if found is None:
                if _SIZE_BEGUN.fullmatch(data, at) is None:
                    return pieces, self._through(data[at:])
                self._held = data[at:]
                break
            start = found.end()
            stop = start + int(found[1], 16)
            if start == stop:
                self._next = _LAST_CHUNK
                return pieces, self._last(data[at:])
            end = data[stop : stop + 2]
            if end != b"\r\n":
                if end != b"\r\n"[: len(end)]:
                    return pieces, self._through(data[at:])
                self._left, self._end = max(0, stop - size), b"\r\n"[len(end) :]
            pieces.append(data[start:stop])
            at = stop + 2
        return pieces, b""

    def _last(self, data: bytes) -> bytes:
        """Pass on the last chunk and the trailers after it, up to their end."""
        before = len(self._held)
        last = self._held + data
        found = _LAST.match(last)
        if found is not None:
            self._held = b""
            return self._ended(data, found.end() - before)
        if len(last) > _LONGEST_HEAD:
            return self._through(data)
        self._held = last
        return data


def _whole_chunks(data: bytes, at: int) -> tuple[list[bytes], int]:
    """The contents of complete chunks, and the place of the next one.

    It reads all sizes at once, where none has a zero before it or a capital letter, and no content has a line break of
    HTTP. Otherwise it returns no contents.
    """
    parts = (data[at:] if at else data).split(b"\r\n")
    count = (len(parts) - 1) // 2
    contents = parts[1 : 2 * count : 2]
    if contents and not contents[-1]:  # the last chunk
        contents.pop()
        count -= 1
    if [b"%x" % len(content) for content in contents] != parts[0 : 2 * count : 2] or b"" in contents:
        return [], at
    return contents, len(data) - sum(map(len, parts[2 * count :])) - 2 * (len(parts) - 2 * count - 1)


def _may_begin(data: bytes) -> bool:
    """Whether bytes can be the beginning of an HTTP/1 head."""
    return data[:9] in {b"HTTP/1.0 "[: len(data[:9])], b"HTTP/1.1 "[: len(data[:9])]}


def _chunk(pieces: list[bytes]) -> bytes:
    content = b"".join(pieces)
    return b"%x\r\n%b\r\n" % (len(content), content) if content else b""
