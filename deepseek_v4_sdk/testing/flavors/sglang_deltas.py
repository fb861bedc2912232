"""The pieces of SGLang's answers: deltas of its streams, their pace, and how they end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from deepseek_v4_sdk.testing.markup import THINK_ENDS, turn_of
from deepseek_v4_sdk.testing.speech import Span, Token

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import JsonValue
    from deepseek_v4_sdk.testing.script import Turn
    from deepseek_v4_sdk.testing.speech import Said

__all__ = ["call_id", "finish", "paced", "stop", "text_delta", "written"]

_EOS = 1


def paced(said: Said, body: dict[str, JsonValue]) -> Iterator[Token]:
    """The tokens; with `stream_reasoning` false all reasoning in one piece, and a call that comes whole in one."""
    pending: list[Token] = []
    joins = body.get("stream_reasoning") is False
    for token in said.tokens:
        if joins and token.kind == "reasoning":
            pending.append(token)
            continue
        if pending and pending[0].kind == "reasoning":
            yield replace(pending[-1], text="".join(each.text for each in pending))
            pending = []
        yield token
    if pending:
        yield replace(pending[-1], text="".join(each.text for each in pending))


def finish(said: Said) -> str:
    """A call that a stop text cut ends as a whole one does."""
    return "tool_calls" if said.stop is not None and said.calls else said.finish_reason


def stop(said: Said) -> JsonValue:
    """What ended it: a stop text, or the end token."""
    return None if said.finish_reason == "length" else said.stop or _EOS


def written(spans: list[Span]) -> list[Span]:
    """Calls that a grammar forces without a parser: a JSON list."""
    turn: Turn = turn_of(spans, None, ())
    calls = [{"name": call.name, "parameters": json.loads(call.arguments)} for call in turn.calls]
    kept = [span for span in spans if span.kind in {"reasoning", "text"} or span.raw == THINK_ENDS]
    return [*kept, Span(json.dumps(calls), "text", copy=True)]


def call_id(number: int, index: int) -> str:
    """The id of a call, by the number of its chat and its place."""
    return f"call_{number:020x}{index:04x}"


def text_delta(token: Token) -> JsonValue:
    """The delta that a token of text or reasoning is."""
    if token.kind == "reasoning":
        return {"reasoning_content": token.text}
    return {"reasoning_content": None, "content": token.text}
