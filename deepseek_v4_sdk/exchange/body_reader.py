"""The body of an answer without I/O: blocks in, unpacked; a stream or a plain answer is known by its beginning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepseek_v4_sdk import errors
from deepseek_v4_sdk.exchange.answer_reader import AnswerReader
from deepseek_v4_sdk.exchange.decompression import UnpackError
from deepseek_v4_sdk.exchange.sse import is_stream

if TYPE_CHECKING:
    from collections.abc import Iterable

    from deepseek_v4_sdk.chat import ChatEvent
    from deepseek_v4_sdk.exchange.http_exchange import ResponseHead

__all__ = ["BodyReader"]


class BodyReader(AnswerReader):
    """A chat whose body is read as it arrives.

    The pieces are in its assembler; `ChatExchange` checks their completeness.
    """

    _streams: bool | None = None  # None until the first bytes decide it
    _beginning = b""

    @property
    def payload_complete(self) -> bool:
        """Whether the finish reason has arrived; a count of tokens may still come."""
        return self._streams is True and self._assembler.finish_reason is not None

    def opened(self, head: ResponseHead, now: float) -> None:
        """Take the head. A body that it calls a stream is one; for others the first bytes decide."""
        super().opened(head, now)
        kind = head.headers.get("content-type", "").lower()
        self._streams = True if kind.startswith("text/event-stream") else None

    def received(self, block: bytes, now: float) -> list[ChatEvent]:
        """Take a block of the body; return its events. `outcome` raises its faults."""
        self.last_byte_at = now
        if self._unpacker is None and self._streams and self.succeeded:
            return self._read(block, now)
        return self._open(self._unpacker.feed(block) if self._unpacker is not None else (block,), now)

    def ended(self, now: float) -> list[ChatEvent]:
        """Note that the body has ended; return the remaining events, up to the one before `Finished`."""
        events: list[ChatEvent] = []
        if self._unpacker is not None and not self.complete:
            events = self._open(self._unpacker.finish(), now)
        if self.succeeded and not self.complete:
            if self._streams:
                events += self._read_rest(now)
            else:
                events += self._whole(now)
        if not self.complete:
            events += self._finish(now)
        return events if self.succeeded else []

    def _open(self, pieces: Iterable[bytes], now: float) -> list[ChatEvent]:
        """Take the beginning of a body, and all of one that is compressed or is not a stream."""
        events: list[ChatEvent] = []
        try:
            for piece in pieces:
                if not self.succeeded or self._streams is False:
                    self._collect(piece)
                elif self._streams:
                    events += self._read(piece, now)
                else:
                    events += self._sort(piece, now)
                if self.complete:
                    break
        except UnpackError as error:
            if not self.succeeded:
                self.complete = True  # an error page is reported as far as it arrived
            else:
                self._cut_short(str(error), now)
        if self._unpacker is not None and self._unpacker.idle:
            self._unpacker = None
        return events

    def _whole(self, now: float) -> list[ChatEvent]:
        """Read a body that is not a stream and is complete."""
        try:
            self._collect(self._beginning)
            body = self.body()
        except errors.ServerError as error:
            self._stop(error, now)
            return []
        return self._plain(body, now)

    def _sort(self, piece: bytes, now: float) -> list[ChatEvent]:
        """Find out what a body is. The blanks before it, which some send while the model thinks, have no meaning."""
        beginning = (self._beginning + piece).lstrip()
        self._grow(len(self._beginning) + len(piece) - len(beginning))
        self._beginning = b""
        self._streams = is_stream(beginning)
        if self._streams:
            return self._read(beginning, now)
        if self._streams is None:
            self._beginning = beginning
        else:
            self._collect(beginning)
        return []
