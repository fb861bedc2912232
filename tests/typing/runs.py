"""Tool runs as users write them: a run and its sums, its events, deciding later, and what a tool may say."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator
from decimal import Decimal
from typing import assert_never, assert_type

from deepseek_v4_sdk import (
    AsyncDeepSeekV4,
    AsyncToolStream,
    ContextBudget,
    Cost,
    DeepSeekV4,
    DeepSeekV4Error,
    Finished,
    Ledger,
    Postpone,
    ReasoningDelta,
    Repair,
    Repaired,
    Reply,
    Round,
    RoundFinished,
    RunEvent,
    RunFinished,
    Spend,
    Spent,
    StreamRestarted,
    StreamResumed,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolCallReady,
    ToolCallStarted,
    ToolError,
    ToolFinished,
    ToolOutput,
    ToolProgress,
    ToolResult,
    ToolRun,
    ToolRunning,
    ToolStream,
    Usage,
    tool,
)
from deepseek_v4_sdk.context import DropOldest


@tool(read_only=True)
def search(word: str) -> Generator[object, None, ToolOutput]:
    """Searches."""
    yield ToolProgress(0.5)
    if not word:
        raise ToolError("give a word", retry=False)
    return ToolOutput(word, artifact=b"x")


async def search_async(word: str) -> AsyncIterator[object]:
    """Searches."""
    yield ToolProgress(word)


def described(event: RunEvent) -> str:
    """Every event is named, and a type checker sees that none is missing."""
    match event:
        case TextDelta(text) | ReasoningDelta(text):
            return text
        case ToolRunning(call):
            assert_type(call, ToolCall)
            return call.name
        case ToolProgress(value, call):
            assert_type(call, ToolCall | None)
            return str(value)
        case ToolFinished(call, result):
            assert_type(result, ToolResult)
            return result.content
        case RoundFinished(done):
            assert_type(done, Round)
            return done.preamble
        case RunFinished(run):
            assert_type(run, ToolRun)
            return run.text
        case ToolCallStarted() | ToolCallDelta() | ToolCallReady() | Repaired() | StreamRestarted() | Finished():
            return event.type
        case StreamResumed():
            return event.type
        case _:
            assert_never(event)


def approve(call: ToolCall) -> bool | str | Postpone:
    return call.read_only or Postpone("later")


def sums(client: DeepSeekV4) -> ToolRun:
    run = client.run_tools("Hello", [search], approve=approve, approvals={})
    assert_type(run, ToolRun)
    assert_type(run.text, str)
    assert_type(run.reply, Reply | None)
    assert_type(run.usage, Usage)
    assert_type(run.usage.unknown, int)
    assert_type(run.cost(), Cost | None)
    assert_type(run.pending_calls, tuple[ToolCall, ...])
    _ = run.reply.text  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]
    try:
        client.run_tools("Hello", [], approvals={"call_1": "no"})
    except DeepSeekV4Error as error:
        assert_type(error.run, ToolRun | None)
    return run


def events(client: DeepSeekV4) -> list[str]:
    with client.stream_tools("Hello", [search], max_rounds=3, max_tokens=100) as stream:
        assert_type(stream, ToolStream)
        seen = [described(event) for event in stream]
        assert_type(stream.run, ToolRun)
    return seen


def money(client: DeepSeekV4) -> Spend:
    spend = Spend(0.5, per="day", unit="tokens")
    limited = client.with_options(spend=[Spend("1.00"), Spend(1_000_000, "run", "tokens")], window=64_000)
    assert_type(limited.context_window, int | None)
    assert_type(limited.as_async(), AsyncDeepSeekV4)
    assert_type(limited.as_async().as_sync(), DeepSeekV4)
    budget = ContextBudget(64_000, strategies=[DropOldest()])
    reply = limited.chat("Hello", overflow=budget)
    assert_type(reply.alarms, tuple[Repair, ...])
    assert_type(spend.spent, Decimal)
    ledger = Ledger(currency="CNY")
    assert_type(ledger.total.cost, Cost | None)
    assert_type(ledger.by_tag("tenant"), dict[str, Spent])
    Spend(1, per="month")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    return spend


async def awaited(client: AsyncDeepSeekV4) -> None:
    async with client.stream_tools("Hello", [search_async]) as stream:
        assert_type(stream, AsyncToolStream)
        async for event in stream:
            assert_type(event, RunEvent)
    assert_type(await client.run_tools("Hello", [search]), ToolRun)
