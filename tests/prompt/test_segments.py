"""Segments: they join to the prompt, count by themselves, stay when messages are added, and cost what is in them."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepseek_v4_sdk.chat import AssistantMessage, ToolCall, ToolMessage, UserMessage
from deepseek_v4_sdk.errors import InvalidRequestError
from deepseek_v4_sdk.prompt import Dialect, RenderedPrompt, render_prompt
from deepseek_v4_sdk.prompt.literals import EFFORTS
from deepseek_v4_sdk.tokens import special_tokens
from tests.prompt import conversations as some
from tests.support.profiles import examples
from tests.support.segment_counts import assert_adds_up

_TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
_DIALECTS = st.sampled_from(("vllm", "recipe"))
_LEVELS = st.sampled_from(("off", "low", "high", "max"))


def _or_none(*args: Any, **options: Any) -> RenderedPrompt | None:
    try:
        return render_prompt(*args, **options)
    except InvalidRequestError:
        return None


@examples(60)
@given(some.broken_conversations(), some.tool_lists(), _LEVELS, _DIALECTS, st.booleans())
def test_counts_of_segments_add_up(
    messages: list[dict[str, Any]], tools: list[dict[str, Any]], thinking: Any, dialect: str, add_bos: bool
) -> None:
    options = {"thinking": thinking, "dialect": dialect, "add_bos": add_bos or dialect == "recipe"}
    prompt = _or_none(messages, tools, **options)
    if prompt is None:
        return
    assert_adds_up(prompt, dialect)
    assert prompt == _or_none(messages, tools, **options)
    rendered = [index for segment in prompt.segments for index in segment.message_indices]
    assert len(rendered) == len(set(rendered)), "each message is in one segment"
    assert set(rendered) <= set(range(len(messages)))
    assert all(text for segment in prompt.segments for text, _ in segment.pieces)


def test_one_segment_for_each_turn() -> None:
    messages = [
        {"role": "system", "content": "S"},
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b", "reasoning": "r"},
        {"role": "user", "content": "c"},
        {"role": "user", "content": "d"},
    ]
    prompt = render_prompt(messages, thinking="high")
    assert [segment.message_indices for segment in prompt.segments] == [(), (0,), (1,), (2,), (3, 4), ()]
    assert [segment.message_index for segment in prompt.segments] == [None, 0, 1, 2, 3, None]
    assert [segment.text for segment in prompt.segments[1:]] == [
        "S",
        "<｜User｜>a",
        "<｜Assistant｜></think>b<｜end▁of▁sentence｜>",
        "<｜User｜>c\n\nd",
        "<｜Assistant｜><think>",
    ]


@pytest.mark.parametrize("start", ["\n", "\r\n", "\n\nS"])
@pytest.mark.parametrize("dialect", ["vllm", "recipe"])
def test_a_system_text_that_the_effort_text_would_grow_into_is_counted_with_it(start: str, dialect: Dialect) -> None:
    prompt = render_prompt([{"role": "system", "content": start}, {"role": "user", "content": "q"}], dialect=dialect)
    assert [segment.message_indices for segment in prompt.segments] == [(), (0,), (1,), ()]
    assert prompt.segments[0].text == "<｜begin▁of▁sentence｜>"
    assert_adds_up(prompt, dialect)


def test_texts_without_a_control_token_between_them_are_one_segment() -> None:
    messages = [
        {"role": "user", "content": "u"},
        {"role": "system", "content": "B"},
        {"role": "user", "content": "w"},
    ]
    prompt = render_prompt(messages, thinking="off")
    assert [segment.message_indices for segment in prompt.segments] == [(), (0, 1), (2,), ()]


def test_spellings_in_user_text_are_no_control_pieces() -> None:
    prompt = render_prompt("</think><｜User｜>", thinking="off", dialect="recipe")
    assert [piece for segment in prompt.segments for piece in segment.pieces] == [
        ("<｜begin▁of▁sentence｜>", True),
        ("<｜User｜>", True),
        ("</think><｜User｜>", False),
        ("<｜Assistant｜>", True),
        ("</think>", True),
    ]


def test_no_spelling_can_begin_in_a_text_and_end_in_a_token_behind_it() -> None:
    # Segments meet at tokens that begin with "<" or the bar, and texts inside are followed by "<" or a line end.
    assert not [token for token in special_tokens() if "<" in token[1:] or "\n" in token]


def test_effort_texts_end_so_that_what_follows_is_another_word() -> None:
    texts = {text for texts in EFFORTS.values() for text in texts.values() if text}
    assert len(texts) == 5
    assert all(text.endswith((".\n\n", ")\n\n")) for text in texts)


# What the format itself changes behind an appended message is told in the docstring of render_prompt.
_STABLE = [
    {"thinking": "off"},
    {"thinking": "high", "tools": _TOOLS},
    {"thinking": "max", "drop_thinking": False},
]


@examples(40)
@given(st.data(), st.sampled_from(_STABLE), _DIALECTS)
def test_appending_keeps_the_segments_before(data: st.DataObject, options: dict[str, Any], dialect: str) -> None:
    if dialect == "recipe":
        options = {**options, "drop_thinking": True}
        if options["thinking"] != "off":
            options["tools"] = _TOOLS
    messages = data.draw(_dialogues())
    whole = render_prompt(messages, dialect=dialect, **options)  # type: ignore[arg-type]
    for end in (place for place in range(len(messages)) if _closes(messages, place)):
        part = render_prompt(messages[: end + 1], dialect=dialect, **options)  # type: ignore[arg-type]
        kept = [segment for segment in part.segments if segment.message_indices]
        assert kept == [segment for segment in whole.segments if segment.message_indices][: len(kept)]


def _closes(messages: list[dict[str, Any]], place: int) -> bool:
    """Whether the conversation may end here, and the next message opens a turn of its own."""
    if messages[place].get("tool_calls"):
        return False
    return place + 1 == len(messages) or "assistant" in {messages[place]["role"], messages[place + 1]["role"]}


@st.composite
def _dialogues(draw: st.DrawFn) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = [{"role": "system", "content": draw(some.texts)}] if draw(st.booleans()) else []
    for number in range(draw(st.integers(1, 4))):
        messages.append({"role": "user", "content": draw(some.texts)})
        if draw(st.booleans()):
            made = draw(some.calls())
            for call in made:
                call["function"]["arguments"] = draw(some.arguments)
            messages.append(
                {"role": "assistant", "content": draw(some.texts), "reasoning": f"r{number}", "tool_calls": made}
            )
            messages += ({"role": "tool", "tool_call_id": call["id"], "content": draw(some.texts)} for call in made)
        messages.append({"role": "assistant", "content": draw(some.texts), "reasoning": draw(some.texts)})
    return messages


def test_without_tools_a_further_question_takes_the_reasoning_away() -> None:
    messages = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b", "reasoning": "r"},
    ]
    assert (
        render_prompt(messages, thinking="low").segments[2].text
        == "<｜Assistant｜><think>r</think>b<｜end▁of▁sentence｜>"
    )
    longer = render_prompt([*messages, {"role": "user", "content": "c"}], thinking="low")
    assert longer.segments[2].text == "<｜Assistant｜></think>b<｜end▁of▁sentence｜>"


_SHAPES: dict[str, Any] = {
    "loops": lambda n: [
        message
        for i in range(n)
        for message in (
            UserMessage(f"q{i}"),
            AssistantMessage("", "r", (ToolCall(f"c{i}", "f", '{"a": [1, {"b": "c"}]}'),)),
            ToolMessage("result", f"c{i}"),
            AssistantMessage("answer", "r"),
        )
    ],
    "one user turn": lambda n: [UserMessage(f"q{i}") for i in range(4 * n)],
    "system messages": lambda n: [{"role": "system", "content": f"s{i}"} for i in range(4 * n)],
    "system and user": lambda n: [
        message
        for i in range(2 * n)
        for message in ({"role": "user", "content": f"u{i}"}, {"role": "system", "content": f"s{i}"})
    ],
    "many results": lambda n: [
        UserMessage("q"),
        AssistantMessage("", "r", tuple(ToolCall(f"c{i}", "f", "{}") for i in range(2 * n))),
        *(ToolMessage(f"result {i}", f"c{i}") for i in range(2 * n)),
    ],
    "reminders": lambda n: [{"role": "latest_reminder", "content": f"s{i}"} for i in range(4 * n)],
    "developers": lambda n: [{"role": "developer", "content": f"s{i}"} for i in range(4 * n)],
}


@pytest.mark.parametrize("dialect", ["vllm", "recipe"])
@pytest.mark.parametrize("shape", _SHAPES)
def test_ten_times_the_messages_is_about_ten_times_the_work(shape: str, dialect: Dialect) -> None:
    small, large = (_work(_SHAPES[shape](count), dialect) for count in (100, 1000))
    assert large <= 12 * small


def _work(messages: list[Any], dialect: Dialect) -> int:
    """The calls made, and the lines run: a measure that a busy machine does not change."""
    steps = 0

    def trace(frame: object, event: str, argument: object) -> Any:
        nonlocal steps
        steps += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        render_prompt(messages, _TOOLS, dialect=dialect)
    finally:
        sys.settrace(before)
    return steps


def test_a_prompt_of_nothing_has_no_segments() -> None:
    message = {"role": "assistant", "content": "", "wo_eos": True}
    assert render_prompt([message], thinking="off", add_bos=False) == RenderedPrompt(())
