"""A few lines at the end of a terminal that are painted repeatedly, until their content is printed permanently."""

from __future__ import annotations

import math
from itertools import chain
from typing import TYPE_CHECKING

from rich.control import Control
from rich.segment import ControlType, Segment, Segments

from deepseek_v4_sdk.cli.output import in_one_line

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

__all__ = ["Painter"]

_MOST = 12  # lines: more could leave the screen, and what has left it cannot be painted over


class Painter:
    """Paints at the end of a console.

    Args:
        console: A terminal that knows control codes.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._painted: list[list[Segment]] = []

    def paint(self, shown: RenderableType) -> None:
        """Show something in place of the last painting; of a long one, the end."""
        lines = self._lines(shown)[-max(1, min(_MOST, self._console.height - 2)) :]
        if lines == self._painted:
            return
        with self._console:
            self.erase()
            self._put(lines, ends=False)
        self._painted = lines

    def erase(self) -> None:
        """Remove the last painting."""
        if not self._painted:
            return
        # A terminal that became narrower has broken the lines into more.
        widths = map(Segment.get_line_length, self._painted)
        rows = sum(max(1, math.ceil(width / self._console.width)) for width in widths)
        up = [(ControlType.CURSOR_UP, 1), (ControlType.ERASE_IN_LINE, 2)] * (rows - 1)
        self._console.control(Control(ControlType.CARRIAGE_RETURN, (ControlType.ERASE_IN_LINE, 2), *up))
        self._painted = []

    def print(self, shown: RenderableType, *, apart: bool = False) -> None:
        """Print something permanently; `apart` puts an empty line before it."""
        lines = [*([[]] if apart else []), *self._lines(shown)]
        with self._console:
            self.erase()
            self._put(lines, ends=True)

    def _lines(self, shown: RenderableType) -> list[list[Segment]]:
        """The lines to show, without empty lines around them.

        There are no blanks at the ends of lines: a terminal that gets narrower would break them.
        """
        options = self._console.options.update(height=None)
        lines = [
            _stripped([Segment(in_one_line(text), style, control) for text, style, control in line])
            for line in self._console.render_lines(shown, options, pad=False)
        ]
        while lines and not lines[0]:
            del lines[0]
        while lines and not lines[-1]:
            del lines[-1]
        return lines

    def _put(self, lines: list[list[Segment]], *, ends: bool) -> None:
        segments = list(chain.from_iterable([*line, Segment.line()] for line in lines))
        self._console.print(Segments(segments if ends else segments[:-1]), end="", soft_wrap=True)


def _stripped(line: list[Segment]) -> list[Segment]:
    while line:
        text, style, control = line[-1]
        kept = text.rstrip(" ")
        if kept or (style is not None and style.bgcolor is not None):
            return [*line[:-1], Segment(kept or text, style, control)]
        line = line[:-1]
    return line
