"""The counts of tokens in vLLM's answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import JsonValue
    from deepseek_v4_sdk.testing.flavors.base import Chat

__all__ = ["counted", "prompt_details", "usage"]


def counted(prompt: int, completion: int, reasoned: int | None) -> dict[str, JsonValue]:
    """The counts; those of the reasoning only from a server that reports them."""
    counts: dict[str, JsonValue] = {
        "prompt_tokens": prompt,
        "total_tokens": prompt + completion,
        "completion_tokens": completion,
    }
    if reasoned is not None:
        counts["completion_tokens_details"] = {"reasoning_tokens": reasoned}
    return counts


def prompt_details(chat: Chat, block: int, *, plain: bool) -> dict[str, JsonValue]:
    """The part of a prompt that came from the cache, whose blocks have so many tokens, and the part that went there."""
    whole = chat.prompt // block * block
    details: dict[str, JsonValue] = {
        "cached_tokens": chat.cached,
        "created_cache_tokens": max(0, whole - chat.cached),
    }
    return details | ({"multimodal_tokens": None} if plain else {})


def usage(
    counts: dict[str, JsonValue], details: dict[str, JsonValue] | None, *, plain: bool, reports_reasoning: bool
) -> JsonValue:
    """The whole count of an answer; the last event of a stream is written without nulls."""
    reasoned = counts.pop("completion_tokens_details", None)
    found: dict[str, JsonValue] = {**counts, "prompt_tokens_details": details}
    if reports_reasoning:
        found["completion_tokens_details"] = reasoned
    return found if plain else {name: value for name, value in found.items() if value is not None}
