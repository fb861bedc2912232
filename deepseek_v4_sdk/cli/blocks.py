"""Markdown that is still being written, in blocks: all but the last are finished, and can be shown permanently."""

from __future__ import annotations

from itertools import pairwise

from markdown_it import MarkdownIt

__all__ = ["blocks"]

_parser = MarkdownIt().enable("table")


def blocks(text: str) -> list[str]:
    """A text in paragraphs, lists, tables and so on; joined they are the text. To the last of them more may come."""
    tops = [token.map[0] for token in _parser.parse(text) if token.level == 0 and token.map and token.nesting >= 0]
    lines = text.split("\n")
    ends = [0, *tops[1:], len(lines)]
    pieces = ["\n".join(lines[start:end]) for start, end in pairwise(ends)]
    return [*(f"{piece}\n" for piece in pieces[:-1]), pieces[-1]]
