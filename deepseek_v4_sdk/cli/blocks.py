"""Markdown that is still being written: which of its blocks are finished, and so can be shown for good."""

from __future__ import annotations

from markdown_it import MarkdownIt

__all__ = ["finished"]

_parser = MarkdownIt().enable("table")


def finished(text: str) -> int:
    """How much of a text is finished blocks. The last block never is: more may come that belongs to it."""
    starts = [token.map[0] for token in _parser.parse(text) if token.level == 0 and token.map and token.nesting >= 0]
    if len(starts) < 2:
        return 0
    lines = text.split("\n")
    return sum(len(line) + 1 for line in lines[: starts[-1]])
