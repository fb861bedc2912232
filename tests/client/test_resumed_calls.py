"""Calls with `on_interrupt="resume"`: where an answer goes on, what it costs, and when it does not."""

from __future__ import annotations

from typing import Any

import pytest

from deepseek_v4_sdk import DeepSeekV4, Spend, StreamRestarted, StreamResumed, TextDelta, UnsupportedOptionError, tool
from deepseek_v4_sdk.errors import (
    BadRequestError,
    DeepSeekV4Error,
    InvalidRequestError,
    ReasoningExhaustedError,
    SchemaViolationError,
    ServerError,
    StreamInterruptedError,
)
from deepseek_v4_sdk.testing import MockProvider, faults, script

FLASH, PRO = "deepseek-ai/DeepSeek-V4-Flash", "deepseek-ai/DeepSeek-V4-Pro"
WHOLE = script.think("First I think about it.") + script.text("The answer has several words, and an end.")
TEXT = "The answer has several words, and an end."
JSON_FORMAT: dict[str, Any] = {
    "type": "json_schema",
    "json_schema": {
        "name": "city",
        "schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def after(events: int) -> Any:
    """The server dies after so many events."""
    return faults.error_event(500, "EngineCore died", after=events)


def test_the_events_of_one_answer_with_the_break_between() -> None:
    mock = MockProvider(WHOLE | after(12), WHOLE)
    with DeepSeekV4(mock, max_retries=1) as client, client.stream("Hi", on_interrupt="resume") as stream:
        events = list(stream)
        reply = stream.reply()
    assert reply.text == TEXT
    assert reply.reasoning == "First I think about it."
    (resumed,) = [event for event in events if isinstance(event, StreamResumed)]
    assert isinstance(resumed.error, ServerError)
    assert resumed.error.partial is not None
    place = events.index(resumed)
    before = "".join(event.text for event in events[:place] if isinstance(event, TextDelta))
    assert (resumed.error.partial.text, resumed.provider) == (before, "mock")
    assert 0 < resumed.at_tokens < 20
    assert resumed.to_dict()["at_tokens"] == resumed.at_tokens
    assert before + "".join(event.text for event in events[place:] if isinstance(event, TextDelta)) == TEXT


def test_text_deltas_and_chat() -> None:
    mock = MockProvider(WHOLE | after(12), WHOLE, WHOLE | after(12), default=WHOLE)
    with DeepSeekV4(mock, on_interrupt="resume") as client:
        with client.stream("Hi") as stream:
            assert "".join(stream.text_deltas()) == TEXT
        assert client.chat("Hi").text == TEXT
        with client.stream("Hi", on_interrupt=("resume", "restart")) as stream, pytest.raises(InvalidRequestError):
            next(stream.text_deltas())


def test_usage_is_the_sum_and_the_broken_attempt_is_counted_here() -> None:
    mock = MockProvider(WHOLE | after(12), WHOLE, WHOLE)
    with DeepSeekV4(mock, on_interrupt="resume") as client:
        reply, whole = client.chat("Hi"), client.chat("Hi")
    broken, rest = [attempt for attempt in reply.attempts if attempt.is_chat]
    assert broken.usage is not None
    assert rest.usage is not None
    assert (broken.usage.unknown, broken.usage.prompt_tokens) == (1, whole.usage.prompt_tokens)
    assert reply.usage.resumed == rest.usage.prompt_tokens
    assert reply.usage.unknown == 1
    assert reply.usage.completion_tokens == whole.usage.completion_tokens
    assert reply.usage.prompt_tokens == (broken.usage.prompt_tokens or 0) + (rest.usage.prompt_tokens or 0)
    assert reply.usage.reasoning_tokens == whole.usage.reasoning_tokens
    assert rest.usage.prompt_tokens == (whole.usage.prompt_tokens or 0) + (broken.usage.completion_tokens or 0)
    assert whole.usage.resumed is None


def test_the_servers_own_count_of_a_broken_attempt_is_taken() -> None:
    mock = MockProvider(WHOLE | after(12), WHOLE)
    with DeepSeekV4(mock, on_interrupt="resume") as client:
        reply = client.chat("Hi", extra_body={"stream_options": {"continuous_usage_stats": True}})
    assert reply.usage.unknown == 0
    assert reply.text == TEXT


def test_the_next_replica_goes_on() -> None:
    dead, alive = MockProvider(WHOLE | after(10)), MockProvider(WHOLE)
    with DeepSeekV4("vllm", endpoints=[dead, alive], on_interrupt="resume", model=PRO) as client:
        reply = client.chat("Hi")
    used = [mock for mock in (dead, alive) if mock.requests]
    assert reply.text == TEXT
    if len(used) == 2:  # the first one was chosen
        assert alive.requests[0].path == "/v1/completions"


def test_a_fallback_of_another_kind_goes_on_in_its_own_dialect() -> None:
    dead = MockProvider(WHOLE | after(10), default=script.error(503))
    other = MockProvider(WHOLE, flavor="sglang")
    with (
        DeepSeekV4(
            dead, model=FLASH, fallback=[{"provider": other, "model": FLASH}], max_retries=1, on_interrupt="resume"
        ) as client,
        client.stream("Hi") as stream,
    ):
        (resumed,) = [event for event in stream if isinstance(event, StreamResumed)]
        reply = stream.reply()
    assert reply.text == TEXT
    assert (resumed.model, reply.flavor) == (FLASH, "sglang")
    assert other.requests[0].path == "/v1/completions"
    assert any(repair.kind == "failover" for repair in reply.repairs)


def test_another_model_does_not_go_on() -> None:
    dead, other = MockProvider(WHOLE | after(10), default=script.error(503)), MockProvider(WHOLE, flavor="sglang")
    fallback: Any = [{"provider": other, "model": PRO}]
    with (
        DeepSeekV4(dead, model=FLASH, fallback=fallback, max_retries=1, on_interrupt="resume") as client,
        pytest.raises(DeepSeekV4Error) as caught,
    ):
        client.chat("Hi")
    assert other.requests == []
    assert caught.value.partial is not None
    assert caught.value.partial.reasoning == "First I think about it."
    assert TEXT.startswith(caught.value.partial.text)


def test_without_retries_the_error_has_the_part() -> None:
    mock = MockProvider(WHOLE | after(12))
    with DeepSeekV4(mock, max_retries=0, on_interrupt="resume") as client, pytest.raises(ServerError) as caught:
        client.chat("Hi")
    assert caught.value.partial is not None
    assert TEXT.startswith(caught.value.partial.text)
    assert caught.value.partial.text


def test_a_server_that_stays_down_is_asked_again_and_the_part_is_kept() -> None:
    mock = MockProvider(WHOLE | after(12), script.error(503), script.error(503), WHOLE)
    with DeepSeekV4(mock, max_retries=3, on_interrupt="resume") as client:
        assert client.chat("Hi").text == TEXT
    mock = MockProvider(WHOLE | after(12), default=script.error(503))
    with DeepSeekV4(mock, max_retries=2, on_interrupt="resume") as client, pytest.raises(DeepSeekV4Error) as caught:
        client.chat("Hi")
    assert caught.value.partial is not None
    assert caught.value.partial.text
    assert TEXT.startswith(caught.value.partial.text)


def test_a_server_that_refuses_the_rest_restarts_where_that_is_wanted() -> None:
    refuses = script.error(400, "no prompt of tokens")
    mock = MockProvider(WHOLE | after(12), refuses, WHOLE)
    with DeepSeekV4(mock, max_retries=3) as client, client.stream("Hi", on_interrupt=("resume", "restart")) as stream:
        events = list(stream)
        assert stream.reply().text == TEXT
    assert [type(event) for event in events if isinstance(event, StreamRestarted | StreamResumed)] == [StreamRestarted]
    with DeepSeekV4(MockProvider(WHOLE | after(12), refuses)) as client, pytest.raises(BadRequestError) as caught:
        client.chat("Hi", on_interrupt="resume")
    assert caught.value.partial is not None
    assert caught.value.partial.text
    assert TEXT.startswith(caught.value.partial.text)


@tool
def get_weather(city: str, days: int = 1) -> str:
    """Look the weather up."""
    return f"{city}: sunny for {days}"


STRICT: dict[str, Any] = {
    "name": "get_weather",
    "strict": True,
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
}
CALLS = (
    script.think("I look.")
    + script.tool_call("get_weather", city="Paris", days=2)
    + script.tool_call("get_weather", city="Rom", days=2)
)


def test_a_tool_run_goes_on() -> None:
    mock = MockProvider(CALLS | faults.cut(after_bytes=2500), CALLS, WHOLE | after(9), WHOLE, flavor="sglang")
    with DeepSeekV4(mock) as client:
        run = client.run_tools("Weather?", [get_weather], on_interrupt="resume")
    assert run.reply.text == TEXT
    assert [result.content for result in run.rounds[0].results] == ["Paris: sunny for 2", "Rom: sunny for 2"]
    assert not any(call.recovered for call in run.rounds[0].reply.tool_calls)


@pytest.mark.parametrize(
    "options",
    [
        {"tools": [get_weather], "tool_choice": "required"},
        {"tools": [get_weather], "parallel_tool_calls": False},
        {"tools": [STRICT]},
        {"logprobs": True},
    ],
)
def test_options_of_the_other_route_raise_or_restart(options: dict[str, Any]) -> None:
    step = script.text(TEXT) if "tools" not in options else CALLS
    broken = step | after(6)
    with DeepSeekV4(MockProvider(broken, step)) as client, pytest.raises(ServerError) as caught:
        client.chat("Hi", on_interrupt="resume", **options)
    assert "not resumed" in str(caught.value.__notes__)
    mock = MockProvider(broken, step)
    with DeepSeekV4(mock) as client, client.stream("Hi", on_interrupt=("resume", "restart"), **options) as stream:
        events = list(stream)
    assert [request.path for request in mock.requests] == ["/v1/chat/completions"] * 2
    assert sum(isinstance(event, StreamRestarted) for event in events) == 1


def test_providers_without_the_route() -> None:
    mock = MockProvider(WHOLE | after(12), WHOLE, flavor="nvidia")
    with DeepSeekV4(mock, model="pro") as client:
        with pytest.raises(UnsupportedOptionError):
            client.chat("Hi", on_interrupt="resume")
        assert client.chat("Hi", on_interrupt=("resume", "restart")).text == TEXT


def test_what_is_left_of_max_tokens_is_sent() -> None:
    mock = MockProvider(WHOLE | after(12), WHOLE)
    with DeepSeekV4(mock) as client, client.stream("Hi", on_interrupt="resume", max_tokens=14) as stream:
        (resumed,) = [event for event in stream if isinstance(event, StreamResumed)]
        reply = stream.reply()
    assert mock.requests[1].body["max_tokens"] == 14 - resumed.at_tokens
    assert reply.finish_reason == "length"
    assert reply.usage.completion_tokens == 14
    assert TEXT.startswith(reply.text)


def test_the_reasoning_of_all_attempts_is_limited() -> None:
    endless = script.think("one two three four five six seven eight nine ten " * 4) + script.text("End")
    mock = MockProvider(endless | after(20), endless)
    with DeepSeekV4(mock) as client, pytest.raises(ReasoningExhaustedError):
        client.chat("Hi", on_interrupt="resume", max_reasoning_tokens=25)


@pytest.mark.parametrize("flavor", ["vllm", "sglang"])
def test_a_stop_text_behind_the_seam_ends_the_answer(flavor: str) -> None:
    step = script.turn(script.text("Say banana split, not more."), cuts=1)
    found = 0
    for events in range(2, 22):
        mock = MockProvider(step | after(events), step, flavor=flavor)
        with DeepSeekV4(mock) as client:
            reply = client.chat("Hi", on_interrupt="resume", stop="banana", thinking="off")
        assert (reply.text, reply.finish_reason, reply.stop_sequence) == ("Say ", "stop", "banana"), events
        found += len(mock.requests) > 1
    assert found


@pytest.mark.parametrize("flavor", ["vllm", "sglang"])
def test_a_format_inside_reasoning_and_inside_json(flavor: str) -> None:
    step = script.think("Paris it is.") + script.text('{"city": "Paris"}')
    inside = MockProvider(step | after(3), step, flavor=flavor)
    question = "Which city? Give JSON."
    with DeepSeekV4(inside) as client:
        if flavor == "vllm":
            assert client.chat(question, on_interrupt="resume", response_format=JSON_FORMAT).text == '{"city": "Paris"}'
            assert inside.requests[1].body["response_format"] == JSON_FORMAT
        else:  # its grammar would not wait for the end of the reasoning
            with pytest.raises(ServerError):
                client.chat(question, on_interrupt="resume", response_format=JSON_FORMAT)
    begun = MockProvider(step | after(8), step, flavor=flavor)
    with DeepSeekV4(begun) as client:
        assert client.chat(question, on_interrupt="resume", response_format=JSON_FORMAT).text == '{"city": "Paris"}'
    assert "response_format" not in begun.requests[1].body
    # SGLang's encoder shows the format to the model: the prompt of the rest is that of the beginning.
    assert begun.requests[1].prompt.startswith(begun.requests[0].prompt)


def test_a_format_where_the_raw_output_shows_the_end_of_the_reasoning() -> None:
    """SGLang's grammar does not wait for it: there the rest is right exactly at that end, and without the grammar."""
    step = script.raw_model_output('Paris.</think>{"city": "Paris"}')
    outcomes: list[str] = []
    for events in range(1, 10):
        dead = MockProvider(step | after(events), default=script.error(503))
        other = MockProvider(step, flavor="sglang")
        fallback: Any = [{"provider": other, "model": FLASH}]
        options: dict[str, Any] = {"response_format": JSON_FORMAT, "wire": "raw", "on_interrupt": "resume"}
        with DeepSeekV4(dead, model=FLASH, fallback=fallback, max_retries=1) as client:
            try:
                assert client.chat("Which city? Give JSON.", **options).text == '{"city": "Paris"}'
            except ServerError:
                outcomes.append("raised")
                continue
        if other.requests:
            outcomes.append("grammar" if "response_format" in other.requests[0].body else "without")
    assert outcomes == ["raised"] * 2 + ["grammar"] + ["without"] * (len(outcomes) - 3)
    assert len(outcomes) > 4


def test_json_that_breaks_the_schema_behind_the_seam_is_an_error_or_begins_again() -> None:
    right = script.text('{"city": "Paris"}')
    wrong = script.text('{"city": 5}')
    options: dict[str, Any] = {"response_format": JSON_FORMAT, "thinking": "off"}
    mock = MockProvider(right | after(4), wrong)
    with DeepSeekV4(mock) as client, pytest.raises((SchemaViolationError, StreamInterruptedError)):
        client.chat("City?", on_interrupt="resume", **options)
    mock = MockProvider(right | after(4), wrong, right)
    with DeepSeekV4(mock) as client:
        assert client.chat("City?", on_interrupt=("resume", "restart"), **options).text == '{"city": "Paris"}'
    assert len(mock.requests) == 3


def test_a_limit_of_tokens_counts_no_part_twice() -> None:
    """The second attempt that breaks has the part of the first one, which that one has paid."""
    spend = Spend(100_000, per="client", unit="tokens")
    mock = MockProvider(WHOLE | after(12), WHOLE | after(3), WHOLE)
    arguments: dict[str, Any] = {"max_retries": 3, "on_interrupt": "resume", "server_version": "0.33.0"}
    with DeepSeekV4(mock, spend=spend, **arguments) as client, client.stream("Hi", max_tokens=500) as stream:
        first, both = (event.at_tokens for event in stream if isinstance(event, StreamResumed))
        reply = stream.reply()
    last = reply.attempts[-1].usage
    assert last is not None
    prompt = (last.prompt_tokens or 0) - both
    paid = prompt + first + prompt + (both - first) + (last.total_tokens or 0)
    assert 3 < first < both
    assert 0 <= paid - spend.spent <= 3  # marks of reasoning, which a chat does not show
