"""V4's control tokens at the end of text and reasoning: cut off, noted, and the same for any cut into deltas."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepseek_v4_sdk import Repaired
from deepseek_v4_sdk.chat import CONTROL_TOKENS
from deepseek_v4_sdk.errors import EmptyTurnError
from deepseek_v4_sdk.exchange.control_tokens import Tail, without_tokens
from deepseek_v4_sdk.testing import MockProvider, script
from deepseek_v4_sdk.tokens.vocabulary import load_vocabulary
from tests.exchange.hearing import TOOLS, hear, spoken
from tests.exchange.meaning import gist
from tests.support.replay import JSON, Mode, answer, ask, both
from tests.support.wire import DONE, call, finish, plain, reason, say

in_both_modes = pytest.mark.parametrize("mode", both)

BOS, EOS = "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"
USER, TITLE = "<｜User｜>", "<｜title｜>"

ENDS: dict[str, tuple[str, str, int]] = {
    "one": (f"Good.{BOS}", "Good.", 1),
    "several": (f"Good.{EOS}{EOS}{USER}", "Good.", 3),
    "blanks behind and between": (f"Good.\n{EOS} {TITLE}\n", "Good.\n \n", 2),
    "the beginning of another": (f"Good.{EOS}<｜end▁of", "Good.<｜end▁of", 1),
    "one in the middle and one at the end": (f"{EOS} ends a turn.{EOS}", f"{EOS} ends a turn.", 1),
    "a bracket before it": (f"1 < 2 <{EOS}", "1 < 2 <", 1),
}
STAY: dict[str, str] = {
    "in back-ticks": f"The token `{EOS}`",
    "with a full stop behind": f"A turn ends with {EOS}.",
    "an unknown name": "<｜nobody｜>",
    "ASCII bars": "<|end_of_sentence|>",
    "the beginning of one": "Hello<｜end▁of▁sent",
    "a bracket": "a <",
    "a tag": "x </b>",
}


@in_both_modes
@pytest.mark.parametrize("size", [1, 5, 1000])
@pytest.mark.parametrize("case", ENDS)
def test_they_are_cut_off_the_end(case: str, size: int, mode: Mode) -> None:
    said, text, count = ENDS[case]
    pieces = [said[at : at + size] for at in range(0, len(said), size)]
    for thinks in (False, True):
        body = [reason(piece) if thinks else say(piece) for piece in pieces]
        after = say("So.") if thinks else b""
        outcome = ask(answer(*body, after, finish("stop"), DONE), mode=mode)
        reply = outcome.answered
        assert (reply.reasoning if thinks else reply.text) == text
        assert spoken(outcome, "reasoning" if thinks else "text") == text
        what = "reasoning" if thinks else "text"
        [repair] = reply.repairs
        assert repair.kind == "trimmed_tokens"
        assert repair.detail == f"{count} control token(s) of V4's were at the end of the {what}, and were cut off"
        assert [event.repair for event in outcome.events if isinstance(event, Repaired)] == [repair]
    if size == 1000:
        whole = ask(answer(plain("stop", content=said), headers=JSON), mode=mode, wire="plain").answered
        assert (whole.text, len(whole.repairs)) == (text, 1)


@in_both_modes
@pytest.mark.parametrize("size", [1, 1000])
@pytest.mark.parametrize("case", STAY)
def test_what_is_no_token_at_the_end_stays(case: str, size: int, mode: Mode) -> None:
    said = STAY[case]
    pieces = [say(said[at : at + size]) for at in range(0, len(said), size)]
    for tools in ((), TOOLS):
        outcome = ask(answer(*pieces, finish("stop"), DONE), mode=mode, tools=tools)
        assert (outcome.answered.text, spoken(outcome, "text"), outcome.answered.repairs) == (said, said, ())


@in_both_modes
def test_with_dsml_off_nothing_is_cut(mode: Mode) -> None:
    for said, _, _ in ENDS.values():
        outcome = ask(answer(reason(said), say(said), finish("stop"), DONE), mode=mode, dsml="off")
        assert (outcome.answered.text, outcome.answered.reasoning, outcome.answered.repairs) == (said, said, ())


@in_both_modes
def test_before_a_call_and_behind_the_reasoning(mode: Mode) -> None:
    body = reason(f"Hm.{EOS}") + say(f"\n\nI look.{BOS}") + call(0, "a", "now", "{}") + finish("tool_calls") + DONE
    reply = ask(answer(body), mode=mode, tools=TOOLS).answered
    assert (reply.reasoning, reply.text, [each.name for each in reply.tool_calls]) == ("Hm.", "\n\nI look.", ["now"])
    assert [repair.kind for repair in reply.repairs] == ["trimmed_tokens"] * 2


def test_reasoning_that_a_server_left_in_the_text() -> None:
    outcome = ask(answer(say(f"Hm.{EOS}</think>Yes.{EOS}"), finish("stop"), DONE))
    assert (outcome.answered.reasoning, outcome.answered.text) == ("Hm.", "Yes.")
    assert [repair.kind for repair in outcome.answered.repairs] == [
        "trimmed_tokens",
        "trimmed_tokens",
        "split_reasoning",
    ]


def test_nothing_but_tokens_is_an_empty_turn() -> None:
    assert isinstance(ask(answer(say(f"{EOS}\n"), finish("stop"), DONE)).error, EmptyTurnError)


@in_both_modes
def test_an_answer_that_broke_off_has_none_either(mode: Mode) -> None:
    assert ask(answer(say(f"Hello{EOS}")), mode=mode).partial.text == "Hello"
    assert ask(answer(say("Hello<｜end▁of")), mode=mode).partial.text == "Hello<｜end▁of"


@pytest.mark.parametrize("flavor", ["vllm", "sglang", "deepseek"])
def test_they_are_never_sent_back(flavor: str) -> None:
    from deepseek_v4_sdk import DeepSeekV4

    turn = script.think(f"Hm.{EOS}") + script.text(f"Good.{BOS}")
    mock = MockProvider(turn, script.text("Yes."), flavor=flavor)
    with DeepSeekV4(mock, model="pro") as client:
        reply = client.chat("Hi")
        client.chat([{"role": "user", "content": "Hi"}, reply.message, {"role": "user", "content": "Go on"}])
    assert all("｜" not in str(value) for value in mock.requests[1].body["messages"][1].values())


def test_at_most_the_length_of_a_token_waits() -> None:
    tail = Tail()
    shown = ""
    for said in ("a", "<", "｜", "User", "｜", "x", "<｜end▁of▁sentenc"):
        shown += tail.feed(said)
        assert len(shown) in {1, 9}
    assert tail.feed("\N{FULLWIDTH VERTICAL LINE}") == "<｜end▁of▁sentenc｜"
    assert not tail.held


FRAGMENTS = st.sampled_from(
    [
        "a",
        " ",
        "\n",
        "\n\n",
        "<",
        "｜",
        ">",
        "`",
        BOS,
        EOS,
        USER,
        "<｜end▁of",
        "<｜User",
        "</think",
        "1 < 2",
        "｜>",
        "<b>",
    ]
)


@given(st.lists(FRAGMENTS, max_size=12), st.randoms(use_true_random=False))
def test_any_cut_of_a_text_gives_the_same(fragments: list[str], dice: Any) -> None:
    text = "".join(fragments)
    wanted, cut = without_tokens(text)
    tail, shown, place = Tail(), "", 0
    while place < len(text):
        size = dice.choice([1, 2, 3, 30])
        shown += tail.feed(text[place : place + size])
        place += size
        assert text.startswith(shown)
    left, count = tail.end()
    assert (shown + left, count) == (wanted, cut)
    assert not any(wanted.rstrip().endswith(token) for token in CONTROL_TOKENS if cut)


@given(
    st.lists(st.tuples(st.sampled_from(["reason", "say"]), st.lists(FRAGMENTS, min_size=1, max_size=4)), max_size=5),
    st.randoms(use_true_random=False),
    st.booleans(),
)
def test_any_recutting_of_an_answer_means_the_same(
    parts: list[tuple[str, list[str]]], dice: Any, with_tools: bool
) -> None:
    def body(size: int | None) -> bytes:
        made = b""
        for kind, fragments in [("reason", ["Hm."]), *parts, ("say", ["So"])]:
            text = "".join(fragments)
            while text:
                at = size or dice.choice([1, 2, 5, 40])
                made += (reason if kind == "reason" else say)(text[:at])
                text = text[at:]
        return made + call(0, "a", "now", "{}") + finish("tool_calls") + DONE

    tools = TOOLS if with_tools else ()
    whole = ask(answer(body(10_000)), tools=tools)
    for size in (1, None):
        other = ask(answer(body(size)), tools=tools)
        assert gist(other) == gist(whole)
        assert spoken(other, "text") == whole.answered.text
        assert spoken(other, "reasoning") == (whole.answered.reasoning or "")
        assert other.answered.repairs == whole.answered.repairs


def test_very_many_tokens_and_brackets_take_linear_time() -> None:
    for text in (EOS * 20_000, "<" * 200_000, "<｜User｜> " * 20_000):
        began = time.perf_counter()
        tail = Tail()
        for at in range(0, len(text), 7):
            tail.feed(text[at : at + 7])
        tail.end()
        without_tokens(text)
        assert time.perf_counter() - began < 5


def test_the_list_of_tokens_is_that_of_the_vocabulary() -> None:
    known = load_vocabulary().special_tokens
    standing = {name for name in known if name.startswith(("<｜", "<|")) and name.endswith(">") and "place" not in name}
    assert set(CONTROL_TOKENS) - {"<｜System｜>"} == standing


def test_a_recovered_call_behind_a_token() -> None:
    markup = '<｜DSML｜tool_calls>\n<｜DSML｜invoke name="now">\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>'
    outcome = hear(script.text(f"I look.{EOS}\n\n{markup}{EOS}"))
    assert (outcome.answered.text, [each.name for each in outcome.answered.tool_calls]) == ("I look.", ["now"])
