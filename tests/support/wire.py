"""The wire of Chat Completions, written by hand: chunks of a stream, and plain answers."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["DONE", "call", "chunk", "finish", "plain", "reason", "say", "sse", "usage"]

DONE = b"data: [DONE]\n\n"
FRAME: dict[str, Any] = {"id": "chatcmpl-7", "object": "chat.completion.chunk", "created": 1, "model": "m"}


def sse(payload: Any) -> bytes:
    """One event."""
    return b"data: " + json.dumps(payload, ensure_ascii=False).encode() + b"\n\n"


def chunk(delta: dict[str, Any] | None = None, *, index: int | None = 0, **choice: Any) -> bytes:
    """One chunk of one choice."""
    told: dict[str, Any] = {"delta": delta or {}, "finish_reason": None, **choice}
    if index is not None:
        told["index"] = index
    return sse({**FRAME, "choices": [told]})


def say(text: str) -> bytes:
    """A piece of text."""
    return chunk({"content": text})


def reason(text: str) -> bytes:
    """A piece of reasoning."""
    return chunk({"reasoning": text})


def call(index: int | None = None, id: str | None = None, name: str | None = None, arguments: Any = None) -> bytes:
    """A piece of a tool call; what is None is left out."""
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    entry = {key: value for key, value in (("index", index), ("id", id)) if value is not None}
    return chunk({"tool_calls": [{**entry, "function": function}]})


def finish(reason: str | None, **choice: Any) -> bytes:
    """The chunk that says why the model stopped."""
    return chunk({}, finish_reason=reason, **choice)


def usage(prompt: int, completion: int) -> bytes:
    """The chunk that counts."""
    counted = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    return sse({**FRAME, "choices": [], "usage": counted})


def plain(reason: str | None, calls: list[dict[str, Any]] | None = None, **message: Any) -> bytes:
    """A whole plain answer. Calls have `id`, `name` and `arguments`, or what there is of them."""
    told: dict[str, Any] = {"role": "assistant", "content": None, **message}
    if calls is not None:
        told["tool_calls"] = [
            {
                "type": "function",
                **{key: value for key, value in entry.items() if key not in {"name", "arguments"}},
                "function": {key: value for key, value in entry.items() if key in {"name", "arguments"}},
            }
            for entry in calls
        ]
    choice = {"index": 0, "message": told, "finish_reason": reason}
    return json.dumps({**FRAME, "object": "chat.completion", "choices": [choice], "usage": None}).encode()
