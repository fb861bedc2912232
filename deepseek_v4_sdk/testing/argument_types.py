"""vLLM's reading of a call's arguments by the schema of its tool: values of the wanted types, without a wrapper."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeAlias, cast

from deepseek_v4_sdk.chat import JsonValue
from deepseek_v4_sdk.testing.model_markup import Invocation, Parameter

__all__ = ["Properties", "converted", "properties_of"]

Properties: TypeAlias = Mapping[str, Mapping[str, JsonValue]]
"""The properties of the schemas of tools, by the tools' names."""

_WRAPPERS = ("arguments", "input")


def properties_of(tools: JsonValue) -> Properties:
    """The properties of the tools in a body."""
    found: dict[str, Mapping[str, JsonValue]] = {}
    for tool in tools if isinstance(tools, list) else []:
        function = tool.get("function") if isinstance(tool, dict) else None
        if isinstance(function, dict) and isinstance(name := function.get("name"), str):
            schema = function.get("parameters")
            properties = schema.get("properties") if isinstance(schema, dict) else None
            found[name] = properties if isinstance(properties, dict) else {}
    return found


def converted(call: Invocation, offered: Properties) -> Invocation:
    """The call with its values as the schema of its tool wants them (vLLM 0.32)."""
    properties = offered.get(call.name, {})
    parameters = tuple(_converted(each, properties.get(each.key)) if each.whole else each for each in call.parameters)
    return replace(call, parameters=parameters, served=_unwrapped(parameters, properties) if call.whole else "")


def _converted(each: Parameter, schema: JsonValue) -> Parameter:
    """Read as JSON without a kind or with another kind than text; invalid JSON is a text; the schema decides last."""
    value: object = each.value
    if not each.quoted or not each.kind.strip(">"):
        value = _loaded(each.value, each.value)
    if isinstance(schema, dict):
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        value = _wanted(text, _types(schema))
    elif isinstance(value, float) and not math.isfinite(value):
        value = each.value
    if each.quoted and value == each.value:
        return each
    return replace(each, quoted=False, served=json.dumps(value, ensure_ascii=False))


def _unwrapped(parameters: tuple[Parameter, ...], properties: Mapping[str, JsonValue]) -> str:
    """The arguments inside a single parameter that the tool does not know, if it knows all of these."""
    if len(parameters) != 1 or not properties:
        return ""
    (only,) = parameters
    if only.key not in _WRAPPERS or only.key in properties:
        return ""
    inner = _loaded(only.value, None)
    fits = isinstance(inner, dict) and set(cast("dict[str, object]", inner)) <= set(properties)
    return json.dumps(inner, ensure_ascii=False) if fits else ""


def _types(schema: Mapping[str, JsonValue]) -> list[str]:
    kinds = schema.get("type", "string")
    return [each for each in kinds if isinstance(each, str)] if isinstance(kinds, list) else [str(kinds)]


def _wanted(text: str, types: list[str]) -> object:
    """The first of the types that the text can be, or else JSON, or else the text."""
    for name, read in _READERS.items():
        if name in types:
            try:
                return read(text)
            except ValueError:
                continue
    return text if "string" in types else _finite(text)


def _loaded(text: str, otherwise: object) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return otherwise


def _null(text: str) -> None:
    if text.lower() != "null":
        raise ValueError(text)


def _number(text: str) -> int | float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return int(number) if number == int(number) else number


def _boolean(text: str) -> bool:
    word = text.lower().strip()
    if word not in {"true", "1", "false", "0"}:
        raise ValueError(text)
    return word in {"true", "1"}


def _finite(text: str) -> object:
    """JSON, or the text where it is none, or holds a number that JSON has not."""
    value = _loaded(text, text)
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return text
    return value


def _structure(text: str) -> object:
    value = json.loads(text)
    json.dumps(value, allow_nan=False)
    return value


_READERS: dict[str, Callable[[str], object]] = {
    "null": _null,
    "integer": int,
    "number": _number,
    "boolean": _boolean,
    "object": _structure,
    "array": _structure,
}
"""The readers of a text for each type, the most wanted first."""
