"""Spellings of V4's tool-call markup, by the model and by those that get it wrong."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from deepseek_v4_sdk.chat import MarkupBars

__all__ = [
    "BEGINNING",
    "BLOCK_END",
    "BLOCK_START",
    "CALL_END",
    "CALL_START",
    "VALUE_START",
    "bars_of",
    "opening",
    "value_end",
    "worse_bars",
]

# The model writes full-width bars; ASCII and doubled bars are what servers were seen to leave in texts
# (vLLM issues 40801, 48931, 49117, 51914, 54686).
_BARS = "[\N{FULLWIDTH VERTICAL LINE}|]{1,2}"
_MARK = f"{_BARS}DSML{_BARS} ?"  # V4.1 writes a blank after it
# The model's own word, then what it was seen to write instead (vLLM 0.33 reads some of them), then V4.1's.
_WRAPPERS = ("tool_calls", "toolcalls", "tool_call", "toolcall", "tools", "tool", "function_calls", "calls")

BEGINNING = re.compile(f"<{_BARS}DSML{_BARS}")
"""The beginning of every opening of a block, and of nothing else."""
_WRAPPER = "|".join(_WRAPPERS)
BLOCK_END = re.compile(f"</{_MARK}(?:{_WRAPPER})>")
"""The tag that ends a block."""
BLOCK_START = re.compile(f"<{_MARK}(?:{_WRAPPER})>")
"""The tag that begins one."""
CALL_START = re.compile(rf'<{_MARK}invoke\s+name="([^"]*)"\s*>')
"""The tag that begins a call; group 1 is the tool."""
CALL_END = re.compile(f"</{_MARK}invoke>")
"""The tag that ends a call."""
VALUE_START = re.compile(rf'<({_BARS}DSML{_BARS}) ?parameter\s+name="([^"]*)"(?:\s+string="(true|false)")?\s*>')
"""The tag that begins an argument; group 1 is its mark, group 2 its name, group 3 whether its value is a text."""


@cache
def value_end(mark: str) -> re.Pattern[str]:
    """The tag that ends an argument. It has the mark of the beginning: a value may well be a text about the others."""
    return re.compile(f"</{re.escape(mark)} ?parameter>")


_TAG_MARK = re.compile(f"</?({_BARS})DSML({_BARS})")
_WORST_FIRST: tuple[MarkupBars, ...] = ("ascii", "doubled", "full-width")


def bars_of(tag: str) -> MarkupBars:
    """The form of a tag."""
    match = _TAG_MARK.match(tag)
    bars = match[1] + match[2] if match else ""
    if "|" in bars:
        return "ascii"
    return "doubled" if len(bars) > 2 else "full-width"


def worse_bars(one: MarkupBars, other: MarkupBars) -> MarkupBars:
    """The one that is further from V4's own."""
    return next(bars for bars in _WORST_FIRST if bars in {one, other})


def opening() -> re.Pattern[str]:
    """Make a pattern for the opening of a block up to its first tool, or a beginning of it at the end of a text.

    With a closing quote the last group that matched is the tool; without, the text may still become an opening.
    """
    call = [*_letters("invoke"), r"\s+", *_letters('name="'), '([^"<>\n]+)', '"']
    wrapped = [[*_letters(word), ">", r"\s*", *_MARK_ATOMS, *call] for word in _WRAPPERS]
    behind_the_mark = "|".join(_or_a_beginning(atoms) for atoms in (call, *wrapped))
    return re.compile(_or_a_beginning(_MARK_ATOMS, f"(?:{behind_the_mark})"))


def _letters(text: str) -> list[str]:
    return [re.escape(letter) for letter in text]


_BAR = "[\N{FULLWIDTH VERTICAL LINE}|]"
_MARK_ATOMS = ["<", _BAR, f"{_BAR}?", *_letters("DSML"), _BAR, f"{_BAR}?", " ?"]


def _or_a_beginning(atoms: Sequence[str], pattern: str = "") -> str:
    """Make a pattern for a sequence and the text after it, or for any beginning of it at the end of a text."""
    for atom in reversed(atoms):
        pattern = f"{atom}(?:\\Z|{pattern})" if pattern else atom
    return pattern
