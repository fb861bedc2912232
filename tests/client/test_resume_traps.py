"""Traps of servers that go on with a part of an answer: each of them broke a client that did not know it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from deepseek_v4_sdk import DeepSeekV4, Price, PriceTable, Rates, Reply, Spend, StreamResumed, TextDelta
from deepseek_v4_sdk.errors import DeepSeekV4Error, PhaseTimeoutError, TruncatedToolCallError
from deepseek_v4_sdk.testing import MockProvider, faults, script
from deepseek_v4_sdk.tokens import decode
from tests.exchange.raw_cases import CASES, TOOLS
from tests.exchange.test_raw_text import BLANKS, meaning

FLASH = "deepseek-ai/DeepSeek-V4-Flash"
REASONING, TEXT = "First I think about it.", "The answer has several words, and an end."
WHOLE = script.think(REASONING) + script.text(TEXT)
END_OF_SENTENCE = 1
BOTH = pytest.mark.parametrize("flavor", ["vllm", "sglang"])


def after(events: int) -> Any:
    """The engine dies after so many events."""
    return faults.error_event(500, "EngineCore died", after=events)


def prompt_of(mock: MockProvider, number: int) -> list[int]:
    prompt = mock.requests[number].body["prompt"]
    assert isinstance(prompt, list)
    return [each for each in prompt if isinstance(each, int)]


@BOTH
def test_the_limit_is_sent_and_is_what_the_window_has_left(flavor: str) -> None:
    """Without it the answer has 16 tokens. SGLang refuses prompt and limit beyond the window together."""
    long = script.text("word " * 60)
    mock = MockProvider(long | after(30), long, flavor=flavor, window=1_000)
    with DeepSeekV4(mock, on_interrupt="resume") as client:
        assert client.chat("Hi", thinking="off").text == "word " * 60
    body = mock.requests[1].body
    assert body["max_tokens"] == 1_000 - len(prompt_of(mock, 1))
    assert "max_completion_tokens" not in body


@BOTH
def test_the_whole_answer_given_is_success_and_its_end_is_not_given(flavor: str) -> None:
    """Only the end was missing: an empty piece, and `stop`. After an end-of-sentence token vLLM begins anew."""
    tried = 0
    for events in range(10, 24):
        mock = MockProvider(WHOLE | after(events), WHOLE, flavor=flavor)
        with DeepSeekV4(mock) as client, client.stream("Hi", on_interrupt="resume") as stream:
            resumed = [event for event in stream if isinstance(event, StreamResumed)]
            reply = stream.reply()
        assert (reply.reasoning, reply.text, reply.finish_reason) == (REASONING, TEXT, "stop")
        if resumed:
            assert prompt_of(mock, 1)[-1] != END_OF_SENTENCE
            partial = resumed[0].error.partial
            assert partial is not None
            last = reply.attempts[-1].usage
            assert last is not None
            tried += partial.text == TEXT and last.completion_tokens == 1
    assert tried == 1


@pytest.mark.parametrize("name", ["blanks", "blanks before calls", "call after no line end", "mark in an argument"])
@BOTH
def test_blanks_that_a_server_takes_away_are_those_of_an_unbroken_answer(flavor: str, name: str) -> None:
    case = BLANKS[name]
    step = script.raw_model_output(case.output)
    with DeepSeekV4(MockProvider(step, flavor=flavor)) as client:
        whole = client.chat("Hi", **case.options)
    for events in range(2, 40, 3):
        mock = MockProvider(step | after(events), default=step, flavor=flavor)
        with DeepSeekV4(mock) as client:  # inside some calls of vLLM's it begins again
            reply = client.chat("Hi", on_interrupt=("resume", "restart"), **case.options)
        assert meaning(reply) == meaning(whole), events


@pytest.mark.parametrize("limit", range(4, 12))
def test_half_a_character_at_the_limit_is_not_given(limit: int) -> None:
    """SGLang writes U+FFFD for it at `/v1/completions`, and the model goes on with the whole character."""
    case = CASES["unicode"]
    mock = MockProvider(default=script.raw_model_output(case.output), flavor="sglang")
    with DeepSeekV4(mock) as client:
        reply = client.chat("Hi", wire="raw", max_tokens=limit, until_done=True)
        assert meaning(reply) == meaning(client.chat("Hi", wire="raw"))
    assert all("\N{REPLACEMENT CHARACTER}" not in decode(prompt_of(mock, each)) for each in range(len(mock.requests)))


def test_a_limit_of_less_than_a_character_ends() -> None:
    case = CASES["unicode"]
    mock = MockProvider(default=script.raw_model_output(case.output), flavor="sglang")
    with DeepSeekV4(mock) as client, pytest.raises(DeepSeekV4Error):
        client.chat("Hi", wire="raw", max_tokens=1, until_done=True)
    assert len(mock.requests) < 10


def test_after_length_vllms_last_call_begins_again() -> None:
    """It closes half a call, and nothing tells it from a whole one."""
    mock = MockProvider(default=script.raw_model_output(CASES["calls"].output))
    with DeepSeekV4(mock) as client:
        with pytest.raises(TruncatedToolCallError) as caught:
            client.chat("Hi", tools=TOOLS, max_tokens=60)
        client.chat("Hi", tools=TOOLS, continue_from=caught.value.partial)
    assert decode(prompt_of(mock, 1)).endswith("</think>I look it up.")


@BOTH
def test_in_reasoning_is_told_from_reasoning_whole(flavor: str) -> None:
    given = {
        "inside": Reply(reasoning=REASONING[:10]),
        "whole": Reply(reasoning=REASONING, text=TEXT[:10]),
    }
    ends = {}
    for name, part in given.items():
        mock = MockProvider(WHOLE, flavor=flavor)
        with DeepSeekV4(mock) as client:
            assert client.chat("Hi", continue_from=part).text == TEXT
        ends[name] = decode(prompt_of(mock, 0)).rpartition("<think>")[2]
    assert ends == {"inside": REASONING[:10], "whole": f"{REASONING}</think>{TEXT[:10]}"}


@BOTH
def test_sampling_and_stop_texts_are_sent_again(flavor: str) -> None:
    options: dict[str, Any] = {
        "temperature": 0.3,
        "top_p": 0.9,
        "top_k": 7,
        "min_p": 0.1,
        "presence_penalty": 0.2,
        "frequency_penalty": 0.1,
        "seed": 5,
        "stop": ["never this"],
    }
    mock = MockProvider(WHOLE | after(12), WHOLE, flavor=flavor)
    with DeepSeekV4(mock) as client:
        client.chat("Hi", on_interrupt="resume", **options)
    first, second = (request.body for request in mock.requests)
    assert {name: second[name] for name in options} == {name: first[name] for name in options} == options


def test_a_silence_in_the_middle_is_a_break_and_the_total_is_not() -> None:
    mock = MockProvider(WHOLE | faults.stall(after=12, seconds=300), WHOLE)
    with DeepSeekV4(mock, on_interrupt="resume") as client:
        assert client.chat("Hi").text == TEXT
    mock = MockProvider(default=WHOLE | faults.stall(after=12, seconds=300))
    with DeepSeekV4(mock, on_interrupt="resume") as client, pytest.raises(PhaseTimeoutError) as caught:
        client.chat("Hi", timeout=100)
    assert caught.value.phase == "total"
    assert len(mock.requests) == 1


def test_a_quantised_checkpoint_is_named_in_the_event() -> None:
    named = "nvidia/DeepSeek-V4-Flash-NVFP4"
    dead = MockProvider(WHOLE | after(10), default=script.error(503))
    fallback: Any = [{"provider": MockProvider(WHOLE, flavor="sglang"), "model": named}]
    with (
        DeepSeekV4(dead, model=FLASH, fallback=fallback, max_retries=1, on_interrupt="resume") as client,
        client.stream("Hi") as stream,
    ):
        (resumed,) = [event for event in stream if isinstance(event, StreamResumed)]
        assert stream.reply().text == TEXT
    assert resumed.model == named


def test_the_cost_is_that_of_all_attempts() -> None:
    """The broken one is counted here, and its prompt and its part are paid."""
    since = datetime(2026, 1, 1, tzinfo=UTC)
    rates = Rates(hit=Decimal(1), miss=Decimal(10), output=Decimal(100))
    prices = PriceTable([Price(provider="vllm", rates=rates, since=since, as_of=since.date())])
    mock = MockProvider(WHOLE | after(12), WHOLE | after(3), WHOLE, WHOLE)
    with DeepSeekV4(mock, prices=prices, on_interrupt="resume", max_retries=3) as client:
        reply, whole = client.chat("Hi"), client.chat("Hi")
    cost, once = reply.cost(), whole.cost()
    assert cost is not None
    assert once is not None
    usages = [attempt.usage for attempt in reply.attempts if attempt.usage is not None]
    assert len(usages) == 3
    prompts = sum(usage.prompt_tokens or 0 for usage in usages)
    cached = sum(usage.cached_tokens or 0 for usage in usages)
    made = sum(usage.completion_tokens or 0 for usage in usages)
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (prompts, made)
    assert cost.amount == Decimal((prompts - cached) * 10 + cached * 1 + made * 100) / 10**6
    assert cost.output == once.output
    assert cost.amount > once.amount
    assert not cost.exact  # the cached tokens of the broken attempts are not known


def test_until_done_ends_where_the_money_does() -> None:
    long = script.text(" ".join(f"word {number}" for number in range(300)))
    mock = MockProvider(default=long)
    spend = Spend(700, per="client", unit="tokens")
    with DeepSeekV4(mock, spend=spend, server_version="0.33.0") as client:
        reply = client.chat("Hi", thinking="off", max_tokens=100, until_done=True)
    assert reply.finish_reason == "length"
    assert long.text.startswith(reply.text)
    assert 1 < len(mock.requests) < 6


def test_nothing_shown_is_taken_back_or_repeated() -> None:
    """Also where vLLM holds back the characters that may begin a stop text."""
    for events in range(2, 20):
        mock = MockProvider(WHOLE | after(events), WHOLE)
        with DeepSeekV4(mock) as client, client.stream("Hi", on_interrupt="resume", stop="xyz, never this") as stream:
            shown = "".join(event.text for event in stream if isinstance(event, TextDelta))
            assert shown == stream.reply().text == TEXT
