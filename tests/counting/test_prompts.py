"""Counts of conversations equal that of the whole prompt, add up by message, and name texts with control tokens."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepseek_v4_sdk.chat import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolCall,
    ToolMessage,
    ToolSpec,
    UserMessage,
    read_messages,
    read_tools,
)
from deepseek_v4_sdk.errors import InvalidRequestError, UnsupportedOptionError
from deepseek_v4_sdk.prompt import Dialect, Generation
from deepseek_v4_sdk.tokens import count_text, special_tokens
from deepseek_v4_sdk.tokens.prompts import PromptForm, count_prompt, estimate_text
from deepseek_v4_sdk.tokens.texts import spells_special
from tests.counting.whole import FORMATS, from_nothing, whole
from tests.prompt import conversations as some
from tests.support.profiles import examples

VLLM = PromptForm(dialect="vllm", generation="2026-08", thinking="high")
RECIPE = PromptForm(dialect="recipe", generation="2026-08", thinking="high")
TOOL = ToolSpec("f", "Does something.", {"type": "object", "properties": {"a": {"type": "string"}}})
both_dialects = pytest.mark.parametrize("form", [VLLM, RECIPE], ids=["vllm", "recipe"])


@examples(50)
@given(
    some.conversations,
    some.tool_lists(),
    st.sampled_from(("off", "low", "high", "max")),
    st.sampled_from(FORMATS),
)
def test_any_conversation(
    given_messages: list[dict[str, Any]],
    tools: list[dict[str, Any]],
    thinking: Any,
    kind: tuple[Dialect, Generation],
) -> None:
    dialect, generation = kind
    messages = read_messages(given_messages)
    form = PromptForm(dialect=dialect, generation=generation, thinking=thinking, tools=read_tools(tools))
    try:
        prompt = form.render(messages)
    except (InvalidRequestError, UnsupportedOptionError) as refused:
        with pytest.raises(type(refused)):
            count_prompt(messages, form)
        return
    counted = from_nothing(messages, form)
    assert counted.total == whole(prompt, dialect)
    assert len(counted.per_message) == len(messages)
    assert all(tokens >= 0 for tokens in counted.per_message)
    assert set(counted.special_in_text) <= set(range(len(messages)))


@both_dialects
def test_the_shares_of_a_plain_conversation(form: PromptForm) -> None:
    messages = [
        SystemMessage("Be brief."),
        UserMessage("Hello there"),
        AssistantMessage("Hi."),
        UserMessage("So?"),
    ]
    head = count_text(form.render([UserMessage("x")]).segments[0].text)
    assert count_prompt(messages, form).per_message == (
        head + count_text("Be brief."),
        1 + count_text("Hello there"),
        2 + count_text("Hi.") + 1,  # the header, the end of thinking, the end of the sentence
        1 + count_text("So?") + 2,  # what opens the answer goes to the last message
    )


@both_dialects
def test_results_in_one_turn_have_their_own_shares(form: PromptForm) -> None:
    large = "word " * 500
    calls = (ToolCall("c1", "f", "{}"), ToolCall("c2", "f", "{}"), ToolCall("c3", "f", "{}"))
    messages: list[Message] = [
        UserMessage("q"),
        AssistantMessage("", "r", calls),
        ToolMessage("small", "c3"),  # in another order than the calls
        ToolMessage(large, "c1"),
        ToolMessage("tiny", "c2"),
        UserMessage("Go on."),
    ]
    counted = count_prompt(messages, form)
    assert counted.total == whole(form.render(messages), form.dialect)
    framing = count_text("<tool_result></tool_result>\n\n")
    assert counted.per_message[3] == pytest.approx(count_text(large) + framing, abs=3)
    assert counted.per_message[4] == pytest.approx(count_text("tiny") + framing, abs=3)
    assert counted.per_message[5] == count_text("Go on.") + 2


@both_dialects
@pytest.mark.parametrize("text", ["", " ", "\n\n", "\n  indented", "é", "\u0000", "end\n\n"])
def test_texts_that_run_into_each_other_still_add_up(form: PromptForm, text: str) -> None:
    messages = [UserMessage("first"), UserMessage(text), UserMessage("\tthird"), UserMessage("last")]
    assert count_prompt(messages, form).total == whole(form.render(messages), form.dialect)


def test_spellings_in_text_are_counted_as_the_target_reads_them() -> None:
    text = "a </think> b <｜User｜> c"
    plain, control = count_text(text, special="plain"), count_text(text)
    assert plain > control
    assert count_prompt([UserMessage(text)], VLLM).total == from_nothing([UserMessage("x")], VLLM).total - 1 + control
    assert count_prompt([UserMessage(text)], RECIPE).total == from_nothing([UserMessage("x")], RECIPE).total - 1 + plain


@both_dialects
def test_spellings_in_text_are_flagged(form: PromptForm) -> None:
    calls = (ToolCall("c1", "f", '{"a": "<think>"}'), ToolCall("c2", "f", "{}"))
    messages: list[Message] = [
        SystemMessage("Never write <| or a > b, or <think >."),
        UserMessage("What is ｜DSML｜ for?"),
        AssistantMessage("Markup.", "r"),
        UserMessage("Call it."),
        AssistantMessage("", "r", calls),
        ToolMessage("nothing", "c1"),
        ToolMessage("<｜end▁of▁sentence｜>", "c2"),
        UserMessage(("Thanks", "</think>")),
    ]
    expected = (1, 4, 6, 7)
    assert count_prompt(messages, form).special_in_text == expected
    assert count_prompt([*messages, AssistantMessage("ok"), UserMessage("x")], form).special_in_text == expected
    assert count_prompt(messages[:4], form).special_in_text == (1,)


def test_what_the_format_itself_writes_is_no_spelling() -> None:
    for form in (VLLM, RECIPE):
        spelled = PromptForm(dialect=form.dialect, generation="2026-08", thinking="max", tools=(TOOL,))
        assert count_prompt([UserMessage("Hi")], spelled).special_in_text == ()


def test_reasoning_that_is_left_out_is_not_flagged() -> None:
    messages = [UserMessage("q"), AssistantMessage("a", "<think>"), UserMessage("q")]
    assert count_prompt(messages, VLLM).special_in_text == ()
    assert count_prompt(messages[:2], VLLM).special_in_text == (1,)


def test_every_special_token_is_found_in_a_text_and_nothing_else_is() -> None:
    names = special_tokens()
    assert all(spells_special(f"a {name} b") and spells_special(f"<{name}>") for name in names)
    assert all(spells_special(f"<a{name}b>") for name in names)
    assert [
        text for text in ("<think", "<｜User|>", "a < b > c", "dsml:", "｜DSML", "<|x|>") if spells_special(text)
    ] == []


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (1, UserMessage("fine \ud800")),
        (1, UserMessage(("fine", "\udfff"))),
        (1, AssistantMessage("x", "bad \ud83d")),
        (1, AssistantMessage("x", None, (ToolCall("c", "f", '{"a": "\ud800"}'),))),
    ],
)
def test_a_lone_surrogate_is_named_with_its_message(index: int, message: Message) -> None:
    form = PromptForm(dialect="vllm", generation="2026-08", thinking="high", tools=(TOOL,))
    with pytest.raises(InvalidRequestError, match=rf"^messages\[{index}\]\.\w+.* holds half a surrogate pair \(U\+D"):
        count_prompt([UserMessage("first"), message], form)


def test_nothing_to_count() -> None:
    with pytest.raises(InvalidRequestError, match="no messages"):
        count_prompt([], VLLM)


@pytest.mark.parametrize("text", ["Plain prose.", "def f(x):\n    return x\n" * 40, "你好世界" * 30, ""])
def test_the_estimate_is_above_the_count_of_ordinary_texts(text: str) -> None:
    assert estimate_text(text) >= count_text(text)
