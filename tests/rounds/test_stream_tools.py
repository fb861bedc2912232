"""A run as events: what comes, in which order, and how it ends when somebody closes it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Generator, Iterator
from typing import Any

import pytest

from deepseek_v4_sdk import (
    AsyncDeepSeekV4,
    ConfigurationError,
    DeepSeekV4,
    Finished,
    RoundFinished,
    StreamClosedError,
    StreamInUseError,
    TextDelta,
    ToolCallReady,
    ToolFinished,
    ToolProgress,
    ToolRunning,
)
from deepseek_v4_sdk.testing import MockProvider, faults, script
from tests.rounds.play import Kind, Play, each_flavor, each_kind
from tests.rounds.watch import ended, watched

Pauses = Generator[float, None, object]


def look(city: str) -> Pauses:
    """Looks at a city."""
    yield 0
    return f"Saw {city}."


TURN = script.think("Hm.") + script.tool_call("look", city="Paris") + script.tool_call("look", city="Rome")


@each_flavor
@each_kind
def test_what_comes_in_which_order(kind: Kind, flavor: str) -> None:
    play = Play(kind, TURN, script.text("Both are fine."), flavor=flavor)
    events = watched(play, [play.tool(look)])
    of: dict[str, list[int]] = {}
    for place, event in enumerate(events):
        of.setdefault(event.type, []).append(place)
    assert len(of["finished"]) == len(of["round_finished"]) == 2  # the last turn has both, too
    assert len(of["tool_running"]) == len(of["tool_finished"]) == 2
    for call_id in {event.call.id for event in events if isinstance(event, ToolRunning)}:
        mine = [
            event.type
            for event in events
            if isinstance(event, ToolCallReady | ToolRunning | ToolFinished) and event.call.id == call_id
        ]
        assert mine == ["tool_call_ready", "tool_running", "tool_finished"]
    assert of["finished"][0] < min(of["tool_running"]) < max(of["tool_finished"]) < of["round_finished"][0]
    assert of["round_finished"][1] > of["finished"][1]
    assert of["run_finished"] == [len(events) - 1]
    run = ended(events)
    assert (run.stopped, run.text) == ("answered", "Both are fine.")
    assert [event.round for event in events if isinstance(event, RoundFinished)] == list(run.rounds)
    play.goes_on(run.messages)


@each_kind
def test_a_call_that_is_refused_has_a_result_and_never_runs(kind: Kind) -> None:
    turn = script.tool_call("look", city="Paris") + script.tool_call("look", {"city": 3}) + script.tool_call("lok")
    play = Play(kind, turn)
    events = watched(play, [play.tool(look)], approve=lambda call: "not there")
    assert not [event for event in events if isinstance(event, ToolRunning)]
    told = [event.result.error for event in events if isinstance(event, ToolFinished)]
    assert told[0] == "this call was denied: not there"
    assert len(told) == 3


def counts(upto: int) -> Iterator[object]:
    """Counts."""
    for number in range(upto):
        yield ToolProgress(number)
        yield number * 10
    return "counted" if upto > 2 else None


async def counts_async(upto: int) -> AsyncIterator[object]:
    """Counts."""
    for number in range(upto):
        await asyncio.sleep(0)
        yield ToolProgress(number)
        yield number * 10


@pytest.mark.parametrize(
    ("kind", "tool"), [("sync", counts), ("threads", counts), ("awaited", counts_async), ("awaited", counts)]
)
def test_progress_of_a_generator(kind: Kind, tool: Any) -> None:
    """It comes with its call; the value is what is returned, else the list of the other items."""
    name = tool.__name__
    play = Play(kind, script.tool_call(name, upto=3) + script.tool_call(name, upto=2))
    events = watched(play, [tool])
    progress = [event for event in events if isinstance(event, ToolProgress)]
    by_call: dict[str, list[object]] = {}
    for event in progress:
        assert event.call is not None
        by_call.setdefault(event.call.id, []).append(event.value)
    assert sorted(by_call.values(), key=len) == [[0, 1], [0, 1, 2]]
    first, second = ended(events).rounds[0].results
    assert by_call[first.call.id] == [0, 1, 2]
    assert first.content == ("counted" if tool is counts else "[0, 10, 20]")
    assert second.content == "[0, 10]"


def test_progress_comes_while_the_tool_runs() -> None:
    """Not when it has ended: the tool waits until its first progress has been seen."""
    seen = threading.Event()

    def work() -> Iterator[object]:
        """Works."""
        yield ToolProgress("begun")
        assert seen.wait(20)
        return "done"

    client = DeepSeekV4(MockProvider(script.tool_call("work"), script.text("Done.")))
    with client.stream_tools("Go.", [work]) as run:
        for event in run:
            if isinstance(event, ToolProgress):
                seen.set()
    assert run.run.rounds[0].results[0].content == "done"


def test_progress_is_nothing_to_who_asks_for_rounds() -> None:
    run = DeepSeekV4(MockProvider(script.tool_call("counts", upto=3), script.text("x"))).run_tools("Go.", [counts])
    assert run.rounds[0].results[0].content == "counted"


class Opened:
    """An async tool that waits, and notes how it ended."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.ended: list[str] = []

    async def hang(self) -> str:
        """Waits."""
        self.begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            self.ended.append("hang")
        return "never"


@pytest.mark.parametrize("how", ["close", "block", "cancel"])
def test_closing_cancels_async_tools_and_waits_for_them(how: str) -> None:
    async def main() -> None:
        tools = Opened()
        client = AsyncDeepSeekV4(MockProvider(script.tool_call("hang"), script.text("never")))

        async def walk() -> Any:
            async with client.stream_tools("Go.", [tools.hang]) as run:
                async for event in run:
                    if isinstance(event, ToolRunning):
                        await tools.begun.wait()
                        if how == "cancel":
                            await anext(run)  # nothing more comes
                        if how == "close":
                            await run.close()
                        break
            return run

        task = asyncio.create_task(walk())
        if how == "cancel":
            await tools.begun.wait()
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError) as raised:
                await task
            run = raised.value.run  # type: ignore[attr-defined]
        else:
            run = (await task).run
        assert tools.ended == ["hang"]
        assert (run.stopped, run.reply, run.rounds) == ("cancelled", None, ())
        assert run.usage.total_tokens > 0  # the turn that asked for the tool was paid for
        assert run.usage.unknown == 0

    asyncio.run(main())


def test_another_task_closes_what_waits_for_a_tool() -> None:
    async def main() -> None:
        tools = Opened()
        client = AsyncDeepSeekV4(MockProvider(script.tool_call("hang")))
        run = client.stream_tools("Go.", [tools.hang])

        async def walk() -> None:
            async for _ in run:
                pass

        task = asyncio.create_task(walk())
        await tools.begun.wait()
        with pytest.raises(StreamInUseError):
            await anext(run)
        await run.close()
        with pytest.raises(StreamClosedError) as raised:
            await task
        assert raised.value.run is not None
        assert raised.value.run.stopped == "cancelled"
        assert tools.ended == ["hang"]

    asyncio.run(main())


def test_nobody_waits_for_a_plain_function_when_a_run_is_closed() -> None:
    go_on, begun = threading.Event(), threading.Event()

    def hang() -> str:
        """Waits."""
        begun.set()
        go_on.wait(30)
        return "late"

    client = DeepSeekV4(MockProvider(script.tool_call("hang")))
    run = client.stream_tools("Go.", [hang])
    threading.Thread(target=lambda: (begun.wait(20), run.close())).start()  # type: ignore[func-returns-value]
    began = time.monotonic()
    with pytest.raises(StreamClosedError):
        list(run)
    assert time.monotonic() - began < 20
    assert run.run.stopped == "cancelled"
    with pytest.raises(StreamClosedError):
        next(run)
    go_on.set()


def test_a_generator_on_a_thread_ends_at_its_next_item_when_a_run_is_closed() -> None:
    ended_ = threading.Event()

    def forever() -> Iterator[object]:
        """Never ends by itself."""
        try:
            while True:
                yield ToolProgress("on")
                time.sleep(0.001)
        finally:
            ended_.set()

    with DeepSeekV4(MockProvider(script.tool_call("forever"))).stream_tools("Go.", [forever]) as run:
        next(event for event in run if isinstance(event, ToolProgress))
    assert ended_.wait(20)


def test_who_iterates_is_not_called_as_well() -> None:
    with pytest.raises(ConfigurationError, match="on_event is for run_tools and tool_rounds"):
        DeepSeekV4(MockProvider()).stream_tools("Go.", [], on_event=print)


@each_kind
def test_closing_ends_the_answer(kind: Kind) -> None:
    """The connection is closed in mid-answer, and what was under way is among the attempts."""
    play = Play(kind, script.text("One two three four five six seven eight.") | faults.stall(after=3, seconds=900))
    if kind == "sync":
        with DeepSeekV4(play.mock).stream_tools("Go.", []) as run:
            next(event for event in run if isinstance(event, TextDelta))
        made = run.run
    else:

        async def main() -> Any:
            async with AsyncDeepSeekV4(play.mock).stream_tools("Go.", []) as run:
                async for event in run:
                    if isinstance(event, TextDelta):
                        break
            return run.run

        made = asyncio.run(main())
    (attempt,) = made.attempts
    assert attempt.error == "StreamClosedError"
    assert (made.stopped, made.usage.unknown) == ("cancelled", 1)


@each_kind
def test_the_events_of_a_turn_that_is_asked_for_again(kind: Kind) -> None:
    empty = script.think("Hm.") + script.text("x") | faults.empty_turn()
    play = Play(kind, empty, script.text("Hello."))
    events = watched(play, [], retry_empty=True)
    assert [event.reply.text for event in events if isinstance(event, Finished)] == ["Hello."]
    assert len(ended(events).attempts) == 2
