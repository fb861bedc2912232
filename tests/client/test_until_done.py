"""Calls with `until_done`: an answer goes on past `max_tokens` by itself."""

from __future__ import annotations

from typing import Any

import pytest

from deepseek_v4_sdk import DeepSeekV4, InvalidRequestError, TextDelta, tool
from deepseek_v4_sdk.testing import MockProvider, faults, script

WHOLE = script.think("First I think about it.") + script.text("The answer has several words, and an end.")
TEXT = "The answer has several words, and an end."


@tool
def write_file(path: str, content: str) -> str:
    """Write a file."""
    return f"{path}: {len(content)}"


CALLS = script.think("I write.") + script.tool_call("write_file", path="a.txt", content="one two three four")


@pytest.mark.parametrize("flavor", ["vllm", "sglang", "dynamo"])
@pytest.mark.parametrize("limit", [1, 3, 7, 100])
def test_an_answer_is_whole_whatever_the_limit(flavor: str, limit: int) -> None:
    mock = MockProvider(default=WHOLE, flavor=flavor)
    with DeepSeekV4(mock) as client, client.stream("Hi", max_tokens=limit, until_done=True) as stream:
        text = "".join(event.text for event in stream if isinstance(event, TextDelta))
        reply = stream.reply()
        whole = client.chat("Hi")
    assert (reply.text, text, reply.finish_reason) == (TEXT, TEXT, "stop")
    assert reply.reasoning == whole.reasoning
    # A cut exactly behind the reasoning does not show: the model writes the mark of its end again.
    again = (reply.usage.completion_tokens or 0) - (whole.usage.completion_tokens or 0)
    assert again == (1 if limit == 7 else 0)
    assert reply.usage.unknown == 0
    assert (reply.usage.resumed is None) == (limit == 100)


def test_it_ends_at_the_number_of_tokens() -> None:
    mock = MockProvider(default=WHOLE)
    with DeepSeekV4(mock) as client:
        reply = client.chat("Hi", max_tokens=4, until_done=10)
    assert (reply.finish_reason, reply.usage.completion_tokens) == ("length", 10)
    assert [request.body["max_tokens"] for request in mock.requests] == [4, 4, 2]
    assert TEXT.startswith(reply.text)


def test_calls_cut_by_the_limit_on_sglang() -> None:
    mock = MockProvider(default=CALLS, flavor="sglang")
    with DeepSeekV4(mock) as client:
        reply = client.chat("Hi", tools=[write_file], max_tokens=9, until_done=True)
        whole = client.chat("Hi", tools=[write_file])
    assert [call.arguments for call in reply.tool_calls] == [call.arguments for call in whole.tool_calls]


def test_an_answer_that_repeats_itself_ends_with_an_alarm() -> None:
    endless = script.text("and so on, " * 2_000)
    mock = MockProvider(default=endless)
    with DeepSeekV4(mock) as client:
        reply = client.chat("Hi", thinking="off", max_tokens=900, until_done=True)
    assert reply.finish_reason == "length"
    assert [alarm.kind for alarm in reply.alarms] == ["repeated_text"]
    assert len(mock.requests) == 1


def test_it_ends_where_the_window_is_full() -> None:
    words = script.text(" ".join(f"word{number}" for number in range(400)))
    for flavor in ("vllm", "sglang"):
        mock = MockProvider(default=words, flavor=flavor, window=400)
        with DeepSeekV4(mock) as client:
            reply = client.chat("Hi", thinking="off", max_tokens=60, until_done=True)
        assert reply.finish_reason == "length"
        assert reply.text.startswith("word0 word1 ")
        assert (reply.usage.completion_tokens or 0) > 250


def test_it_may_break_and_go_on() -> None:
    mock = MockProvider(WHOLE, WHOLE | faults.error_event(500, "died", after=2), default=WHOLE)
    options: dict[str, Any] = {"max_tokens": 5, "until_done": True, "on_interrupt": "resume"}
    with DeepSeekV4(mock) as client:
        reply = client.chat("Hi", **options)
    assert reply.text == TEXT
    assert reply.usage.unknown == 1


def test_values() -> None:
    with DeepSeekV4(MockProvider(default=WHOLE)) as client:
        assert client.chat("Hi", max_tokens=15, until_done=False).finish_reason == "length"
        for wrong in (0, -1, "yes"):
            with pytest.raises(InvalidRequestError, match="until_done"):
                client.chat("Hi", until_done=wrong)  # type: ignore[arg-type]
        with pytest.raises(InvalidRequestError, match="plain"):
            client.chat("Hi", until_done=True, wire="plain")
