"""Answers of DeepSeek's API go on in a chat whose last message is the part. It is tested on the flavor only."""

from __future__ import annotations

from typing import Any

import pytest

from deepseek_v4_sdk import DeepSeekV4, Reply, StreamRestarted, StreamResumed, UnsupportedOptionError, count_text, tool
from deepseek_v4_sdk.errors import DeepSeekV4Error, EmptyTurnError, PhaseTimeoutError
from deepseek_v4_sdk.testing import MockProvider, faults, script

REASONING, TEXT = "First I think about it.", "The answer has several words, and an end."
WHOLE = script.think(REASONING) + script.text(TEXT)
BETA = "/beta/chat/completions"


@tool
def get_weather(city: str) -> str:
    """Look the weather up."""
    return city


def after(events: int) -> Any:
    """The server stands still after so many events."""
    return faults.stall(after=events, seconds=300)


def mock_of(*steps: Any, **options: Any) -> MockProvider:
    return MockProvider(*steps, flavor="deepseek", **options)


def test_the_last_message_is_the_part() -> None:
    mock = mock_of(WHOLE | after(3), WHOLE | after(9), WHOLE)
    with DeepSeekV4(mock, model="pro") as client, client.stream("Hi", on_interrupt="resume") as stream:
        first, second = [event for event in stream if isinstance(event, StreamResumed)]
        reply = stream.reply()
    assert (reply.reasoning, reply.text, reply.finish_reason) == (REASONING, TEXT, "stop")
    assert [request.path for request in mock.requests] == ["/chat/completions", BETA, BETA]
    assert first.error.partial is not None
    assert mock.requests[1].body["messages"] == [
        {"role": "user", "content": "Hi"},
        {
            "role": "assistant",
            "content": "",
            "reasoning_content": first.error.partial.reasoning,
            "prefix": True,
        },
    ]
    assert second.error.partial is not None
    messages = mock.requests[2].body["messages"]
    assert isinstance(messages, list)
    assert isinstance(messages[1], dict)
    assert (messages[1]["content"], messages[1]["reasoning_content"]) == (second.error.partial.text, REASONING)
    assert "max_tokens" not in mock.requests[1].body


def test_an_error_event_without_a_status_breaks_an_answer_off_too() -> None:
    mock = mock_of(WHOLE | faults.error_event(500, "Something went wrong.", after=9), WHOLE)
    with DeepSeekV4(mock, model="pro", on_interrupt="resume") as client:
        reply = client.chat("Hi")
    assert (reply.reasoning, reply.text, len(mock.requests)) == (REASONING, TEXT, 2)
    assert reply.attempts[0].status == 200


def test_usage_is_the_sum_and_the_limit_what_is_left() -> None:
    mock = mock_of(WHOLE | after(12), default=WHOLE)
    with DeepSeekV4(mock, model="pro", on_interrupt="resume") as client, client.stream("Hi", max_tokens=300) as stream:
        (resumed,) = [event for event in stream if isinstance(event, StreamResumed)]
        reply = stream.reply()
        whole = client.chat("Hi")
    assert mock.requests[1].body["max_tokens"] == 300 - resumed.at_tokens
    assert reply.usage.completion_tokens == whole.usage.completion_tokens
    assert reply.usage.reasoning_tokens == count_text(REASONING)
    assert reply.usage.unknown == 1
    prompt = whole.usage.prompt_tokens or 0
    assert reply.usage.resumed == prompt + resumed.at_tokens
    assert reply.usage.prompt_tokens == 2 * prompt + resumed.at_tokens


def test_a_stop_text_over_a_seam_inside_reasoning_ends_it_there() -> None:
    mock = mock_of(script.think("Say banana split.") + script.text("Never."))
    with DeepSeekV4(mock, model="pro") as client, pytest.raises(EmptyTurnError) as caught:
        client.chat("Hi", continue_from=Reply(reasoning="Say ban"), stop="banana")
    assert caught.value.partial is not None
    assert (caught.value.partial.reasoning, caught.value.partial.text) == ("Say ", "")


@pytest.mark.parametrize(
    "options",
    [
        {"tools": [get_weather]},
        {"logprobs": True},
        {"response_format": {"type": "json_object"}},
    ],
    ids=str,
)
def test_where_it_does_not_go_on_it_raises_or_restarts(options: dict[str, Any]) -> None:
    """With a response_format it goes on in neither form: the server refuses one with a prefix."""
    with (
        DeepSeekV4(mock_of(WHOLE | after(3), WHOLE), model="pro") as client,
        pytest.raises(PhaseTimeoutError) as caught,
    ):
        client.chat("Hi, in JSON", on_interrupt="resume", **options)
    assert "not resumed" in str(caught.value.__notes__)
    mock = mock_of(WHOLE | after(3), WHOLE)
    with (
        DeepSeekV4(mock, model="pro") as client,
        client.stream("Hi, in JSON", on_interrupt=("resume", "restart"), **options) as stream,
    ):
        assert [event for event in list(stream) if isinstance(event, StreamRestarted)]
    assert [request.path for request in mock.requests] == ["/chat/completions"] * 2


def test_json_that_has_begun_goes_on_without_its_format() -> None:
    step = script.text('{"city": "Paris", "days": 3}')
    mock = mock_of(step | after(5), step)
    with DeepSeekV4(mock, model="pro") as client:
        reply = client.chat("JSON?", on_interrupt="resume", thinking="off", response_format={"type": "json_object"})
    assert reply.text == step.text
    assert "response_format" not in mock.requests[1].body


def test_earlier_calls_prevent_it() -> None:
    """The vendor's encoder refuses a prefix in a conversation with calls."""
    call = script.tool_call("get_weather", city="Rom")
    with DeepSeekV4(mock_of(call, WHOLE | after(4)), model="pro") as client, pytest.raises(DeepSeekV4Error) as caught:
        client.run_tools("Hi", [get_weather], on_interrupt="resume")
    assert "not resumed" in str(caught.value.__notes__)


def test_continue_from_and_until_done() -> None:
    mock = mock_of(default=WHOLE)
    with DeepSeekV4(mock, model="pro") as client:
        part = client.chat("Hi", max_tokens=9)
        assert part.finish_reason == "length"
        assert client.chat("Hi", continue_from=part).text == TEXT
        reply = client.chat("Hi", max_tokens=9, until_done=True)
        assert (reply.text, reply.finish_reason) == (TEXT, "stop")
        assert client.chat("Hi", max_tokens=8, until_done=11).usage.completion_tokens == 11
        with pytest.raises(UnsupportedOptionError, match="tools"):
            client.chat("Hi", tools=[get_weather], continue_from=Reply(text="The"))


def test_it_goes_on_past_the_servers_own_limit() -> None:
    long = script.text(" ".join(f"word {number}" for number in range(4_000)))
    mock = mock_of(default=long)
    with DeepSeekV4(mock, model="pro") as client:
        reply = client.chat("Hi", thinking="off", until_done=12_000)
    assert reply.usage.completion_tokens == 12_000
    assert [request.body.get("max_tokens") for request in mock.requests] == [None, 12_000 - 8_192]


def test_between_kinds() -> None:
    """vLLM's answer goes on at DeepSeek's API, and the other way round."""
    for kinds in (("vllm", "deepseek"), ("deepseek", "sglang")):
        dead = MockProvider(WHOLE | after(10), default=script.error(503), flavor=kinds[0])
        other = MockProvider(WHOLE, flavor=kinds[1])
        fallback: Any = [{"provider": other, "model": "pro"}]
        with DeepSeekV4(dead, model="pro", fallback=fallback, max_retries=1, on_interrupt="resume") as client:
            assert client.chat("Hi").text == TEXT
        assert other.requests[0].path == (BETA if kinds[1] == "deepseek" else "/v1/completions")
