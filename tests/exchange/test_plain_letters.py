"""Reasoning whose closing tag came in plain letters, and not as the tag's own token: the answer is not lost.

`plain_letters/` holds two streams of vLLM 0.33.0, as they came: a scripted model wrote every byte as its own token. The
server takes the tag, and the text after it, for reasoning. Its plain answers to the same requests split there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deepseek_v4_sdk.errors import EmptyTurnError, ReasoningExhaustedError
from deepseek_v4_sdk.prompt import render_prompt
from deepseek_v4_sdk.testing import script
from tests.dsml.leaks import block, invoke
from tests.exchange.hearing import hear, kinds, spoken
from tests.support.modes import in_both_modes
from tests.support.replay import Mode, Outcome

FOLDER = Path(__file__).parent / "plain_letters"
ALARM: dict[str, Any] = {"name": "set_alarm", "parameters": {"type": "object", "properties": {}}}


def recorded(name: str, mode: Mode = "sync", **options: Any) -> Outcome:
    return hear(script.raw((FOLDER / f"{name}.sse").read_bytes()), mode=mode, **options)


@in_both_modes
def test_the_text_behind_the_tag_is_the_answer(mode: Mode) -> None:
    outcome = recorded("text", mode)
    reply = outcome.answered
    assert (reply.reasoning, reply.text, reply.finish_reason) == ("思考 🤔", "你好 👩‍👩‍👧 é", "stop")
    assert [(repair.kind, repair.level) for repair in reply.repairs] == [("ended_reasoning", "alarm")]
    assert kinds(outcome) == ["reasoning", "text", "repaired"]
    assert spoken(outcome, "text") == reply.text
    assert spoken(outcome, "reasoning") == "思考 🤔</think>你好 👩‍👩‍👧 é"  # deltas are never taken back


@in_both_modes
def test_the_tag_before_a_call_is_cut_off(mode: Mode) -> None:
    reply = recorded("call", mode, tools=[ALARM]).answered
    assert (reply.reasoning, reply.text) == ("Cut.", "")
    assert [call.name for call in reply.tool_calls] == ["set_alarm"]
    assert [repair.kind for repair in reply.repairs] == ["ended_reasoning"]
    talk = [{"role": "user", "content": "Wake me."}, reply.message]
    assert "<think>Cut.</think>\n\n<" in render_prompt(talk, tools=[ALARM]).text  # one tag, as the model wrote it


def test_markup_behind_the_tag_becomes_a_call() -> None:
    reply = hear(script.think(f"I look.</think>\n\n{block(invoke('now'))}")).answered
    assert ([call.name for call in reply.tool_calls], reply.reasoning, reply.text) == (["now"], "I look.", "")
    assert {repair.kind for repair in reply.repairs} == {"promoted_calls", "ended_reasoning"}


@pytest.mark.parametrize(
    "reasoning",
    [
        "The tag </think> ends it.",
        "I write `</think>` and stop.",
        'I write "</think>" and stop.',
        "So:\n```\n<b>\n</think>\n```\nDone.",
        "First.</think>Second.</think>Third.",
        "It is <think>so</think>. Done.",
        "Nothing follows.</think>\n",
        f"So.</think>Look:\n\n{block(invoke('now'))[:40]}",
    ],
)
def test_a_quotation_or_doubt_stays_an_error_that_has_it_all(reasoning: str) -> None:
    outcome = hear(script.think(reasoning))
    assert isinstance(outcome.error, EmptyTurnError)
    assert outcome.partial.reasoning == reasoning


def test_with_an_answer_the_reasoning_may_spell_the_tag() -> None:
    reply = hear(script.think("I close.</think>Not yet.") + script.text("Hello.")).answered
    assert (reply.reasoning, reply.text, reply.repairs) == ("I close.</think>Not yet.", "Hello.", ())


def test_beside_a_call_only_a_tag_at_the_end_is_cut_off() -> None:
    turn = script.think("I close.</think>Not yet.") + script.tool_call("now")
    assert hear(turn).answered.reasoning == "I close.</think>Not yet."


def test_cut_by_the_limit_it_may_still_have_been_reasoning() -> None:
    outcome = hear(script.think("I close.</think>Not") + script.text("", finish_reason="length"))
    assert isinstance(outcome.error, ReasoningExhaustedError)
    assert outcome.partial.reasoning == "I close.</think>Not"


def test_off_means_off() -> None:
    assert isinstance(recorded("text", dsml="off").error, EmptyTurnError)
