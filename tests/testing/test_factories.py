"""Replies and events made by hand: they fit together as those of a real answer do."""

from __future__ import annotations

import pytest

from deepseek_v4_sdk import (
    DeepSeekV4,
    Finished,
    ReasoningDelta,
    Reply,
    TextDelta,
    ToolCallDelta,
    ToolCallReady,
    ToolCallStarted,
)
from deepseek_v4_sdk.testing import MockProvider, make_events, make_reply, make_usage, script

TURN = script.think("A tool helps.") + script.text("Let me see.") + script.tool_call("get_weather", city="Zürich")


def test_usage_adds_up() -> None:
    usage = make_usage(100, 30, reasoning_tokens=10, cached_tokens=64)
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (100, 30, 130)
    assert (usage.reasoning_tokens, usage.cached_tokens) == (10, 64)
    assert make_usage().total_tokens == 120


def test_a_reply_of_a_text() -> None:
    reply = make_reply("Good morning", usage=make_usage(7, 2), model="m")
    assert (reply.text, reply.reasoning, reply.tool_calls, reply.finish_reason) == ("Good morning", None, (), "stop")
    assert (reply.model, reply.requested_model, reply.usage.total_tokens) == ("m", "m", 9)


@pytest.mark.parametrize(
    ("turn", "reason"),
    [
        (script.text("Hi"), "stop"),
        (script.text("Hi", finish_reason="length"), "length"),
        (TURN, "tool_calls"),
    ],
)
def test_a_reply_is_what_the_mock_would_say(turn: script.Turn, reason: str) -> None:
    made = make_reply(turn)
    got = DeepSeekV4(MockProvider(turn)).chat("Hi", tools=[{"name": "get_weather"}])
    assert made.finish_reason == got.finish_reason == reason
    assert (made.text, made.reasoning) == (got.text, got.reasoning)
    assert [(call.name, call.parsed) for call in made.tool_calls] == [
        (call.name, call.parsed) for call in got.tool_calls
    ]


def test_a_reply_goes_back_as_history() -> None:
    made = make_reply(TURN)
    mock = MockProvider(script.text("21 degrees."))
    result = {"role": "tool", "tool_call_id": made.tool_calls[0].id, "content": "21"}
    DeepSeekV4(mock).chat([{"role": "user", "content": "Hi"}, made.message, result], tools=[{"name": "get_weather"}])
    mock.requests[0].check(roles=["user", "assistant", "tool"])


@pytest.mark.parametrize("size", [1, 3, 8, 1000])
def test_events_say_what_the_reply_says(size: int) -> None:
    events = make_events(TURN, size=size)
    assert "".join(event.text for event in events if isinstance(event, ReasoningDelta)) == "A tool helps."
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "Let me see."
    assert "".join(event.arguments for event in events if isinstance(event, ToolCallDelta)) == '{"city": "Zürich"}'
    (started,) = (event for event in events if isinstance(event, ToolCallStarted))
    (ready,) = (event for event in events if isinstance(event, ToolCallReady))
    assert (started.id, started.name) == (ready.call.id, ready.call.name)
    finished = events[-1]
    assert isinstance(finished, Finished)
    assert finished.reply.tool_calls == (ready.call,)


def test_events_come_in_the_order_of_a_stream() -> None:
    """The kinds of a made answer, each once in a row, are those of an answer of the mock."""
    with DeepSeekV4(MockProvider(TURN)).stream("Hi", tools=[{"name": "get_weather"}]) as stream:
        real = list(dict.fromkeys(type(event) for event in stream))
    assert list(dict.fromkeys(type(event) for event in make_events(TURN))) == real


def test_events_of_a_reply_end_with_that_reply() -> None:
    reply = make_reply("Hello")
    finished = make_events(reply)[-1]
    assert isinstance(finished, Finished)
    assert finished.reply is reply
    assert isinstance(reply, Reply)
