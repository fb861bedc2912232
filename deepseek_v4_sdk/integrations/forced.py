"""Calls that a framework forces, where the server does not force any while it thinks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

from deepseek_v4_sdk import UnsupportedOptionError
from deepseek_v4_sdk.chat.openai_form import is_mapping

__all__ = ["started"]

T = TypeVar("T")


def started(begin: Callable[..., T], messages: Sequence[Mapping[str, object]], options: Mapping[str, Any]) -> T:
    """Begin a chat. Where a server forces no calls while it thinks, the prompt instructs the model to call instead.

    Frameworks force calls that no user has requested. The model still thinks, and the reply's repairs have a note.

    Raises:
        InvalidRequestError: Something is wrong with the request.
    """
    try:
        return begin(messages, **options)
    except UnsupportedOptionError as error:
        if error.option != "tool_choice" or options.get("on_unsupported") is not None:
            raise
        told = _instructed(messages, options["tool_choice"])
        return begin(told, **{**options, "on_unsupported": "auto"})


def _instructed(messages: Sequence[Mapping[str, object]], choice: object) -> list[Mapping[str, object]]:
    """The messages, with a sentence at the end of the system text that asks for a call."""
    function = choice.get("function") if is_mapping(choice) else None
    name = function.get("name") if is_mapping(function) else choice
    text = "Answer by calling one of the tools." if name == "required" else f"Answer by calling the tool {name}."
    read = list(messages)
    if read and read[0]["role"] == "system":
        content = read[0]["content"]
        parts = [content] if isinstance(content, str) else [part["text"] for part in cast("list[Any]", content)]
        read[0] = {**read[0], "content": "\n\n".join((*parts, text))}
    else:
        read.insert(0, {"role": "system", "content": text})
    return read
