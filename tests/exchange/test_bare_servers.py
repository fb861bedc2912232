"""A server without a reasoning parser: its answer is taken apart once, and its next ones as they come."""

from __future__ import annotations

from typing import Any

import pytest

from deepseek_v4_sdk import DeepSeekV4
from deepseek_v4_sdk.errors import EmptyTurnError, ReasoningExhaustedError
from deepseek_v4_sdk.testing import MockProvider, script
from tests.dsml.leaks import block, invoke
from tests.exchange.hearing import kinds, listen, spoken
from tests.support.any_name import ANY_NAME
from tests.support.modes import in_both_modes
from tests.support.replay import Mode

BARE = script.text("I think `x`.</think>It is 21.")
CLEAN = script.think("Hm.") + script.text("It is 22.")


@in_both_modes
@pytest.mark.parametrize("wire", ["stream", "plain"])
def test_reasoning_is_split_off_at_the_end_then_streams_as_reasoning(wire: str, mode: Mode) -> None:
    mock = MockProvider(BARE, BARE, script.turn(BARE, cuts=1), CLEAN, BARE)
    first, *later = [listen(mock, mode, wire=wire) for _ in range(3)]
    for outcome in (first, *later):
        reply = outcome.answered
        assert (reply.reasoning, reply.text) == ("I think `x`.", "It is 21.")
        assert [repair.kind for repair in reply.repairs] == ["split_reasoning"]
        assert kinds(outcome)[-1] == "repaired"
    assert (spoken(first, "reasoning"), spoken(first, "text")) == ("", "I think `x`.</think>It is 21.")
    for outcome in later:
        assert (spoken(outcome, "reasoning"), spoken(outcome, "text")) == ("I think `x`.", "It is 21.")

    clean, again = listen(mock, mode, wire=wire), listen(mock, mode, wire=wire)
    assert (clean.answered.reasoning, clean.answered.text, clean.answered.repairs) == ("Hm.", "It is 22.", ())
    assert spoken(again, "text") == "I think `x`.</think>It is 21."  # the server separates: it was forgotten
    assert again.answered.text == "It is 21."


def test_calls_behind_reasoning_that_was_left_in_the_text() -> None:
    turn = script.text(f"I look.</think>\n\n{block(invoke('now'))}")
    mock = MockProvider(turn, turn)
    for _ in range(2):
        reply = listen(mock).answered
        assert (reply.reasoning, reply.text, [call.name for call in reply.tool_calls]) == ("I look.", "", ["now"])
        assert {repair.kind for repair in reply.repairs} == {"split_reasoning", "recovered_calls"}


def test_it_is_remembered_by_address_and_model() -> None:
    def deltas(url: str | None, model: str, mock: MockProvider) -> str:
        with DeepSeekV4(mock, base_url=url, model=model).stream("x") as stream:
            return "".join(stream.text_deltas())

    one, other = "http://one.test", "http://other.test"
    mock = MockProvider(default=BARE, flavor=ANY_NAME)
    assert "</think>" in deltas(one, "a", mock)
    assert "</think>" in deltas(one, "b", mock)
    assert "</think>" in deltas(other, "a", mock)
    assert deltas(one, "a", MockProvider(default=BARE, flavor=ANY_NAME)) == "It is 21."


def test_mocks_know_nothing_of_each_other() -> None:
    """They have no address, so that what one was seen to do says nothing of the next."""
    assert listen(MockProvider(BARE)).answered.reasoning == "I think `x`."
    assert listen(MockProvider(script.text("Plain."))).answered.text == "Plain."


def test_a_client_with_other_options_has_the_same_memory() -> None:
    client = DeepSeekV4(MockProvider(default=BARE))
    client.chat("x")
    with client.with_options(thinking="low").stream("x") as stream:
        assert "".join(stream.text_deltas()) == "It is 21."


def test_what_was_remembered_wrongly_is_forgotten_after_one_answer() -> None:
    """A server that was repaired, and a turn without any reasoning."""
    mock = MockProvider(BARE, default=script.text("It is 21."))
    listen(mock)
    taken = listen(mock)
    assert (taken.answered.text, taken.answered.reasoning) == ("It is 21.", None)
    assert [repair.kind for repair in taken.answered.repairs] == ["joined_text"]
    assert kinds(taken) == ["reasoning", "text", "repaired"]
    assert spoken(taken, "text") == "It is 21."  # a reader of text alone has it, too
    again = listen(mock)
    assert (again.answered.text, again.answered.repairs) == ("It is 21.", ())


@pytest.mark.parametrize("wire", ["stream", "plain"])
def test_a_call_in_what_streamed_as_reasoning_is_found(wire: str) -> None:
    """Neither its parser for reasoning nor that for calls is on, and the model answers at once."""
    mock = MockProvider(BARE, script.text(f"I look.\n\n{block(invoke('now'))}"))
    listen(mock, wire=wire)
    reply = listen(mock, wire=wire).answered
    assert (reply.text, reply.reasoning, [call.name for call in reply.tool_calls]) == ("I look.", None, ["now"])
    assert [repair.kind for repair in reply.repairs] == ["joined_text", "recovered_calls"]


@pytest.mark.parametrize(
    "options",
    [
        {"response_format": {"type": "json_object"}},
        {"tool_choice": "required"},
        {"tool_choice": "now"},
    ],
)
def test_what_a_grammar_holds_is_not_taken_for_reasoning(options: dict[str, Any]) -> None:
    """Where no parser takes reasoning out, a grammar leaves no place for it."""
    mock = MockProvider(BARE, script.text('{"a": 1}'), BARE)
    listen(mock)
    held = listen(mock, **options)
    assert (held.answered.text, held.answered.repairs) == ('{"a": 1}', ())
    assert spoken(held, "text") == '{"a": 1}'
    assert spoken(listen(mock), "text") == "It is 21."  # what is known of the server stays


def test_a_stop_text_inside_reasoning_leaves_it_reasoning() -> None:
    mock = MockProvider(BARE, BARE)
    listen(mock)
    cut = listen(mock, stop=["`x`"])
    assert isinstance(cut.error, EmptyTurnError)
    assert "'`x`'" in str(cut.error)
    assert cut.partial.reasoning == "I think "


def test_reasoning_that_was_cut_is_still_reasoning() -> None:
    mock = MockProvider(BARE, script.text("I think and thi", finish_reason="length"), BARE)
    listen(mock)
    cut = listen(mock)
    assert isinstance(cut.error, ReasoningExhaustedError)
    assert cut.partial.reasoning == "I think and thi"
    assert spoken(listen(mock), "text") == "It is 21."


@pytest.mark.parametrize(
    ("turn", "options"),
    [
        (script.think("Hm.") + script.text("A lone </think> here."), {}),
        (script.text("Write <think>x</think> so."), {}),
        (script.text("The tag `</think>` ends it."), {}),
        (script.text("A lone </think> here."), {"thinking": "off"}),
        (script.text("No tag at all, only </thin"), {}),
    ],
)
def test_a_tag_that_somebody_speaks_of_is_text(turn: Any, options: dict[str, Any]) -> None:
    outcome = listen(MockProvider(turn), **options)
    reply = outcome.answered
    assert (reply.text, reply.reasoning or "", reply.repairs) == (turn.text, turn.reasoning, ())
    assert spoken(outcome, "text") == turn.text
