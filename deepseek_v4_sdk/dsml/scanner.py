"""Finding tool calls that a server left in a text, as the text streams."""

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import groupby

from deepseek_v4_sdk.dsml.block import Arguments, BlockReader, CallEnd, Piece, Text
from deepseek_v4_sdk.dsml.position import TextPosition
from deepseek_v4_sdk.dsml.spelling import BEGINNING, BLOCK_START, opening

__all__ = ["Scanner"]

_OPENING = opening()
_OWN = "<\N{FULLWIDTH VERTICAL LINE}DSML\N{FULLWIDTH VERTICAL LINE}"
_CANDIDATE = re.compile("<(?=[\N{FULLWIDTH VERTICAL LINE}|]|\\Z)")
# After a false outer tag, a call is not one either: both belong to a text about the markup.
_ENDS_IN_OPENING = re.compile(rf"{BLOCK_START.pattern}\Z")
# The largest text that is held back until it is decided, without the name of a tool. The longest opening has 50
# characters.
_HELD = 128
# A complete text is read in pieces of this size, so that the work stays linear in its length.
_PIECE = 4096


class Scanner:
    """Splits a text into text and tool calls.

    A call counts only when its block begins at the start of a line, outside fences and back-ticks, and its first tool
    is one of those offered. Until that is decided a few characters are held back; from then on the block is markup and
    never text again. Everything else passes unchanged, and so do blank lines, except for the one before a block, which
    belongs to neither.

    Args:
        tools: The names of the offered tools.
        own: Whether the text is the model's own output. There V4's own mark is the control token: it begins a block in
            the middle of a line, too, and whatever its first tool is.

    Attributes:
        lost: The unchanged blocks that broke or did not end.
        calls: Number of calls that were found.
    """

    def __init__(self, tools: Collection[str], *, own: bool = False) -> None:
        self._tools = frozenset(tools)
        self._own = own
        self._longest = _HELD + max(map(len, self._tools), default=0)
        self._held = ""
        self._context = TextPosition()
        self._seen = 0  # the length of the held text that the context has seen
        self._unseen: list[str] = []  # text that was passed on, and that the context has not seen
        self._block: BlockReader | None = None
        self.lost: list[str] = []
        self.calls = 0

    def passes(self, text: str) -> bool:
        """Whether more of the text is only text, as nearly all of it is: it is taken then, and passes unchanged."""
        if self._block is not None or self._held or "<" in text or text[-1:] == "\n":
            return False
        self._unseen.append(text)
        return True

    def feed(self, text: str) -> list[Piece]:
        """Take more of the text; return its parts."""
        if self.passes(text):
            return [Text(text)]
        pieces: list[Piece] = []
        for start in range(0, len(text), _PIECE):
            self._read(self._held + text[start : start + _PIECE], pieces)
        return _joined(pieces)

    def finish(self) -> list[Piece]:
        """Note that the text has ended: return the part that was held back."""
        pieces: list[Piece] = []
        if self._block is not None:
            block = self._block
            block.end()
            self._end_block(block, pieces)
        if self._held:
            pieces.append(Text(self._held))
            self._held = ""
        return _joined(pieces)

    def drop_opening(self) -> bool:
        """Drop the held text when it is only the tag that opens a block; return whether it was."""
        if self._block is not None or not BLOCK_START.fullmatch(self._held.strip()):
            return False
        self._held = ""
        return True

    def drop_beginning(self, *, alone: bool) -> bool:
        """Drop the held text when it is the beginning of a block; return whether it was.

        It is one when the mark has arrived. Before the mark it may be any text, unless no text precedes it.

        Args:
            alone: Whether there is no text before it.
        """
        begins = BEGINNING.match(self._held.lstrip()) or (alone and self._held.lstrip().startswith("<"))
        if self._block is not None or not begins:
            return False
        self._held = ""
        return True

    def drop_blank_line(self) -> None:
        """Drop the held text when it is a blank line: calls follow, and it belongs to their markup."""
        if self._block is None and self._held == "\n\n":
            self._held = ""

    @property
    def held(self) -> str:
        """The text that is held back."""
        return self._held

    @property
    def in_block(self) -> bool:
        """Whether a block is open."""
        return self._block is not None

    def _read(self, text: str, pieces: list[Piece]) -> None:
        self._held = ""
        while text:
            if self._block is not None:
                block = self._block
                self._take(block.feed(text), pieces)
                if not block.done:
                    return
                text = block.rest
                block.rest = ""
                self._end_block(block, pieces)
                continue
            start, decided = self._find(text)
            before = text[:start]
            if decided and not (self._own and not before.endswith("\n\n")):
                before = before.removesuffix("\n").removesuffix("\n")
            self._pass(before, pieces)
            if start > self._seen:
                self._unseen.append(text[self._seen : start])
            self._seen = max(0, self._seen - start)
            text = text[start:]
            if not decided:
                self._held = text
                return
            self._block, self._seen = BlockReader(), 0

    def _find(self, text: str) -> tuple[int, bool]:
        """The index of the first block, and True; or of the text to hold back, and False."""
        for candidate in _CANDIDATE.finditer(text):
            at = candidate.start()
            match = _OPENING.match(text, at)
            if match is not None:
                if at > self._seen or self._unseen:
                    self._context.advance("".join((*self._unseen, text[self._seen : at])))
                    self._unseen.clear()
                    self._seen = at
                own = self._own and _is_own(match[0])
                allowed = self._context.allows_own_markup if own else self._context.allows_markup
                if allowed and not _ENDS_IN_OPENING.search(self._context.line_end):
                    name = match[match.lastindex] if match.lastindex else None
                    if name is not None and match[0].endswith('"'):
                        if (own or name in self._tools) and len(match[0]) <= self._longest:
                            return at, True
                    elif len(text) - at < self._longest:
                        return _with_blank_line(text, at), False
        return _with_blank_line(text, len(text)), False

    def _pass(self, text: str, pieces: list[Piece]) -> None:
        if text:
            pieces.append(Text(text))

    def _take(self, found: list[Piece], pieces: list[Piece]) -> None:
        self.calls += sum(isinstance(piece, CallEnd) for piece in found)
        pieces += found

    def _end_block(self, block: BlockReader, pieces: list[Piece]) -> None:
        self._block = None
        self._context.advance(">")  # after a block the position is not at the start of a line
        if not block.complete:
            self.lost.append("".join(block.raw))
        elif block.rest:
            pieces.append(Text(block.rest))


def _is_own(text: str) -> bool:
    """Whether an opening, or a beginning of one, has V4's own mark, with single full-width bars."""
    return _OWN.startswith(text) or (text.startswith(_OWN) and not text.startswith(_OWN + _OWN[1]))


def _with_blank_line(text: str, at: int) -> int:
    """Go back over up to two line ends: they belong to a block that may follow."""
    if text[:at].endswith("\n\n"):
        return at - 2
    return at - 1 if text[:at].endswith("\n") else at


def _joined(pieces: list[Piece]) -> list[Piece]:
    """Join neighbouring pieces of a kind."""
    joined: list[Piece] = []
    for kind, group in groupby(pieces, type):
        if kind is Text or kind is Arguments:
            joined.append(kind("".join(piece.text for piece in group if isinstance(piece, Text | Arguments))))
        else:
            joined += group
    return joined
