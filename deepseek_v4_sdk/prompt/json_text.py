"""JSON in the forms of the two families of encoders: Python's, and that of deepseek-recipe's V4 encoding."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Final, NoReturn, TypeAlias, cast

from deepseek_v4_sdk.chat import JsonValue

JsonWriter: TypeAlias = Callable[[JsonValue], str]
"""Writes a value with `, ` and `: `, and letters of all scripts unescaped."""

_INTEGERS: Final = range(-(2**63), 2**64)
"""Whole numbers that deepseek-recipe 0.2.0 (Rust, serde_json) keeps whole; others become floats."""

_DEEPEST: Final = 127
"""Levels that serde_json reads."""


def python_json(value: JsonValue) -> str:
    """Write a value like Python's `json.dumps(value, ensure_ascii=False)`."""
    return json.dumps(value, ensure_ascii=False)


def recipe_json(value: JsonValue) -> str:
    """Write a value like deepseek-recipe 0.2.0 for V4: in Python's form, except for floats with an exponent."""
    parts: list[str] = []
    _write(value, parts, _rust_float)
    return "".join(parts)


def recipe_v41_json(value: JsonValue) -> str:
    """Write a value like deepseek-recipe 0.2.0 for V4.1: in Python's form, with huge whole numbers as floats."""
    parts: list[str] = []
    _write(value, parts, repr)
    return "".join(parts)


def read_python(text: str) -> dict[str, JsonValue]:
    """Read an object like Python's `json.loads`.

    Raises:
        ValueError: It is not JSON, or not an object, or holds half a surrogate pair, which no tokenizer takes.
    """
    try:
        value: JsonValue = json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return _object(value, text)


def read_recipe(text: str) -> dict[str, JsonValue]:
    """Read an object like deepseek-recipe 0.2.0, which is stricter than Python in a few cases.

    Raises:
        ValueError: It is not JSON, or not an object.
    """
    try:
        value: JsonValue = json.loads(text, parse_int=_whole, parse_float=_finite, parse_constant=_refused)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    found = _object(value, text)
    if text.count("[") + text.count("{") > _DEEPEST and _depth(found) > _DEEPEST:
        raise ValueError("it is nested too deeply")
    return found


def _object(value: JsonValue, text: str) -> dict[str, JsonValue]:
    if not isinstance(value, dict):
        raise ValueError("it is not an object")
    if "\\u" in text:
        python_json(value).encode()  # half a surrogate pair raises UnicodeEncodeError, which is a ValueError
    return value


def _whole(digits: str) -> int | float:
    if digits == "-0":
        return -0.0
    return value if (value := int(digits)) in _INTEGERS else _finite(digits)


def _finite(digits: str) -> float:
    if math.isinf(value := float(digits)):
        raise ValueError("a number is too large")
    return value


def _refused(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _depth(value: JsonValue) -> int:
    level: list[JsonValue] = [value]
    depth = 0
    while True:
        level = [item for each in level if isinstance(each, dict | list) for item in _items(each)]
        depth += 1
        if not any(isinstance(item, dict | list) for item in level):
            return depth


def _items(value: dict[str, JsonValue] | list[JsonValue]) -> list[JsonValue]:
    return list(value.values()) if isinstance(value, dict) else value


def _write(value: object, parts: list[str], write_float: Callable[[float], str]) -> None:
    if isinstance(value, Mapping):
        separator = "{"
        for key, item in cast("Mapping[str, object]", value).items():
            parts.append(f"{separator}{json.dumps(key, ensure_ascii=False)}: ")
            _write(item, parts, write_float)
            separator = ", "
        parts.append("}" if value else "{}")
    elif isinstance(value, list | tuple):
        separator = "["
        for item in cast("list[object]", value):
            parts.append(separator)
            _write(item, parts, write_float)
            separator = ", "
        parts.append("]" if value else "[]")
    elif isinstance(value, int) and not isinstance(value, bool) and value not in _INTEGERS:
        parts.append(write_float(float(value)))
    elif isinstance(value, float):
        parts.append(write_float(value))
    else:
        parts.append(json.dumps(value, ensure_ascii=False))


def _rust_float(value: float) -> str:
    """Write the shortest digits, like Python; but plain down to 1e-5, and without zeros before the exponent."""
    text = repr(value)
    digits, _, exponent = text.partition("e")
    if not exponent:
        return text
    power = int(exponent)
    if power == -5:
        sign = "-" if digits.startswith("-") else ""
        return f"{sign}0.0000{digits.lstrip('-').replace('.', '')}"
    return f"{digits}e{power:+d}"
