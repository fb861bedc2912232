"""Deciding later: a run ends with calls that wait, and goes on with what was decided, in another process too."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from deepseek_v4_sdk import ConfigurationError, Conversation, InvalidRequestError, Postpone, ToolCall
from deepseek_v4_sdk.testing import script
from tests.rounds.play import Kind, Play, each_flavor, each_kind, results
from tests.rounds.watch import ended, watched
from tests.support.forked import run_forked

Pauses = Generator[float, None, object]
PAID: list[str] = []


def pay(to: str) -> Pauses:
    """Pays somebody."""
    PAID.append(to)
    yield 0
    return f"paid {to}"


def look(city: str) -> Pauses:
    """Looks at a city."""
    yield 0
    return f"Saw {city}."


TURN = script.think("Hm.") + script.tool_call("look", city="A") + script.tool_call("pay", to="Ann")
TWO = TURN + script.tool_call("pay", to="Bob")


def later(call: ToolCall) -> object:
    return True if call.name == "look" else Postpone("the boss decides")


def begun(kind: Kind, turn: Any = TURN, **more: Any) -> tuple[Play, Any, Any]:
    """A run that waits for somebody."""
    PAID.clear()
    play = Play(kind, turn, **more)
    tools = [play.tool(look), play.tool(pay)]
    run = play.run(tools, approve=later)
    assert (run.stopped, PAID) == ("pending", [])
    return play, tools, run


@each_flavor
@each_kind
def test_a_run_waits_and_goes_on(kind: Kind, flavor: str) -> None:
    play, tools, run = begun(kind, flavor=flavor)
    (call,) = run.pending_calls
    assert (call.name, call.parsed) == ("pay", {"to": "Ann"})
    assert run.reasons == {call.id: "the boss decides"}
    assert results(run) == ["Saw A."]  # what was allowed has run
    stored = run.messages.to_json()
    again = play.run(tools, Conversation.from_json(stored), approvals={call.id: True})
    assert PAID == ["Ann"]
    assert (again.stopped, again.text) == ("answered", "And so on.")
    assert [result.content for result in again.resumed] == ["paid Ann"]
    assert results(again) == ["Saw A.", "paid Ann"]
    play.goes_on()


@each_kind
def test_the_bare_class_does_too(kind: Kind) -> None:
    play = Play(kind, TURN)
    run = play.run([play.tool(look), play.tool(pay)], approve=lambda _: Postpone)
    assert [call.name for call in run.pending_calls] == ["look", "pay"]
    assert run.reasons == {}


@each_kind
def test_a_denial_reaches_the_model(kind: Kind) -> None:
    play, tools, run = begun(kind, TWO)
    ann, bob = run.pending_calls
    again = play.run(tools, run.messages, approvals={ann.id: "too much", bob.id: False})
    assert results(again) == ["Saw A.", "error: this call was denied: too much", "error: this call was denied"]
    assert PAID == []


@each_kind
def test_without_a_decision_the_calls_stay_and_nothing_is_asked(kind: Kind) -> None:
    play, tools, run = begun(kind)
    asked = len(play.mock.requests)
    again = play.run(tools, run.messages)
    assert (again.stopped, again.reply, again.rounds) == ("pending", None, ())
    assert again.pending_calls == run.pending_calls
    assert (len(play.mock.requests), PAID) == (asked, [])
    assert again.messages == run.messages


@each_kind
def test_what_is_not_decided_is_asked_anew_or_waits_on(kind: Kind) -> None:
    play, tools, run = begun(kind, TWO)
    ann, bob = run.pending_calls
    again = play.run(tools, run.messages, approvals={ann.id: True})
    assert (again.stopped, again.pending_calls, PAID) == ("pending", (bob,), ["Ann"])
    asked: list[str] = []

    def approve(call: ToolCall) -> bool:
        asked.append(call.id)
        return True

    last = play.run(tools, again.messages, approvals={ann.id: True}, approve=approve)  # ann's has its result by now
    assert (asked, PAID) == ([bob.id], ["Ann", "Bob"])
    assert last.stopped == "answered"
    play.goes_on()


@each_kind
def test_a_result_added_by_hand_is_taken_as_it_is(kind: Kind) -> None:
    play, tools, run = begun(kind, TWO)
    ann, bob = run.pending_calls
    run.messages.add_tool_result(bob, "paid in cash")
    again = play.run(tools, run.messages, approvals={ann.id: True, bob.id: True})
    assert PAID == ["Ann"]
    assert results(again) == ["Saw A.", "paid in cash", "paid Ann"]
    play.goes_on()


def test_a_decision_about_another_call_is_named() -> None:
    play, tools, run = begun("sync")
    with pytest.raises(InvalidRequestError, match="approvals names 'call_x', which is not a call of the turn"):
        play.run(tools, run.messages, approvals={"call_x": True})
    with pytest.raises(ConfigurationError, match="is int: give True, or the reason why not"):
        play.run(tools, run.messages, approvals={run.pending_calls[0].id: 1})
    with pytest.raises(ConfigurationError, match="approvals is list"):
        play.run(tools, run.messages, approvals=["x"])


@each_kind
def test_what_was_decided_holds_for_the_calls_that_waited_alone(kind: Kind) -> None:
    """A later call with the same id is another one."""
    turn = script.tool_call("pay", to="Ann")
    play = Play(kind, turn, turn)
    tools = [play.tool(pay)]
    PAID.clear()
    run = play.run(tools, approve=lambda _: Postpone)
    (call,) = run.pending_calls
    again = play.run(tools, run.messages, approvals={call.id: True}, approve=lambda _: "no")
    assert PAID == ["Ann"]
    assert results(again) == ["paid Ann", "error: this call was denied: no"]


@each_kind
def test_a_call_that_nothing_can_run_is_an_error_to_the_model_once_it_is_decided(kind: Kind) -> None:
    play, tools, run = begun(kind)
    again = play.run(tools[:1], run.messages, approvals={run.pending_calls[0].id: True})
    assert results(again)[1] == "error: there is no tool 'pay'; there are: look"


@each_kind
def test_a_tool_without_a_function_waits_whoever_allows_it(kind: Kind) -> None:
    schema = {"type": "object", "properties": {"to": {"type": "string"}}}
    play = Play(kind, script.tool_call("pay", to="Ann"))
    tools = [{"name": "pay", "parameters": schema}]
    run = play.run(tools)
    again = play.run(tools, run.messages, approvals={run.pending_calls[0].id: True})
    assert (again.stopped, again.pending_calls) == ("pending", run.pending_calls)
    denied = play.run(tools, run.messages, approvals={run.pending_calls[0].id: "no"})
    assert results(denied) == ["error: this call was denied: no"]


@each_kind
def test_a_call_out_of_a_text_is_still_one_after_it_was_stored(kind: Kind) -> None:
    """And no server hears of it."""
    page = """Look:

<|DSML|tool_calls>
<|DSML|invoke name="pay">
<|DSML|parameter name="to" string="true">Ann</|DSML|parameter>
</|DSML|invoke>
</|DSML|tool_calls>"""
    PAID.clear()
    play = Play(kind, script.text(page))
    tools = [play.tool(pay)]
    run = play.run(tools)
    stored = Conversation.from_json(run.messages.to_json())
    seen: list[tuple[bool, str | None]] = []

    def approve(call: ToolCall) -> bool:
        seen.append((call.recovered, call.bars))
        return True

    assert play.run(tools, stored).stopped == "pending"
    again = play.run(tools, stored, approve=approve)
    assert (seen, PAID, again.stopped) == ([(True, "ascii")], ["Ann"], "answered")
    assert not any("bars" in str(request.body) or "recovered" in str(request.body) for request in play.mock.requests)


@each_kind
def test_the_events_of_a_run_that_begins_with_calls(kind: Kind) -> None:
    play, tools, run = begun(kind)
    events = watched(play, tools, run.messages, approvals={run.pending_calls[0].id: True})
    kinds = [event.type for event in events if event.type.startswith(("tool_", "round", "run"))]
    assert kinds == ["tool_running", "tool_finished", "round_finished", "run_finished"]
    assert ended(events).resumed[0].content == "paid Ann"


FIRST = """
import sys
from pathlib import Path
from deepseek_v4_sdk import DeepSeekV4, Postpone
from deepseek_v4_sdk.testing import MockProvider, script

def pay(to: str) -> str:
    "Pays somebody."
    raise AssertionError("nobody allowed it")

client = DeepSeekV4(MockProvider(script.think("Hm.") + script.tool_call("pay", to="Ann")))
run = client.run_tools("Pay Ann.", [pay], approve=lambda call: Postpone("ask her"))
Path(sys.argv[1]).write_text(run.messages.to_json(), encoding="utf-8")
print(run.pending_calls[0].id)
sys.stdout.flush()
import os
os._exit(9)  # the process dies; nothing of it is left but the file
"""
SECOND = """
import sys
from pathlib import Path
from deepseek_v4_sdk import Conversation, DeepSeekV4
from deepseek_v4_sdk.testing import MockProvider, script

def pay(to: str) -> str:
    "Pays somebody."
    return f"paid {to}"

client = DeepSeekV4(MockProvider(script.text("Ann has her money.")))
talk = Conversation.from_json(Path(sys.argv[1]).read_text(encoding="utf-8"))
run = client.run_tools(talk, [pay], approvals={sys.argv[2]: True})
print(run.stopped, run.resumed[0].content, run.text, sep="|")
"""


def test_a_process_that_died_in_between(tmp_path: Any) -> None:
    """The run goes on in another one, from what was stored."""
    file = str(tmp_path / "talk.json")

    def python(program: str, *arguments: str) -> tuple[int, str]:
        done = run_forked(program, *arguments)
        assert not done.stderr
        return done.returncode, done.stdout.strip()

    code, call_id = python(FIRST, file)
    assert code == 9
    assert python(SECOND, file, call_id) == (0, "answered|paid Ann|Ann has her money.")
