"""Tokens: those of an answer, as the server counted them, and those of a prompt, counted before it is sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["CountMethod", "TokenCount", "Usage"]

CountMethod: TypeAlias = Literal["rendered", "server", "estimate"]
"""The way of counting a prompt: rendered and counted here, by the server itself, or from the number of its bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """The server's token counts; None means that the server did not report it, never zero.

    Attributes:
        prompt_tokens: The prompt.
        completion_tokens: The answer, reasoning and end token included.
        reasoning_tokens: The part of the answer that was reasoning.
        cached_tokens: The part of the prompt that came from the server's prefix cache.
        total_tokens: Prompt and answer.
        unknown: For a sum, number of parts whose tokens the server did not report: the sum is then "at least", or has a
            part that was counted here. For one answer, 0.
        resumed: The part of the prompt that was sent again to go on with an answer that broke off; None for an answer
            that did not.
    """

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    reasoning_tokens: int | None = None
    cached_tokens: int | None = None
    total_tokens: int | None = None
    unknown: int = 0
    resumed: int | None = None

    def __add__(self, other: Usage) -> Usage:
        """Add the known numbers; a number that neither side reports stays None."""
        if not isinstance(other, Usage):
            return NotImplemented
        return Usage(
            prompt_tokens=_sum(self.prompt_tokens, other.prompt_tokens),
            completion_tokens=_sum(self.completion_tokens, other.completion_tokens),
            reasoning_tokens=_sum(self.reasoning_tokens, other.reasoning_tokens),
            cached_tokens=_sum(self.cached_tokens, other.cached_tokens),
            total_tokens=_sum(self.total_tokens, other.total_tokens),
            unknown=self.unknown + other.unknown,
            resumed=_sum(self.resumed, other.resumed),
        )

    def __radd__(self, other: int) -> Usage:
        """Start a `sum`, which adds to 0."""
        return self if other == 0 else NotImplemented

    @property
    def missed_tokens(self) -> int | None:
        """The part of the prompt that did not come from the prefix cache."""
        if self.prompt_tokens is None or self.cached_tokens is None:
            return None
        return max(0, self.prompt_tokens - self.cached_tokens)


def _sum(one: int | None, other: int | None) -> int | None:
    return one if other is None else other if one is None else one + other


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCount:
    """The number of tokens of a prompt.

    Attributes:
        total: The total.
        exact: Whether the server will count the same: it counted itself, or its renderer is known.
        method: The way of counting.
        per_message: The share of each message; they add up to the total. The first has the tokens outside all messages
            (the opening, the effort text, the tools where there is no system message), the last the opening of the
            answer. A server's count is only the sum, which is the share of the last message.
        special_in_text: The messages, by index, whose own text spells control tokens such as `<think>`. A server that
            renders with vLLM's encoder reads each as the control token, the vendor's encoder as plain text; they are
            counted accordingly. Known for counts that were rendered here.
    """

    total: int
    exact: bool
    method: CountMethod
    per_message: tuple[int, ...]
    special_in_text: tuple[int, ...] = ()
