"""The arguments that LangChain passes to a model with each call, as the options of a chat."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from langchain_core.utils.function_calling import convert_to_openai_tool

from deepseek_v4_sdk import ChatOptions, InvalidRequestError
from deepseek_v4_sdk.chat.openai_form import thinking_of_effort

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

__all__ = ["OPTIONS", "chat_options", "read_tool_choice", "read_tools"]

# `metadata` is LangChain's own word for what goes into traces.
OPTIONS = frozenset(ChatOptions.__annotations__) - {"metadata", "model", "thinking"}
"""The options of a chat that are fields of the model; its name and the thinking level are fields too."""

# LangChain passes these for its traces, or to choose between `_generate` and `_stream`.
_NOT_SENT = frozenset({"ls_structured_output_format", "structured_output_format", "stream"})


def chat_options(fields: Mapping[str, object], stop: list[str] | None, kwargs: Mapping[str, object]) -> dict[str, Any]:
    """The options of one chat: those of the model, with those of the call in front.

    Args:
        fields: The options that the model was made with.
        stop: The stop texts of the call; none is as good as an empty list.
        kwargs: The options that were bound, or given with the call. Unknown names stay; the client refuses them.

    Raises:
        InvalidRequestError: A level is given twice, or is none.
    """
    given = {name: value for name, value in kwargs.items() if name not in _NOT_SENT}
    if stop is not None:
        given["stop"] = stop
    if (effort := given.pop("reasoning_effort", None)) is not None:
        if given.get("thinking") is not None:
            raise InvalidRequestError("thinking and reasoning_effort are both given: give thinking only")
        given["thinking"] = thinking_of_effort(effort)
    options = {**fields, **given}
    if "tool_choice" in options:
        options["tool_choice"] = read_tool_choice(options["tool_choice"])
    if not options.get("tools"):  # an empty list of tools offers none; a server would refuse it
        for name in ("tools", "tool_choice", "parallel_tool_calls"):
            options.pop(name, None)
    if options.get("stop") == []:
        del options["stop"]
    return {name: value for name, value in options.items() if value is not None}


def read_tools(
    tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool], strict: bool | None
) -> list[dict[str, Any]]:
    """Tools in any form that LangChain knows, in OpenAI's."""
    return [convert_to_openai_tool(tool, strict=strict) for tool in tools]


def read_tool_choice(choice: object) -> object:
    """LangChain's words for a tool choice, as the SDK's."""
    if choice is True or choice == "any":
        return "required"
    return None if choice is False else choice
