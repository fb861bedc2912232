"""The schema of a strict tool as deepseek-recipe prints it: only known keywords, every property required."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NoReturn, TypeAlias

from deepseek_v4_sdk.chat import JsonValue
from deepseek_v4_sdk.errors import InvalidRequestError

_Schema: TypeAlias = dict[str, JsonValue]


def strict_parameters(parameters: _Schema | None, where: str) -> _Schema:
    """Normalize the parameters of a tool with `strict: true` like deepseek-recipe 0.2.0.

    Raises:
        InvalidRequestError: It refuses the schema; the text names the place in it.
    """
    return _members(parameters or {}, where)  # only at the top may an object be empty


_CLOSED: Final[Mapping[str, JsonValue]] = {"additionalProperties": False}
_SCALARS: Final = frozenset({"string", "number", "integer", "boolean", "null"})
_FORMATS: Final = frozenset({"email", "hostname", "ipv4", "ipv6", "uuid"})
_LIMITS: Final = ("const", "default", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")


def _schema(value: JsonValue, where: str) -> _Schema:
    if not isinstance(value, dict):
        _refuse(where, "is not a schema with type, anyOf or $ref")
    kind = value.get("type")
    if isinstance(kind, str) and kind in _KINDS:
        return _KINDS[kind](value, where)
    if isinstance(kind, list) and all(isinstance(each, str) and each in _SCALARS for each in kind):
        return _described({"type": kind}, value, where)
    if kind is not None:
        _refuse(f"{where}.type", "is not a type, or a list of plain ones")
    choices = value.get("anyOf")
    if isinstance(choices, list):
        items: list[JsonValue] = [_schema(each, f"{where}.anyOf[{index}]") for index, each in enumerate(choices)]
        return _described({"anyOf": items}, value, where)
    if not isinstance(value.get("$ref"), str):
        _refuse(where, "is not a schema with type, anyOf or $ref")
    return {"$ref": value["$ref"]}


def _object(value: _Schema, where: str) -> _Schema:
    if not value.get("properties"):
        _refuse(where, "is an object without properties")
    return _members(value, where)


def _members(value: _Schema, where: str) -> _Schema:
    properties = value.get("properties", {})
    if not isinstance(properties, dict):
        _refuse(f"{where}.properties", "is not an object")
    if value.get("additionalProperties") not in {None, False}:
        _refuse(f"{where}.additionalProperties", "is not false")
    required = value.get("required")
    if required is not None and (not isinstance(required, list) or {str(key) for key in required} != set(properties)):
        _refuse(f"{where}.required", "does not name every property")
    inner: _Schema = {name: _schema(item, f"{where}.properties.{name}") for name, item in properties.items()}
    return _described({"type": "object", "properties": inner, **_CLOSED, "required": list(properties)}, value, where)


def _array(value: _Schema, where: str) -> _Schema:
    if "items" not in value:
        _refuse(where, "is an array without items")
    return _described({"type": "array", "items": _schema(value["items"], f"{where}.items")}, value, where)


def _string(value: _Schema, where: str) -> _Schema:
    words = value.get("enum")
    if words is not None and (not isinstance(words, list) or not all(isinstance(word, str) for word in words)):
        _refuse(f"{where}.enum", "is not a list of texts")
    shape = value.get("format")
    if shape is not None and shape not in _FORMATS:
        _refuse(f"{where}.format", "is none of " + ", ".join(sorted(_FORMATS)))
    return _with(_described({"type": "string"}, value, where), value, ("pattern", "format", "enum"))


def _number(value: _Schema, where: str) -> _Schema:
    return _with(_described({"type": value["type"]}, value, where), value, _LIMITS)


def _plain(value: _Schema, where: str) -> _Schema:
    return _described({"type": value["type"]}, value, where)


_KINDS: Final[Mapping[str, Callable[[_Schema, str], _Schema]]] = {
    "object": _object,
    "array": _array,
    "string": _string,
    "number": _number,
    "integer": _number,
    "boolean": _plain,
    "null": _plain,
}


def _described(schema: _Schema, value: _Schema, where: str) -> _Schema:
    if not isinstance(value.get("description"), str | None):
        _refuse(f"{where}.description", "is not a text")
    return _with(schema, value, ("description",))


def _with(schema: _Schema, value: _Schema, keys: tuple[str, ...]) -> _Schema:
    return schema | {key: value[key] for key in keys if value.get(key) is not None}


def _refuse(where: str, what: str) -> NoReturn:
    raise InvalidRequestError(f"{where} {what}, which a tool with strict: true must not have")
