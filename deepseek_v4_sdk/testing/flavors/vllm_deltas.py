"""The pieces of vLLM's answers: deltas of its streams, and what it makes of a call that was cut."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pydantic_core import from_json

from deepseek_v4_sdk.chat import read_json
from deepseek_v4_sdk.testing.flavors.base import sse

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import JsonValue
    from deepseek_v4_sdk.testing.speech import Token

__all__ = ["call_id", "closed", "delta_of", "joined", "with_fingerprint"]


def call_id(number: int, index: int) -> str:
    """The id of a call, by the number of its chat and its place."""
    return f"chatcmpl-tool-{number:012x}{index:04x}"


def delta_of(token: Token, number: int) -> dict[str, JsonValue]:
    """The delta that a token is."""
    if token.kind == "reasoning":
        return {"reasoning": token.text}
    return {"content": token.text} if token.kind == "text" else {"tool_calls": [_entry(token, number)]}


def _entry(token: Token, number: int) -> JsonValue:
    if token.name is None:
        return {"index": token.index, "function": {"arguments": token.text}}
    # the first delta of a call has no arguments key
    function: JsonValue = {"name": token.name}
    return {"id": call_id(number, token.index), "type": "function", "index": token.index, "function": function}


def joined(tokens: list[Token], number: int) -> dict[str, JsonValue]:
    """What the last token of a cut answer brings comes together with the finish reason."""
    delta: dict[str, JsonValue] = {}
    entries: list[JsonValue] = []
    for token in tokens:
        if token.kind == "call":
            entries.append(_entry(token, number))
        else:
            delta |= delta_of(token, number)
    if entries:
        delta["tool_calls"] = entries
    return delta


def with_fingerprint(block: bytes, fingerprint: str) -> bytes:
    """The last chunk names the server, where no usage follows."""
    event = read_json(block.removeprefix(b"data: "))
    if not isinstance(event, dict):
        return block
    # `kv_transfer_params` of 0.33 stands behind it.
    last = {key: event.pop(key) for key in ("kv_transfer_params",) if key in event}
    return sse({**event, "system_fingerprint": fingerprint, **last})


def closed(arguments: str) -> str:
    """The parameters of a cut call that had come whole: in a plain answer it reads like a call with these alone."""
    try:
        come: JsonValue = from_json(arguments or "{}", allow_partial=True)
    except ValueError:
        return arguments
    return json.dumps(come, ensure_ascii=False)
