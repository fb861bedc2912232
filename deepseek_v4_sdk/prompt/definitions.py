"""The tools and the answer's format in the head of a prompt."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, cast

from deepseek_v4_sdk.chat import JsonValue, ToolSpec, is_mapping, kind_of
from deepseek_v4_sdk.chat.checks import is_iterable
from deepseek_v4_sdk.chat.json_value import plain_json
from deepseek_v4_sdk.errors import InvalidRequestError
from deepseek_v4_sdk.prompt.json_text import JsonWriter
from deepseek_v4_sdk.prompt.literals import BLANK_LINE, TOOLS_END, Piece, Tags
from deepseek_v4_sdk.prompt.strict import strict_parameters

ToolObject = dict[str, JsonValue]
"""OpenAI's `function` object."""

_NAME: Final = re.compile(r"[a-zA-Z0-9_-]+")
"""Names that deepseek-recipe 0.2.0 accepts."""


def read_tool_objects(tools: object) -> list[ToolObject]:
    """Read the `function` object of each tool, unchanged: all keys, in their order.

    Raises:
        InvalidRequestError: One is not a tool; the text names its place.
    """
    if tools is None:
        return []
    if not is_iterable(tools):
        raise InvalidRequestError(f"tools is {type(tools).__name__}: give a list of tools")
    return [_read(tool, f"tools[{index}]") for index, tool in enumerate(tools)]


def _read(tool: object, where: str) -> ToolObject:
    given: object = tool.to_dict() if isinstance(tool, ToolSpec) else tool
    if is_mapping(given) and ("function" in given or "type" in given):
        where, given = f"{where}.function", given.get("function")
    if not is_mapping(given):
        raise InvalidRequestError(f"{where} is {type(given).__name__}: give a mapping with a name and parameters")
    if not isinstance(given.get("name"), str):
        raise InvalidRequestError(f"{where}.name is {given.get('name')!r}: give the tool's name")
    return cast("ToolObject", plain_json(given, where))


def tools_block(tags: Tags, tools: Sequence[ToolObject], write: JsonWriter) -> list[Piece]:
    """Write the instructions and definitions, with the blank line before them; nothing without tools."""
    if not tools:
        return []
    return [
        (BLANK_LINE, False),
        *tags.tools_intro,
        ("\n".join(write(tool) for tool in tools), False),
        (TOOLS_END, False),
    ]


def recipe_tools(tools: Sequence[ToolObject], chosen: str | None) -> list[ToolObject]:
    """Convert tools to the only form that deepseek-recipe 0.2.0 prints: name, description and parameters.

    Args:
        tools: The tools as given.
        chosen: The name of the one that has to be called; it is then the only one printed.

    Raises:
        InvalidRequestError: deepseek-recipe refuses one of them.
    """
    printed: dict[str, ToolObject] = {}
    for index, tool in enumerate(tools):
        where = f"tools[{index}].function"
        name = cast("str", tool["name"])
        if not _NAME.fullmatch(name):
            raise InvalidRequestError(f"{where}.name is {name!r}: use letters, digits, '_' and '-'")
        if name in printed:
            raise InvalidRequestError(f"{where}.name is {name!r}, as that of another tool: names must be unique")
        description = tool.get("description")
        if not isinstance(description, str | None):
            raise InvalidRequestError(f"{where}.description is {kind_of(description)}: give a text")
        parameters = _parameters(tool, f"{where}.parameters")
        printed[name] = {"name": name, "description": description or "", "parameters": parameters}
    if chosen is not None:
        if chosen not in printed:
            raise InvalidRequestError(f"tool_choice names {chosen!r}, which is not among the tools")
        return [printed[chosen]]
    return list(printed.values())


def _parameters(tool: ToolObject, where: str) -> dict[str, JsonValue]:
    parameters = tool.get("parameters")
    if parameters is not None and (not isinstance(parameters, dict) or parameters.get("type") != "object"):
        raise InvalidRequestError(f"{where} is not a JSON Schema with 'type': 'object'")
    if tool.get("strict") is True:
        return strict_parameters(parameters, where)
    return parameters or {}
