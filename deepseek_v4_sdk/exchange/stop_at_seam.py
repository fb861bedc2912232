"""A stop text that spans the place where an answer goes on: the server of the rest does not see its beginning."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["StopAtSeam"]


class StopAtSeam:
    """Looks for stop texts that begin before the seam and end after it; it holds text back until none can.

    Args:
        stops: The stop texts.
        before: The text before the seam.

    Attributes:
        found: The stop text that ends the answer, or None.
    """

    __slots__ = ("_before", "_held", "_longest", "_open", "_stops", "found")

    def __init__(self, stops: Sequence[str], before: str) -> None:
        self._stops = stops
        self._longest = max(map(len, stops), default=0)
        self._before = before[-(self._longest - 1) :] if self._longest > 1 else ""
        self._held = ""
        self._open = bool(self._before)
        self.found: str | None = None

    def feed(self, text: str) -> str:
        """Take text after the seam; return the text to pass on."""
        if not self._open:
            return "" if self.found is not None else text
        self._held += text
        return self.end() if len(self._held) >= self._longest - 1 else ""

    def end(self) -> str:
        """Note that no more text of this kind follows; return the text to pass on."""
        if not self._open:
            return ""
        self._open, text, before = False, self._held, self._before
        both = before + text
        found = [(at, stop) for stop in self._stops if 0 <= (at := both.find(stop)) < len(before) < at + len(stop)]
        if not found:
            return text
        at, self.found = min(found)
        return text[: at + len(self.found) - len(before)]
