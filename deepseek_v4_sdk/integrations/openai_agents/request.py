"""The settings and tools that OpenAI Agents passes to a model, as the options of a chat."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from agents import FunctionTool

from deepseek_v4_sdk import InvalidRequestError
from deepseek_v4_sdk.chat.openai_form import thinking_of_effort

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agents import AgentOutputSchemaBase, Handoff, ModelSettings, Tool

    from deepseek_v4_sdk import ProviderData

__all__ = ["instructions_with", "read_options", "read_output", "read_tools"]

_SAME = (
    "temperature",
    "top_p",
    "frequency_penalty",
    "presence_penalty",
    "max_tokens",
    "parallel_tool_calls",
    "tool_choice",
    "metadata",
    "extra_body",
    "extra_headers",
    "timeout",
)
# Settings that only OpenAI's servers have.
_FOREIGN = (
    "truncation",
    "verbosity",
    "store",
    "prompt_cache_retention",
    "prompt_cache_options",
    "context_management",
    "response_include",
    "extra_query",
)


def read_options(settings: ModelSettings) -> dict[str, Any]:
    """The settings of a model as options of a chat. `extra_args` are options by their own names, such as `thinking`.

    Raises:
        InvalidRequestError: A setting is one that V4's servers do not have.
    """
    for name in _FOREIGN:
        if getattr(settings, name, None):
            raise InvalidRequestError(f"ModelSettings.{name} is a setting of OpenAI's servers: leave it out")
    options: dict[str, Any] = {name: getattr(settings, name, None) for name in _SAME}
    if settings.top_logprobs is not None:
        options["logprobs"] = settings.top_logprobs
    if settings.reasoning is not None and settings.reasoning.effort is not None:
        options["thinking"] = thinking_of_effort(settings.reasoning.effort)
    options.update(settings.extra_args or {})
    return {name: value for name, value in options.items() if value is not None}


def read_tools(tools: Sequence[Tool], handoffs: Sequence[Handoff[Any, Any]]) -> list[dict[str, Any]]:
    """Functions and hand-offs as tools of a chat.

    Raises:
        InvalidRequestError: A tool is one of OpenAI's servers.
    """
    read: list[dict[str, Any]] = []
    for tool in tools:
        if not isinstance(tool, FunctionTool):
            raise InvalidRequestError(f"the tool {tool.name!r} runs on OpenAI's servers: give functions")
        read.append(_function(tool.name, tool.description, tool.params_json_schema, strict=tool.strict_json_schema))
    for handoff in handoffs:
        schema, strict = handoff.input_json_schema, handoff.strict_json_schema
        read.append(_function(handoff.tool_name, handoff.tool_description, schema, strict=strict))
    return read


def _function(name: str, description: str, schema: Mapping[str, Any], *, strict: bool) -> dict[str, Any]:
    parameters = dict(schema) or {"type": "object", "properties": {}}
    function: dict[str, Any] = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": {**function, "strict": True} if strict else function}


def read_output(
    schema: AgentOutputSchemaBase | None, provider: ProviderData, *, offers: bool
) -> tuple[dict[str, Any] | None, str | None]:
    """Return the option that makes the server enforce a shape, and the sentence about the shape for the prompt.

    Args:
        schema: The shape, or None for plain text.
        provider: The known data of the server.
        offers: Whether tools are offered. With tools no server enforces the shape, because a grammar leaves no place
            for a call; the framework checks the answer.
    """
    if schema is None or schema.is_plain_text():
        return None, None
    json_schema = schema.json_schema()
    text = f"Answer with JSON that matches this JSON Schema, and with nothing else:\n{json.dumps(json_schema)}"
    if offers:
        return None, f"When you have what you need and call no more tools: {text}"
    if not provider.renderer.holds_schema:
        return {"type": "json_object"}, text
    held = {"type": "json_schema", "json_schema": {"name": "final_output", "schema": json_schema}}
    return held, None if provider.renderer.shows_format else text


def instructions_with(instructions: str | None, text: str | None) -> str | None:
    """Return the instructions with a text at their end, so that the beginning stays the same for the prefix cache."""
    return "\n\n".join(part for part in (instructions, text) if part) or None
