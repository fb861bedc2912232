"""What an answer cost in tokens, as the server counted it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Usage"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """The server's token counts; None means that the server did not say, never zero.

    Attributes:
        prompt_tokens: The prompt.
        completion_tokens: The answer, reasoning and end token included.
        reasoning_tokens: The part of the answer that was reasoning.
        cached_tokens: The part of the prompt that came from the server's prefix cache.
        total_tokens: Prompt and answer.
    """

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    reasoning_tokens: int | None = None
    cached_tokens: int | None = None
    total_tokens: int | None = None
