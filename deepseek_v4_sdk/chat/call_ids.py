"""Ids of tool calls, made unique: some servers start again from `call_0` in every turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepseek_v4_sdk.chat.messages import AssistantMessage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from deepseek_v4_sdk.chat.messages import Message

__all__ = ["CallIds"]


class CallIds:
    """The ids of the calls so far. The new id of a call depends only on the calls before it.

    Args:
        messages: A conversation whose calls come first.
    """

    __slots__ = ("_next", "_taken")

    def __init__(self, messages: Iterable[Message] = ()) -> None:
        self._taken: set[str] = set()
        self._next: dict[str, int] = {}  # the number to try next, by id: no number is tried twice
        for message in messages:
            if isinstance(message, AssistantMessage):
                for call in message.tool_calls:
                    self.own(call.id)

    def own(self, given: str) -> str:
        """Return the id of one more call: the given one, or the first of `<id>_2`, `<id>_3` and so on that is free."""
        own = given
        while own in self._taken:
            number = self._next.get(given, 2)
            self._next[given] = number + 1
            own = f"{given}_{number}"
        self._taken.add(own)
        return own
