"""Strategies for a conversation that has outgrown its window, used one after another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol

from deepseek_v4_sdk._late_types import late_type
from deepseek_v4_sdk.chat import Conversation, Message, ToolMessage, UserMessage
from deepseek_v4_sdk.errors import BudgetError

if TYPE_CHECKING:
    from deepseek_v4_sdk.context.trim_draft import TrimDraft, Unit
else:
    TrimDraft = late_type("deepseek_v4_sdk.context.trim_draft", "TrimDraft")

__all__ = ["DEFAULT_STRATEGIES", "ClipResults", "DropOldest", "Strategy", "Summarise"]


class Strategy(Protocol):
    """A way of making a conversation shorter. Several are used in turn, until enough is gone.

    It must do the same to the same conversation each time, and be equal to another one that does the same: earlier cuts
    are remembered for it.
    """

    def apply(self, draft: TrimDraft) -> None:
        """Shorten the conversation, until it is done or there is nothing more to do."""
        ...


@dataclass(frozen=True, slots=True)
class DropOldest:
    """Drop whole turns, the oldest first.

    The last turn stays. Where only that exceeds the available tokens, its older answers go, each with the results of
    its calls.
    """

    def apply(self, draft: TrimDraft) -> None:
        """Drop until enough is gone."""
        draft.drop_oldest()


@dataclass(frozen=True, slots=True)
class ClipResults:
    """Clip large tool results in the middle, the oldest first. Those that the model has not read yet come last of all.

    Attributes:
        max_tokens: Approximate number of tokens that remain of a result; only those with twice as many are clipped.
    """

    max_tokens: int = 500

    def __post_init__(self) -> None:
        _check("ClipResults", self.max_tokens)

    def apply(self, draft: TrimDraft) -> None:
        """Clip until enough is gone."""
        for part in draft.parts:
            if draft.done:
                return
            if part.pinned and not draft.last_resort:
                continue
            for place, item in enumerate(part.items):
                if isinstance(item.message, ToolMessage) and item.tokens > 2 * self.max_tokens:
                    text = clip(_joined(item.message), item.tokens, self.max_tokens)
                    draft.replace(part, place, replace(item.message, content=text), self.max_tokens + _MARKER_TOKENS)


@dataclass(frozen=True, slots=True)
class Summarise:
    """Drop like `DropOldest`, and replace the dropped messages by a summary.

    Attributes:
        summarise: Receives the dropped messages, including an earlier summary, and returns a text. Its exceptions are
            raised.
        max_tokens: Approximate limit of the summary's tokens; a longer one is clipped in the middle.
        heading: The text before it.
    """

    summarise: Callable[[Conversation], str]
    max_tokens: int = 1_000
    heading: str = "What happened so far, in short:"

    def __post_init__(self) -> None:
        _check("Summarise", self.max_tokens)

    def apply(self, draft: TrimDraft) -> None:
        """Drop until there is enough for a summary too, and add it."""
        from deepseek_v4_sdk.tokens import count_text

        if draft.done:
            return
        target = draft.target
        draft.target -= min(self.max_tokens + _MARKER_TOKENS, target // 2)
        dropped = draft.drop_oldest()
        draft.target = target
        if not dropped:
            return
        text: object = self.summarise(Conversation(_messages(dropped)))
        if not isinstance(text, str):
            raise BudgetError(f"the summary is {type(text).__name__}: give a text, or '' for none")
        if not text:
            return
        text = f"{self.heading}\n\n{text}"
        tokens = count_text(text)
        if tokens > self.max_tokens:
            text = clip(text, tokens, self.max_tokens)
            tokens = count_text(text)
        draft.insert(UserMessage(text), tokens)


_MARKER_TOKENS: Final = 20


def clip(text: str, tokens: int, max_tokens: int) -> str:
    """Remove the middle of a text, at line ends where there are some nearby.

    Args:
        text: The text.
        tokens: Number of its tokens.
        max_tokens: Approximate number of tokens to keep.
    """
    half = max(1, len(text) * max_tokens // (2 * max(tokens, 1)))
    start, end = half, len(text) - half
    if start >= end:
        return text
    head = text.rfind("\n", start * 3 // 4, start)
    tail = text.find("\n", end, end + half // 4)
    start, end = (start if head < 0 else head + 1), (end if tail < 0 else tail)
    left_out = tokens * (end - start) // len(text)
    return f"{text[:start]}\n[... about {left_out:,} tokens left out ...]\n{text[end:]}"


def _check(name: str, max_tokens: object) -> None:
    if type(max_tokens) is not int or max_tokens < 1:
        raise BudgetError(f"{name} has max_tokens={max_tokens!r}: give a whole number of tokens from 1")


def _joined(message: ToolMessage) -> str:
    return message.content if isinstance(message.content, str) else "\n\n".join(message.content)


def _messages(parts: list[Unit]) -> list[Message]:
    return [item.message for part in parts for item in part.items]


DEFAULT_STRATEGIES: Final[tuple[Strategy, ...]] = (ClipResults(), DropOldest())
"""Large results are clipped first; then the oldest turns go."""
