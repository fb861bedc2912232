"""A loop on every server: its rounds, its results, and a conversation that can be sent again."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from itertools import pairwise
from typing import Any

import pytest

from deepseek_v4_sdk import AssistantMessage, AsyncDeepSeekV4, ConfigurationError, Conversation, DeepSeekV4, tool
from deepseek_v4_sdk.testing import MockProvider, faults, script
from tests.rounds.play import FLAVORS, KINDS, Kind, Play, each_flavor, each_kind, results
from tests.support.profiles import paired

Pauses = Generator[float, None, object]


def weather(city: str) -> Pauses:
    """The weather in a city."""
    yield 0
    return f"Sunny in {city}."


def call(city: str = "Paris") -> Any:
    return script.tool_call("weather", city=city)


@pytest.mark.parametrize(("flavor", "kind"), paired(FLAVORS, KINDS))
def test_forty_rounds_with_thinking(kind: Kind, flavor: str) -> None:
    """Every thought goes back to the server, every call has its result, and requests only grow at their end."""
    turns = [script.think(f"Thought {n}.") + call(f"A{n}") + call(f"B{n}") for n in range(40)]
    turns[7] |= faults.leak_dsml()  # type: ignore[assignment]  # a call that the server missed is one of them
    play = Play(kind, *turns, script.text("Done."), flavor=flavor, thinking="high")
    run = play.run([play.tool(weather)], max_rounds=41)
    assert (run.stopped, run.text, len(run.rounds)) == ("answered", "Done.", 41)
    assert results(run) == [f"Sunny in {letter}{n}." for n in range(40) for letter in "AB"]
    thoughts = [message.reasoning for message in run.messages if isinstance(message, AssistantMessage)]
    assert thoughts[:40] == [f"Thought {n}." for n in range(40)]
    bodies = [request.body["messages"] for request in play.mock.requests]
    for before, after in pairwise(bodies):
        assert after[: len(before)] == before
    sent = [m for m in bodies[-1] if m["role"] == "assistant"]
    assert [m.get("reasoning") or m["reasoning_content"] for m in sent] == thoughts[:40]
    assert run.rounds == tuple(play.seen)
    play.goes_on()


@each_flavor
@each_kind
def test_calls_of_one_turn_run_at_once_and_their_results_keep_the_order(kind: Kind, flavor: str) -> None:
    inside: set[str] = set()
    ended: list[str] = []

    def meet(name: str) -> Pauses:
        """Waits for the others."""
        inside.add(name)
        for _ in range(5000):
            if len(inside) == 3 and (name == "c" or "c" in ended):
                ended.append(name)
                return name.upper()
            yield 0.001
        raise AssertionError("the others never came")

    turn = script.think("All.") + sum(
        (script.tool_call("meet", name=n) for n in "bc"), script.tool_call("meet", name="a")
    )
    play = Play(kind, turn, script.text("Met."), flavor=flavor)
    run = play.run([play.tool(meet)])
    assert ended[0] == "c"  # the last call was the first to end
    assert results(run) == ["A", "B", "C"]
    assert [result.call.parsed["name"] for result in run.rounds[0].results] == ["a", "b", "c"]
    play.goes_on()


@each_kind
def test_no_more_than_so_many_run_at_once(kind: Kind) -> None:
    inside, most = 0, 0

    def work(n: int) -> Pauses:
        """Works."""
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        yield 0.01
        inside -= 1
        return n

    turn = sum((script.tool_call("work", n=n) for n in range(1, 8)), script.tool_call("work", n=0))
    play = Play(kind, turn)
    run = play.run([play.tool(work)], parallel=2)
    assert most == 2
    assert results(run) == [str(n) for n in range(8)]


@each_kind
def test_a_text_beside_calls_is_the_preamble_and_not_the_answer(kind: Kind) -> None:
    play = Play(kind, script.text("Let me look.") + call(), script.text("Sunny."))
    run = play.run([play.tool(weather)])
    assert [each.preamble for each in run.rounds] == ["Let me look.", ""]
    assert run.text == "Sunny."
    play.goes_on()


@each_kind
def test_the_conversation_may_be_changed_between_rounds(kind: Kind) -> None:
    mock = MockProvider(call(), script.text("Sunny."))
    given = Conversation().user("Go.")

    async def main() -> None:
        async with AsyncDeepSeekV4(mock).tool_rounds(given, [Play(kind).tool(weather)]) as rounds:
            async for each in rounds:
                if each.results:
                    rounds.messages.user("Be brief.")

    if kind == "sync":
        with DeepSeekV4(mock).tool_rounds(given, [Play(kind).tool(weather)]) as rounds:
            for each in rounds:
                if each.results:
                    rounds.messages.user("Be brief.")
    else:
        asyncio.run(main())
    assert mock.requests[1].text == "Be brief."
    assert len(given) == 1  # the caller's own was not touched


@each_kind
def test_run_tools_is_the_same_without_the_rounds(kind: Kind) -> None:
    play = Play(kind, call(), script.text("Sunny."))
    if kind == "sync":
        run = DeepSeekV4(play.mock).run_tools("Go.", [play.tool(weather)])
    else:
        run = asyncio.run(AsyncDeepSeekV4(play.mock).run_tools("Go.", [play.tool(weather)]))
    assert (run.text, results(run), run.stopped) == ("Sunny.", ["Sunny in Paris."], "answered")
    play.goes_on(run.messages)


@each_kind
def test_without_tools_it_is_a_chat(kind: Kind) -> None:
    play = Play(kind, script.text("Hello."))
    assert play.run([]).stopped == "answered"
    assert "tools" not in play.mock.requests[0].body


def test_an_async_function_cannot_run_in_the_blocking_client() -> None:
    async def look(city: str) -> str:
        """Looks."""
        return city

    mock = MockProvider()
    for given in (look, tool(look)):
        with pytest.raises(ConfigurationError, match="the tool 'look' is async: use AsyncDeepSeekV4"):
            DeepSeekV4(mock).run_tools("Go.", [given])
    assert mock.requests == []


def test_nor_can_one_that_does_not_look_like_it() -> None:
    async def inner(city: str) -> str:
        return city

    def look(city: str) -> object:
        """Looks."""
        return inner(city)

    turn = script.tool_call("look", city="Paris")
    with pytest.raises(ConfigurationError, match="the tool 'look' is async"):
        DeepSeekV4(MockProvider(turn)).run_tools("Go.", [look])
    play = Play("threads", turn)
    assert results(play.run([look])) == ["Paris"]


NAMED = {"type": "function", "function": {"name": "weather"}}


@pytest.mark.parametrize(
    ("choice", "sent"),
    [("required", ["required", None]), ("weather", [NAMED, None]), (NAMED, [NAMED, None]), ("none", ["none"])],
)
@each_kind
def test_a_forced_call_is_forced_once(kind: Kind, choice: Any, sent: list[object]) -> None:
    """Or the model could never answer. Where calls are switched off, one that comes all the same ends the loop."""
    play = Play(kind, call(), script.text("Sunny."))
    run = play.run([play.tool(weather)], tool_choice=choice, thinking="off")
    assert run.stopped == ("pending" if choice == "none" else "answered")
    assert [request.body.get("tool_choice") for request in play.mock.requests] == sent


@pytest.mark.parametrize(
    ("option", "value"),
    [("max_rounds", 0), ("parallel", 0), ("max_total_tokens", -1), ("deadline", 0), ("tool_timeout", -1)],
)
def test_a_limit_that_makes_no_sense(option: str, value: object) -> None:
    mock = MockProvider()
    with pytest.raises(ConfigurationError, match=f"{option} is {value}"):
        DeepSeekV4(mock).run_tools("Go.", [], **{option: value})  # type: ignore[misc]
    assert mock.requests == []
