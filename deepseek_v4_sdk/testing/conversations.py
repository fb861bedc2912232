"""A conversation as a script: the mock gives the recorded answers of the model."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, cast

from deepseek_v4_sdk.chat import AssistantMessage, Conversation, ToolMessage, UserMessage
from deepseek_v4_sdk.errors import ConfigurationError, InvalidRequestError
from deepseek_v4_sdk.testing.script import Expected, ScriptedCall, Step, Turn

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import Message, MessagesInput
    from deepseek_v4_sdk.testing.requests import MockRequest

__all__ = ["steps_of"]


def steps_of(source: MessagesInput | str | os.PathLike[str], *, strict: bool) -> list[Step]:
    """One step for each turn of the model.

    Raises:
        ConfigurationError: There is no such file, it is not a conversation, or nothing in it is of the model.
    """
    named = f"the conversation {os.fspath(source)}" if isinstance(source, str | os.PathLike) else "the conversation"
    try:
        if isinstance(source, str | os.PathLike):
            talk = Conversation.from_json(Path(source).read_bytes())
        else:
            talk = Conversation(source)
    except OSError as error:
        raise ConfigurationError(f"{named} cannot be read: {error.strerror or error}") from None
    except InvalidRequestError as error:
        raise ConfigurationError(f"{named} is not a list of messages: {error}") from None
    steps: list[Step] = []
    before: Message | None = None
    for message in talk:
        if isinstance(message, AssistantMessage):
            steps.append(_expected(before, _turn(message)) if strict else _turn(message))
        before = message
    if not steps:
        raise ConfigurationError(f"{named} has no turn of the model: a script is made of its answers")
    return steps


def _turn(message: AssistantMessage) -> Turn:
    calls = tuple(ScriptedCall(call.name, call.arguments) for call in message.tool_calls)
    return Turn(message.reasoning or "", _text(message), calls)


def _expected(before: Message | None, turn: Turn) -> Step:
    """An answer to the messages before it."""
    if isinstance(before, UserMessage) and (text := _text(before)):
        return Expected(text, turn)
    return Expected(_answers_a_tool, turn) if isinstance(before, ToolMessage) else turn


def _answers_a_tool(request: MockRequest) -> bool:
    return bool(request.messages) and request.messages[-1].get("role") == "tool"


def _text(message: AssistantMessage | UserMessage) -> str:
    content = message.content
    if isinstance(content, str) or content is None:
        return content or ""
    return "".join(cast("str", getattr(part, "text", part)) for part in content)
