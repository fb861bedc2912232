"""The tools that a request offers, read from the forms that people write."""

from __future__ import annotations

import marshal
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol, cast

from deepseek_v4_sdk.chat.checked import ArgumentCheck, Checked
from deepseek_v4_sdk.chat.checks import is_iterable, is_list, is_mapping
from deepseek_v4_sdk.chat.json_value import JsonValue, check_text, plain_json, write_json, write_plain_json
from deepseek_v4_sdk.errors import InvalidRequestError

__all__ = ["OfferedTools", "OffersTool", "ToolInput", "ToolSpec", "foreign_reference", "read_tool", "read_tools"]

# Outside this pattern the vendor's encoder refuses a name (deepseek-recipe 0.2.0, SGLang 0.5.23).
_NAME = re.compile(r"[a-zA-Z0-9_-]+")
_NAMED = frozenset({"properties", "patternProperties", "dependentSchemas", "$defs", "definitions"})
_DATA = frozenset({"default", "const", "enum", "example", "examples"})
_ELSEWHERE = re.compile(r"[a-zA-Z][\w+.-]*://|//|file:")
_EXACT = 2  # this version of marshal writes equal values of the same types as the same bytes
_REMEMBERED = 64 * 1024  # the largest tool that is remembered, in bytes
_FIELDS = frozenset({"name", "description", "parameters", "strict"})


@dataclass(frozen=True, slots=True)
class ToolSpec(Checked):
    """One tool as it is offered to the model.

    Attributes:
        name: The tool's name: letters, digits, `_` and `-`.
        description: Its purpose, or None.
        parameters: The JSON Schema of its arguments; None and {} become an object without
            properties: strict servers refuse a tool without a schema, and SGLang a schema without a type.
        strict: Whether the server should hold the model to the schema; None leaves it to the server.

    It may have a check of the arguments (`check`), which the calls of a reply then get too.
    """

    name: str
    description: str | None = None
    parameters: Mapping[str, object] | None = None
    strict: bool | None = None

    def __post_init__(self) -> None:
        if not self.parameters:
            object.__setattr__(self, "parameters", {"type": "object", "properties": {}})

    def to_dict(self) -> dict[str, JsonValue]:
        """Return the tool in OpenAI's form, keys always in the same order: the prompt's head depends on it."""
        function: dict[str, JsonValue] = {"name": self.name}
        if self.description is not None:
            function["description"] = self.description
        function["parameters"] = cast("dict[str, JsonValue]", dict(self.parameters or {}))
        if self.strict is not None:
            function["strict"] = self.strict
        return {"type": "function", "function": function}

    def checked_by(self, check: ArgumentCheck | None) -> ToolSpec:
        """Return the same tool, whose calls are checked by `check`."""
        if self.check is check:
            return self
        copied, json = ToolSpec(self.name, self.description, self.parameters, self.strict)._keep(check), _json_of(self)
        return copied if json is None else _as_read(copied, json)


class OfferedTools(list[JsonValue]):
    """The tools of a body, in OpenAI's form, with their JSON: an agent sends the same ones with every request.

    Attributes:
        written: The list as JSON.
    """

    __slots__ = ("written",)

    def __init__(self, tools: Iterable[ToolSpec]) -> None:
        offered = tuple(tools)
        super().__init__(tool.to_dict() for tool in offered)
        self.written = b"[%b]" % b",".join(map(_written, offered))


class OffersTool(Protocol):
    """An object that can be offered as a tool, such as a function with `@tool`."""

    def tool_spec(self) -> ToolSpec:
        """Return the tool in the form that is offered to the model."""
        ...


ToolInput = ToolSpec | OffersTool | Mapping[str, object] | Callable[..., object]
"""Tools as a call accepts them: a function, one with `@tool`, OpenAI's form, or a bare mapping with a name."""


def read_tools(value: object) -> tuple[ToolSpec, ...]:
    """Convert accepted tool definitions to specs, in the order given.

    Raises:
        InvalidRequestError: One is wrong, or two have the same name; the text names the place.
    """
    if value is None:
        return ()
    if isinstance(value, _ReadTools):
        return value
    if not is_iterable(value):
        raise InvalidRequestError(f"tools is {type(value).__name__}: give a list of tools")
    specs = tuple(read_tool(item, f"tools[{index}]") for index, item in enumerate(value))
    seen: dict[str, int] = {}
    for index, spec in enumerate(specs):
        if spec.name in seen:
            raise InvalidRequestError(f"tools[{seen[spec.name]}] and tools[{index}] are both named {spec.name!r}")
        seen[spec.name] = index
    return _ReadTools(specs)


def read_tool(value: object, where: str) -> ToolSpec:
    """Convert one tool definition to a spec.

    Args:
        value: A spec, an object with `tool_spec()`, or a mapping.
        where: The name of the place, for the error.

    Raises:
        InvalidRequestError: It is wrong; the text names the place.
    """
    if is_mapping(value):
        return _from_mapping(value, where)
    offered = getattr(value, "tool_spec", None)
    spec: object = offered() if callable(offered) and not isinstance(value, type) else value
    if isinstance(spec, ToolSpec):
        if _json_of(spec) is not None:
            return spec
        checked = _checked(spec.name, spec.description, spec.parameters, spec.strict, where)
        return checked if spec.check is None else checked.checked_by(spec.check)
    raise InvalidRequestError(f"{where} is {type(value).__name__}: give a mapping with a name and parameters")


def _from_mapping(value: Mapping[str, object], where: str) -> ToolSpec:
    function = value
    if "function" in value or "type" in value:
        if value.get("type", "function") != "function":
            raise InvalidRequestError(f"{where}.type is {value.get('type')!r}: only 'function' exists")
        inner = value.get("function")
        if not is_mapping(inner):
            raise InvalidRequestError(f"{where}.function is missing: give {{'name', 'description', 'parameters'}}")
        _refuse_others(value, frozenset({"type", "function"}), where)
        function, where = inner, f"{where}.function"
    _refuse_others(function, _FIELDS, where)
    return _checked(
        function.get("name"), function.get("description"), function.get("parameters"), function.get("strict"), where
    )


def _checked(name: object, description: object, parameters: object, strict: object, where: str) -> ToolSpec:
    """Make a spec with a copy of the schema. An agent offers the same tools again: a known one is not checked.

    Raises:
        InvalidRequestError: A field is wrong; the text names the place.
    """
    try:
        fields = marshal.dumps((name, description, parameters, strict), _EXACT)  # type: ignore[arg-type]
    except ValueError:  # they hold other types than those of JSON, or are nested too deeply
        fields = b""
    if fields and len(fields) <= _REMEMBERED and (json := _known(fields)) is not None:
        return _as_read(ToolSpec(*marshal.loads(fields)), json)  # noqa: S302  # written above
    spec = _read(name, description, parameters, strict, where)
    return _as_read(spec, write_plain_json(spec.to_dict()))


@lru_cache(maxsize=512)
def _known(fields: bytes) -> bytes | None:
    """The JSON of a tool with these fields; None if they are wrong, or a copy would differ from them."""
    name, description, parameters, strict = marshal.loads(fields)  # noqa: S302  # of `_checked`
    try:
        read = _read(name, description, parameters, strict, "")
    except InvalidRequestError:
        return None
    same = read == ToolSpec(name, description, parameters, strict)
    return write_plain_json(read.to_dict()) if same else None


def _read(name: object, description: object, parameters: object, strict: object, where: str) -> ToolSpec:
    if not isinstance(name, str):
        raise InvalidRequestError(f"{where}.name is {name!r}: give the tool's name")
    if description is not None and not isinstance(description, str):
        raise InvalidRequestError(f"{where}.description is {type(description).__name__}: give a text")
    if description is not None:
        check_text(description, f"{where}.description")
    if parameters is not None and not is_mapping(parameters):
        raise InvalidRequestError(f"{where}.parameters is {type(parameters).__name__}: give a JSON Schema object")
    if strict is not None and not isinstance(strict, bool):
        raise InvalidRequestError(f"{where}.strict is {type(strict).__name__}: give True or False")
    if not _NAME.fullmatch(name):
        raise InvalidRequestError(f"{where}.name is {name!r}: use letters, digits, '_' and '-'")
    schema = None if parameters is None else plain_json(parameters, f"{where}.parameters")
    if (elsewhere := foreign_reference(schema)) is not None:
        raise InvalidRequestError(
            f"{where}.parameters refers to {elsewhere!r}: nothing is fetched, here or on a server; put it into the "
            "schema, under $defs"
        )
    return ToolSpec(name, description, cast("dict[str, JsonValue] | None", schema), strict)


class _ReadTools(tuple[ToolSpec, ...]):
    """Specs of one request, which are read, and no two have the same name."""

    __slots__ = ()


def _written(spec: ToolSpec) -> bytes:
    json = _json_of(spec)
    return write_json(spec.to_dict()) if json is None else json


def _json_of(spec: ToolSpec) -> bytes | None:
    json: bytes | None = getattr(spec, "_json", None)  # empty for one that a user made, or changed a copy of
    return json


def _as_read(spec: ToolSpec, json: bytes) -> ToolSpec:
    object.__setattr__(spec, "_json", json)
    return spec


def foreign_reference(schema: object) -> str | None:
    """Find the first reference in a JSON Schema to another host, or to a file; None when all stay within it.

    Data in it is not a schema, and neither are the names of properties: both may contain `$ref`.
    """
    seen: list[tuple[object, bool]] = [(schema, False)]  # and whether its keys are names
    own: set[str] = set()
    found: list[str] = []
    for node, named in seen:
        if is_mapping(node) and named:
            seen += [(item, False) for item in node.values()]
        elif is_mapping(node):
            seen += [(item, key in _NAMED) for key, item in node.items() if key not in _DATA]
            if isinstance(name := node.get("$id"), str):
                own.add(name.partition("#")[0])
            if isinstance(reference := node.get("$ref"), str) and _ELSEWHERE.match(reference):
                found.append(reference)
        elif is_list(node):
            seen += [(item, False) for item in node]
    return next((reference for reference in found if reference.partition("#")[0] not in own), None)


def _refuse_others(value: Mapping[str, object], known: frozenset[str], where: str) -> None:
    for key, item in value.items():
        if key not in known and item is not None:
            raise InvalidRequestError(f"{where}.{key} is not a field of a tool; known: {', '.join(sorted(known))}")
