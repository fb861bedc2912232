"""The raw output of a model, read as it streams: reasoning, text and tool calls. It does no I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from deepseek_v4_sdk.dsml import CallStart, Piece, Scanner, Text

if TYPE_CHECKING:
    from collections.abc import Collection

    from deepseek_v4_sdk.providers import Completions

__all__ = ["RawPiece", "RawText", "Reasoning"]

_OPEN = "<think>"
_CLOSE = "</think>"
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


@dataclass(slots=True)
class Reasoning:
    """A piece of reasoning."""

    text: str


RawPiece: TypeAlias = Reasoning | Piece
"""The parts of a model's output."""


class RawText:
    """Splits a model's output into reasoning, text and calls, with the blanks that its server would show.

    Any split of the output gives the same joined parts. The reader holds back a text that may still belong to a mark,
    or to blanks that the server would take away, until it is decided.

    Args:
        tools: The names of the offered tools; without any, markup of calls is text.
        rules: The reading of the server's own parsers.
        thinks: Whether the output begins inside reasoning.

    Attributes:
        thinks: Whether the next character would be reasoning.
        calls: Number of calls that are complete.
        lost: The unchanged blocks of calls that broke or did not end.
    """

    __slots__ = (
        "_begun",
        "_blanks",
        "_cut",
        "_held",
        "_marks",
        "_rules",
        "_scanner",
        "_tools",
        "calls",
        "lost",
        "thinks",
    )

    def __init__(self, tools: Collection[str], rules: Completions, *, thinks: bool) -> None:
        self._tools = tuple(tools)
        self._rules = rules
        self._marks = {True: _marks(rules, thinks=True), False: _marks(rules, thinks=False)}
        self._held = ""  # a possible beginning of a mark
        self._cut = ""  # half of a character, as a server writes it where the limit cut it
        self._blanks = ""  # blanks that the next piece shows, or nothing does
        self._begun = False  # whether the reasoning, or the text, has begun
        self._scanner = self._new_scanner()
        self.thinks = thinks
        self.calls = 0
        self.lost: list[str] = []

    @property
    def in_call(self) -> bool:
        """Whether a block of calls is open."""
        return self._scanner is not None and self._scanner.in_block

    def feed(self, text: str) -> list[RawPiece]:
        """Take more of the output; return its parts."""
        text, self._held, self._cut = self._held + self._cut + text, "", ""
        if text.endswith(_REPLACEMENT):
            text, self._cut = text[:-1], _REPLACEMENT
        pieces: list[RawPiece] = []
        while text:
            marks = None if self._past_marks else self._marks[self.thinks]
            if marks is None:
                self._scan(text, pieces)
                break
            mark = marks.search(text)
            if mark is None:
                keep = _begun_mark(text)
                self._scan(text[: len(text) - keep], pieces)
                rest = text[len(text) - keep :]
                if self._past_marks:
                    self._scan(rest, pieces)
                else:
                    self._held = rest
                break
            self._scan(text[: mark.start()], pieces)
            text = text[mark.start() :]
            if self._past_marks:
                continue
            self._switch(pieces, thinks=mark[0] == _OPEN)
            text = text[len(mark[0]) :]
        return pieces

    def finish(self, *, cut: bool) -> list[RawPiece]:
        """Note that the output has ended: return the parts that were held back.

        Args:
            cut: Whether a limit or a stop text ended it, and not the model. Then half a character is left out, and so
                is the beginning of a block of calls.
        """
        pieces: list[RawPiece] = []
        held, self._held = self._held + ("" if cut else self._cut), ""
        self._cut = ""
        if held:
            self._scan(held, pieces)
        if self._scanner is not None and cut:
            self._scanner.drop_beginning(alone=False)
        self._end_scanner(pieces)
        if self._blanks and (not self.thinks or self._rules.trims != "end_of_reasoning"):
            pieces.append(Reasoning(self._blanks) if self.thinks else Text(self._blanks))
        self._blanks = ""
        return pieces

    @property
    def _past_marks(self) -> bool:
        """Whether a call has begun: from then on marks are a part of it, or of the text after it."""
        return bool(self.calls) or self.in_call

    def _scan(self, text: str, pieces: list[RawPiece]) -> None:
        if not text:
            return
        if self._scanner is None:
            self._show(text, pieces)
            return
        before = self._scanner.calls
        self._pass(self._scanner.feed(text), pieces)
        self.calls += self._scanner.calls - before

    def _pass(self, found: list[Piece], pieces: list[RawPiece]) -> None:
        for piece in found:
            if isinstance(piece, Text):
                self._show(piece.text, pieces)
                continue
            if isinstance(piece, CallStart):  # it ends the reasoning
                self.thinks, self._blanks, self._begun = False, "", True
            pieces.append(piece)

    def _show(self, text: str, pieces: list[RawPiece]) -> None:
        """Add text or reasoning, without the blanks that the server takes away."""
        trims = self._rules.trims
        if trims == "line_ends" and not self._begun:
            text = text.lstrip("\n")
        if not text:
            return
        text, self._blanks = self._blanks + text, ""
        if self.thinks:
            shown = text if trims is None else text.rstrip(None if trims == "end_of_reasoning" else "\n")
        else:
            # A call drops the blanks before it where there is nothing else.
            shown = text if self._begun or text.strip() else ""
        self._blanks = text[len(shown) :]
        if shown:
            self._begun = True
            pieces.append(Reasoning(shown) if self.thinks else Text(shown))

    def _switch(self, pieces: list[RawPiece], *, thinks: bool) -> None:
        """Go through a mark of reasoning."""
        self._end_scanner(pieces)
        self._scanner = self._new_scanner()
        if self.thinks:
            self._blanks = ""
        elif self._blanks and thinks:
            pieces.append(Text(self._blanks))
            self._blanks = ""
        if self.thinks != thinks:
            self._begun = False
        self.thinks = thinks

    def _end_scanner(self, pieces: list[RawPiece]) -> None:
        if self._scanner is not None:
            before = self._scanner.calls
            self._pass(self._scanner.finish(), pieces)
            self.calls += self._scanner.calls - before
            self.lost += self._scanner.lost
            self._scanner.lost.clear()

    def _new_scanner(self) -> Scanner | None:
        return Scanner(self._tools, own=True) if self._tools else None


def _marks(rules: Completions, *, thinks: bool) -> re.Pattern[str] | None:
    """The marks of reasoning that the server's parser reads in reasoning, or in text."""
    if rules.rethinks:
        return re.compile(f"{_OPEN}|{_CLOSE}")
    return re.compile(_CLOSE) if thinks or rules.drops_ends else None


def _begun_mark(text: str) -> int:
    """The number of characters at the end of a text that may begin a mark."""
    for size in range(len(_CLOSE) - 1, 0, -1):
        end = text[-size:]
        if _CLOSE.startswith(end) or _OPEN.startswith(end):
            return min(size, len(text))
    return 0
