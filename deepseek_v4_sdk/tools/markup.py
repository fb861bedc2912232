"""Tool-call markup behind arguments that are whole without it."""

from __future__ import annotations

import re

from deepseek_v4_sdk.chat import read_json

__all__ = ["trim_markup"]

_BARS = "[\N{FULLWIDTH VERTICAL LINE}|]{1,2}"
# A tag, or what is left of one at the very end; behind the tags the end of the turn may stand.
_TAG = re.compile(rf"</?{_BARS}(?:DSML(?:{_BARS})?[^<>]*|end[^<>]*)>?")


def trim_markup(arguments: str) -> str | None:
    """Arguments without the tags of V4's markup at their end (vLLM issues 53227 and 54686), or None.

    None means that there is nothing to trim: no tag stands at the end, or what is before the tags is no JSON object.
    Tags inside a value are part of it and stay.
    """
    end = whole = _before_space(arguments, len(arguments))
    while (start := arguments.rfind("<", 0, end)) >= 0 and _TAG.fullmatch(arguments, start, end):
        end = _before_space(arguments, start)
    if end == whole:
        return None
    try:
        return arguments[:end] if isinstance(read_json(arguments[:end]), dict) else None
    except ValueError:
        return None


def _before_space(text: str, end: int) -> int:
    while end and text[end - 1].isspace():
        end -= 1
    return end
