"""The line under an answer: its end, its tokens, its cost and its speed, also for an answer that was stopped."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from deepseek_v4_sdk import Conversation, DeepSeekV4, DeepSeekV4Error, Reply, ToolRun, Usage, count_text

if TYPE_CHECKING:
    from deepseek_v4_sdk import Cost, Timing

__all__ = ["facts_of", "facts_of_part", "facts_of_run"]


def facts_of(reply: Reply) -> str:
    """The facts of an answer; numbers that the server did not report are left out."""
    return _line(str(reply.finish_reason), reply.usage, reply.cost(), reply.timing)


def facts_of_run(run: ToolRun, end: str = "") -> str:
    """The facts of a run of tools: the sums over its requests."""
    end = end or str(run.stopped if run.reply is None else run.reply.finish_reason)
    return _line(end, run.usage, run.cost(), None, bound="at least " if run.usage.unknown else "")


def facts_of_part(client: DeepSeekV4, asked: Conversation, partial: Reply, end: str) -> str:
    """The facts of an answer that is not whole: servers report no tokens for it, so they are counted here.

    Returns:
        The line; empty where the prompt cannot be counted, or the user presses Ctrl-C again.
    """
    usage = partial.usage
    with suppress(DeepSeekV4Error, KeyboardInterrupt):
        if usage.completion_tokens is None:
            reasoning = count_text(partial.reasoning or "")
            usage = Usage(
                prompt_tokens=client.count_tokens(asked).total,
                completion_tokens=count_text(partial.text) + reasoning,
                reasoning_tokens=reasoning,
            )
        return _line(end, usage, replace(partial, usage=usage).cost(), partial.timing, bound="about ")
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
