"""Why a loop stopped, and that what it leaves can be gone on with."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any

import pytest

from deepseek_v4_sdk import DeepSeekV4, EmptyTurnError, PhaseTimeoutError, Timeouts
from deepseek_v4_sdk.testing import faults, script
from tests.rounds.play import Kind, Play, each_flavor, each_kind, results

Pauses = Generator[float, None, object]


def look(city: str) -> Pauses:
    """Looks at a city."""
    yield 0
    return f"Saw {city}."


def call(city: str = "Paris") -> Any:
    return script.think("Hm.") + script.tool_call("look", city=city)


@each_flavor
@each_kind
def test_max_rounds(kind: Kind, flavor: str) -> None:
    play = Play(kind, call("A"), call("B"), flavor=flavor)
    run = play.run([play.tool(look)], max_rounds=2)
    assert (run.stopped, len(run.rounds)) == ("max_rounds", 2)
    assert results(run) == ["Saw A.", "Saw B."]  # the calls of the last turn have run
    play.goes_on()


@each_flavor
@each_kind
def test_a_budget_of_tokens(kind: Kind, flavor: str) -> None:
    free = Play(kind, call("A"), call("B"), call("C"), flavor=flavor)
    spent = [each.reply.usage.total_tokens or 0 for each in free.run([free.tool(look)]).rounds]
    play = Play(kind, call("A"), call("B"), flavor=flavor)
    run = play.run([play.tool(look)], max_total_tokens=spent[0] + 1)
    assert (run.stopped, len(run.rounds)) == ("budget", 2)
    play.goes_on()


@each_kind
def test_a_budget_holds_where_the_server_does_not_count(kind: Kind) -> None:
    play = Play(kind, *[call() | faults.no_usage() for _ in range(6)])
    run = play.run([play.tool(look)], max_total_tokens=600)
    assert run.stopped == "budget"
    assert 2 <= len(run.rounds) < 6


@each_flavor
@each_kind
def test_a_deadline_while_a_tool_runs(kind: Kind, flavor: str) -> None:
    began = time.monotonic()

    def wait(n: int) -> Pauses:
        """Waits."""
        for _ in range(3000):
            yield 0.01
        return n

    turn = script.tool_call("wait", n=1) + script.tool_call("wait", n=2)
    play = Play(kind, turn, flavor=flavor)
    run = play.run([play.tool(wait)], deadline=0.2, parallel=1)
    assert run.stopped == "deadline"
    first, second = results(run)
    assert first.startswith("error: wait did not end within 0.") or first == second  # on a very slow machine
    assert second == "error: this call was not run: the time for the whole task was over"
    assert time.monotonic() - began < 20
    play.goes_on()


@each_flavor
@each_kind
def test_a_deadline_while_the_model_answers(kind: Kind, flavor: str) -> None:
    """The loop ends with the turn before; a turn that is cut is none."""
    play = Play(kind, call(), script.text("One two three four.") | faults.stall(after=3, seconds=600), flavor=flavor)
    run = play.run([play.tool(look)], deadline=300, timeout=Timeouts(idle=3600))
    assert (run.stopped, len(run.rounds)) == ("deadline", 1)
    play.goes_on()


@each_kind
def test_a_deadline_in_the_first_turn_is_a_timeout(kind: Kind) -> None:
    """There is nothing to end with."""
    stalled = script.text("One two three four.") | faults.stall(after=3, seconds=600)
    play = Play(kind, stalled)
    with pytest.raises(PhaseTimeoutError) as raised:
        play.run([play.tool(look)], deadline=300, timeout=Timeouts(idle=3600))
    assert raised.value.phase == "total"
    assert raised.value.partial is not None
    assert raised.value.partial.text


@each_kind
def test_a_timer_of_the_clients_own_is_no_deadline(kind: Kind) -> None:
    stalled = script.text("One two three four.") | faults.stall(after=3, seconds=600)
    play = Play(kind, call(), stalled, timeout=Timeouts(idle=3600, total=60))
    with pytest.raises(PhaseTimeoutError) as raised:
        play.run([play.tool(look)], deadline=300)
    assert raised.value.seconds == 60
    play.goes_on()


@each_flavor
@each_kind
def test_a_tool_without_a_function_waits_for_you(kind: Kind, flavor: str) -> None:
    schema = {"type": "object", "properties": {"to": {"type": "string"}}, "required": ["to"]}
    pay = {"name": "pay", "description": "Pays.", "parameters": schema}
    turn = call("A") + script.tool_call("pay", to="Ann") + call("B") + script.tool_call("pay", to="Bob")
    play = Play(kind, turn, script.text("Paid."), flavor=flavor)
    tools = [play.tool(look), pay]
    run = play.run(tools)
    assert run.stopped == "pending"
    assert [pending.parsed for pending in run.pending_calls] == [{"to": "Ann"}, {"to": "Bob"}]
    assert results(run) == ["Saw A.", "Saw B."]  # what can be run, has run
    assert {problem.kind for problem in run.messages.validate()} == {"missing_result"}
    for pending in run.pending_calls:
        run.messages.add_tool_result(pending, f"paid {pending.parsed['to']}")
    again = play.run(tools, run.messages)
    assert (again.stopped, again.reply.text) == ("answered", "Paid.")
    play.goes_on()


@each_kind
def test_pending_calls_fit_their_schema(kind: Kind) -> None:
    """One that does not is corrected by the model, before anybody waits for it."""
    schema = {"type": "object", "properties": {"to": {"type": "string"}}, "required": ["to"]}
    play = Play(kind, script.tool_call("pay", {"to": 3}), script.tool_call("pay", to="Ann"))
    run = play.run([{"name": "pay", "parameters": schema}])
    assert (run.stopped, len(run.rounds)) == ("pending", 2)
    assert [pending.parsed for pending in run.pending_calls] == [{"to": "Ann"}]


@each_flavor
@each_kind
def test_an_empty_turn_is_asked_for_once_more_with_less_thinking(kind: Kind, flavor: str) -> None:
    empty = script.think("Hm.") + script.text("x") | faults.empty_turn()
    play = Play(kind, call(), empty, script.text("Sunny."), flavor=flavor)
    run = play.run([play.tool(look)], retry_empty=True, thinking="max")
    assert (run.stopped, run.text, len(run.rounds)) == ("answered", "Sunny.", 2)
    assert [request.thinking for request in play.mock.requests] == ["max", "max", "high"]
    play.goes_on()


@each_kind
def test_an_empty_turn_is_an_error_unless_asked_otherwise_and_the_second_one_always(kind: Kind) -> None:
    empty = script.think("Hm.") + script.text("x") | faults.empty_turn()
    for options, asked in (({}, 2), ({"retry_empty": True}, 3)):
        play = Play(kind, call(), *[empty] * (asked - 1))
        with pytest.raises(EmptyTurnError):
            play.run([play.tool(look)], **options)
        assert len(play.mock.requests) == asked
        play.goes_on()


def test_a_retry_takes_the_nearest_level_that_a_server_has() -> None:
    empty = script.think("Hm.") + script.text("x") | faults.empty_turn()
    play = Play("sync", empty, script.text("Hello."), flavor="nvidia")
    assert play.run([], retry_empty=True, thinking="high").reply.text == "Hello."  # there is no "low"


@pytest.mark.parametrize(
    ("text", "stopped"),
    [("Let me look:", "no_call"), ("让我看看\N{FULLWIDTH COLON}", "no_call"), ("Sunny.", "answered")],
)
@each_kind
def test_a_call_that_was_announced_and_not_made(kind: Kind, text: str, stopped: str) -> None:
    play = Play(kind, script.text(text))
    run = play.run([play.tool(look)])
    assert (run.stopped, run.text) == (stopped, text)
    if stopped == "no_call":  # so that a program can nudge
        nudged = DeepSeekV4(play.mock).run_tools(run.messages.user("Go on, make the call."), [])
        assert nudged.reply.text == "And so on."
    play.goes_on()
