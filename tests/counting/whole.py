"""The reference of every count: the whole prompt, rendered at once and tokenised as one piece."""

from __future__ import annotations

from collections.abc import Sequence

from deepseek_v4_sdk.chat import Message
from deepseek_v4_sdk.prompt import Dialect, Generation, RenderedPrompt
from deepseek_v4_sdk.tokens import count_text
from deepseek_v4_sdk.tokens.prompts import PromptCount, PromptForm, count_prompt
from deepseek_v4_sdk.tokens.stable_prefix import STABLE_PREFIXES
from tests.support.segment_counts import joined

FORMATS: tuple[tuple[Dialect, Generation], ...] = (
    ("vllm", "2026-04"),
    ("vllm", "2026-08"),
    ("recipe", "2026-04"),
    ("recipe", "2026-08"),
    ("recipe", "v4.1"),
)
"""The dialects, and the generations that each has."""


def whole(prompt: RenderedPrompt, dialect: Dialect) -> int:
    """vLLM reads the text with the added vocabulary; the vendor's encoder tells control tokens from text."""
    if dialect == "vllm":
        return count_text(prompt.text)
    return sum(1 if control else count_text(text, special="plain") for text, control in joined(prompt))


def from_nothing(messages: Sequence[Message], form: PromptForm) -> PromptCount:
    """The count with nothing settled; what was settled before is settled afterwards."""
    kept = STABLE_PREFIXES._kept[:]
    STABLE_PREFIXES.clear()
    try:
        return count_prompt(messages, form)
    finally:
        STABLE_PREFIXES._kept[:] = kept
