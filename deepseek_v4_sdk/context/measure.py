"""The use of the tokens in a prompt, in numbers and as a bar for terminals."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from textwrap import wrap
from typing import TYPE_CHECKING, Final

from deepseek_v4_sdk._late_types import late_type
from deepseek_v4_sdk.chat import AssistantMessage, JsonValue, Message, SystemMessage, ToolMessage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from deepseek_v4_sdk.context.window import WindowSource
    from deepseek_v4_sdk.tokens.prompts import PromptCount
else:
    WindowSource = late_type("deepseek_v4_sdk.context.window", "WindowSource")
    PromptCount = late_type("deepseek_v4_sdk.tokens.prompts", "PromptCount")

__all__ = ["Measure", "TurnSize", "parts_of", "turn_starts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnSize:
    """The tokens of a turn: the user's message, and all that follows until the user's next message.

    Attributes:
        index: Its first message.
        messages: Number of its messages.
        tokens: Its tokens.
        reasoning: The tokens of its reasoning.
        results: The tokens of its tool results.
    """

    index: int
    messages: int
    tokens: int
    reasoning: int
    results: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """The use of the tokens in a prompt. `system` to `results` add up to `total`; all numbers are tokens.

    Attributes:
        window: The window.
        window_source: The source of its size.
        reserved: The tokens that are kept for the answer and its reasoning.
        total: The prompt.
        system: Its opening, the system messages, the response format, and the opening of the answer.
        tools: The definitions of the tools and the instructions around them.
        user: The user's messages, including reminders.
        answers: Texts and tool calls of the model.
        reasoning: Reasoning of earlier turns, as far as the format keeps it.
        results: Tool results.
        left_out: Reasoning in the conversation that the format leaves out of the prompt; it costs nothing.
        exact: Whether the server will count the same.
    """

    window: int
    window_source: WindowSource
    reserved: int
    total: int
    system: int
    tools: int
    user: int
    answers: int
    reasoning: int
    results: int
    left_out: int
    exact: bool
    _messages: tuple[Message, ...] = field(repr=False)
    _count: PromptCount = field(repr=False)

    @property
    def left(self) -> int:
        """The tokens by which the prompt may grow before it reaches what is reserved; below 0 when it is over."""
        return self.window - self.reserved - self.total

    @property
    def turns(self) -> tuple[TurnSize, ...]:
        """The tokens of each turn, computed on access; system messages at the front are in none."""
        messages, count = self._messages, self._count
        starts = [*turn_starts(messages), len(messages)]
        counts = [*count.per_message]
        counts[0] -= count.opening
        counts[-1] -= count.closing
        return tuple(
            TurnSize(
                index=start,
                messages=end - start,
                tokens=sum(counts[start:end]),
                reasoning=sum(count.reasoning[start:end]),
                results=sum(counts[at] for at in range(start, end) if isinstance(messages[at], ToolMessage)),
            )
            for start, end in pairwise(starts)
        )

    def to_dict(self) -> dict[str, JsonValue]:
        """Return all fields, ready for JSON."""
        return {
            "window": self.window,
            "window_source": self.window_source,
            "reserved": self.reserved,
            "total": self.total,
            **dict(self._parts()),
            "left": self.left,
            "left_out": self.left_out,
            "exact": self.exact,
            "turns": [
                {
                    "index": turn.index,
                    "messages": turn.messages,
                    "tokens": turn.tokens,
                    "reasoning": turn.reasoning,
                    "results": turn.results,
                }
                for turn in self.turns
            ],
        }

    def bar(self, width: int = 80) -> str:
        """Draw a bar for terminals, with a legend; plain text, no line longer than the width.

        Args:
            width: Columns, at least 20.
        """
        width = max(width, 20)
        parts = [(sign, name, tokens) for (name, tokens), sign in zip(self._parts(), _SIGNS, strict=True) if tokens]
        room = [(_FREE, max(self.left, 0)), (_RESERVED, self.reserved)]
        drawn = _drawn([*((sign, tokens) for sign, _, tokens in parts), *room], width)
        about = "" if self.exact else "about "
        state = f"{self.left:,} left" if self.left >= 0 else f"{-self.left:,} too many"
        summary = f"{about}{self.total:,} of {self.window:,} tokens ({self.window_source}), {state}"
        legend = [
            *(f"{sign} {name} {tokens:,}" for sign, name, tokens in parts),
            f"{_RESERVED} reserved {self.reserved:,}",
        ]
        # An entry of the legend stays together.
        entries = wrap("  ".join(entry.replace(" ", "\xa0") for entry in legend), width, break_on_hyphens=False)
        return "\n".join([drawn, *wrap(summary, width), *(line.replace("\xa0", " ") for line in entries)])

    def _parts(self) -> Iterator[tuple[str, int]]:
        for name in _PARTS:
            yield name, getattr(self, name)


_PARTS: Final = ("system", "tools", "user", "answers", "reasoning", "results")
_SIGNS: Final = "stuaro"
_FREE: Final = "."
_RESERVED: Final = "-"


def parts_of(messages: Sequence[Message], count: PromptCount, tools: int) -> dict[str, int]:
    """Split the tokens of a prompt by kind.

    Args:
        messages: The conversation.
        count: Its tokens.
        tools: The tokens of the tools, which are at the head of the prompt.
    """
    kinds: dict[str, int] = dict.fromkeys(("system", "user", "answers", "results"), 0)
    for message, tokens in zip(messages, count.per_message, strict=True):
        kinds[_KIND_OF[message.role]] += tokens
    for message, tokens in ((messages[0], count.opening), (messages[-1], count.closing)):
        kinds[_KIND_OF[message.role]] -= tokens
        kinds["system"] += tokens
    reasoning = sum(count.reasoning)
    kinds["answers"] -= reasoning
    kinds["system"] -= tools
    return {**kinds, "reasoning": reasoning, "tools": tools}


_KIND_OF: Final = {
    "system": "system",
    "user": "user",
    "latest_reminder": "user",
    "assistant": "answers",
    "tool": "results",
}


def turn_starts(messages: Sequence[Message]) -> list[int]:
    """Indexes at which turns begin: at the user's messages, and before them at the first answer, if one comes first."""
    starts: list[int] = []
    aside = True  # whether the message before was not one of the user's own
    for index, message in enumerate(messages):
        if isinstance(message, SystemMessage) and not starts:
            continue  # the head
        own = not isinstance(message, AssistantMessage | ToolMessage)
        if (own and aside) or not starts:
            starts.append(index)
        aside = not own
    return starts


def _drawn(parts: list[tuple[str, int]], width: int) -> str:
    """Draw signs in proportion to tokens: each part has at least one, and all fill the width."""
    there = [(sign, tokens) for sign, tokens in parts if tokens > 0]
    whole = sum(tokens for _, tokens in there) or 1
    cells = [max(1, tokens * width // whole) for _, tokens in there]
    while there and (rest := width - sum(cells)):
        # The part that is furthest from its share gives or takes.
        off = [tokens * width / whole - cell for (_, tokens), cell in zip(there, cells, strict=True)]
        if rest > 0:
            cells[off.index(max(off))] += 1
        else:
            cells[min((place for place, cell in enumerate(cells) if cell > 1), key=lambda place: off[place])] -= 1
    return "".join(sign * cell for (sign, _), cell in zip(there, cells, strict=True))
