"""A tool's result as the text that the model reads: a text unchanged, and other values with an obvious form as JSON."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping
from operator import index
from types import SimpleNamespace
from typing import Any, cast

from pydantic_core import to_jsonable_python

from deepseek_v4_sdk.chat.json_value import JsonValue, spaced_json
from deepseek_v4_sdk.errors import InvalidRequestError

__all__ = ["result_text"]

_DEEPEST = 100
_MISSING = frozenset({"NAType", "NaTType"})  # the value of a gap in pandas; the second is a `datetime` of the year 1


def result_text(value: object) -> str:
    """Return a tool's result as the text that the model reads: a text unchanged, anything else as JSON.

    Numbers, tables, mappings, sequences and paths of other packages are recognized by their methods. NaN is null, as in
    a table's gap.

    Raises:
        InvalidRequestError: It cannot be written as JSON; the text names the place.
    """
    if isinstance(value, str):
        return value
    try:
        try:
            return spaced_json(value)
        except (TypeError, ValueError, RecursionError):
            return spaced_json(_plain(value, "it", 0))
    except InvalidRequestError:
        raise
    except Exception as error:
        raise InvalidRequestError(f"the result cannot be written as JSON: {error}") from error


def _plain(value: Any, where: str, depth: int) -> JsonValue:
    """Convert a value to the types that JSON has."""
    if depth > _DEEPEST:
        raise _refusal(f"{where[:60]}... lies more than {_DEEPEST} levels deep, or holds itself")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return index(value)
    if isinstance(value, float):
        if math.isinf(value):
            raise _refusal(f"{where} is {float(value)}")
        return None if math.isnan(value) else float(value)
    if type(value).__name__ in _MISSING:
        return None
    if isinstance(value, dict):
        return _object(cast("dict[object, object]", value), where, depth)
    if isinstance(value, list | tuple):
        items = cast("Iterable[object]", value)
        return [_plain(item, f"{where}[{place}]", depth + 1) for place, item in enumerate(items)]

    def by_protocol(inner: object) -> JsonValue:
        return _plain(_simpler(inner, where), where, depth + 1)

    # pydantic converts dates, enums, dataclasses, models and more; it returns an unknown value.
    return _plain(to_jsonable_python(value, fallback=by_protocol), where, depth + 1)


def _object(value: Mapping[object, object], where: str, depth: int) -> JsonValue:
    found: dict[str, JsonValue] = {}
    for key, item in value.items():
        name = key if isinstance(key, str) else _key(key, where, depth)
        if name in found:
            raise _refusal(f"{where} has the key {name!r} twice, once as {type(key).__name__}")
        found[name] = _plain(item, f"{where}.{name}", depth + 1)
    return found


def _key(key: object, where: str, depth: int) -> str:
    if key is None or isinstance(key, bool | int | float):
        return spaced_json(key)  # like Python's own `json`

    def by_protocol(inner: object) -> JsonValue:
        return _plain(_simpler(inner, where), where, depth + 1)

    (name,) = to_jsonable_python({key: None}, fallback=by_protocol)
    return cast("str", name)


def _simpler(value: Any, where: str) -> object:
    """Convert a value of another package, recognized by its methods; one step nearer to JSON."""
    if not isinstance(value, type):
        if isinstance(value, SimpleNamespace):
            return vars(value)
        if isinstance(value, os.PathLike):
            return os.fspath(cast("os.PathLike[str]", value))
        for has, take in _PROTOCOLS:
            if all(hasattr(value, name) for name in has):
                return take(value)
        if hasattr(value, "__float__"):
            return float(value)
        if isinstance(value, Iterable):
            return list(cast("Iterable[object]", value))
    raise _refusal(f"{where} is {type(value).__name__}")


def _table(value: Any) -> object:
    """Convert a table of pandas to a list of rows. An index with information becomes a column."""
    return (value if _only_counts(value.index) else value.reset_index()).to_dict(orient="records")


def _column(value: Any) -> object:
    """Convert a column of pandas to a list. With a useful index it becomes a mapping, or pairs if a name repeats."""
    if _only_counts(value.index):
        return value.tolist()
    return value.to_dict() if value.index.is_unique else list(value.items())


def _only_counts(labels: Any) -> bool:
    return bool(getattr(labels, "start", None) == 0 and getattr(labels, "step", None) == 1)


def _array(value: Any) -> object:
    """Convert an array or a number of numpy's. Its times in nanoseconds would become bare numbers."""
    kind = getattr(getattr(value, "dtype", None), "kind", None)
    units = {"M": "datetime64[us]", "m": "timedelta64[us]"}
    return value.astype(units[kind]).tolist() if kind in units else value.tolist()


_PROTOCOLS: tuple[tuple[tuple[str, ...], Callable[[Any], object]], ...] = (
    (("to_dict", "columns", "index"), _table),
    (("to_dict", "tolist", "index"), _column),
    (("to_dicts",), lambda value: value.to_dicts()),  # polars
    (("to_pylist",), lambda value: value.to_pylist()),  # pyarrow
    (("tolist",), _array),  # numpy, torch, `memoryview`, `array`
    (("keys", "__getitem__"), lambda value: {key: value[key] for key in value.keys()}),  # noqa: SIM118  # not a dict
    (("__attrs_attrs__",), lambda value: {each.name: getattr(value, each.name) for each in value.__attrs_attrs__}),
    (("__struct_fields__",), lambda value: {name: getattr(value, name) for name in value.__struct_fields__}),
    (("isoformat",), lambda value: value.isoformat()),
    (("to_dict",), lambda value: value.to_dict()),
    (("__index__",), index),
)
"""The attributes that a value must have, and its conversion; the first match wins."""


def _refusal(text: str) -> InvalidRequestError:
    return InvalidRequestError(f"the result cannot be written as JSON: {text}, which JSON does not have")
