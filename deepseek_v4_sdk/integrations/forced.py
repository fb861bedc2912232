"""Calls that a framework forces, where the server does not force any while it thinks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

from deepseek_v4_sdk import UnsupportedOptionError
from deepseek_v4_sdk.chat.openai_form import is_mapping

__all__ = ["open_chat"]

T = TypeVar("T")


def open_chat(start: Callable[..., T], messages: Sequence[Mapping[str, object]], options: Mapping[str, Any]) -> T:
    """Begin a chat. Where a server forces no calls while it thinks, the prompt instructs the model to call instead.

    Frameworks force calls that no user has requested. The model still thinks, and the reply's repairs have a note.

    Raises:
        InvalidRequestError: Something is wrong with the request.
    """
    try:
        return start(messages, **options)
    except UnsupportedOptionError as error:
        if error.option != "tool_choice" or options.get("on_unsupported") is not None:
            raise
        instructed = _instructed(messages, options["tool_choice"])
        return start(instructed, **{**options, "on_unsupported": "auto"})


def _instructed(messages: Sequence[Mapping[str, object]], choice: object) -> list[Mapping[str, object]]:
    """The messages, with a sentence at the end of the system text that asks for a call."""
    function = choice.get("function") if is_mapping(choice) else None
    name = function.get("name") if is_mapping(function) else choice
    text = "Answer by calling one of the tools." if name == "required" else f"Answer by calling the tool {name}."
    changed = list(messages)
    if changed and changed[0]["role"] == "system":
        content = changed[0]["content"]
        parts = [content] if isinstance(content, str) else [part["text"] for part in cast("list[Any]", content)]
        changed[0] = {**changed[0], "content": "\n\n".join((*parts, text))}
    else:
        changed.insert(0, {"role": "system", "content": text})
    return changed
