"""The help of commands on a narrow terminal: names above their texts, and no boxes, so that no word is broken."""

from __future__ import annotations

import shutil
from typing import Any

import typer

__all__ = ["adapt_help", "is_narrow"]

_NARROW = 60  # columns


def is_narrow() -> bool:
    """Whether a table with boxes would break words."""
    return shutil.get_terminal_size().columns < _NARROW


def adapt_help() -> None:
    """Put names above their texts in the help of every command of this process."""
    context: Any = typer.Context.__mro__[1]  # the parser's own; its module is not public
    if not getattr(context.formatter_class, "narrow", False):
        context.formatter_class = _narrow(context.formatter_class)


def _narrow(formatter: Any) -> Any:
    class Narrow(formatter):  # type: ignore[misc]  # see above
        narrow = True

        def __init__(self, indent_increment: int = 2, width: int | None = None, max_width: int | None = None) -> None:
            super().__init__(  # pyright: ignore[reportUnknownMemberType]
                indent_increment, shutil.get_terminal_size().columns - 1, max_width
            )

        def write_dl(self, rows: Any, col_max: int = 0, col_spacing: int = 0) -> None:
            del col_max, col_spacing
            for name, text in rows:
                self.write_text(name)
                with self.indentation():
                    self.write_text(text)

    return Narrow
