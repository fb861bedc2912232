"""Conversations as SGLang hands them to the encoder."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import JsonValue

__all__ = ["read_history"]


def read_history(body: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """An assistant message at the end is continued on request, and otherwise becomes the user's.

    One without a text is left out. Reasoning is read under one name only.
    """
    messages = body.get("messages")
    if isinstance(messages, list):
        messages = [_without(item, "reasoning") for item in messages]
        body = {**body, "messages": messages}
    last = messages[-1] if isinstance(messages, list) and messages else None
    if not isinstance(messages, list) or not isinstance(last, dict) or last.get("role") != "assistant":
        return body
    if not last.get("content") and len(messages) > 1:
        return {**body, "messages": messages[:-1]}
    if not isinstance(last.get("content"), str) or not last.get("content"):
        return body
    if body.get("continue_final_message"):
        kept = {key: value for key, value in last.items() if key != "tool_calls"}
        return {**body, "messages": [*messages[:-1], {**kept, "prefix": True}]}
    if last.get("tool_calls"):
        return body
    return {**body, "messages": [*messages[:-1], {"role": "user", "content": last.get("content")}]}


def _without(item: JsonValue, name: str) -> JsonValue:
    """A message without one of its fields."""
    return {key: value for key, value in item.items() if key != name} if isinstance(item, dict) else item
