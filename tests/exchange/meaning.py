"""What two answers must have in common to mean the same: everything but times, attempts and ids made up here."""

from __future__ import annotations

import dataclasses
from typing import Any

from deepseek_v4_sdk import DeepSeekV4Error, Reply
from tests.support.replay import Outcome

__all__ = ["all_of", "gist"]


def _error(error: DeepSeekV4Error | None) -> tuple[object, ...] | None:
    if error is None:
        return None
    fields = {name: value for name, value in vars(error).items() if name not in {"partial", "attempts", "request_id"}}
    return type(error), str(error), fields


def _reply(reply: Reply | None) -> dict[str, Any] | None:
    if reply is None:
        return None
    fields = dataclasses.asdict(reply)
    del fields["timing"], fields["attempts"]
    return fields


def all_of(outcome: Outcome) -> tuple[object, ...]:
    """Every event, every field: what any split of the bytes must leave as it is."""
    partial = outcome.error.partial if outcome.error else None
    return outcome.events, _reply(outcome.reply), _error(outcome.error), _reply(partial)


def gist(outcome: Outcome) -> tuple[object, ...]:
    """Text, reasoning, calls and verdict: what any re-cutting into deltas must leave as it is."""
    reply = outcome.reply or outcome.partial
    return (
        type(outcome.error),
        reply.text,
        reply.reasoning,
        [(call.name, call.arguments, call.bars) for call in reply.tool_calls],
        [(call.name, call.arguments, call.bars) for call in reply.partial_tool_calls],
        reply.finish_reason,
        reply.raw_finish_reason,
        reply.stop_sequence,
        reply.usage,
        reply.model,
        reply.id,
    )
