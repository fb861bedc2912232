"""Calls with `continue_from`: the answer of another call, or of another process, goes on."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from deepseek_v4_sdk import DeepSeekV4, Reply, StreamResumed, TextDelta, UnsupportedOptionError, tool
from deepseek_v4_sdk.errors import DeepSeekV4Error, InvalidRequestError, TruncatedToolCallError
from deepseek_v4_sdk.testing import MockProvider, faults, script

WHOLE = script.think("First I think about it.") + script.text("The answer has several words, and an end.")
TEXT = "The answer has several words, and an end."


@tool
def write_file(path: str, content: str, mode: int = 0) -> str:
    """Write a file."""
    return f"{path}: {len(content)} {mode}"


CALLS = (
    script.think("I write.")
    + script.tool_call("write_file", path="a.txt", content="one <b> two", mode=7)
    + script.tool_call("write_file", path="b.txt", content="three four five", mode=8)
)


def broken(step: Any, count: int, flavor: str = "vllm", **options: Any) -> Reply:
    """What a call had when its server died."""
    mock = MockProvider(step | faults.error_event(500, "died", after=count), flavor=flavor)
    with DeepSeekV4(mock, max_retries=0) as client, pytest.raises(DeepSeekV4Error) as caught:
        client.chat("Hi", **options)
    assert caught.value.partial is not None
    saved: Reply = pickle.loads(pickle.dumps(caught.value.partial))
    return saved


@pytest.mark.parametrize("flavor", ["vllm", "sglang", "dynamo"])
@pytest.mark.parametrize("count", [2, 4, 8, 12])
def test_the_partial_of_an_error_goes_on(flavor: str, count: int) -> None:
    part = broken(WHOLE, count, flavor)
    mock = MockProvider(WHOLE, flavor=flavor)
    with DeepSeekV4(mock) as client, client.stream("Hi", continue_from=part) as stream:
        events = list(stream)
        reply = stream.reply()
    assert (reply.reasoning, reply.text, reply.finish_reason) == ("First I think about it.", TEXT, "stop")
    new = "".join(event.text for event in events if isinstance(event, TextDelta))
    assert part.text + new == TEXT
    assert not any(isinstance(event, StreamResumed) for event in events)
    assert mock.requests[0].path == "/v1/completions"
    assert reply.usage.resumed == reply.usage.prompt_tokens


@pytest.mark.parametrize("flavor", ["vllm", "sglang"])
def test_text_cut_by_max_tokens_goes_on_and_the_limit_counts_the_rest(flavor: str) -> None:
    mock = MockProvider(default=WHOLE, flavor=flavor)
    with DeepSeekV4(mock) as client:
        reply = client.chat("Hi", max_tokens=10)
        lengths = [reply.usage.completion_tokens]
        while reply.finish_reason == "length":
            reply = client.chat("Hi", max_tokens=3, continue_from=reply)
            lengths.append(reply.usage.completion_tokens)
    assert reply.text == TEXT
    assert lengths[:-1] == [10, *[3] * (len(lengths) - 2)]
    assert all(request.body["max_tokens"] == 3 for request in mock.requests[1:])


@pytest.mark.parametrize("flavor", ["vllm", "sglang", "dynamo", "deepseek"])
def test_a_stop_text_that_spans_the_seam_is_found_here(flavor: str) -> None:
    """The server of the rest does not see its beginning: it writes on."""
    step = script.text("Say banana split, or bananas.")
    for size in range(5, 10):
        mock = MockProvider(step, flavor=flavor)
        with DeepSeekV4(mock, model="pro") as client:
            part = Reply(text="Say banana"[:size])
            reply = client.chat("Hi", continue_from=part, stop="banana", thinking="off")
        assert (reply.text, reply.finish_reason, reply.stop_sequence) == ("Say ", "stop", "banana"), size
        assert mock.requests[0].body["stop"] == ["banana"]


def test_reasoning_cut_by_max_tokens_goes_on() -> None:
    mock = MockProvider(default=WHOLE)
    with DeepSeekV4(mock) as client:
        with pytest.raises(DeepSeekV4Error) as caught:
            client.chat("Hi", max_tokens=3)
        assert client.chat("Hi", continue_from=caught.value.partial).text == TEXT


@pytest.mark.parametrize("flavor", ["vllm", "sglang", "dynamo"])
def test_calls_go_on_and_a_begun_one_is_whole_in_the_end(flavor: str) -> None:
    mock = MockProvider(default=CALLS, flavor=flavor)
    with DeepSeekV4(mock) as client:
        whole = client.chat("Hi", tools=[write_file])
        for limit in range(45, 110, 4):
            try:
                client.chat("Hi", tools=[write_file], max_tokens=limit)
            except TruncatedToolCallError as error:
                part = error.partial
            else:
                continue
            reply = client.chat("Hi", tools=[write_file], continue_from=part)
            calls = [(call.name, call.arguments) for call in reply.tool_calls]
            assert calls == [(call.name, call.arguments) for call in whole.tool_calls], limit


def test_a_tool_run_goes_on_and_only_its_first_answer_is_continued() -> None:
    part = broken(CALLS, 6, "sglang", tools=[write_file])
    mock = MockProvider(CALLS, WHOLE, flavor="sglang")
    with DeepSeekV4(mock) as client:
        run = client.run_tools("Hi", [write_file], continue_from=part)
    assert run.reply.text == TEXT
    assert [request.path for request in mock.requests] == ["/v1/completions", "/v1/chat/completions"]
    assert len(run.rounds[0].results) == 2


def test_it_may_break_again() -> None:
    part = broken(WHOLE, 8)
    mock = MockProvider(WHOLE | faults.error_event(500, "died", after=3), WHOLE)
    with DeepSeekV4(mock) as client:
        reply = client.chat("Hi", continue_from=part, on_interrupt="resume")
    assert reply.text == TEXT
    assert reply.usage.unknown == 1


def test_an_answer_with_its_end_is_refused() -> None:
    with DeepSeekV4(MockProvider(default=WHOLE)) as client:
        whole = client.chat("Hi")
        with pytest.raises(InvalidRequestError, match="without an end"):
            client.chat("Hi", continue_from=whole)
        with pytest.raises(InvalidRequestError, match="a Reply"):
            client.chat("Hi", continue_from="The answer")  # type: ignore[arg-type]
        with pytest.raises(InvalidRequestError, match="plain"):
            client.chat("Hi", continue_from=Reply(text="The"), wire="plain")


def test_a_server_without_the_route_is_named() -> None:
    with DeepSeekV4(MockProvider(flavor="nvidia"), model="pro") as client, pytest.raises(UnsupportedOptionError):
        client.chat("Hi", continue_from=Reply(text="The"))
