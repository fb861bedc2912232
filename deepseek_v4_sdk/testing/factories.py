"""Replies and events made by hand, for tests of code that takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepseek_v4_sdk.chat import (
    ChatEvent,
    Finished,
    ReasoningDelta,
    Reply,
    TextDelta,
    Timing,
    ToolCall,
    ToolCallDelta,
    ToolCallReady,
    ToolCallStarted,
    Usage,
)
from deepseek_v4_sdk.testing.script import Turn

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import FinishReason

__all__ = ["make_events", "make_reply", "make_usage"]


def make_usage(
    prompt_tokens: int = 100, completion_tokens: int = 20, *, reasoning_tokens: int = 0, cached_tokens: int = 0
) -> Usage:
    """Token counts that add up."""
    return Usage(
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        reasoning_tokens=reasoning_tokens,
        cached_tokens=cached_tokens,
        total_tokens=prompt_tokens + completion_tokens,
    )


def make_reply(turn: Turn | str = "Hello", *, usage: Usage | None = None, model: str = "mock-model") -> Reply:
    """A whole reply that says what a turn of a script says.

    Args:
        turn: A turn, or a text.
        usage: The counts.
        model: The model that answered.
    """
    generated = Turn(text=turn) if isinstance(turn, str) else turn
    finish: FinishReason = (
        "length" if generated.finish_reason == "length" else "tool_calls" if generated.calls else "stop"
    )
    return Reply(
        text=generated.text,
        reasoning=generated.reasoning or None,
        tool_calls=tuple(
            ToolCall(f"call_{index:02d}_mock", call.name, call.arguments) for index, call in enumerate(generated.calls)
        ),
        finish_reason=finish,
        raw_finish_reason=finish,
        usage=usage or make_usage(),
        timing=Timing(first_event=0.1, first_token=0.1, first_answer_token=0.2, last_token=0.5, total=0.5),
        model=model,
        requested_model=model,
        provider="mock",
        flavor="vllm",
        id="reply-mock",
    )


def make_events(reply: Reply | Turn | str = "Hello", *, size: int = 8) -> list[ChatEvent]:
    """The events in which a reply streams, `Finished` last.

    Args:
        reply: A reply, a turn of a script, or a text.
        size: How many characters a delta has.
    """
    whole = reply if isinstance(reply, Reply) else make_reply(reply)

    def cut(text: str) -> list[str]:
        return [text[start : start + size] for start in range(0, len(text), size)]

    events: list[ChatEvent] = [ReasoningDelta(piece) for piece in cut(whole.reasoning or "")]
    events += [TextDelta(piece) for piece in cut(whole.text)]
    for index, call in enumerate(whole.tool_calls):
        events.append(ToolCallStarted(index, call.id, call.name))
        events += [ToolCallDelta(index, piece) for piece in cut(call.arguments)]
        events.append(ToolCallReady(call))
    return [*events, Finished(whole)]
