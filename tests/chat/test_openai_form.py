"""Bodies of Chat Completions as other programs write them: what is read, ignored, put right and refused."""

from __future__ import annotations

from typing import Any

import pytest

from deepseek_v4_sdk import AssistantMessage, InvalidRequestError, SystemMessage, UnsupportedOptionError
from deepseek_v4_sdk.chat.openai_form import ChatBody, Noted, read_chat_body, read_history, thinking_of_effort

ASK: list[dict[str, Any]] = [{"role": "user", "content": "Hello"}]
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}


def read(**fields: object) -> ChatBody:
    return read_chat_body({"messages": ASK, **fields})


@pytest.mark.parametrize(
    ("word", "level"),
    [
        ("none", "off"),
        ("minimal", "low"),
        ("low", "low"),
        ("medium", "high"),
        ("high", "high"),
        ("xhigh", "high"),
        ("max", "max"),
    ],
)
def test_each_effort_word_is_a_level(word: str, level: str) -> None:
    assert thinking_of_effort(word) == level
    assert read(reasoning_effort=word).options.get("thinking") == level
    assert read(chat_template_kwargs={"reasoning_effort": word}).options.get("thinking") == level
    assert read(reasoning={"effort": word}).options.get("thinking") == level


@pytest.mark.parametrize("word", ["enormous", 3, "", ["high"]])
def test_an_unknown_effort_is_named(word: object) -> None:
    with pytest.raises(UnsupportedOptionError, match=r"effort .* is unknown") as caught:
        thinking_of_effort(word)
    assert caught.value.option == "reasoning_effort"
    if isinstance(word, str) and word:
        assert repr(word) in str(caught.value)


def test_another_table_of_efforts() -> None:
    assert thinking_of_effort("xhigh", {"xhigh": "max"}) == "max"
    body = read_chat_body({"messages": ASK, "reasoning_effort": "medium"}, efforts={"medium": "low"})
    assert body.options.get("thinking") == "low"


@pytest.mark.parametrize(
    ("fields", "level"),
    [
        ({}, None),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, "high"),
        ({"thinking": {"type": "adaptive"}, "reasoning_effort": "max"}, "max"),
        ({"thinking": {"type": "disabled"}, "reasoning_effort": "max"}, "off"),
        ({"thinking": False}, "off"),
        ({"enable_thinking": True}, "high"),
        ({"enable_thinking": False, "reasoning_effort": "high"}, "off"),
        ({"chat_template_kwargs": {"thinking": True, "reasoning_effort": "max"}}, "max"),
        ({"chat_template_kwargs": {"enable_thinking": False}}, "off"),
        ({"chat_template_kwargs": {"thinking": False}, "thinking": {"type": "enabled"}}, "off"),
        ({"enable_thinking": True, "reasoning_effort": "none"}, "off"),
    ],
)
def test_each_way_of_asking_for_thinking(fields: dict[str, object], level: str | None) -> None:
    assert read(**fields).options.get("thinking") == level


def test_switched_on_without_an_effort_is_the_level_of_the_profile() -> None:
    asked = {"messages": ASK, "enable_thinking": True}
    assert read_chat_body(asked, thinking="max").options.get("thinking") == "max"
    assert read_chat_body(asked, thinking="off").options.get("thinking") == "high"


def test_a_switch_that_is_neither_on_nor_off_is_named() -> None:
    with pytest.raises(InvalidRequestError, match="thinking does not say on or off"):
        read(thinking={"type": "sometimes"})


def test_nulls_and_empty_lists_say_nothing() -> None:
    body = read(tools=[], stop=[], temperature=None, tool_choice="auto", audio=None, reasoning_effort=None, n=1)
    assert body.options == {}
    assert body.noted.ignored == []


def test_fields_without_effect_are_ignored_and_unknown_ones_are_named() -> None:
    body = read(store=True, metadata={"a": "b"}, service_tier="auto", prompt_cache_key="k", user="u", colour="red")
    assert body.options == {}
    assert body.noted.ignored == ["colour"]
    known = read(chat_template_kwargs={"thinking": True, "tone": 1}, tools=[{**TOOL, "cache_control": {"type": "x"}}])
    assert known.noted.ignored == ["chat_template_kwargs.tone", "tools[].cache_control"]


@pytest.mark.parametrize(
    "fields",
    [
        {"n": 2},
        {"audio": {"voice": "alloy"}},
        {"modalities": ["text", "audio"]},
        {"suffix": "end"},
        {"web_search_options": {"search_context_size": "low"}},
        {"functions": [{"name": "look"}]},
        {"stream": "yes"},
        {"logit_bias": [1]},
        {"model": 3},
        {"tools": [{"type": "web_search"}]},
        {"messages": []},
        {"messages": None},
        {"messages": ["Hello"]},
    ],
)
def test_what_would_change_the_answer_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(InvalidRequestError):
        read(**fields)


def test_options_have_our_names() -> None:
    body = read(
        max_completion_tokens=5, max_tokens=9, logprobs=True, top_logprobs=3, temperature=0.5, stop="end", top_k=4
    )
    assert body.options == {"max_tokens": 5, "logprobs": 3, "temperature": 0.5, "stop": "end", "top_k": 4}
    assert read(response_format={"type": "text"}).options == {}
    asked = read(stream=True, stream_options={"include_usage": True}, model="m")
    assert (asked.stream, asked.include_usage, asked.model) == (True, True, "m")


def test_reasoning_is_read_by_both_names() -> None:
    for fields in ({"reasoning_content": "Hm."}, {"reasoning": "Hm.", "reasoning_content": None}):
        said, _ = read_history([{"role": "assistant", "content": "Hi", **fields}, *ASK], Noted())
        assert isinstance(said, AssistantMessage)
        assert said.reasoning == "Hm."


def test_a_later_system_message_keeps_its_place() -> None:
    told = read_history([*ASK, {"role": "developer", "content": "Be brief."}, *ASK], Noted())
    assert isinstance(told[1], SystemMessage)
    assert told[1].late


def _call(call_id: str) -> dict[str, object]:
    return {"id": call_id, "type": "function", "function": {"name": "look", "arguments": "{}"}}


def test_a_message_between_calls_and_results_moves_behind_them() -> None:
    noted = Noted()
    talk = read_history(
        [
            *ASK,
            {"role": "assistant", "content": None, "tool_calls": [_call("a"), _call("b")]},
            {"role": "tool", "tool_call_id": "b", "content": "B"},
            {"role": "user", "content": "And?"},
            {"role": "tool", "tool_call_id": "a", "content": None},
        ],
        noted,
    )
    assert [message.role for message in talk] == ["user", "assistant", "tool", "tool", "user"]
    assert talk[3].content == ""
    assert noted.notes == ["a message between a tool call and its result moved after the result"]


IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}


def test_an_image_in_the_last_turn_is_refused_and_an_earlier_one_becomes_a_text() -> None:
    seen = {"role": "user", "content": [{"type": "text", "text": "See"}, IMAGE]}
    with pytest.raises(InvalidRequestError, match=r"messages\[0\]\.content\[1\] is an image"):
        read_history([seen], Noted())
    noted = Noted()
    first, *_ = read_history([seen, *ASK], noted)
    assert first.content == ("See", "[An image that this model cannot read was removed here.]")
    assert noted.notes == ["image of an earlier turn replaced by a text"]


def test_an_image_in_a_tool_result_becomes_a_text_even_in_the_last_turn() -> None:
    noted = Noted()
    calls = {"role": "assistant", "tool_calls": [_call("a")]}
    *_, result = read_history([*ASK, calls, {"role": "tool", "tool_call_id": "a", "content": [IMAGE]}], noted)
    assert result.content == ("[An image that this model cannot read was removed here.]",)


def test_unknown_fields_of_messages_are_named() -> None:
    noted = Noted()
    read_history([{"role": "user", "content": "Hi", "cache_control": {"type": "ephemeral"}, "id": None}], noted)
    assert noted.ignored == ["messages[].cache_control"]
