"""A conversation while it is being cut: its parts, their tokens, and the possible changes."""

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

__all__ = ["Item", "TrimDraft", "Unit", "UnitKind"]

UnitKind: TypeAlias = Literal["system", "user", "round", "summary"]
"""Instructions, a message of the user, an answer of the model with the results of its calls, or a summary of others."""


@dataclass(frozen=True, slots=True)
class Item:
    """A message of a conversation that is being cut.

    Attributes:
        message: The message.
        tokens: Its tokens.
        origin: Its place in the given conversation; None for a summary.
        clipped: Whether its text is shorter than it was.
        place: Its place in the conversation that is being cut, while it is unchanged.
    """

    message: Message
    tokens: int
    origin: int | None = None
    clipped: bool = False
    place: int | None = None


@dataclass(slots=True)
class Unit:
    """Messages that stay or go together: a call and its results are one unit.

    Attributes:
        kind: Its kind.
        turn: The number of its turn.
        pinned: Whether it stays: instructions, the user's last messages, the last answer with its results.
        items: Its messages.
    """

    kind: UnitKind
    turn: int
    pinned: bool = False
    items: list[Item] = field(default_factory=list[Item])

    @property
    def tokens(self) -> int:
        """Its tokens."""
        return sum(item.tokens for item in self.items)


class TrimDraft:
    """A conversation that is being cut.

    Args:
        items: Its messages.
        count: Their tokens.
        available_tokens: Number of tokens that a prompt may have.
        target: Number of tokens to keep.

    Attributes:
        parts: Its parts, in order.
        tokens: Its tokens, as far as they are known before the next count.
        last_resort: Whether results that the model has not read yet may be clipped: it would not fit otherwise.
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
        """The remaining messages, in order."""
        return [item for part in self.parts for item in part.items]

    def drop_oldest(self) -> list[Unit]:
        """Drop whole turns, the oldest first, until enough is gone; the last one stays.

        Where only that exceeds the available tokens, its older answers go, each with its results.

        Returns:
            The dropped units.
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
        """Replace one of a part's messages by a shorter one, with its estimated tokens."""
        old = part.items[place]
        part.items[place] = Item(message, tokens, old.origin, clipped=True)
        self.tokens += tokens - old.tokens

    def insert(self, message: Message, tokens: int) -> None:
        """Insert a message at the place of the first dropped one."""
        self.parts.insert(self._gap, Unit("summary", 0, items=[Item(message, tokens)]))
        self.tokens += tokens


def _units(items: Iterable[Item]) -> list[Unit]:
    parts: list[Unit] = []
    turn, before = 0, "user"  # the kind of the part before, without instructions
    for item in items:
        message = item.message
        if isinstance(message, SystemMessage):
            parts.append(Unit("system", turn, pinned=True, items=[item]))
            continue
        if item.origin is None:
            parts.append(Unit("summary", turn, items=[item]))
            continue
        kind: UnitKind = "round" if isinstance(message, AssistantMessage | ToolMessage) else "user"
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
