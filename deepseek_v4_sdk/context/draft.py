"""A conversation while it is being cut: its parts, what they cost, and what may be done to them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from deepseek_v4_sdk.chat import AssistantMessage, Message, SystemMessage, ToolMessage, UserMessage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from deepseek_v4_sdk.tokens.prompts import PromptCount

__all__ = ["Draft", "Part", "PartKind", "Piece"]

PartKind: TypeAlias = Literal["system", "user", "round", "summary"]
"""Instructions, what the user says, an answer of the model with the results of its calls, or what stands for others."""


@dataclass(frozen=True, slots=True)
class Piece:
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
class Part:
    """What stays or goes together: a call and its results are one.

    Attributes:
        kind: What it is.
        turn: The number of its turn.
        pinned: Whether it stays: instructions, the last words of the user, the last answer with its results.
        pieces: Its messages.
    """

    kind: PartKind
    turn: int
    pinned: bool = False
    pieces: list[Piece] = field(default_factory=list[Piece])

    @property
    def tokens(self) -> int:
        """What it costs."""
        return sum(piece.tokens for piece in self.pieces)


class Draft:
    """A conversation that is being cut.

    Args:
        pieces: Its messages.
        count: Their tokens.
        room: How many tokens a prompt may have.
        target: How many are to be left.

    Attributes:
        parts: Its parts, in order.
        tokens: What it costs, as far as is known before it is counted anew.
        last_resort: Whether results that nobody has read yet may be clipped: it would not fit otherwise.
    """

    def __init__(self, pieces: Sequence[Piece], count: PromptCount, *, room: int, target: int) -> None:
        shares = [*count.per_message]
        shares[0] -= count.opening
        shares[-1] -= count.closing
        self.room = room
        self.target = target
        self.tokens = count.total
        self.last_resort = False
        self._gap = 0
        self.parts = _parts(
            replace(piece, tokens=tokens, place=place)
            for place, (piece, tokens) in enumerate(zip(pieces, shares, strict=True))
        )

    @property
    def done(self) -> bool:
        """Whether enough is gone."""
        return self.tokens <= self.target

    @property
    def pieces(self) -> list[Piece]:
        """What is left, in order."""
        return [piece for part in self.parts for piece in part.pieces]

    def drop_oldest(self) -> list[Part]:
        """Drop whole turns, the oldest first, until enough is gone; the last one stays.

        Where that one alone is more than the room, its older answers go, each with its results.

        Returns:
            What went.
        """
        dropped: list[Part] = []
        for parts in self._droppable():
            if self.done:
                break
            self.tokens -= sum(part.tokens for part in parts)
            dropped += parts
        gone = {id(part) for part in dropped}
        self._gap = next((at for at, part in enumerate(self.parts) if id(part) in gone), 0)
        self.parts = [part for part in self.parts if id(part) not in gone]
        return dropped

    def _droppable(self) -> Iterator[list[Part]]:
        turns: dict[int, list[Part]] = {}
        for part in self.parts:
            turns.setdefault(part.turn, []).append(part)
        *older, last = turns.values()
        for turn in older:
            yield [part for part in turn if not part.pinned]
        if self.tokens > self.room:
            yield from ([part] for part in last if part.kind in {"round", "summary"} and not part.pinned)

    def replace(self, part: Part, place: int, message: Message, tokens: int) -> None:
        """Put a shorter message in place of one of a part's, at what it is thought to cost."""
        old = part.pieces[place]
        part.pieces[place] = Piece(message, tokens, old.origin, clipped=True)
        self.tokens += tokens - old.tokens

    def insert(self, message: Message, tokens: int) -> None:
        """Put a message where the first of what was dropped had been."""
        self.parts.insert(self._gap, Part("summary", 0, pieces=[Piece(message, tokens)]))
        self.tokens += tokens


def _parts(pieces: Iterable[Piece]) -> list[Part]:
    parts: list[Part] = []
    turn, before = 0, "user"  # the kind of the part before, instructions left aside
    for piece in pieces:
        message = piece.message
        if isinstance(message, SystemMessage):
            parts.append(Part("system", turn, pinned=True, pieces=[piece]))
            continue
        if piece.origin is None:
            parts.append(Part("summary", turn, pieces=[piece]))
            continue
        kind: PartKind = "round" if isinstance(message, AssistantMessage | ToolMessage) else "user"
        if kind == "user" and before == "round":
            turn += 1
        if kind == before and parts and parts[-1].kind == kind and not isinstance(message, AssistantMessage):
            parts[-1].pieces.append(piece)
        else:
            parts.append(Part(kind, turn, pieces=[piece]))
        before = kind
    last_words = next((part for part in reversed(parts) if _is_of_user(part)), None)
    for part in (last_words, parts[-1] if parts else None):
        if part is not None:
            part.pinned = True
    return parts


def _is_of_user(part: Part) -> bool:
    return any(isinstance(piece.message, UserMessage) for piece in part.pieces)
