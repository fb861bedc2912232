"""The type of a decoded JSON value, and the one way of reading and writing JSON."""

from __future__ import annotations

from typing import TypeAlias

from pydantic_core import from_json, to_json

__all__ = ["JsonValue", "read_json", "write_json"]

JsonValue: TypeAlias = "dict[str, JsonValue] | list[JsonValue] | str | int | float | bool | None"
"""What JSON can hold, as Python has it."""


def read_json(data: bytes | str) -> JsonValue:
    """Decode one JSON document.

    `NaN` and `Infinity` are refused: they are no JSON, and no server's parser takes them back.

    Raises:
        ValueError: The bytes are no JSON.
    """
    value: JsonValue = from_json(data, allow_inf_nan=False, cache_strings="keys")
    return value


def write_json(value: object) -> bytes:
    """Encode a value as compact UTF-8 JSON, keys in the order they have.

    Raises:
        ValueError: The value holds something that JSON cannot express.
    """
    return to_json(value, inf_nan_mode="constants")
