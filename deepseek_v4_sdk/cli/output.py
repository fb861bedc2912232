"""What a command prints: the one place where texts of servers, models, tools and files reach the terminal.

A terminal obeys what is in a text: it can be made to fill the clipboard, to show one address and open another, or to
hide a line. So each control character is shown as a mark, unless the person asked for the bytes with `--raw`.
"""

from __future__ import annotations

import json
import sys
from typing import Annotated, TypeAlias

import typer

__all__ = ["Raw", "choose_raw", "in_one_line", "is_raw", "say", "say_json", "visible"]

_C0 = {code: chr(0x2400 + code) for code in range(0x20)}  # Unicode has pictures of them
_C1 = {code: f"\N{LEFT-POINTING ANGLE BRACKET}{code:02X}\N{RIGHT-POINTING ANGLE BRACKET}" for code in range(0x80, 0xA0)}
# What turns the order of the characters around, so that a name reads as another one.
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
    """Whether everything is printed as it is from now on."""
    _Asked.raw = wanted
    return wanted


Raw: TypeAlias = Annotated[
    bool, typer.Option("--raw", help="Print control characters as they are.", callback=choose_raw)
]


def is_raw() -> bool:
    """Whether the person asked for the bytes."""
    return _Asked.raw


def visible(text: str) -> str:
    """A text whose control characters are marks; line ends and tabs stay."""
    return text if _Asked.raw else text.replace("\r\n", "\n").translate(_IN_TEXT)


def in_one_line(text: object) -> str:
    """A name, or what else stands within a line: line ends and tabs are marks too."""
    return str(text) if _Asked.raw else str(text).translate(_IN_LINE)


def say(text: object = "", *, err: bool = False, end: str = "\n", bold: bool = False, dim: bool = False) -> None:
    """Print a text, with marks for its control characters."""
    if _Asked.raw:  # typer would take control sequences away in a pipe
        stream = sys.stderr if err else sys.stdout
        stream.write(f"{text}{end}")
        stream.flush()
        return
    shown = visible(str(text))
    typer.echo((typer.style(shown, bold=bold, dim=dim) if bold or dim else shown) + end, nl=False, err=err)


def say_json(value: object, *, indent: int | None = 2) -> None:
    """Print a value as JSON. What a terminal would obey is escaped as JSON escapes it."""
    text = json.dumps(value, ensure_ascii=False, indent=indent, default=str)
    typer.echo(text.translate(_IN_JSON))
