"""Markup at the end of a complete text: a call that stayed in the reasoning, tags that stayed in arguments."""

from __future__ import annotations

import re
from collections.abc import Collection

from deepseek_v4_sdk.chat import MarkupBars
from deepseek_v4_sdk.dsml.block import Arguments, CallEnd, CallStart, Piece, Text
from deepseek_v4_sdk.dsml.scanner import Scanner

__all__ = ["calls_at_the_end", "without_markup"]

_MARK = "[\N{FULLWIDTH VERTICAL LINE}|]{1,2}DSML"
_TAG = re.compile(f"</?{_MARK}")


def calls_at_the_end(text: str, tools: Collection[str]) -> tuple[str, list[tuple[str, str, MarkupBars]]] | None:
    """Find the calls of a complete block at the end of a text, and the text before it; None when there is none.

    A block in the middle is a part of the reasoning, and stays.
    """
    if not _TAG.search(text):
        return None
    scanner = Scanner(tools)
    pieces = [*scanner.feed(text), *scanner.finish()]
    if scanner.lost or not scanner.calls:
        return None
    first = next(index for index, piece in enumerate(pieces) if isinstance(piece, CallStart))
    if any(isinstance(piece, Text) and piece.text.strip() for piece in pieces[first:]):
        return None
    before = "".join(piece.text for piece in pieces[:first] if isinstance(piece, Text))
    return before, _calls(pieces[first:])


def without_markup(arguments: str) -> str | None:
    """Remove the tags that were left at the end of arguments, if that makes them a JSON object."""
    from json import JSONDecoder  # it returns the place where a value ends

    before = len(arguments) - len(arguments.lstrip())
    try:
        value, end = JSONDecoder().raw_decode(arguments, before)
    except (ValueError, RecursionError):
        return None
    return arguments[:end] if isinstance(value, dict) and _TAG.match(arguments[end:].lstrip()) else None


def _calls(pieces: list[Piece]) -> list[tuple[str, str, MarkupBars]]:
    calls: list[tuple[str, list[str]]] = []
    bars: list[MarkupBars] = []
    for piece in pieces:
        if isinstance(piece, CallStart):
            calls.append((piece.name, []))
        elif isinstance(piece, Arguments):
            calls[-1][1].append(piece.text)
        elif isinstance(piece, CallEnd):
            bars.append(piece.bars)
    return [(name, "".join(arguments), each) for (name, arguments), each in zip(calls, bars, strict=True)]
