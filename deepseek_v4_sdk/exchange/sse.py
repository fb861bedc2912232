"""Server-sent events: bytes in, events out. It knows nothing of what the events mean."""

from __future__ import annotations

import re

__all__ = ["EventTooLargeError", "SSEDecoder", "is_stream"]

_BOM = b"\xef\xbb\xbf"
_LINE_END = re.compile(rb"\r\n|\r|\n")
_DONE = b"[DONE]"
_FIELDS = (b"data", b"event", b"id", b"retry")
_LONGEST_FIELD = 5
_ERROR = "error"
_EMPTY = (b"", b"{}", b"null")


class EventTooLargeError(ValueError):
    """One event is larger than the decoder's limit.

    Attributes:
        events: The events before it in the same block.
    """

    def __init__(self, limit: int, events: list[tuple[str, bytes]]) -> None:
        super().__init__(f"an event of more than {limit} bytes")
        self.events = events


def is_stream(beginning: bytes) -> bool | None:
    """Whether a body that begins like this, without blanks, is an event stream; None where more of it is needed."""
    word = beginning.removeprefix(_BOM).lstrip()
    name, colon, _ = word[: _LONGEST_FIELD + 1].partition(b":")
    if colon:
        return not name or name in _FIELDS
    return None if any(known.startswith(word) for known in (_BOM, *_FIELDS)) else False


class SSEDecoder:
    r"""The whole grammar of event streams, incremental and linear in the number of bytes.

    Lines end with LF, CR or CRLF, a byte-order mark may come first, `data` may have several lines, the decoder skips
    comments and unknown fields, and the last event needs no blank line. Lines are joined as bytes, so that a character
    may be cut anywhere.

    Nearly every event of the servers is the one line `data: {...}` and a blank line. While there is no carriage return
    and no open event, whole blocks are split on blank lines, and only the rest is read line by line.

    Args:
        limit: The largest size in bytes of one line, and of the data of one event. A million-token answer in one event
            stays below the default, and an event of small JSON values takes about thirty times its size while it is
            read.

    Attributes:
        annotations: Name and comment of each event that has a name and no data: Dynamo puts its annotations there. One
            whose name is "error" is an event, with the comment for data.
        strays: Lines that are not part of an event stream: an error that a proxy wrote into it, or all of another body.
    """

    __slots__ = (
        "_comment",
        "_data",
        "_data_size",
        "_limit",
        "_name",
        "_rest",
        "_rest_size",
        "_skip_newline",
        "_started",
        "_stray_size",
        "annotations",
        "strays",
    )

    def __init__(self, limit: int = 8 * 1024 * 1024) -> None:
        self._limit = limit
        self._rest: list[bytes] = []  # the beginning of a line that has not ended
        self._rest_size = 0
        self._data: list[bytes] = []  # the data lines of an event that has not ended
        self._data_size = 0
        self._name = b""
        self._comment = b""
        self.annotations: list[tuple[str, bytes]] = []
        self.strays: list[bytes] = []
        self._stray_size = 0
        self._skip_newline = False  # the last block ended with CR: an LF that follows belongs to it
        self._started = False

    def feed(self, block: bytes) -> list[tuple[str, bytes]]:
        """Take received bytes; return the events that are complete, as (name, data).

        Raises:
            EventTooLargeError: An event exceeds the limit.
        """
        if self._skip_newline and block:
            self._skip_newline = False
            if block[:1] == b"\n":
                block = block[1:]
        events: list[tuple[str, bytes]] = []
        ends_line = b"\n" in block or b"\r" in block
        if not ends_line:
            self._hold(block, events)
            return events
        if self._rest:
            self._rest.append(block)
            block = b"".join(self._rest)
            self._rest = []
            self._rest_size = 0
        if not self._started:
            # The first line is complete, so a byte-order mark would be complete too.
            self._started = True
            block = block.removeprefix(_BOM)
        if b"\r" in block:
            self._lines(block, _LINE_END.split(block), events)
            return events
        if self._data or self._name or len(block) > self._limit:
            self._lines(block, block.split(b"\n"), events)
            return events
        whole, _, last = block.rpartition(b"\n\n")
        if whole[:6] == b"data: ":
            pieces = whole[6:].split(b"\n\ndata: ")
            if whole.count(b"\n") == 2 * len(pieces) - 2:  # no line ends but those
                events = [("", piece) for piece in pieces]
                whole = b""
        for piece in whole.split(b"\n\n") if whole else ():
            if piece[:6] == b"data: " and b"\n" not in piece:
                events.append(("", piece[6:]))
            else:
                self._lines(piece, [*piece.split(b"\n"), b"", b""], events)
        if last:
            self._lines(last, last.split(b"\n"), events)
        return events

    def finish(self) -> list[tuple[str, bytes]]:
        """Note that the stream has ended: return the event that had no blank line after it, if there is one.

        Raises:
            EventTooLargeError: It exceeds the limit.
        """
        rest, self._rest = b"".join(self._rest), []
        if not self._started:
            rest = rest.removeprefix(_BOM)
        events: list[tuple[str, bytes]] = []
        self._lines(rest, [rest, b"", b""], events)
        return events

    def _hold(self, piece: bytes, events: list[tuple[str, bytes]]) -> None:
        self._rest_size += len(piece)
        if self._rest_size > self._limit:
            raise EventTooLargeError(self._limit, events)
        if piece:
            self._rest.append(piece)

    def _lines(self, block: bytes, lines: list[bytes], events: list[tuple[str, bytes]]) -> None:
        """Read lines, and add the events that end; the last line has not ended yet."""
        rest = lines.pop()
        self._skip_newline = block[-1:] == b"\r"
        for line in lines:
            if not line:
                self._dispatch(events)
                continue
            field, _, value = line.partition(b":")
            value = value.removeprefix(b" ")
            if field == b"data":
                self._data_size += len(value) + 1  # an empty data line counts too
                self._data.append(value)
            elif field == b"event":
                self._name = value
            elif not field:
                self._take_comment(value)
            elif field not in _FIELDS:
                self._stray_size += len(line) + 1
                if self._stray_size <= self._limit:
                    self.strays.append(line)
            if len(line) > self._limit or self._data_size > self._limit:
                raise EventTooLargeError(self._limit, events)
            if value[:6] == _DONE and value.strip() == _DONE and len(self._data) == 1:
                # Nothing is awaited after the end, not even the blank line after it.
                self._dispatch(events)
        self._hold(rest, events)

    def _take_comment(self, comment: bytes) -> None:
        """Take a comment: one of a named event belongs to it; of others, sent only as signs of life, one is kept."""
        if self._name and self._comment:
            self._data_size += len(comment) + 1
            comment = self._comment + b"\n" + comment
        self._comment = comment

    def _dispatch(self, events: list[tuple[str, bytes]]) -> None:
        name, comment = self._name.decode("utf-8", "replace"), self._comment
        if name == _ERROR:
            data = b"\n".join(self._data)
            events.append((name, comment if comment and data.strip() in _EMPTY else data))
        elif self._data:
            events.append((name, b"\n".join(self._data)))
        elif name and comment:
            self.annotations.append((name, comment))
        if self._data_size:
            self._data = []
            self._data_size = 0
        self._name = self._comment = b""
