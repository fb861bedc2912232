"""Most deltas of a stream are read by the frame of the first ones, and none where an event brings more than a text."""

from __future__ import annotations

from collections import Counter

import pytest

from deepseek_v4_sdk.chat import JsonValue, TextDelta, read_event
from deepseek_v4_sdk.exchange import answer_reader
from deepseek_v4_sdk.providers import Sink, find_provider
from deepseek_v4_sdk.providers.chat_completions import ChatCompletions
from tests.support.replay import Outcome, Replay, answer, client_for, hear
from tests.support.wire import DONE, FRAME, call, chunk, finish, reason, say, sse, usage

PLAIN = ChatCompletions(find_provider("vllm").data)


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """The number of events that were parsed as a whole."""
    counted: Counter[str] = Counter()

    def read(data: bytes | str) -> JsonValue:
        counted["events"] += 1
        return read_event(data)

    monkeypatch.setattr(answer_reader, "read_event", read)
    return counted


def heard(*events: bytes, provider: ChatCompletions = PLAIN) -> Outcome:
    return hear(client_for(Replay(answer(*events, finish("stop"), DONE)), provider, max_retries=0), {})


def test_a_plain_stream_is_parsed_at_its_changes(parsed: Counter[str]) -> None:
    texts = [f' {number} "é" \\ \n\u200d' for number in range(500)]
    outcome = heard(*map(reason, texts), *map(say, texts))
    assert outcome.answered.text == outcome.answered.reasoning == "".join(texts)
    assert len(outcome.events) == 1000
    assert parsed["events"] <= 6


def test_it_can_be_switched_off(parsed: Counter[str]) -> None:
    off = ChatCompletions(PLAIN.data, reads_frames=False)
    assert heard(*[say("a")] * 50, provider=off).answered.text == "a" * 50
    assert parsed["events"] == 51


def test_a_decoder_of_the_users_own_sees_every_event(parsed: Counter[str]) -> None:
    class Loud(ChatCompletions):
        def decode(self, payload: dict[str, JsonValue], sink: Sink) -> None:
            super().decode(payload, sink)
            sink.text("!")

    outcome = heard(*[say("a")] * 50, provider=Loud(PLAIN.data))
    assert outcome.answered.text == "a!" * 50 + "!"
    assert parsed["events"] == 51


def test_what_an_event_adds_is_not_passed_over() -> None:
    entry: dict[str, JsonValue] = {"token": "a", "logprob": -0.5}
    told = [chunk({"content": "a"}, logprobs={"content": [entry]}, token_ids=[7])] * 5
    counted = [sse({**FRAME, "choices": [{"index": 0, "delta": {"content": "b"}}], "usage": {"prompt_tokens": 3}})] * 5
    reply = heard(*told, *counted, usage(3, 10)).answered
    assert (reply.text, reply.logprobs, reply.raw["choice.token_ids"]) == ("a" * 5 + "b" * 5, (entry,) * 5, [7] * 5)


def test_the_last_value_of_another_field_stays() -> None:
    def told(print_: str) -> bytes:
        return sse({**FRAME, "choices": [{"index": 0, "delta": {"content": "a"}}], "system_fingerprint": print_})

    assert heard(*[told("x")] * 3, *[told("y")] * 3, told("x")).answered.raw["system_fingerprint"] == "x"
    assert heard(*[told("x")] * 3, told("y")).answered.raw["system_fingerprint"] == "y"


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """The number of attempts to learn a frame."""
    counted: Counter[str] = Counter()

    class Counting(answer_reader.DeltaFrames):
        def _learn(self, data: bytes, payload: dict[str, JsonValue]) -> bool:
            counted["times"] += 1
            return super()._learn(data, payload)

    monkeypatch.setattr(answer_reader, "DeltaFrames", Counting)
    return counted


def test_a_server_whose_events_all_differ_is_not_asked_for_a_frame_each_time(tried: Counter[str]) -> None:
    outcome = heard(
        *(sse({**FRAME, "created": at, "choices": [{"index": 0, "delta": {"content": "a"}}]}) for at in range(3000))
    )
    assert outcome.events == [TextDelta("a")] * 3000
    assert tried["times"] < 20


def test_pieces_of_a_calls_arguments_are_not_asked_for_a_frame_each_time(
    tried: Counter[str], parsed: Counter[str]
) -> None:
    pieces = ['{"text": "', *["a"] * 3000, '"}']
    outcome = heard(call(0, "c", "write"), *(call(0, arguments=piece) for piece in pieces), *[say("b")] * 3000)
    assert outcome.answered.tool_calls[0].arguments == "".join(pieces)
    assert outcome.answered.text == "b" * 3000
    assert tried["times"] < 250
    assert parsed["events"] < 3050
