"""Finding JSON inside other text, in prose or in a fence. It completes and repairs nothing."""

from __future__ import annotations

import json
import re

from deepseek_v4_sdk.chat import JsonValue, read_json

__all__ = ["json_at_the_end", "json_in"]

_OPENER = re.compile(r"[{\[]")
# A text with such a beginning is meant as JSON. When it does not end as JSON, its parts are pieces of something broken.
_MEANT = re.compile(r'\{\s*"|\[\s*(?:[{\["]|-?\d[\d.eE+-]*\s*,)')
_CLOSING = re.compile(r"\s*(?:```\s*)?")
_DECODER = json.JSONDecoder()
_MOST = 256
"""Number of brackets that are tried: each may require the rest of the text."""


def json_in(text: str) -> list[JsonValue]:
    """Find the JSON objects and lists inside a text, only whole ones; none when one of them is broken."""
    return [value for value, _ in _found(text)]


def json_at_the_end(text: str) -> list[JsonValue]:
    """Find the JSON that ends a text, except for the end of a fence; none when other text follows."""
    found = _found(text)
    return [value for value, end in found[-1:] if _CLOSING.fullmatch(text, end)]


def _found(text: str) -> list[tuple[JsonValue, int]]:
    found: list[tuple[JsonValue, int]] = []
    place = 0
    for _ in range(_MOST):
        opener = _OPENER.search(text, place)
        if opener is None:
            return found
        start = opener.start()
        try:
            _, end = _DECODER.raw_decode(text, start)
            found.append((read_json(text[start:end]), end))
            place = end
        except (ValueError, RecursionError):
            if _MEANT.match(text, start):
                return []
            place = start + 1
    return []
