"""The output of a command: the only place where texts of servers, models, tools and files reach the terminal.

A terminal obeys control characters in a text: they can make it fill the clipboard, show one address and open another,
or hide a line. So each control character is shown as a mark, unless the user requested the bytes with `--raw`.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import textwrap
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

if TYPE_CHECKING:
    from rich.console import Console

__all__ = [
    "Raw",
    "choose_raw",
    "colors",
    "in_one_line",
    "is_raw",
    "live_console",
    "say",
    "say_json",
    "say_paragraph",
    "visible",
]

_C0 = {code: chr(0x2400 + code) for code in range(0x20)}  # Unicode has pictures of them
_C1 = {code: f"\N{LEFT-POINTING ANGLE BRACKET}{code:02X}\N{RIGHT-POINTING ANGLE BRACKET}" for code in range(0x80, 0xA0)}
# Characters that reverse the order of others, so that a name reads as another one.
_TURNS = {
    code: f"\N{LEFT-POINTING ANGLE BRACKET}{code:X}\N{RIGHT-POINTING ANGLE BRACKET}"
    for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
}
_IN_LINE = {**_C0, 0x7F: "\N{SYMBOL FOR DELETE}", **_C1, **_TURNS}
_IN_TEXT = {code: mark for code, mark in _IN_LINE.items() if chr(code) not in "\n\t"}
_IN_JSON = {code: f"\\u{code:04x}" for code in (0x7F, *_C1, *_TURNS)}  # JSON itself escapes the others


class _Asked:
    raw = False


def choose_raw(wanted: bool) -> bool:
    """Choose whether texts are printed unchanged from now on."""
    _Asked.raw = wanted
    return wanted


Raw: TypeAlias = Annotated[bool, typer.Option("--raw", help="Print control characters unchanged.", callback=choose_raw)]


def is_raw() -> bool:
    """Whether the user requested the bytes."""
    return _Asked.raw


def visible(text: str) -> str:
    """Replace the control characters of a text by marks; line ends and tabs stay."""
    return text if _Asked.raw else text.replace("\r\n", "\n").translate(_IN_TEXT)


def in_one_line(text: object) -> str:
    """Replace the control characters of a name or another text within a line: line ends and tabs become marks too."""
    return str(text) if _Asked.raw else str(text).translate(_IN_LINE)


def say(text: object = "", *, err: bool = False, end: str = "\n", bold: bool = False, dim: bool = False) -> None:
    """Print a text, with marks for its control characters."""
    if _Asked.raw:  # typer would take control sequences away in a pipe
        stream = sys.stderr if err else sys.stdout
        stream.write(f"{text}{end}")
        stream.flush()
        return
    shown = visible(str(text))
    styled = (bold or dim) and colors() is not None
    typer.echo((typer.style(shown, bold=bold, dim=dim) if styled else shown) + end, nl=False, err=err)


def say_paragraph(text: str, *, err: bool = False, dim: bool = False) -> None:
    """Print a text without line ends; on a terminal it is broken between words, and never inside one."""
    text = in_one_line(text)
    if (sys.stderr if err else sys.stdout).isatty():
        width = shutil.get_terminal_size().columns - 1
        text = textwrap.fill(text, max(1, width), break_long_words=False, break_on_hyphens=False)
    say(text, err=err, dim=dim)


def colors() -> Literal["auto"] | None:
    """The color system for rich: none where `NO_COLOR` is set, and then no other style either."""
    return None if os.environ.get("NO_COLOR") else "auto"


def live_console() -> Console | None:
    """The terminal that stdout is; None where it is none, or one that knows no control codes, or with `--raw`."""
    from rich.console import Console

    console = Console(highlight=False, color_system=colors())
    live = console.is_terminal and not console.is_dumb_terminal and not console.legacy_windows
    return console if live and not is_raw() else None


def say_json(value: object, *, indent: int | None = 2) -> None:
    """Print a value as JSON. Control characters are escaped like in JSON."""
    text = json.dumps(value, ensure_ascii=False, indent=indent, default=str)
    typer.echo(text.translate(_IN_JSON))
