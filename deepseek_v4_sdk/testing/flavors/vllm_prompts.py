"""Conversations as vLLM makes prompts of them: odd histories mended, and a plain chat template's count."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepseek_v4_sdk.chat import read_json
from deepseek_v4_sdk.tokens import count_text

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import JsonValue

__all__ = ["answering_role", "mended", "older_thinking", "plain_prompt"]


def mended(body: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """The body for the encoder: arguments other than a JSON object count as none, and a result needs no id."""
    messages = body.get("messages")
    return {**body, "messages": [_mended(item) for item in messages]} if isinstance(messages, list) else body


def _mended(item: JsonValue) -> JsonValue:
    if not isinstance(item, dict):
        return item
    if item.get("role") == "tool" and not item.get("tool_call_id"):
        return {**item, "tool_call_id": "call"}
    calls = item.get("tool_calls")
    return {**item, "tool_calls": [_with_object(call) for call in calls]} if isinstance(calls, list) else item


def _with_object(call: JsonValue) -> JsonValue:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(call, dict) or not isinstance(function, dict):
        return call
    arguments = function.get("arguments")
    try:
        read = read_json(arguments.encode()) if isinstance(arguments, str) else arguments
    except ValueError:
        read = None
    return call if isinstance(read, dict) else {**call, "function": {**function, "arguments": "{}"}}


def answering_role(body: dict[str, JsonValue]) -> str:
    """The role of the answer: that of the last message, unless the prompt opens a new turn."""
    messages = body.get("messages")
    last = messages[-1] if isinstance(messages, list) and messages else None
    role = last.get("role") if isinstance(last, dict) else None
    opens = body.get("add_generation_prompt", True)
    return role if isinstance(role, str) and not opens else "assistant"


def plain_prompt(body: dict[str, JsonValue]) -> int:
    """The tokens of a prompt in a chat template that knows only roles and texts."""
    messages = body["messages"]
    items = [item for item in messages if isinstance(item, dict)] if isinstance(messages, list) else []
    lines = [f"<|im_start|>{item.get('role')}\n{item.get('content')}<|im_end|>\n" for item in items]
    return count_text("".join([*lines, "<|im_start|>assistant\n"]))


def older_thinking(release: tuple[int, ...], effort: JsonValue, *, on: bool) -> str:
    """The level of thinking before 0.28: off by default, and two levels."""
    if not on or (effort == "none" and release > (0, 20)):
        return "off"
    strongest = {"max"} if release == (0, 20) else {"max", "xhigh"}
    return "max" if effort in strongest else "high"
