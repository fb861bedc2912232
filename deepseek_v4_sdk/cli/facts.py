"""The line under an answer: its end, its tokens, its cost and its speed, also for an answer that was stopped."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from deepseek_v4_sdk import (
    AssistantMessage,
    Conversation,
    DeepSeekV4,
    DeepSeekV4Error,
    Reply,
    ToolRun,
    Usage,
    count_text,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deepseek_v4_sdk import Cost, Timing

__all__ = ["facts_of", "facts_of_part", "facts_of_run"]


def facts_of(reply: Reply) -> str:
    """The facts of an answer; numbers that the server did not report are left out."""
    return _line(str(reply.finish_reason), reply.usage, reply.cost(), reply.timing)


def facts_of_run(run: ToolRun) -> str:
    """The facts of a run of tools: the sums over its requests."""
    reply = run.reply
    end = str(run.stopped if reply is None else reply.finish_reason)
    timing = reply.timing if reply is not None and len(run.rounds) == 1 else None
    return _line(end, run.usage, run.cost(), timing, bound="at least " if run.usage.unknown else "")


def facts_of_part(
    client: DeepSeekV4,
    asked: Conversation,
    tools: Sequence[object],
    part: AssistantMessage,
    so_far: ToolRun | Reply,
    end: str,
) -> str:
    """The facts of an answer that is not whole: servers report no tokens for it, so they are counted here.

    Args:
        client: The client.
        asked: The messages that were sent.
        tools: Functions that the model may call.
        part: The arrived part.
        so_far: The reply as far as it arrived, or the run of tools that it belongs to.
        end: The end of the answer, in a word.

    Returns:
        The line; empty where the prompt cannot be counted, or the user presses Ctrl-C again.
    """
    with suppress(DeepSeekV4Error, KeyboardInterrupt):
        reasoning = count_text(part.reasoning or "")
        usage = Usage(
            prompt_tokens=client.count_tokens(asked, cast("list[Any]", tools)).total,
            completion_tokens=count_text(str(part.content or "")) + reasoning,
            reasoning_tokens=reasoning,
        )
        if isinstance(so_far, Reply):
            return _line(end, usage, replace(so_far, usage=usage).cost(), so_far.timing, bound="about ")
        if not so_far.usage.unknown:  # it was stopped between two answers
            return _line(end, so_far.usage, so_far.cost(), None)
        return _line(end, so_far.usage + usage, so_far.cost(), None, bound="about ")
    return ""


def _line(end: str, usage: Usage, cost: Cost | None, timing: Timing | None, *, bound: str = "") -> str:
    parts = [end]
    if usage.prompt_tokens is not None:
        cached = f" ({usage.cached_tokens:,} cached)" if usage.cached_tokens else ""
        parts.append(f"{bound}{usage.prompt_tokens:,} tokens in{cached}")
    if usage.completion_tokens is not None:
        reasoning = f" ({usage.reasoning_tokens:,} reasoning)" if usage.reasoning_tokens else ""
        parts.append(f"{usage.completion_tokens:,} out{reasoning}")
    if cost is not None:
        parts.append(str(cost))
    if timing is not None and timing.first_token is not None:
        parts.append(f"first after {timing.first_token:.2f} s")
    if timing is not None and timing.tokens_per_second is not None and timing.tokens_per_second < 10_000:
        parts.append(f"{timing.tokens_per_second:.0f} tokens/s")
    return ", ".join(parts)
