"""The net through the whole client: what a server let through becomes what it was, or a named loss."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deepseek_v4_sdk.chat import Repair, Repaired, ToolCallReady, Usage
from deepseek_v4_sdk.errors import LostToolCallError, TruncatedToolCallError
from deepseek_v4_sdk.testing import faults, script
from tests.dsml.leaks import MARK, MARKS, block, invoke, parameter
from tests.exchange.hearing import hear, kinds, spoken
from tests.exchange.meaning import all_of, gist
from tests.support.modes import in_both_modes
from tests.support.replay import Mode, Outcome
from tests.support.talks import PROVIDERS

WIRES = pytest.mark.parametrize("wire", ["stream", "plain"])
PARIS, ROME = {"city": "Paris"}, {"city": "Rome"}
CALLS = script.text("Let me look.") + script.tool_call("get_weather", PARIS) + script.tool_call("now")
LEAK = block(invoke("get_weather", parameter("city", "Paris")))


def found(outcome: Outcome) -> list[tuple[str, Any]]:
    return [(call.name, call.parsed) for call in outcome.answered.tool_calls]


@WIRES
@in_both_modes
@pytest.mark.parametrize("style", ["full_width", "ascii", "doubled"])
def test_calls_that_were_left_in_the_text(style: Any, wire: str, mode: Mode) -> None:
    outcome = hear(script.think("Hm.") + CALLS | faults.leak_dsml(style), mode=mode, wire=wire)
    reply = outcome.answered
    assert found(outcome) == [("get_weather", PARIS), ("now", {})]
    assert (reply.text, reply.reasoning) == ("Let me look.", "Hm.")
    assert (reply.finish_reason, reply.raw_finish_reason) == ("tool_calls", "stop")
    assert reply.repairs == (Repair("recovered_calls", "2 tool call(s) were left in the text as markup"),)
    assert outcome.events[-1] == Repaired(reply.repairs[0])
    assert spoken(outcome, "text") == reply.text
    call = ["tool_call_started", "tool_call"]
    assert kinds(outcome) == ["reasoning", "text", *call, "tool_call_ready", *call, "tool_call_ready", "repaired"]
    ready = [event.call for event in outcome.events if isinstance(event, ToolCallReady)]
    assert tuple(ready) == reply.tool_calls
    assert len({call.id for call in ready}) == 2


@pytest.mark.parametrize("flavor", PROVIDERS)
def test_a_leak_behind_any_server(flavor: str) -> None:
    step = script.raw_model_output("Hm.</think>So:\n\n" + block(invoke("now"), wrapper="function_calls"))
    model = "deepseek-v4-pro" if flavor == "deepseek" else "deepseek-ai/deepseek-v4-pro-0813"
    outcome = hear(step, flavor=flavor, model=model)
    assert (found(outcome), outcome.answered.text, spoken(outcome, "text")) == ([("now", {})], "So:", "So:")
    """vLLM leaves the opening, SGLang and NIM nothing: their parser knows any name of the block."""
    kinds_of = {"vllm": ["trimmed_text"], "sglang": [], "nim": []}.get(flavor, ["recovered_calls"])
    assert [repair.kind for repair in outcome.answered.repairs if repair.kind.endswith(("text", "calls"))] == kinds_of


@WIRES
@in_both_modes
@pytest.mark.parametrize(
    "broken",
    [
        block(invoke("get_weather", "what?")),
        LEAK.partition("Pa")[0],
        LEAK.partition("</")[0],
        f"{LEAK.partition('</')[0]}</{MARK}parameter>\nand so on",
    ],
)
def test_a_broken_block_is_a_named_loss(broken: str, wire: str, mode: Mode) -> None:
    outcome = hear(script.text(f"So:\n\n{broken}"), mode=mode, wire=wire)
    assert isinstance(outcome.error, LostToolCallError)
    assert outcome.error.raw == broken
    assert outcome.partial.text == spoken(outcome, "text") == "So:"
    assert outcome.partial.tool_calls == ()
    assert "tool_call_ready" not in kinds(outcome)


@WIRES
def test_a_whole_call_before_a_broken_one_stays_usable(wire: str) -> None:
    markup = block(invoke("get_weather", parameter("city", "Paris")), invoke("now", "what?"))
    outcome = hear(script.text(markup), wire=wire)
    assert isinstance(outcome.error, LostToolCallError)
    assert [call.parsed for call in outcome.partial.tool_calls] == [PARIS]
    assert [call.name for call in outcome.partial.partial_tool_calls] == ["now"]


@WIRES
@in_both_modes
@pytest.mark.parametrize("end", [LEAK.index('er">'), LEAK.index("city"), LEAK.index("ris"), LEAK.index("</") + 3])
def test_a_call_that_was_cut_by_length_is_a_truncated_one(end: int, wire: str, mode: Mode) -> None:
    outcome = hear(script.text(f"So:\n\n{LEAK[:end]}", finish_reason="length"), mode=mode, wire=wire)
    if end == LEAK.index('er">'):  # up to the name of the tool nobody knows that it is a call
        assert (outcome.answered.text, outcome.answered.finish_reason) == ("So:", "length")
        assert [repair.kind for repair in outcome.answered.repairs] == ["trimmed_text"]
        return
    assert isinstance(outcome.error, TruncatedToolCallError)
    assert outcome.partial.text == "So:"
    assert [call.name for call in outcome.partial.partial_tool_calls] == ["get_weather"]
    assert outcome.partial.tool_calls == ()


@WIRES
@in_both_modes
@pytest.mark.parametrize("style", MARKS)
def test_a_block_at_the_end_of_the_reasoning_is_promoted(style: str, wire: str, mode: Mode) -> None:
    mark = MARKS[style]
    leak = block(invoke("get_weather", parameter("city", "Paris", mark=mark), mark=mark), mark=mark)
    outcome = hear(script.think(f"I look.\n\n{leak}\n"), mode=mode, wire=wire)
    reply = outcome.answered
    assert found(outcome) == [("get_weather", PARIS)]
    assert (reply.text, reply.reasoning) == ("", "I look.")
    assert reply.repairs == (Repair("promoted_calls", "1 tool call(s) were at the end of the reasoning as markup"),)
    assert kinds(outcome)[-2:] == ["tool_call_ready", "repaired"]
    assert spoken(outcome, "reasoning") == f"I look.\n\n{leak}\n"  # deltas are never taken back


@WIRES
@pytest.mark.parametrize(
    "turn",
    [
        script.think(f"I could say\n\n{LEAK}\n\nbut no.") + script.text("No."),
        script.think(f"I could say\n\n{LEAK}") + script.text("No."),
        script.think(f"I could say `{LEAK}`") + script.text("No."),
        script.think("Hm.") + script.text(f"It is `{LEAK}`, or\n```\n{LEAK}\n```\n"),
        script.think("Hm.") + script.text(f"It is {LEAK}"),
        script.think("Hm.") + script.text("\n\n" + block(invoke("get_whether"))),
    ],
)
def test_what_is_no_call_stays_what_it_is(turn: Any, wire: str) -> None:
    outcome = hear(turn, wire=wire)
    reply = outcome.answered
    assert (reply.reasoning, reply.text, reply.tool_calls, reply.repairs) == (turn.reasoning, turn.text, (), ())
    assert (spoken(outcome, "reasoning"), spoken(outcome, "text")) == (turn.reasoning, turn.text)


@WIRES
@in_both_modes
@pytest.mark.parametrize(
    "behind", [f"</{MARK}parameter>", f"\n</{MARK}invoke>\n</{MARK}tool_calls>", "</|DSML|invoke>"]
)
def test_markup_behind_arguments_is_cut_off(behind: str, wire: str, mode: Mode) -> None:
    calls = script.tool_call("get_weather", json.dumps(PARIS) + behind) + script.tool_call("now", "{}" + behind)
    outcome = hear(script.text("So:") + calls, mode=mode, wire=wire)
    assert found(outcome) == [("get_weather", PARIS), ("now", {})]
    assert [call.arguments for call in outcome.answered.tool_calls] == ['{"city": "Paris"}', "{}"]
    assert [repair.kind for repair in outcome.answered.repairs] == ["trimmed_arguments"] * 2
    assert kinds(outcome)[-1] == "repaired"


@pytest.mark.parametrize(
    "arguments",
    [
        json.dumps({"text": f"</{MARK}parameter>"}, ensure_ascii=False),
        '{"city": "Par',
        f'{{"city": "Par</{MARK}invoke>',
        "x",
    ],
)
def test_arguments_that_would_not_be_whole_are_left_alone(arguments: str) -> None:
    outcome = hear(script.text("So:") + script.tool_call("write_file", arguments))
    assert [call.arguments for call in outcome.answered.tool_calls] == [arguments]
    assert outcome.answered.repairs == ()


@WIRES
@in_both_modes
@pytest.mark.parametrize("choice", ["none", "auto"])
def test_a_leak_is_a_call_whatever_the_tool_choice(choice: str, wire: str, mode: Mode) -> None:
    """Also where none was wanted: what to do with it is the caller's, and markup is no text to show."""
    outcome = hear(CALLS | faults.leak_dsml(), mode=mode, wire=wire, tool_choice=choice)
    assert found(outcome) == [("get_weather", PARIS), ("now", {})]
    assert "DSML" not in outcome.answered.text + spoken(outcome, "text")


@WIRES
@pytest.mark.parametrize("options", [{"dsml": "off"}, {"tools": []}])
def test_without_net_or_tools_everything_is_left_alone(options: dict[str, Any], wire: str) -> None:
    outcome = hear(CALLS | faults.leak_dsml(), wire=wire, **options)
    assert (
        outcome.answered.text
        == spoken(outcome, "text")
        == f"Let me look.\n\n{block(invoke('get_weather', parameter('city', 'Paris')), invoke('now'))}"
    )
    assert (outcome.answered.tool_calls, outcome.answered.repairs) == ((), ())


def test_off_leaves_reasoning_arguments_and_a_lone_tag_alone() -> None:
    said = script.think("Hm.") + script.text("a</think>b") + script.tool_call("now", f"{{}}</{MARK}invoke>")
    reply = hear(said, dsml="off").answered
    assert (reply.text, reply.reasoning, reply.tool_calls[0].arguments) == ("a</think>b", "Hm.", f"{{}}</{MARK}invoke>")
    reply = hear(script.text("a</think>b"), dsml="off").answered
    assert (reply.text, reply.reasoning, reply.repairs) == ("a</think>b", None, ())


def meant(outcome: Outcome) -> list[object]:
    """What an answer means, without the count of tokens: the mock's tokens are its deltas."""
    return [part for part in gist(outcome) if not isinstance(part, Usage)]


ANSWERS = {
    "calls": (f"Ünd so:\n\n{block(invoke('get_weather', parameter('city', '<天>')), invoke('now'))}", "stop"),
    "two blocks": (f"{invoke('now')}\n\nThen:\n\n{LEAK} Good.", "stop"),
    "broken": (f"So:\n\n{LEAK.partition('</')[0]}", "stop"),
    "cut": (f"So:\n\n{LEAK.partition('ris')[0]}", "length"),
    "prose": (f"`{LEAK}`\n\n```\n{LEAK}", "stop"),
    "reasoning in the text": (f"I think <{MARK}.</think>\n\n{LEAK}", "stop"),
}


@in_both_modes
@pytest.mark.parametrize("what", ANSWERS)
def test_any_split_of_the_bytes_gives_the_same_events(what: str, mode: Mode) -> None:
    text, reason = ANSWERS[what]
    whole = all_of(hear(script.text(text, finish_reason=reason), mode=mode))
    for every in (1, 2, 7, 64, 1000):
        assert all_of(hear(script.text(text, finish_reason=reason) | faults.split(every=every), mode=mode)) == whole


@pytest.mark.parametrize("what", ANSWERS)
def test_any_recutting_of_the_text_means_the_same(what: str) -> None:
    text, reason = ANSWERS[what]
    whole = meant(hear(script.text(text, finish_reason=reason), wire="plain"))
    for cuts in (1, 2, 3, 5, 11, (1, 40), (9, 2, 17), 10_000):
        outcome = hear(script.turn(script.text(text), finish_reason=reason, cuts=cuts))
        assert meant(outcome) == whole
        if what != "reasoning in the text":
            assert spoken(outcome, "text") == (outcome.reply or outcome.partial).text
