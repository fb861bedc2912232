"""Joining the HTTP chunks that arrived together, before the HTTP library sees them.

Servers send each event in a chunk of its own, and httpcore spends eight microseconds on each chunk: more than on all
that is in it. What one read brought is one chunk as well. Only framing that is plain to see is touched; whatever else
comes goes on as it is, so that the library reads or refuses it.
"""

from __future__ import annotations

import re

__all__ = ["ChunkJoiner"]

_HEAD_END = re.compile(rb"\n\r?\n")
_CHUNKED = re.compile(rb"\ntransfer-encoding:[ \t]*chunked[ \t]*\r?\n", re.IGNORECASE)
_LONGEST_HEAD = 64 * 1024
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})\r\n")
_SIZE_BEGUN = re.compile(rb"[0-9A-Fa-f]{0,8}\r?")


class ChunkJoiner:
    """Reads the bytes of one connection and gives them on, with fewer and larger chunks and the same body.

    Nothing of a body is held back: a chunk that has come in part goes on as a chunk of that part.
    """

    __slots__ = ("_end", "_held", "_in_body", "_in_head", "_left")

    def __init__(self) -> None:
        self._in_head = False
        self._in_body = False  # of a body in chunks; in no head and no such body, bytes go through
        self._held = b""  # of a head, or of the line of a chunk's size
        self._left = 0  # of a chunk that has come in part
        self._end = b""  # what must come behind it

    def sent(self) -> None:
        """A request was sent: the next bytes are the head of its answer."""
        self._in_head, self._in_body, self._held, self._left, self._end = True, False, b"", 0, b""

    def joined(self, data: bytes) -> bytes:
        """What to give on for bytes that came: nothing, where they hold no more than a part of the framing."""
        if self._in_body:
            return self._join(data)
        if not self._in_head:
            return data
        head = self._held + data
        found = _HEAD_END.search(head, max(0, len(self._held) - 2))
        if found is None:
            self._held = head if len(head) <= _LONGEST_HEAD else b""
            self._in_head = len(head) <= _LONGEST_HEAD
            return data
        before, self._held, self._in_head = len(self._held), b"", False
        end = found.end()
        fields = head[: found.start() + 1]
        if head[:13] != b"HTTP/1.1 200 " or fields.lower().count(b"transfer-encoding") != 1:
            return data
        self._in_body = _CHUNKED.search(fields) is not None
        if not self._in_body or end == len(head):
            return data
        return head[before:end] + self._join(head[end:])

    def _join(self, data: bytes) -> bytes:
        pieces: list[bytes] = [b""]
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
                return self._through(pieces, b";" + data[at:])  # a chunk without its end: no size begins so
            at += len(end)
            self._end = self._end[len(end) :]
        while at < size:
            found = _SIZE.match(data, at)
            if found is None:
                if _SIZE_BEGUN.fullmatch(data, at) is None:
                    return self._through(pieces, data[at:])
                self._held = data[at:]
                break
            start = found.end()
            stop = start + int(found[1], 16)
            if start == stop:  # the last chunk
                return self._through(pieces, data[at:])
            end = data[stop : stop + 2]
            if end != b"\r\n":
                if end != b"\r\n"[: len(end)]:
                    return self._through(pieces, data[at:])
                self._left, self._end = max(0, stop - size), b"\r\n"[len(end) :]
            elif at == 0 and stop + 2 == size:
                return data  # one whole chunk
            pieces.append(data[start:stop])
            at = stop + 2
        return _chunk(pieces)

    def _through(self, pieces: list[bytes], rest: bytes) -> bytes:
        """From here on bytes go through as they are."""
        self._in_body = False
        return _chunk(pieces) + rest


def _chunk(pieces: list[bytes]) -> bytes:
    size = sum(map(len, pieces))
    if not size:
        return b""
    pieces[0] = b"%x\r\n" % size
    pieces.append(b"\r\n")
    return b"".join(pieces)
