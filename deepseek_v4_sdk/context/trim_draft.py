"""A conversation while it is being cut: its parts, what they cost, and what may be done to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from deepseek_v4_sdk._late_types import late_type
from deepseek_v4_sdk.chat import AssistantMessage, Message, SystemMessage, ToolMessage, UserMessage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from deepseek_v4_sdk.tokens.prompts import PromptCount
else:
    PromptCount = late_type("deepseek_v4_sdk.tokens.prompts", "PromptCount")

__all__ = ["Item", "PartKind", "TrimDraft", "Unit"]

PartKind: TypeAlias = Literal["system", "user", "round", "summary"]
"""Instructions, what the user says, an answer of the model with the results of its calls, or what stands for others."""


@dataclass(frozen=True, slots=True)
class Item:
    """A message of a draft.

    Attributes:
        message: The message.
        tokens: What it costs.
        origin: Its place in the conversation that was given; None for one that stands in for others.
        clipped: Whether its text is shorter than it was.
        place: Its place in the conversation that is being cut, while it is as it was there.
    """

    message: Message
    tokens: int
    origin: int | None = None
    clipped: bool = False
    place: int | None = None


@dataclass(slots=True)
class Unit:
    """What stays or goes together: a call and its results are one.

    Attributes:
        kind: What it is.
        turn: The number of its turn.
        pinned: Whether it stays: instructions, the last words of the user, the last answer with its results.
        items: Its messages.
    """

    kind: PartKind
    turn: int
    pinned: bool = False
    items: list[Item] = field(default_factory=list[Item])

    @property
    def tokens(self) -> int:
        """What it costs."""
        return sum(item.tokens for item in self.items)


class TrimDraft:
    """A conversation that is being cut.

    Args:
        items: Its messages.
        count: Their tokens.
        available_tokens: How many tokens a prompt may have.
        target: How many are to be left.

    Attributes:
        parts: Its parts, in order.
        tokens: What it costs, as far as is known before it is counted anew.
        last_resort: Whether results that nobody has read yet may be clipped: it would not fit otherwise.
    """

    def __init__(self, items: Sequence[Item], count: PromptCount, *, available_tokens: int, target: int) -> None:
        shares = [*count.per_message]
        shares[0] -= count.opening
        shares[-1] -= count.closing
        self.available_tokens = available_tokens
        self.target = target
        self.tokens = count.total
        self.last_resort = False
        self._gap = 0
        self.parts = _units(
            replace(item, tokens=tokens, place=place)
            for place, (item, tokens) in enumerate(zip(items, shares, strict=True))
        )

    @property
    def done(self) -> bool:
        """Whether enough is gone."""
        return self.tokens <= self.target

    @property
    def items(self) -> list[Item]:
        """What is left, in order."""
        return [item for part in self.parts for item in part.items]

    def drop_oldest(self) -> list[Unit]:
        """Drop whole turns, the oldest first, until enough is gone; the last one stays.

        Where that one alone is more than the room, its older answers go, each with its results.

        Returns:
            What went.
        """
        dropped: list[Unit] = []
        for parts in self._droppable():
            if self.done:
                break
            self.tokens -= sum(part.tokens for part in parts)
            dropped += parts
        gone = {id(part) for part in dropped}
        self._gap = next((at for at, part in enumerate(self.parts) if id(part) in gone), 0)
        self.parts = [part for part in self.parts if id(part) not in gone]
        return dropped

    def _droppable(self) -> Iterator[list[Unit]]:
        turns: dict[int, list[Unit]] = {}
        for part in self.parts:
            turns.setdefault(part.turn, []).append(part)
        *older, last = turns.values()
        for turn in older:
            yield [part for part in turn if not part.pinned]
        if self.tokens > self.available_tokens:
            yield from ([part] for part in last if part.kind in {"round", "summary"} and not part.pinned)

    def replace(self, part: Unit, place: int, message: Message, tokens: int) -> None:
        """Put a shorter message in place of one of a part's, at what it is thought to cost."""
        old = part.items[place]
        part.items[place] = Item(message, tokens, old.origin, clipped=True)
        self.tokens += tokens - old.tokens

    def insert(self, message: Message, tokens: int) -> None:
        """Put a message where the first of what was dropped had been."""
        self.parts.insert(self._gap, Unit("summary", 0, items=[Item(message, tokens)]))
        self.tokens += tokens


def _units(items: Iterable[Item]) -> list[Unit]:
    parts: list[Unit] = []
    turn, before = 0, "user"  # the kind of the part before, instructions left aside
    for item in items:
        message = item.message
        if isinstance(message, SystemMessage):
            parts.append(Unit("system", turn, pinned=True, items=[item]))
            continue
        if item.origin is None:
            parts.append(Unit("summary", turn, items=[item]))
            continue
        kind: PartKind = "round" if isinstance(message, AssistantMessage | ToolMessage) else "user"
        if kind == "user" and before == "round":
            turn += 1
        if kind == before and parts and parts[-1].kind == kind and not isinstance(message, AssistantMessage):
            parts[-1].items.append(item)
        else:
            parts.append(Unit(kind, turn, items=[item]))
        before = kind
    last_words = next((part for part in reversed(parts) if _is_of_user(part)), None)
    for part in (last_words, parts[-1] if parts else None):
        if part is not None:
            part.pinned = True
    return parts


def _is_of_user(part: Unit) -> bool:
    return any(isinstance(item.message, UserMessage) for item in part.items)
