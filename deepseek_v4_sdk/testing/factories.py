"""Replies, events and runs made by hand, for tests of code that takes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from deepseek_v4_sdk._late_types import late_type
from deepseek_v4_sdk.chat import (
    Attempt,
    ChatEvent,
    Conversation,
    Finished,
    FinishReason,
    MessagesInput,
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
    from deepseek_v4_sdk.tools.run import Stopped, ToolRun
else:
    Stopped = late_type("deepseek_v4_sdk.tools.run", "Stopped")
    ToolRun = late_type("deepseek_v4_sdk.tools.run", "ToolRun")

__all__ = ["make_events", "make_reply", "make_run", "make_usage"]


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
    """A whole reply with the output of a script's turn.

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


def make_run(
    *turns: Turn | str,
    question: MessagesInput = "Hello",
    results: Mapping[str, object] | None = None,
    stopped: Stopped | None = None,
    usage: Usage | None = None,
) -> ToolRun:
    """A tool run with the output of a script's turns.

    Each turn is a round. Its calls get results, but for those of the last turn that `results` does not name: they
    are pending.

    Args:
        turns: The model's turns; the text "Hello" without any.
        question: The messages that it began with.
        results: The results of the tools, by name: a text, or a value that becomes JSON. Else it is "done".
        stopped: Why it ended; else "pending" with such calls, and "answered" without.
        usage: The counts of each turn.

    Raises:
        InvalidRequestError: A result cannot be written as JSON, or the question is wrong.
    """
    from deepseek_v4_sdk.tools.run import Round, ToolResult, ToolRun

    given, generated = results or {}, turns or ("Hello",)
    talk = Conversation(question)
    rounds: list[Round] = []
    pending: list[ToolCall] = []
    for number, turn in enumerate(generated, start=1):
        reply = make_reply(turn, usage=usage)
        calls = tuple(
            replace(call, id=f"call_{number:02d}_{index:02d}_mock") for index, call in enumerate(reply.tool_calls)
        )
        reply = replace(reply, tool_calls=calls, attempts=(_attempt(number, reply),))
        talk.add(reply)
        made: list[ToolResult] = []
        for call in calls:
            if number == len(generated) and call.name not in given:
                pending.append(call)
                continue
            talk.add_tool_result(call, given.get(call.name, "done"))
            result = talk[-1].content
            made.append(ToolResult(call=call, content=result if isinstance(result, str) else ""))
        rounds.append(Round(reply=reply, results=tuple(made), preamble=reply.text if calls else ""))
    return ToolRun(
        reply=rounds[-1].reply,
        messages=talk,
        rounds=tuple(rounds),
        stopped=stopped or ("pending" if pending else "answered"),
        pending_calls=tuple(pending),
        attempts=tuple(attempt for each in rounds for attempt in each.reply.attempts),
    )


def _attempt(number: int, reply: Reply) -> Attempt:
    return Attempt(
        number=number, status=200, seconds=0.5, usage=reply.usage, provider="mock", flavor="vllm", model=reply.model
    )
