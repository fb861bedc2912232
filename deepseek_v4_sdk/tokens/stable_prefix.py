"""Counted and stable parts of conversations: kept for their next count, within bounds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from deepseek_v4_sdk.chat import AssistantMessage, Message, SystemMessage, ToolMessage, UserMessage
from deepseek_v4_sdk.support.forks import new_lock

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["STABLE_PREFIXES", "StablePrefix", "StablePrefixes", "has_system", "stable_end"]


@dataclass(slots=True, eq=False)
class StablePrefix:
    """The counted beginning of a conversation: whatever is added, these messages are rendered the same.

    Attributes:
        key: The key of their form.
        renderer_id: The identity of the renderer.
        messages: The messages.
        counts: Their tokens.
        special: The messages, by index, whose text spells control tokens.
        reasoning: The part of each message's tokens that is reasoning.
        opening: The tokens before all messages, which are included in the first one's.
        total: All tokens.
    """

    key: bytes
    renderer_id: object
    messages: tuple[Message, ...]
    counts: tuple[int, ...]
    special: tuple[int, ...]
    reasoning: tuple[int, ...]
    opening: int
    total: int = field(init=False)

    def __post_init__(self) -> None:
        self.total = sum(self.counts)


class StablePrefixes:
    """The stable prefixes of the latest conversations, for all threads.

    Args:
        entries: The largest number of entries.
        tokens: The largest number of tokens in all of them; the messages are kept alive as long.
    """

    def __init__(self, entries: int = 16, tokens: int = 4_000_000) -> None:
        self._most_entries = entries
        self._most_tokens = tokens
        self._kept: list[StablePrefix] = []  # the latest first
        self._lock = new_lock()

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, key: bytes, renderer_id: object, messages: tuple[Message, ...]) -> tuple[int, StablePrefix] | None:
        """Find the number of stable messages, and the entry that has their counts; None when there is none."""
        with self._lock:
            kept = [entry for entry in self._kept if entry.key == key and entry.renderer_id is renderer_id]
        boundary, best = 0, None
        for entry in kept:
            found = _shared_end(entry, messages)
            if found > boundary:
                boundary, best = found, entry
        if best is None:
            return None
        with self._lock:
            if best in self._kept:
                self._kept.remove(best)
                self._kept.insert(0, best)
        return boundary, best

    def keep(self, entry: StablePrefix, grown_from: StablePrefix | None) -> None:
        """Keep an entry. The one that it has grown from is removed if it is redundant."""
        with self._lock:
            if grown_from in self._kept:
                self._kept.remove(grown_from)
            self._kept.insert(0, entry)
            del self._kept[self._most_entries :]
            while len(self._kept) > 1 and sum(each.total for each in self._kept) > self._most_tokens:
                self._kept.pop()

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._kept.clear()


STABLE_PREFIXES: Final = StablePrefixes()
"""The stable prefixes of this process."""


def stable_end(messages: Sequence[Message], end: int | None = None) -> int:
    """The index, up to an end, of the last turn of the user's side that follows an answer; 0 when there is none.

    The messages before it are stable: later messages do not change how they are rendered, except for system messages.
    """
    last = len(messages) - 1 if end is None else min(end, len(messages) - 1)
    for index in range(last, 0, -1):
        if isinstance(messages[index], UserMessage | ToolMessage) and isinstance(messages[index - 1], AssistantMessage):
            return index
    return 0


def has_system(messages: Sequence[Message]) -> bool:
    """Whether a system message is among them."""
    return any(isinstance(message, SystemMessage) for message in messages)


def _shared_end(entry: StablePrefix, messages: tuple[Message, ...]) -> int:
    """The last boundary before which an entry has the same messages."""
    size = len(entry.messages)
    # The messages of a conversation that has grown are the same objects: comparing them compares addresses.
    if entry.messages != messages[:size]:
        pairs = zip(entry.messages, messages, strict=False)
        shared = next((index for index, (one, other) in enumerate(pairs) if one != other), len(messages))
        boundary = stable_end(messages, shared)
    elif stable_end(messages[size - 1 :], 1):
        return size
    else:
        boundary = stable_end(messages, size - 1)
    # A system message after the boundary, which is gone or has moved, may have left its tokens at the head.
    return 0 if has_system(entry.messages[boundary:]) else boundary
