"""From pydantic's JSON Schema to one for a model to read: compact, in one order, nothing behind references."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from typing import Any, cast

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import PydanticSerializationError

from deepseek_v4_sdk.chat import JsonValue, is_mapping, plain_json
from deepseek_v4_sdk.errors import InvalidRequestError
from deepseek_v4_sdk.tools.places import MANY, NAMED, ONE

__all__ = ["PlainSchema", "compact"]

_FIRST = ("$ref", "type", "description", "enum")
_LAST = ("anyOf", "prefixItems", "items", "properties", "required", "additionalProperties", "default", "$defs")
_PREFIX = "#/$defs/"


class PlainSchema(GenerateJsonSchema):
    """Pydantic's generator; defaults come out the same in every process, and those that are no JSON stay out."""

    ignored_warning_kinds = {"skipped-choice", "non-serializable-default"}  # noqa: RUF012  # as pydantic has it

    def encode_default(self, dft: Any) -> Any:
        """A default as JSON. A set has no order of its own, and would differ from process to process."""
        value = super().encode_default(_ordered(dft))
        try:
            return plain_json(value, "default")
        except InvalidRequestError as error:
            raise PydanticSerializationError(str(error)) from None


def _ordered(value: object) -> object:
    if isinstance(value, set | frozenset):
        return sorted((_ordered(item) for item in cast("set[object]", value)), key=repr)
    if isinstance(value, list | tuple):
        return [_ordered(item) for item in cast("list[object]", value)]
    if is_mapping(value):
        return {key: _ordered(item) for key, item in value.items()}
    if isinstance(value, BaseModel) or (is_dataclass(value) and not isinstance(value, type)):
        return _ordered(TypeAdapter(type(value)).dump_python(value, by_alias=True))
    return value


def compact(raw: Mapping[str, object], described: Mapping[str, str], *, require_all: bool) -> dict[str, JsonValue]:
    """A schema as the model gets it.

    Without titles; definitions stand where they are used, but for recursive ones; a constant is an enum of one; an
    object that lists its properties takes no others.

    Args:
        raw: Pydantic's schema of the arguments.
        described: What the docstring says about them.
        require_all: Whether each property is required, as strict modes want it.
    """
    definitions = cast("dict[str, dict[str, object]]", raw.get("$defs", {}))
    recursive = {name for name in definitions if name in _reached(definitions[name], definitions)}
    writer = _Writer(definitions, recursive, require_all=require_all)
    top = {key: value for key, value in raw.items() if key not in {"$defs", "title", "description"}}
    properties = cast("dict[str, dict[str, object]] | None", top.get("properties"))
    if properties is not None:  # what is no object, or a map, lists none
        top["properties"] = {
            name: {"description": described[name], **node} if name in described else node
            for name, node in properties.items()
        }
    schema = cast("dict[str, JsonValue]", writer.write(top))
    if recursive:
        schema["$defs"] = {name: writer.write(definitions[name]) for name in definitions if name in recursive}
    return schema


def _reached(node: object, definitions: Mapping[str, object]) -> set[str]:
    """The names of the definitions that a schema leads to."""
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
    def __init__(self, definitions: Mapping[str, dict[str, object]], recursive: set[str], *, require_all: bool) -> None:
        self._definitions = definitions
        self._recursive = recursive
        self._require_all = require_all

    def write(self, node: object) -> JsonValue:
        """One schema, and those within it."""
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
            elif key in {"anyOf", "oneOf"}:  # the latter for tagged unions alone, whose branches exclude each other
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
        return {key: written[key] for key in sorted(written, key=_place)}

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
