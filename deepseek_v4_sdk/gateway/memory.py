"""Remembered reasoning: for clients that drop it between tool calls, although the model needs it back."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from time import monotonic

from pydantic_core import from_json, to_json

from deepseek_v4_sdk import AssistantMessage, Message, ToolCall, UserMessage
from deepseek_v4_sdk.chat.openai_form import is_list, is_mapping
from deepseek_v4_sdk.gateway.callers import Caller

__all__ = ["ReasoningMemory", "Restored"]


@dataclass(frozen=True, slots=True)
class Restored:
    """A conversation with its reasoning.

    Attributes:
        messages: The messages.
        found: Number of turns that have their reasoning back.
        missing: Number of turns that call tools and still lack it.
    """

    messages: list[Message]
    found: int
    missing: int


@dataclass(slots=True)
class _Entry:
    """The reasoning of turns that differ only in the ids of their calls."""

    by_ids: dict[tuple[str, ...], str]
    size: int
    at: float


class ReasoningMemory:
    """Keeps the reasoning of answers in memory, each for the caller it was given to.

    A turn is found by a digest of its calls and text and of the last user message before it. Ids of calls repeat, and
    some clients change them: they only decide between turns that are otherwise alike.

    Args:
        most: The most turns that are kept; the oldest go first.
        most_bytes: The most bytes of reasoning.
        seconds: Seconds for which a turn is kept.
        clock: Returns the time in seconds.
    """

    def __init__(
        self,
        *,
        most: int = 20_000,
        most_bytes: int = 128 * 2**20,
        seconds: float = 24 * 3600.0,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._seconds = seconds
        self._clock = clock
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()
        self._bytes = 0

    @property
    def size(self) -> tuple[int, int]:
        """The number of turns that are kept, and of bytes of reasoning."""
        return len(self._entries), self._bytes

    def remember(self, caller: Caller, messages: Sequence[Message], answer: AssistantMessage) -> None:
        """Keep the reasoning of an answer.

        Args:
            caller: The caller that received it.
            messages: The conversation before it.
            answer: The answer.
        """
        if not answer.reasoning or not (answer.content or answer.tool_calls):
            return
        key = _digest(caller, _hash(_last_user(messages)), answer)
        entry = self._entries.pop(key, None)
        if entry is None:
            entry = _Entry({}, 0, 0.0)
        ids = tuple(call.id for call in answer.tool_calls)
        entry.by_ids.pop(ids, None)
        entry.by_ids[ids] = answer.reasoning
        size = sum(len(text.encode("utf-8", "replace")) for text in entry.by_ids.values())
        self._bytes += size - entry.size
        entry.size, entry.at = size, self._clock()
        self._entries[key] = entry
        self._forget()

    def restore(self, caller: Caller, messages: Sequence[Message]) -> Restored:
        """Put the reasoning back into each turn that lacks it, where it is known."""
        restored: list[Message] = []
        found = missing = 0
        self._forget()
        user = _hash("")
        for message in messages:
            if isinstance(message, UserMessage):
                user = _hash(_text(message.content))  # once for all the turns that follow
            elif isinstance(message, AssistantMessage) and not message.reasoning:
                reasoning = self._find(caller, user, message)
                if reasoning is not None:
                    message, found = replace(message, reasoning=reasoning), found + 1
                elif message.reasoning is None and message.tool_calls:
                    missing += 1
            restored.append(message)
        return Restored(restored, found, missing)

    def _find(self, caller: Caller, user: bytes, message: AssistantMessage) -> str | None:
        if not self._entries or not (message.content or message.tool_calls):
            return None
        entry = self._entries.get(_digest(caller, user, message))
        if entry is None:
            return None
        ids = tuple(call.id for call in message.tool_calls)
        return entry.by_ids.get(ids) or next(reversed(entry.by_ids.values()))

    def _forget(self) -> None:
        oldest = self._clock() - self._seconds
        while self._entries:
            key, entry = next(iter(self._entries.items()))
            if len(self._entries) <= self._most and self._bytes <= self._most_bytes and entry.at >= oldest:
                return
            del self._entries[key]
            self._bytes -= entry.size


def _digest(caller: Caller, user: bytes, answer: AssistantMessage) -> bytes:
    calls = [[call.name, _canonical(call)] for call in answer.tool_calls]
    return hashlib.sha256(user + to_json([caller.id, _text(answer.content).strip(), calls])).digest()


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()


def _canonical(call: ToolCall) -> str:
    """The arguments in one spelling: clients serialize them differently."""
    try:
        value: object = from_json(call.arguments or "{}")
    except ValueError:
        return call.arguments
    return to_json(_sorted(value)).decode()


def _sorted(value: object) -> object:
    if is_mapping(value):
        return {key: _sorted(value[key]) for key in sorted(value)}
    if is_list(value):
        return [_sorted(item) for item in value]
    return value


def _last_user(messages: Sequence[Message]) -> str:
    for message in reversed(messages):
        if isinstance(message, UserMessage):
            return _text(message.content)
    return ""


def _text(content: str | tuple[str, ...] | None) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    return "\n\n".join(content)
