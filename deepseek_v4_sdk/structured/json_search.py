"""Finding JSON that stands inside other text, in prose or in a fence. Nothing is completed, and nothing put right."""

from __future__ import annotations

import json
import re

from deepseek_v4_sdk.chat import JsonValue, read_json

__all__ = ["json_at_the_end", "json_in"]

_OPENER = re.compile(r"[{\[]")
# What begins so is meant as JSON. When it does not end as JSON, what lies within is a piece of something broken.
_MEANT = re.compile(r'\{\s*"|\[\s*(?:[{\["]|-?\d[\d.eE+-]*\s*,)')
_CLOSING = re.compile(r"\s*(?:```\s*)?")
_DECODER = json.JSONDecoder()
_MOST = 256
"""How many brackets are tried: each may cost the rest of the text."""


def json_in(text: str) -> list[JsonValue]:
    """The JSON objects and lists inside a text, whole ones alone; none when one of them is broken."""
    return [value for value, _ in _found(text)]


def json_at_the_end(text: str) -> list[JsonValue]:
    """The JSON that ends a text, but for the end of a fence; none when there is other text behind it."""
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
