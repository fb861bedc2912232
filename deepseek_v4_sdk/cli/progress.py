"""The progress of long work, on one line of a terminal that disappears when the work is done."""

from __future__ import annotations

import shutil
import time
from typing import TextIO

from deepseek_v4_sdk.cli.output import in_one_line

__all__ = ["PassingLine", "Progress"]

_PATIENCE = 1.0  # seconds before anything is shown
_PAUSE = 0.1  # seconds between two changes of the line


class PassingLine:
    """A line of a terminal that each text takes from the one before. It is cut at the edge: a row below would stay.

    Args:
        stream: The stream; nothing is shown unless it is a terminal.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream if stream.isatty() else None
        self._width = 0

    @property
    def is_seen(self) -> bool:
        """Whether there is a terminal."""
        return self._stream is not None

    def show(self, text: str) -> None:
        """Show a text in place of the last one."""
        if self._stream is not None:
            text = in_one_line(text)[: shutil.get_terminal_size().columns - 1]
            self._stream.write("\r" + text.ljust(self._width))
            self._stream.flush()
            self._width = len(text)

    def end(self) -> None:
        """Remove the line."""
        if self._stream is not None and self._width:
            self._stream.write(f"\r{'':<{self._width}}\r")
            self._stream.flush()
            self._width = 0


class Progress:
    """Shows how many of a known number of things are done, and the time left at the current pace.

    Args:
        stream: The stream; nothing is shown unless it is a terminal.
        total: Number of things.
        what: Their name.
    """

    def __init__(self, stream: TextIO, total: int, what: str) -> None:
        self._line = PassingLine(stream)
        self._total = total
        self._what = what
        self._done = 0
        self._began = time.monotonic()
        self._shown = 0.0

    def step(self) -> None:
        """Count one more as done."""
        self._done += 1
        now = time.monotonic()
        if not self._line.is_seen or now - self._began < _PATIENCE or now - self._shown < _PAUSE:
            return
        self._shown = now
        left = (now - self._began) / self._done * (self._total - self._done)
        self._line.show(f"{self._done:,} of {self._total:,} {self._what}, {_in_words(left)} left")

    def end(self) -> None:
        """Remove the line."""
        self._line.end()


def _in_words(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
