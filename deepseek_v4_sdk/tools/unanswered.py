"""The calls at the end of a conversation that have no result yet, and the decisions about them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepseek_v4_sdk.chat import AssistantMessage, ToolCall, ToolMessage
from deepseek_v4_sdk.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deepseek_v4_sdk.chat import Conversation

__all__ = ["check_approvals", "unanswered"]


def unanswered(messages: Conversation) -> tuple[ToolCall, ...]:
    """The calls without a result, where the conversation ends with a turn that called tools and its results."""
    calls, answered = _last_turn(messages)
    return tuple(call for call in calls if call.id not in answered)


def check_approvals(messages: Conversation, approvals: Mapping[str, bool | str]) -> None:
    """Check that the decisions concern the last turn; calls of it that have a result by now are skipped.

    Raises:
        InvalidRequestError: A decision concerns another call.
    """
    known = {call.id for call in _last_turn(messages)[0]}
    for call_id in approvals:
        if call_id not in known:
            raise InvalidRequestError(
                f"approvals names {call_id!r}, which is not a call of the turn that the conversation ends with: "
                "give the ids of run.pending_calls, with the run.messages they belong to"
            )


def _last_turn(messages: Conversation) -> tuple[tuple[ToolCall, ...], set[str]]:
    answered: set[str] = set()
    for place in range(len(messages) - 1, -1, -1):
        message = messages[place]
        if isinstance(message, ToolMessage):
            answered.add(message.tool_call_id)
        elif isinstance(message, AssistantMessage):
            return message.tool_calls, answered
        else:
            break
    return (), set()
