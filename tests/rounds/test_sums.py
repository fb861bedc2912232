"""What a run has cost: sums over all its requests, those that failed among them; and runs that an error carries."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Generator
from datetime import UTC, datetime
from typing import Any

import pytest

from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4Error, EmptyTurnError, ToolRun
from deepseek_v4_sdk.testing import MockProvider, faults, script
from tests.rounds.play import Kind, Play, each_kind, results

Pauses = Generator[float, None, object]
AT = datetime(2026, 11, 21, tzinfo=UTC)


def look(city: str) -> Pauses:
    """Looks at a city."""
    yield 0
    if city == "Atlantis":
        raise LookupError("no such city")
    return f"Saw {city}."


def call(city: str = "Paris") -> Any:
    return script.tool_call("look", city=city)


def priced(kind: Kind, *steps: Any) -> Play:
    """A play on DeepSeek's own API, which has prices."""
    play = Play(kind, flavor="deepseek")
    play.mock = MockProvider(*steps, default=script.text("And so on."), flavor="deepseek", at=AT)
    return play


@each_kind
def test_the_sums_of_a_run(kind: Kind) -> None:
    play = priced(kind, call("A"), call("B"), script.text("Done."))
    run = play.run([play.tool(look)])
    replies = [each.reply for each in run.rounds]
    assert run.usage.total_tokens == sum(reply.usage.total_tokens or 0 for reply in replies)
    assert run.usage.completion_tokens == sum(reply.usage.completion_tokens or 0 for reply in replies)
    assert run.usage.cached_tokens == sum(reply.usage.cached_tokens or 0 for reply in replies)
    assert run.usage.unknown == 0
    cost = run.cost()
    assert cost is not None
    assert cost.amount == sum(part.amount for part in (reply.cost() for reply in replies) if part is not None)
    assert cost.unknown == 0
    assert [attempt.number for attempt in run.attempts] == [1, 2, 3]
    assert run.cost(currency="XXX") is None


@each_kind
def test_a_request_that_failed_is_in_the_sums(kind: Kind) -> None:
    """A refusal costs nothing; an answer that broke off may have cost what nobody told, and the sum is "at least"."""
    broken = script.text("One two three four five six.") | faults.cut(after_bytes=600)
    play = priced(kind, call("A"), script.error(503, "busy"), call("B"), broken)
    with pytest.raises(DeepSeekV4Error) as raised:
        play.run([play.tool(look)])
    run = raised.value.run
    assert run is not None
    assert (run.stopped, len(run.rounds)) == ("failed", 2)
    assert [attempt.status for attempt in run.attempts] == [200, 503, 200, 200]
    assert run.usage.unknown == 1
    assert run.usage.total_tokens == sum(each.reply.usage.total_tokens or 0 for each in run.rounds)
    cost = run.cost()
    assert cost is not None
    assert cost.unknown == 1
    assert str(cost).startswith("at least ")
    assert run.reply is run.rounds[-1].reply
    assert results(run) == ["Saw A.", "Saw B."]
    play.goes_on(run.messages)


@each_kind
def test_a_run_that_fails_before_its_first_round_has_ended(kind: Kind) -> None:
    play = Play(kind, script.error(400, "no"))
    with pytest.raises(DeepSeekV4Error) as raised:
        play.run([play.tool(look)])
    run = raised.value.run
    assert run is not None
    assert (run.reply, run.text, run.rounds, run.stopped) == (None, "", (), "failed")
    assert [attempt.status for attempt in run.attempts] == [400]
    assert (run.usage.total_tokens, run.usage.unknown, run.cost()) == (0, 0, None)
    assert [message.role for message in run.messages] == ["user"]


@each_kind
def test_an_empty_turn_is_paid_for(kind: Kind) -> None:
    empty = script.think("Hm.") + script.text("x") | faults.empty_turn()
    play = Play(kind, call(), empty, empty)
    with pytest.raises(EmptyTurnError) as raised:
        play.run([play.tool(look)], retry_empty=True)
    run = raised.value.run
    assert run is not None
    assert len(run.attempts) == 3
    assert run.usage.unknown == 0


@each_kind
def test_a_tool_whose_error_is_raised_carries_the_run(kind: Kind) -> None:
    play = Play(kind, call("A"), call("Atlantis"))
    with pytest.raises(LookupError) as raised:
        play.run([play.tool(look)], raise_tool_errors=True)
    run = raised.value.run  # type: ignore[attr-defined]
    assert isinstance(run, ToolRun)
    assert (run.stopped, len(run.rounds), len(run.attempts)) == ("failed", 1, 2)


def test_outside_of_a_run_there_is_none() -> None:
    error = DeepSeekV4Error("x")
    assert error.run is None
    assert pickle.loads(pickle.dumps(error)).run is None


def test_a_cancelled_run_carries_what_it_has_cost() -> None:
    """Cancelled in mid-answer: the request that was under way is counted as unknown."""
    stalled = script.text("One two three four.") | faults.stall(after=2, seconds=900)

    async def main() -> ToolRun:
        mock = MockProvider(call("A"), stalled)
        heard = asyncio.Event()

        async def listen(event: object) -> None:
            if type(event).__name__ == "TextDelta":
                heard.set()
                await asyncio.sleep(30)

        task = asyncio.create_task(
            AsyncDeepSeekV4(mock).run_tools("Go.", [Play("awaited").tool(look)], on_event=listen)
        )
        await asyncio.wait_for(heard.wait(), 20)
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as raised:
            await task
        run: ToolRun = raised.value.run  # type: ignore[attr-defined]
        return run

    run = asyncio.run(main())
    assert (run.stopped, len(run.rounds), run.usage.unknown) == ("cancelled", 1, 1)
    assert [attempt.error for attempt in run.attempts] == [None, "StreamClosedError"]
