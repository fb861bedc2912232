"""The tokens of a part: those that vLLM gives with `return_token_ids`, and how often its text encoded anew has these.

`token_ids/` holds two streams of vLLM 0.33.0 with scripted output, as they came.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from deepseek_v4_sdk import DeepSeekV4, Reply
from deepseek_v4_sdk.errors import DeepSeekV4Error
from deepseek_v4_sdk.testing import MockProvider, faults, script
from deepseek_v4_sdk.tokens import decode, encode
from tests.exchange.raw_cases import CASES
from tests.exchange.test_raw_text import meaning

FOLDER = Path(__file__).parent / "token_ids"
TOOLS = [
    {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}, "unit": {"type": "string"}},
        },
    }
]
END = 1
ASKS: dict[str, Any] = {"extra_body": {"return_token_ids": True}, "on_interrupt": "resume"}


def events_of(name: str) -> list[bytes]:
    return [block + b"\n\n" for block in (FOLDER / f"{name}.sse").read_bytes().split(b"\n\n") if block]


def ids_in(events: list[bytes]) -> list[int]:
    ids: list[int] = []
    for event in events:
        if event.startswith(b"data: {"):
            for choice in json.loads(event[6:])["choices"]:
                ids += choice.get("token_ids") or []
    return ids


def without_ids(event: bytes) -> bytes:
    if not event.startswith(b"data: {"):
        return event
    payload = json.loads(event[6:])
    for choice in payload["choices"]:
        choice.pop("token_ids", None)
    return b"data: " + json.dumps(payload, ensure_ascii=False).encode() + b"\n\n"


def tokens_sent(events: list[bytes], **options: Any) -> list[int] | None:
    """The tokens of the part, as the client sends them after these events; None where it raises instead."""
    mock = MockProvider(script.raw(*events), script.error(400))
    with DeepSeekV4(mock) as client, pytest.raises(DeepSeekV4Error):
        client.chat("Hi", tools=TOOLS, **options)
    if len(mock.requests) == 1:
        return None
    whole, chat = mock.requests[1].body["prompt"], encode(mock.requests[0].prompt)
    assert isinstance(whole, list)
    assert whole[: len(chat)] == chat
    return [each for each in whole[len(chat) :] if isinstance(each, int)]


@pytest.mark.parametrize(("name", "step"), [("text", 3), ("calls", 9)])
def test_the_tokens_of_the_server_are_sent_back_up_to_a_whole_character(name: str, step: int) -> None:
    events = events_of(name)
    for count in range(2, len(events) - 3, step):
        own = ids_in(events[:count])
        sent = tokens_sent(events[:count], **ASKS)
        assert sent == own[: len(sent or own)], count
        assert len(own) - len(sent or []) <= 3
        assert not decode(sent or []).endswith("\N{REPLACEMENT CHARACTER}")


@pytest.mark.parametrize(
    ("name", "step", "figures"), [("text", 2, (27, 27, 0)), ("calls", 9, (12, 14, 7))], ids=["text", "calls"]
)
def test_how_often_the_text_encoded_anew_has_the_models_tokens(
    name: str, step: int, figures: tuple[int, int, int], record_property: Any
) -> None:
    """Without `return_token_ids`, after every so many events: equal, sent, and raised inside a call."""
    events = events_of(name)
    own, equal, sent, raised = ids_in(events), 0, 0, 0
    for count in range(2, len(events) - 3, step):
        tokens = tokens_sent([without_ids(event) for event in events[:count]], on_interrupt="resume")
        raised += tokens is None
        sent += tokens is not None
        equal += tokens is not None and tokens == own[: len(tokens)]
    record_property("equal", f"{equal} of {sent}")
    print(f"{name}: the tokens are the model's in {equal} of {sent} places; inside a call {raised} times raised")
    assert (equal, sent, raised) == figures


@pytest.mark.parametrize("name", ["text", "calls"])
def test_at_the_end_of_a_token_the_text_encoded_anew_has_the_models_tokens(name: str) -> None:
    """At all places that end a token and a character."""
    own, places = ids_in(events_of(name)), 0
    assert own.pop() == END
    for count in range(1, len(own) + 1):
        text = decode(own[:count])
        if not text.endswith("\N{REPLACEMENT CHARACTER}"):
            assert encode(text) == own[:count]
            places += 1
    assert places == {"text": 47, "calls": 183}[name]


def chat_of(case: Any, *steps: Any, **options: Any) -> tuple[Reply, MockProvider]:
    mock = MockProvider(*steps)
    with DeepSeekV4(mock, max_retries=4) as client:
        return client.chat("Hi", **{**case.options, **ASKS, **options}), mock


@pytest.mark.parametrize("name", CASES)
def test_with_them_calls_of_vllm_go_on_anywhere(name: str) -> None:
    """Without them, the error is raised inside a call whose arguments are not all texts."""
    case, step = CASES[name], script.raw_model_output(CASES[name].output)
    whole, _ = chat_of(case, step)
    size, resumed = whole.usage.completion_tokens or 0, 0
    for place in range(2, size, 1 + size // 12):
        reply, mock = chat_of(case, step | faults.error_event(500, "died", after=place), step)
        assert meaning(reply) == meaning(whole), place
        resumed += len(mock.requests) == 2
        assert (reply.usage.completion_tokens or 0) == size, place  # no token is written twice, and none is lost
    assert resumed


def test_a_second_break_is_on_the_other_route() -> None:
    case, step = CASES["calls"], script.raw_model_output(CASES["calls"].output)
    whole, _ = chat_of(case, step)
    broken = [step | faults.error_event(500, "died", after=count) for count in (40, 20, 11)]
    reply, mock = chat_of(case, *broken, step)
    assert meaning(reply) == meaning(whole)
    assert [request.path for request in mock.requests[1:]] == ["/v1/completions"] * 3
    assert reply.usage.completion_tokens == whole.usage.completion_tokens


def test_a_fallback_of_another_kind_is_called_without_the_field() -> None:
    """SGLang refuses it in a stream. Other fields of `extra_body` keep a fallback from being called."""
    case, step = CASES["text"], script.raw_model_output(CASES["text"].output)
    dead = MockProvider(step | faults.error_event(500, "died", after=6), default=script.error(503))
    other, model = MockProvider(step, flavor="sglang"), "deepseek-ai/DeepSeek-V4-Pro"
    fallback: Any = [{"provider": other, "model": model}]
    with DeepSeekV4(dead, model=model, fallback=fallback, max_retries=1) as client:
        assert meaning(client.chat("Hi", **ASKS)) == meaning(chat_of(case, step)[0])
    assert "return_token_ids" not in other.requests[0].body


def test_a_call_that_the_limit_cut_goes_on() -> None:
    """vLLM makes up the end of half a call, and no stream takes that back; another call goes on without it."""
    case, step = CASES["calls"], script.raw_model_output(CASES["calls"].output)
    whole, _ = chat_of(case, step)
    with DeepSeekV4(MockProvider(default=step)) as client:
        with pytest.raises(DeepSeekV4Error) as caught:
            client.chat("Hi", **{**case.options, **ASKS, "max_tokens": 60, "until_done": True})
        assert meaning(client.chat("Hi", continue_from=caught.value.partial, **case.options)) == meaning(whole)


def test_an_answer_that_went_on_goes_on_again_in_another_call() -> None:
    """Its reply has the tokens of its end only; they are not taken for all of them."""
    case, step = CASES["text"], script.raw_model_output(CASES["text"].output)
    part, _ = chat_of(case, step | faults.error_event(500, "died", after=4), step, max_tokens=10)
    assert part.finish_reason == "length"
    with DeepSeekV4(MockProvider(step)) as client:
        assert meaning(client.chat("Hi", continue_from=part)) == meaning(chat_of(case, step)[0])
