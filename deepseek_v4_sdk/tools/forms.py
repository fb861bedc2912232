"""The forms of tools, and the only function that reads them all."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MethodType
from typing import TYPE_CHECKING, Concatenate, cast

from deepseek_v4_sdk.chat import JsonValue, ToolCall, ToolSpec, is_iterable, is_mapping, read_tool, read_tools
from deepseek_v4_sdk.errors import ConfigurationError, InvalidRequestError
from deepseek_v4_sdk.tools.function import plain_offer
from deepseek_v4_sdk.tools.handwritten import written_offer
from deepseek_v4_sdk.tools.offer import Offer
from deepseek_v4_sdk.tools.tool import Tool

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["as_spec", "as_specs", "as_tool", "validate_arguments"]

_SCHEMA_NAMES = ("inputSchema", "input_schema")  # mcp 1 has the one, mcp 2 the other; the wire has the first


def as_tool(value: object) -> Tool[..., object]:
    """Make a tool from any description of one.

    Args:
        value: A tool, a function, a `ToolSpec`, a mapping in OpenAI's form or bare (`name`, `description`,
            `parameters`), or a tool of an MCP server, as an object or a mapping with `inputSchema`. Only the name, the
            description and the schema of an MCP tool count; its other fields are not for the model.

    Raises:
        InvalidRequestError: It does not describe a tool; the text names the fault.
        ConfigurationError: A function cannot be a tool; the text names the parameter.
    """
    return _tool(value, "the tool")


def as_spec(value: object) -> ToolSpec:
    """Make a `ToolSpec` from any description of a tool, with the check of its arguments.

    Raises:
        InvalidRequestError: It does not describe a tool.
        ConfigurationError: A function cannot be a tool.
    """
    return as_tool(value).tool_spec()


def as_specs(values: object) -> tuple[ToolSpec, ...]:
    """Make specs of the tools of a request, in the order given.

    Raises:
        InvalidRequestError: One of them does not describe a tool, or is a function that cannot be one; the text names
            it.
    """
    if not is_iterable(values):
        raise InvalidRequestError(f"tools is {type(values).__name__}: give a list of tools")
    specs: list[ToolSpec] = []
    for index, value in enumerate(values):
        try:
            spec = _written(value, f"tools[{index}]")
            if spec is None:
                spec = _tool(value, f"tools[{index}]").tool_spec()
            elif spec.check is None:
                spec = written_offer(spec).spec
            specs.append(spec)
        except ConfigurationError as error:
            raise InvalidRequestError(f"tools[{index}]: {error}") from None
    return read_tools(specs)


def validate_arguments(call: ToolCall, tool: object) -> dict[str, JsonValue]:
    """Return the arguments of a call if they fit the tool's own schema.

    Args:
        call: The call. Its arguments are checked unchanged.
        tool: The tool in any form that `as_tool` takes.

    Raises:
        InvalidToolArgumentsError: They do not fit; `path` names the place.
        InvalidRequestError: `tool` does not describe a tool.
    """
    return as_tool(tool).check(call)


def _tool(value: object, where: str) -> Tool[..., object]:
    if isinstance(value, Tool):
        return cast("Tool[..., object]", value)
    if isinstance(value, MethodType):
        inner = cast("object", value.__func__)
        if isinstance(inner, Tool):  # @classmethod over @tool, in Python 3.13
            return cast("Tool[Concatenate[object, ...], object]", inner).__get__(value.__self__)
    spec = _written(value, where)
    if spec is None:
        if not callable(value):
            raise InvalidRequestError(
                f"{where} is {type(value).__name__}: give a function, or a mapping with a name and parameters"
            )
        function = cast("Callable[..., object]", value)
        plain = plain_offer(function)
        return Tool(function, partial(_plain_again, function), _known=plain)
    return Tool(_NoFunction(spec.name), partial(_offer_of, spec), runs=False)


def _written(value: object, where: str) -> ToolSpec | None:
    """Read a tool whose description is not a function; None for a function."""
    if isinstance(value, Tool) or isinstance(getattr(value, "__func__", None), Tool):
        return None
    written = value if isinstance(value, ToolSpec) or hasattr(value, "tool_spec") else _mapping_of(value)
    return None if written is None else read_tool(written, where)


def _plain_again(function: object, _: type | None) -> Offer:
    return plain_offer(function)


def _offer_of(spec: ToolSpec, _: type | None) -> Offer:
    if spec.check is None:
        return written_offer(spec)
    return Offer(spec, spec.check, cast("Callable[[ToolCall], dict[str, object]]", spec.check))


class _NoFunction:
    """A placeholder for the function of a tool without one."""

    def __init__(self, name: str) -> None:
        self.__name__ = self.__qualname__ = name

    def __call__(self, **_: object) -> object:
        raise ConfigurationError(f"the tool {self.__name__!r} is a schema without a function: it cannot be run here")


def _mapping_of(value: object) -> Mapping[str, object] | None:
    """A tool's description as a mapping in our form, or None where the value is not one."""
    if is_mapping(value):
        key = next((key for key in _SCHEMA_NAMES if key in value), None)
        return value if key is None else _from_mcp(value.get("name"), value.get("description"), value[key])
    if isinstance(value, type):
        return None
    key = next((key for key in _SCHEMA_NAMES if hasattr(value, key)), None)
    if key is None:
        return None
    name: object = getattr(value, "name", None)
    description: object = getattr(value, "description", None)
    schema: object = getattr(value, key)
    return _from_mcp(name, description, schema)


def _from_mcp(name: object, description: object, schema: object) -> Mapping[str, object]:
    if is_mapping(schema):
        # MCP allows a tool without arguments to leave these out; servers of the chat API do not.
        missing: Mapping[str, object] = {"type": "object", "properties": {}}
        schema = {**schema, **{key: item for key, item in missing.items() if key not in schema}}
    return {"name": name, "description": description, "parameters": schema}
