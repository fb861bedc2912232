"""The pieces of SGLang's answers: deltas of its streams, their pace, and how they end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from deepseek_v4_sdk.testing.generated_output import OutputSpan, Token
from deepseek_v4_sdk.testing.model_markup import THINK_ENDS, turn_of

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import JsonValue
    from deepseek_v4_sdk.testing.generated_output import GeneratedOutput
    from deepseek_v4_sdk.testing.script import Turn

__all__ = ["call_delta", "call_id", "finish", "paced", "stop", "text_delta", "written"]

_EOS = 1


def paced(generated: GeneratedOutput, body: dict[str, JsonValue]) -> Iterator[Token]:
    """The tokens; with `stream_reasoning` false all reasoning in one piece, and a call that comes whole in one."""
    pending: list[Token] = []
    joins = body.get("stream_reasoning") is False
    for token in generated.tokens:
        if joins and token.kind == "reasoning":
            pending.append(token)
            continue
        if pending and pending[0].kind == "reasoning":
            yield replace(pending[-1], text="".join(each.text for each in pending))
            pending = []
        yield token
    if pending:
        yield replace(pending[-1], text="".join(each.text for each in pending))


def finish(generated: GeneratedOutput) -> str:
    """A call that a stop text cut ends as a whole one does."""
    return "tool_calls" if generated.stop is not None and generated.calls else generated.finish_reason


def stop(generated: GeneratedOutput) -> JsonValue:
    """The end of the answer: a stop text, or the end token."""
    return None if generated.finish_reason == "length" else generated.stop or _EOS


def written(spans: list[OutputSpan]) -> list[OutputSpan]:
    """Calls that a grammar forces without a parser: a JSON list."""
    turn: Turn = turn_of(spans, None, ())
    calls = [{"name": call.name, "parameters": json.loads(call.arguments)} for call in turn.calls]
    kept = [span for span in spans if span.kind in {"reasoning", "text"} or span.raw == THINK_ENDS]
    return [*kept, OutputSpan(json.dumps(calls), "text", copy=True)]


def call_id(number: int, index: int) -> str:
    """The id of a call, by the number of its chat and its place."""
    return f"call_{number:020x}{index:04x}"


def text_delta(token: Token) -> JsonValue:
    """The delta that a token of text or reasoning is."""
    if token.kind == "reasoning":
        return {"reasoning_content": token.text}
    return {"reasoning_content": None, "content": token.text}


def call_delta(token: Token, number: int) -> JsonValue:
    """The delta that a token of a call is: the first one has id and name; later ones have both as null."""
    first = token.name is not None
    call: JsonValue = {
        "id": call_id(number, token.index) if first else None,
        "index": token.index,
        "type": "function",
        "function": {"name": token.name, "arguments": token.text},
    }
    return {"role": None, "content": None, "reasoning_content": None, "tool_calls": [call]}
