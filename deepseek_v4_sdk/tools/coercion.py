"""Reading values by their schema: whole numbers, nulls for absent values, and JSON inside of texts."""

from __future__ import annotations

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias, cast

from deepseek_v4_sdk.chat import JsonValue, is_list, is_mapping, read_arguments, read_json, write_json
from deepseek_v4_sdk.errors import InvalidToolArgumentsError
from deepseek_v4_sdk.tools.json_schema import mistake_in
from deepseek_v4_sdk.tools.refusal import Place, path_of

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import ToolCall

__all__ = ["ArgumentReading", "ReadingCheck", "coerced", "read_call"]

_Schema: TypeAlias = Mapping[str, object]
_Container: TypeAlias = "dict[str, JsonValue] | list[JsonValue]"
_Kinds: TypeAlias = "frozenset[str] | None"
"""The types of JSON that a schema allows; None when it does not restrict them."""

_DEEPEST = 30  # references that are followed
_SHARED = ("$defs", "definitions")


def coerced(value: JsonValue, schema: _Schema, *, marked: bool = False) -> tuple[JsonValue, list[str]]:
    """Read a value by its schema, and return a line for each text in it that was converted.

    Three conversions lose nothing: `3.0` where a whole number is wanted (JSON Schema counts it as one); null where it
    means an absent value; and a text where the schema allows no text, whose JSON is of an allowed type, such as `"3"`.
    vLLM's Python front end converts such texts, its Rust front end does not. This function does not check whether the
    value fits.

    Args:
        value: The model's value. It is not changed; the same object is returned when nothing is converted.
        schema: The JSON Schema of it.
        marked: Whether `"default": null` in it marks where null means an absent value.
    """
    reader = _Reader(schema, marked=marked)
    return reader.read(value, schema, ()), reader.notes


@dataclass(frozen=True, slots=True)
class ArgumentReading:
    """The arguments of a call, after reading.

    Attributes:
        value: The arguments.
        text: The same as JSON text; the model's own where nothing was converted.
        notes: A line for each text that was converted.
    """

    value: dict[str, JsonValue]
    text: str | bytes
    notes: Sequence[str] = ()


def read_call(call: ToolCall, schema: _Schema, *, marked: bool = False) -> ArgumentReading:
    """Read the arguments of a call by a schema; also when all of them were written into one text.

    Raises:
        InvalidToolArgumentsError: They are not a JSON object.
    """
    notes: list[str] = []
    value: JsonValue
    try:
        value = read_arguments(call)
    except InvalidToolArgumentsError:
        value = _within_a_text(call.arguments)
        if not isinstance(value, dict):
            raise
        notes.append("they came as one text, which was read as an object")
    read, others = coerced(value, schema, marked=marked)
    text = call.arguments if read is value and not notes and call.arguments.strip() else write_json(read)
    return ArgumentReading(cast("dict[str, JsonValue]", read), text, notes + others)


class ReadingCheck(ABC):
    """A check of arguments that reads them by their schema.

    Called with a call, it returns the arguments as JSON values, or raises `InvalidToolArgumentsError`.
    """

    @abstractmethod
    def read(self, call: ToolCall) -> ArgumentReading:
        """Read the arguments by the schema.

        Raises:
            InvalidToolArgumentsError: They are not a JSON object.
        """

    @abstractmethod
    def hold(self, call: ToolCall, reading: ArgumentReading) -> None:
        """Refuse arguments that do not fit.

        Raises:
            InvalidToolArgumentsError: They do not; the error names the place.
        """

    def __call__(self, call: ToolCall) -> dict[str, JsonValue]:
        """Return the arguments if they fit."""
        reading = self.read(call)
        self.hold(call, reading)
        return reading.value

    def notes(self, call: ToolCall) -> Sequence[str]:
        """The values that were converted, in arguments that fit."""
        try:
            reading = self.read(call)
            if reading.notes:
                self.hold(call, reading)
        except InvalidToolArgumentsError:
            return ()
        return reading.notes


class _Reader:
    def __init__(self, root: _Schema, *, marked: bool) -> None:
        self._root = root
        self._marked = marked
        self.notes: list[str] = []

    def read(self, value: JsonValue, node: object, place: Place) -> JsonValue:
        """Read one value by one schema."""
        if not is_mapping(node):
            return value
        if isinstance(value, str | float):
            value = self._scalar(value, self._kinds(node), place)
        if isinstance(value, dict | list):
            for schema in self._all(node):
                value = self._within(value, schema, place)
                for key in ("anyOf", "oneOf"):
                    if is_list(branches := schema.get(key)):
                        value = self._branch(value, branches, place)
        return value

    def _scalar(self, value: JsonValue, kinds: _Kinds, place: Place) -> JsonValue:
        if kinds is None:
            return value
        if isinstance(value, float):
            return _whole(value) if "integer" in kinds and "number" not in kinds and value.is_integer() else value
        if not isinstance(value, str) or "string" in kinds:
            return value
        try:
            held: JsonValue = _lossless(value)
        except (ValueError, RecursionError):
            return value
        kind = _kind_of(held)
        if kind == "integer" and "number" in kinds:
            kind = "number"
        if isinstance(held, float) and held.is_integer() and "number" not in kinds:
            kind, held = "integer", _whole(held)
        if kind not in kinds:
            return value
        self.notes.append(f"the text at {path_of(place) or 'the top'} was read as {_NAMES[kind]}")
        return held

    def _within(self, value: _Container, node: _Schema, place: Place) -> _Container:
        changed: dict[str | int, JsonValue] = {}
        dropped: set[str | int] = set()
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in cast("Iterator[tuple[str | int, JsonValue]]", items):
            inner = _inner(node, key)
            if self._marked and item is None and is_mapping(inner) and inner.get("default", ...) is None:
                dropped.add(key)
                continue
            read = self.read(item, inner, (*place, key))
            if read is not item:
                changed[key] = read
        if not changed and not dropped:
            return value
        if isinstance(value, dict):
            return {key: changed.get(key, item) for key, item in value.items() if key not in dropped}
        return [changed.get(index, item) for index, item in enumerate(value)]

    def _branch(self, value: _Container, branches: Iterable[object], place: Place) -> _Container:
        """Read by the branch of a union that fits: the unchanged value if possible, else the converted one."""
        fitting: tuple[_Container, list[str]] | None = None
        for branch in branches:
            reader = _Reader(self._root, marked=self._marked)
            read = cast("_Container", reader.read(value, branch, place))
            if not self._fits(read, branch):
                continue
            if not reader.notes:
                return read
            fitting = fitting or (read, reader.notes)
        if fitting is None:
            return value
        self.notes += fitting[1]
        return fitting[0]

    def _fits(self, value: JsonValue, node: object) -> bool:
        if not is_mapping(node):
            return node is not False
        shared = {key: self._root[key] for key in _SHARED if key in self._root}
        try:
            return mistake_in(value, {**shared, **node}) is None
        except ValueError:
            return False

    def _all(self, node: object, depth: int = 0) -> Iterator[_Schema]:
        """Yield a schema, its references, and all schemas that must hold with it."""
        if not is_mapping(node) or depth > _DEEPEST:
            return
        yield node
        reference = node.get("$ref")
        if isinstance(reference, str):
            yield from self._all(self._found(reference), depth + 1)
        if is_list(parts := node.get("allOf")):
            for part in parts:
                yield from self._all(part, depth + 1)

    def _found(self, reference: str) -> object:
        if not reference.startswith("#"):
            return None
        found: object = self._root
        for part in reference[1:].split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            found = found.get(key) if is_mapping(found) else None
        return found

    def _kinds(self, node: object, depth: int = 0) -> _Kinds:
        if depth > _DEEPEST:
            return None
        kinds: _Kinds = None
        for schema in self._all(node, depth):
            kinds = _both(kinds, _own_kinds(schema))
            for key in ("anyOf", "oneOf"):
                if is_list(branches := schema.get(key)):
                    kinds = _both(kinds, _either([self._kinds(branch, depth + 1) for branch in branches]))
        return kinds


def _own_kinds(node: _Schema) -> _Kinds:
    kinds: _Kinds = None
    if "type" in node:
        given = node["type"]
        kinds = frozenset(str(item) for item in (given if is_list(given) else [given]))
    allowed = [node["const"]] if "const" in node else node.get("enum")
    if is_list(allowed):
        kinds = _both(kinds, frozenset(_kind_of(cast("JsonValue", item)) for item in allowed))
    return kinds


def _both(one: _Kinds, other: _Kinds) -> _Kinds:
    if one is None or other is None:
        return other if one is None else one
    common = one & other
    meet = ("integer" in one and "number" in other) or ("number" in one and "integer" in other)
    return common | {"integer"} if meet else common


def _either(branches: list[_Kinds]) -> _Kinds:
    found: frozenset[str] = frozenset()
    for kinds in branches:
        if kinds is None:
            return None
        found |= kinds
    return found


def _inner(node: _Schema, key: str | int) -> object:
    """The schema of a value in a list or an object, where it is clear which one."""
    if isinstance(key, int):
        first, rest = node.get("prefixItems"), node.get("items")
        if is_list(rest):  # before JSON Schema 2020-12
            first, rest = rest, node.get("additionalItems")
        return first[key] if is_list(first) and key < len(first) else rest
    properties = node.get("properties")
    if is_mapping(properties) and key in properties:
        return properties[key]
    return None if "patternProperties" in node else node.get("additionalProperties")


_NAMES = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
    "array": "a list",
    "object": "an object",
}
_KINDS: Mapping[type, str] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}


def _kind_of(value: JsonValue) -> str:
    return _KINDS.get(type(value), "null")


def _whole(value: float) -> int:
    """The number as it was written: `1e23` is a one and 23 zeros, and not the nearest float."""
    return int(Decimal(repr(value)))


def _lossless(text: str) -> JsonValue:
    """Read the JSON in a text, when that loses nothing.

    Raises:
        ValueError: It is not JSON, or holds a number with more digits than a float, or a key twice.
    """
    value = read_json(text)
    json.loads(text, parse_float=_exact, object_pairs_hook=_once)
    return value


def _within_a_text(text: str) -> JsonValue:
    """The JSON in a text that is itself a JSON string, or None."""
    try:
        inner = read_json(text)
        return _lossless(inner) if isinstance(inner, str) else None
    except (ValueError, RecursionError):
        return None


def _exact(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number) or Decimal(repr(number)) != Decimal(digits):
        raise ValueError("more digits than a float has")
    return number


def _once(pairs: list[tuple[str, object]]) -> None:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key twice")
