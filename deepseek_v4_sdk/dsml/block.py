"""Reading text that is known to be a block of tool calls: markup in, names and JSON arguments out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

from deepseek_v4_sdk.chat import MarkupBars, read_json, spaced_json
from deepseek_v4_sdk.dsml.spelling import (
    BLOCK_END,
    BLOCK_START,
    CALL_END,
    CALL_START,
    VALUE_START,
    bars_of,
    value_end,
    worse_bars,
)

__all__ = ["Arguments", "BlockReader", "CallEnd", "CallStart", "Piece", "Text"]


@dataclass(slots=True)
class Text:
    """Text that is not markup."""

    text: str


@dataclass(slots=True)
class CallStart:
    """A call begins; its bars are those of the tags so far."""

    name: str
    bars: MarkupBars


@dataclass(slots=True)
class Arguments:
    """A piece of the open call's arguments, as JSON text."""

    text: str


@dataclass(slots=True)
class CallEnd:
    """The open call is complete; its bars are the worst of all its tags."""

    bars: MarkupBars


Piece: TypeAlias = Text | CallStart | Arguments | CallEnd
"""The parts of a text with markup."""

# A tag is short: a longer text is not a tag, whether or not its end has arrived. The same holds for blanks after a call
# without an outer tag, which may belong to the call or to the text.
_LONGEST_TAG = 512


class BlockReader:
    """Reads one block, incrementally. Text that does not fit breaks it; a broken block takes everything that follows.

    Attributes:
        done: The block has ended; `rest` is the text after it.
        broken: Something did not fit.
        raw: The unchanged block.
        rest: The text after the block.
    """

    __slots__ = (
        "_bars",
        "_block_bars",
        "_buffer",
        "_closing",
        "_count",
        "_in_call",
        "_loose",
        "_value",
        "_wrapped",
        "broken",
        "done",
        "raw",
        "rest",
    )

    def __init__(self) -> None:
        self.done = False
        self.broken = False
        self.raw: list[str] = []
        self.rest = ""
        self._buffer = ""
        self._wrapped: bool | None = None  # whether the block has an outer tag; None before the first tag
        self._block_bars: MarkupBars = "full-width"  # of the outer tag
        self._bars: MarkupBars = "full-width"  # of the open call
        self._in_call = False
        self._count = 0  # arguments of the open call so far
        # The form of the open argument: "true" (a text), "false" (JSON), "" (not given), "direct" (none is open).
        self._value: str | None = None
        self._closing = CALL_END  # the pattern that ends the open argument
        self._loose: list[str] = []  # the open argument's value, when it must be complete before it can be written

    @property
    def complete(self) -> bool:
        """Whether the text may end here: no call is open, and nothing is half read."""
        return self.done or (not self.broken and not self._in_call and not self._buffer.strip())

    def feed(self, text: str) -> list[Piece]:
        """Take more of the text; return its parts."""
        self.raw.append(text)
        pieces: list[Piece] = []
        if self.broken:
            return pieces
        self._buffer += text
        while not self.done and not self.broken:
            if not (self._read_value(pieces) if self._value is not None else self._read_tag(pieces)):
                break
        return pieces

    def end(self) -> None:
        """Note that the text has ended."""
        if not self.done and not self._in_call and self._wrapped is False:
            self._finish(self._buffer)

    def _read_tag(self, pieces: list[Piece]) -> bool:
        """Read the next tag; return whether there was one."""
        if self._in_call or self._wrapped is not False:
            self._buffer = self._buffer.lstrip()
        # Blanks after a call without an outer tag may belong to the text: they stay.
        start = len(self._buffer) - len(self._buffer.lstrip())
        if start >= _LONGEST_TAG:
            self._finish(self._buffer)
            return True
        if start == len(self._buffer):
            return False
        end = self._buffer.find(">", start, start + _LONGEST_TAG)
        if self._buffer[start] == "<" and end < 0 and len(self._buffer) - start < _LONGEST_TAG:
            return False
        tag = self._buffer[start : end + 1] if end >= 0 else ""
        if self._take_tag(tag, pieces):
            if not self.done:
                self._buffer = self._buffer[end + 1 :]
        elif self._in_call and self._count == 0 and self._buffer[start] == "{":
            # Some models put the JSON object itself into the call.
            self._value, self._closing, self._buffer = "direct", CALL_END, self._buffer[start:]
        elif not self._in_call and self._wrapped is False:
            self._finish(self._buffer)
        else:
            self.broken = True
        return True

    def _take_tag(self, tag: str, pieces: list[Piece]) -> bool:
        if self._in_call:
            self._bars = worse_bars(self._bars, bars_of(tag))
            if match := VALUE_START.fullmatch(tag):
                self._start_value(match, pieces)
                return True
            if CALL_END.fullmatch(tag):
                self._end_call(pieces, "}" if self._count else "{}")
                return True
            return False
        if match := CALL_START.fullmatch(tag):
            self._wrapped = bool(self._wrapped)
            self._in_call, self._count = True, 0
            self._bars = worse_bars(self._block_bars, bars_of(tag))
            pieces.append(CallStart(match[1], self._bars))
            return True
        if BLOCK_END.fullmatch(tag):
            self._finish(self._buffer[self._buffer.index(">") + 1 :])
            return True
        if self._wrapped is None and BLOCK_START.fullmatch(tag):
            self._wrapped, self._block_bars = True, bars_of(tag)
            return True
        return False

    def _start_value(self, match: re.Match[str], pieces: list[Piece]) -> None:
        self._value, self._closing, self._loose = match[3] or "", value_end(match[1]), []
        opening = "{" if self._count == 0 else ", "
        self._count += 1
        quote = '"' if self._value == "true" else ""
        pieces.append(Arguments(f"{opening}{spaced_json(match[2])}: {quote}"))

    def _read_value(self, pieces: list[Piece]) -> bool:
        """Continue with the open value; return whether it has ended."""
        match = self._closing.search(self._buffer)
        if match is None:
            # Only the beginning of a closing tag must be held back.
            keep = self._buffer.rfind("<", max(0, len(self._buffer) - 40))
            cut = len(self._buffer) if keep < 0 or ">" in self._buffer[keep:] else keep
            self._write_value(self._buffer[:cut], pieces)
            self._buffer = self._buffer[cut:]
            return False
        self._write_value(self._buffer[: match.start()], pieces)
        self._buffer = self._buffer[match.end() :]
        if self._value == "direct":
            self._bars = worse_bars(self._bars, bars_of(match[0]))
            self._end_call(pieces, "")
        elif self._value == "true":
            pieces.append(Arguments('"'))
        elif self._value == "":
            pieces.append(Arguments(_as_json("".join(self._loose))))
        self._value = None
        return True

    def _write_value(self, text: str, pieces: list[Piece]) -> None:
        if not text:
            return
        if self._value == "true":
            pieces.append(Arguments(spaced_json(text)[1:-1]))
        elif self._value == "":
            self._loose.append(text)
        else:
            pieces.append(Arguments(text))

    def _end_call(self, pieces: list[Piece], closing: str) -> None:
        self._in_call = False
        self._value = None
        if closing:
            pieces.append(Arguments(closing))
        pieces.append(CallEnd(self._bars))

    def _finish(self, rest: str) -> None:
        self.done = True
        self.rest, self._buffer = rest, ""


def _as_json(text: str) -> str:
    """Convert a value without a type: JSON if it is valid JSON, else a text."""
    try:
        read_json(text)
    except ValueError:
        return spaced_json(text)
    return text
