"""What goes wrong with a call is told to the model, and the loop goes on; or it is raised, by choice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator
from typing import Any

import pytest

from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4Error
from deepseek_v4_sdk.testing import faults, script
from tests.rounds.play import Kind, Play, each_flavor, each_kind, results

Pauses = Generator[float, None, object]


def look(city: str) -> Pauses:
    """Looks at a city."""
    yield 0
    if city == "Atlantis":
        raise LookupError("no such city")
    if city == "Ys":
        raise TimeoutError("its own timer")
    if city == "Babel":
        return {"words": float("inf")}
    return f"Saw {city}."


def call(city: str) -> Any:
    return script.tool_call("look", city=city)


@each_flavor
@each_kind
def test_an_exception_is_a_result_and_its_neighbours_are_whole(kind: Kind, flavor: str) -> None:
    play = Play(kind, call("Paris") + call("Atlantis") + call("Rome"), script.text("Two of three."), flavor=flavor)
    run = play.run([play.tool(look)])
    assert results(run) == ["Saw Paris.", "error: LookupError: no such city", "Saw Rome."]
    assert [result.error for result in run.rounds[0].results] == [None, "LookupError: no such city", None]
    assert run.stopped == "answered"
    play.goes_on()


@each_kind
def test_a_timeout_of_the_tools_own_is_an_exception_like_any_other(kind: Kind) -> None:
    play = Play(kind, call("Ys"))
    assert results(play.run([play.tool(look)])) == ["error: TimeoutError: its own timer"]
    play = Play(kind, call("Ys"))
    assert results(play.run([play.tool(look)], tool_timeout=60)) == ["error: TimeoutError: its own timer"]


@each_kind
def test_a_result_that_json_cannot_express(kind: Kind) -> None:
    play = Play(kind, call("Babel"))
    with pytest.warns(
        UserWarning, match="the tool 'look': the result .* it.words is inf.* the model sees a failed call"
    ) as told:
        (text,) = results(play.run([play.tool(look)]))
    assert told[0].filename == __file__  # where the tool is
    assert text.startswith("error: InvalidRequestError: the result cannot be written as JSON")
    play.goes_on()


@each_flavor
@each_kind
def test_an_unknown_tool_and_arguments_that_do_not_fit(kind: Kind, flavor: str) -> None:
    """Nothing runs; the model is told what there is, and what is wrong, and can correct itself."""
    ran: list[str] = []

    def note(city: str) -> Pauses:
        """Notes a city."""
        ran.append(city)
        yield 0
        return "noted"

    wrong = (
        script.tool_call("noet", city="Paris")
        + script.tool_call("note", '{"city": Paris}')
        + script.tool_call("note", {"city": 3})
        + script.tool_call("note", {"town": "Paris"})
    )
    play = Play(kind, wrong, script.tool_call("note", city="Paris"), script.text("Done."), flavor=flavor)
    run = play.run([play.tool(note)])
    told = results(run)
    assert told[0] == "error: there is no tool 'noet'; there are: note"
    assert all(text.startswith("error: ") and "'note'" in text for text in told[1:4])
    assert "city" in told[2]
    assert told[4] == "noted"
    assert ran == ["Paris"]
    play.goes_on(problems=frozenset({"bad_arguments"}))  # the model's own words stay in the history


@each_kind
def test_raise_tool_errors_raises_the_tools_own_exception(kind: Kind) -> None:
    play = Play(kind, call("Paris"), call("Rome") + call("Atlantis"))
    with pytest.raises(LookupError, match="no such city"):
        play.run([play.tool(look)], raise_tool_errors=True)
    assert len(play.seen) == 1  # the turn that could not be finished left nothing behind
    assert results(play) == ["Saw Paris."]
    play.goes_on()


@each_kind
def test_a_slow_call_is_given_up_and_the_others_are_not(kind: Kind) -> None:
    began = time.monotonic()

    def wait(seconds: float) -> Pauses:
        """Waits."""
        for _ in range(int(seconds * 100)):
            yield 0.01
        return "waited"

    turn = script.tool_call("wait", seconds=30.0) + script.tool_call("wait", seconds=0.0)
    play = Play(kind, turn, script.text("One of two."))
    run = play.run([play.tool(wait)], tool_timeout=0.3, parallel=1)  # what is given up takes no place of others
    assert results(run) == ["error: wait did not end within 0.3 s", "waited"]
    assert run.stopped == "answered"
    assert time.monotonic() - began < 20
    play.goes_on()


@each_flavor
@each_kind
def test_a_server_that_fails_leaves_the_rounds_before(kind: Kind, flavor: str) -> None:
    broken = script.text("One two three four five six.") | faults.cut(after_bytes=600)
    play = Play(kind, call("Paris"), broken, flavor=flavor, max_retries=0)
    with pytest.raises(DeepSeekV4Error):
        play.run([play.tool(look)])
    assert len(play.seen) == 1
    assert results(play) == ["Saw Paris."]
    play.goes_on()


@pytest.mark.parametrize("kind", ["threads", "awaited"])
@pytest.mark.parametrize("where", ["tool", "stream"])
def test_cancelling_leaves_the_rounds_before(kind: Kind, where: str) -> None:
    """In the middle of a tool, and in the middle of an answer."""

    async def main() -> None:
        inside = asyncio.Event()
        loop = asyncio.get_running_loop()

        def wait(seconds: float) -> Pauses:
            """Waits."""
            if seconds:
                loop.call_soon_threadsafe(inside.set)
            for _ in range(int(seconds * 100)):
                yield 0.01
            return "waited"

        async def listen(event: object) -> None:
            if where == "stream" and type(event).__name__ == "TextDelta":
                inside.set()
                await asyncio.sleep(30)

        client = AsyncDeepSeekV4(play.mock)
        async with client.tool_rounds("Go.", [play.tool(wait)], on_event=listen) as rounds:
            play.messages = rounds.messages

            async def walk() -> None:
                async for _ in rounds:
                    pass

            task = asyncio.create_task(walk())
            await asyncio.wait_for(inside.wait(), 20)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert rounds.run.stopped == "cancelled"
            assert [each async for each in rounds] == []

    wait = script.tool_call("wait", seconds=0.0)
    second = script.tool_call("wait", seconds=0.5) if where == "tool" else script.text("One two three.")
    play = Play(kind, wait, second)
    asyncio.run(main())
    assert results(play) == ["waited"]
    play.goes_on()


def test_an_interrupt_in_the_blocking_client_leaves_the_rounds_before() -> None:
    def listen(event: object) -> None:
        if type(event).__name__ == "TextDelta":
            raise KeyboardInterrupt

    play = Play("sync", call("Paris"), script.text("One two three."))
    with pytest.raises(KeyboardInterrupt):
        play.run([play.tool(look)], on_event=listen)
    assert results(play) == ["Saw Paris."]
    play.goes_on()
