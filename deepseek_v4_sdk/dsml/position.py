"""A position in a text: at the start of a line, in a fenced block, between back-ticks."""

from __future__ import annotations

import re

__all__ = ["TextPosition"]

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)", re.DOTALL)
_TICKS = re.compile(r"`+")
_LINE_END = 64  # longer than any tag that matters there


class TextPosition:
    """Follows a text through its Markdown, linear in its length."""

    __slots__ = ("_fence", "_line", "_ticks", "line_end")

    def __init__(self) -> None:
        self._line: list[str] = []  # the line that has not ended
        self._fence = ""  # the opening of the current fenced block
        self._ticks = 0  # the length of the run of back-ticks before the position
        self.line_end = ""
        """The end of the last whole line that is not blank."""

    @property
    def allows_markup(self) -> bool:
        """Whether markup here could be intended: at the start of a line, outside fences and back-ticks."""
        return not self._line and not self._fence and not self._ticks

    @property
    def allows_own_markup(self) -> bool:
        """Whether V4's own mark here could be intended: outside fences and back-ticks."""
        if self._fence:
            return False
        ticks = self._ticks
        for run in _TICKS.findall("".join(self._line)):
            ticks = len(run) if not ticks else 0 if ticks == len(run) else ticks
        return not ticks

    def advance(self, text: str) -> None:
        """Advance through a text."""
        lines = text.split("\n")
        for line in lines[:-1]:
            if self._line:
                self._line.append(line)
                line = "".join(self._line)
                self._line = []
            self._end_line(line)
        if lines[-1]:
            self._line.append(lines[-1])

    def _end_line(self, line: str) -> None:
        if not line.strip():
            self._ticks = 0  # back-ticks do not span a blank line
            return
        self.line_end = line.rstrip()[-_LINE_END:]
        fence = _FENCE.fullmatch(line)
        if self._fence:
            if fence and fence[1].startswith(self._fence) and not fence[2].strip():
                self._fence = ""
            return
        if fence and not ("`" in fence[1] and "`" in fence[2]):
            self._fence, self._ticks = fence[1], 0
            return
        for run in _TICKS.findall(line):
            if not self._ticks:
                self._ticks = len(run)
            elif self._ticks == len(run):
                self._ticks = 0
