"""From pydantic's JSON Schema to one for a model to read: compact, in one order, without references."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

from deepseek_v4_sdk.chat import JsonValue, is_list, is_mapping
from deepseek_v4_sdk.tools.places import MANY, NAMED, ONE

__all__ = ["compact"]

_FIRST = ("$ref", "type", "description", "enum")
_LAST = ("anyOf", "prefixItems", "items", "properties", "required", "additionalProperties", "default", "$defs")
_PREFIX = "#/$defs/"
_DEEPEST = 30  # references that are followed


def compact(
    raw: Mapping[str, object], described: Mapping[str, str], *, require_all: bool = False, marks: bool = False
) -> dict[str, JsonValue]:
    """Write a schema for the model.

    It has no titles; definitions are inlined, except for recursive ones; a constant is an enum of one; an object that
    lists its properties takes no others; a value with the default null may be null.

    Args:
        raw: Pydantic's schema of the arguments.
        described: Their descriptions in the docstring.
        require_all: Whether each property is required, as strict modes want it.
        marks: Whether `"default": null` stays where null means an absent value, and the type has none.
    """
    definitions = cast("dict[str, dict[str, object]]", raw.get("$defs", {}))
    recursive = {name for name in definitions if name in _reached(definitions[name], definitions)}
    writer = _Writer(definitions, recursive, require_all=require_all, marks=marks)
    top = {key: value for key, value in raw.items() if key not in {"$defs", "title", "description"}}
    properties = cast("dict[str, dict[str, object]] | None", top.get("properties"))
    if properties is not None:  # a value that is not an object, or a map, lists none
        top["properties"] = {
            name: {"description": described[name], **node} if name in described else node
            for name, node in properties.items()
        }
    schema = cast("dict[str, JsonValue]", writer.write(top))
    if recursive:
        schema["$defs"] = {name: writer.write(definitions[name]) for name in definitions if name in recursive}
    return schema


def _reached(node: object, definitions: Mapping[str, object]) -> set[str]:
    """The names of the definitions that a schema refers to."""
    found: set[str] = set()
    waiting = [node]
    while waiting:
        for name in _references(waiting.pop()):
            if name not in found and name in definitions:
                found.add(name)
                waiting.append(definitions[name])
    return found


def _references(node: object) -> Iterator[str]:
    if is_mapping(node):
        reference = node.get("$ref")
        if isinstance(reference, str):
            yield reference.removeprefix(_PREFIX)
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in cast("list[object]", node):
            yield from _references(value)


class _Writer:
    def __init__(
        self, definitions: Mapping[str, dict[str, object]], recursive: set[str], *, require_all: bool, marks: bool
    ) -> None:
        self._definitions = definitions
        self._recursive = recursive
        self._require_all = require_all
        self._marks = marks

    def write(self, node: object) -> JsonValue:
        """Write one schema, and those within it."""
        if not is_mapping(node):
            return cast("JsonValue", node)  # true or false
        reference = node.get("$ref")
        if isinstance(reference, str):
            name = reference.removeprefix(_PREFIX)
            if name not in self._recursive:
                beside = {key: value for key, value in node.items() if key != "$ref"}
                return self.write({**self._definitions[name], **beside})
        written: dict[str, JsonValue] = {}
        for key, value in node.items():
            if key in {"title", "discriminator"} or (key == "default" and value is None):
                continue
            if key == "const":
                written["enum"] = [cast("JsonValue", value)]
            elif key in {"anyOf", "oneOf"}:  # the latter only for tagged unions, whose branches exclude each other
                written["anyOf"] = self._union(value)
            elif key in ONE:
                written[key] = self.write(value)
            elif key in MANY:
                written[key] = self._each(value)
            elif key in NAMED and is_mapping(value):
                written[key] = {name: self.write(item) for name, item in value.items()}
            else:
                written[key] = cast("JsonValue", value)
        if "properties" in written:
            written.setdefault("additionalProperties", False)
            names = cast("dict[str, JsonValue]", written["properties"])
            if self._require_all and names:
                written["required"] = list(names)
        if "default" in node and node["default"] is None and not self._takes_null(node):
            written = self._or_null(written)
        return {key: written[key] for key in sorted(written, key=_place)}

    def _or_null(self, written: dict[str, JsonValue]) -> dict[str, JsonValue]:
        """Make a schema accept null too, for a parameter such as `unit: str = None`."""
        outer: dict[str, JsonValue] = {"description": written.pop("description")} if "description" in written else {}
        branches = written["anyOf"] if written.keys() == {"anyOf"} else [written]
        outer["anyOf"] = [*cast("list[JsonValue]", branches), {"type": "null"}]
        return {**outer, "default": None} if self._marks else outer

    def _takes_null(self, node: object, depth: int = 0) -> bool:
        if not is_mapping(node) or depth > _DEEPEST:
            return node is not False
        reference = node.get("$ref")
        if isinstance(reference, str) and not self._takes_null(
            self._definitions.get(reference.removeprefix(_PREFIX), {}), depth + 1
        ):
            return False
        kinds = node.get("type", "null")
        if "null" not in (kinds if is_list(kinds) else [kinds]):
            return False
        if None not in cast("list[object]", node.get("enum", [None])) or node.get("const") is not None:
            return False
        for key in ("anyOf", "oneOf"):
            if is_list(branches := node.get(key)) and not any(self._takes_null(item, depth + 1) for item in branches):
                return False
        return all(self._takes_null(item, depth + 1) for item in cast("list[object]", node.get("allOf", [])))

    def _each(self, value: object) -> list[JsonValue]:
        return [self.write(item) for item in cast("list[object]", value)]

    def _union(self, value: object) -> list[JsonValue]:
        flat: list[JsonValue] = []
        for item in self._each(value):  # a union in a union is one union
            inner = item.get("anyOf") if isinstance(item, dict) and item.keys() == {"anyOf"} else None
            flat += inner if isinstance(inner, list) else [item]
        return flat


def _place(key: str) -> tuple[int, str]:
    if key in _FIRST:
        return _FIRST.index(key) - len(_FIRST), ""
    return (_LAST.index(key) + 1, "") if key in _LAST else (0, key)
