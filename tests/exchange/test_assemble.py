"""Tool calls, counts and other fields in all the forms in which servers write them, put together to one reply."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deepseek_v4_sdk import ToolCallDelta, ToolCallReady, ToolCallStarted
from deepseek_v4_sdk.chat import ChatEvent, Usage
from tests.support.replay import JSON, Mode, Outcome, answer, ask, both
from tests.support.wire import DONE, FRAME, call, chunk, finish, plain, reason, say, sse, usage

in_both_modes = pytest.mark.parametrize("mode", both)
WEATHER, TIME = ("weather", '{"city": "Paris"}'), ("time", "{}")
TWO = [WEATHER, TIME]


def made(outcome: Outcome) -> list[tuple[str, str]]:
    return [(each.name, each.arguments) for each in outcome.answered.tool_calls]


CALLS: dict[str, tuple[list[bytes], list[tuple[str, str]]]] = {
    "vLLM": (
        [
            call(0, "a", "weather"),
            call(0, arguments='{"city": "'),
            call(0, arguments='Paris"}'),
            call(1, "b", "time"),
            call(1, arguments="{}"),
        ],
        TWO,
    ),
    "SGLang": (
        [
            chunk({"tool_calls": [{"id": "a", "index": 0, "function": {"name": "weather", "arguments": ""}}]}),
            chunk({"tool_calls": [{"id": None, "index": 0, "function": {"name": None, "arguments": WEATHER[1]}}]}),
            chunk({"tool_calls": [{"id": "b", "index": 1, "function": {"name": "time", "arguments": ""}}]}),
            chunk({"tool_calls": [{"id": None, "index": 1, "function": {"name": None, "arguments": "{}"}}]}),
        ],
        TWO,
    ),
    "both in one chunk": (
        [
            chunk(
                {
                    "tool_calls": [
                        {"index": 0, "id": "a", "function": {"name": "weather", "arguments": WEATHER[1]}},
                        {"index": 1, "id": "b", "function": {"name": "time", "arguments": "{}"}},
                    ]
                }
            )
        ],
        TWO,
    ),
    "no index, ids at the beginning": (
        [
            call(id="a", name="weather"),
            call(arguments='{"city": '),
            call(arguments='"Paris"}'),
            call(id="b", name="time"),
            call(arguments="{}"),
        ],
        TWO,
    ),
    "no index, ids on each piece": (
        [
            call(id="a", name="weather"),
            call(id="a", arguments='{"city": '),
            call(id="a", arguments='"Paris"}'),
            call(id="b", name="time"),
            call(id="b", arguments="{}"),
        ],
        TWO,
    ),
    "no index and no ids": ([call(name="weather", arguments=WEATHER[1]), call(name="time", arguments="{}")], TWO),
    "one index for all": (
        [call(0, "a", "weather"), call(0, arguments=WEATHER[1]), call(0, "b", "time"), call(0, arguments="{}")],
        TWO,
    ),
    "interleaved": (
        [
            call(0, "a", "weather"),
            call(1, "b", "time"),
            call(0, arguments='{"city": '),
            call(1, arguments="{"),
            call(0, arguments='"Paris"}'),
            call(1, arguments="}"),
        ],
        TWO,
    ),
    "arguments before the name": (
        [call(0, "a", arguments='{"city": '), call(0, name="weather"), call(0, arguments='"Paris"}')],
        [WEATHER],
    ),
    "id behind the name": ([call(0, name="weather"), call(0, "a"), call(0, arguments=WEATHER[1])], [WEATHER]),
    "the name on each piece": (
        [call(0, "a", "weather", '{"city": '), call(0, "a", "weather", '"Paris"}')],
        [WEATHER],
    ),
    "indexes that do not begin at 0": ([call(3, "a", *WEATHER), call(7, "b", *TIME)], TWO),
    "duplicate ids": ([call(0, "a", *WEATHER), call(1, "a", *TIME)], TWO),
    "an object as arguments": ([call(0, "a", "weather", {"city": "Paris"})], [("weather", '{"city":"Paris"}')]),
    "text between": ([call(0, "a", "weather"), say("so"), call(0, arguments=WEATHER[1])], [WEATHER]),
}


@in_both_modes
@pytest.mark.parametrize("case", CALLS)
def test_calls_streamed(case: str, mode: Mode) -> None:
    blocks, expected = CALLS[case]
    outcome = ask(answer(*blocks, finish("tool_calls"), DONE), mode=mode)
    assert made(outcome) == expected
    ids = [each.id for each in outcome.answered.tool_calls]
    assert all(ids)
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("case", CALLS)
def test_events_tell_of_each_call_what_the_reply_has(case: str) -> None:
    blocks, _ = CALLS[case]
    outcome = ask(answer(*blocks, finish("tool_calls"), DONE))
    for place, each in enumerate(outcome.answered.tool_calls):
        mine = [event for event in outcome.events if getattr(event, "index", None) == place]
        assert mine[0] == ToolCallStarted(place, each.id, each.name)
        assert "".join(event.arguments for event in mine if isinstance(event, ToolCallDelta)) == each.arguments
    ready = [event.call for event in outcome.events if isinstance(event, ToolCallReady)]
    assert sorted(ready, key=lambda done: done.id) == sorted(outcome.answered.tool_calls, key=lambda done: done.id)


PLAIN_CALLS: dict[str, list[dict[str, Any]]] = {
    "as they should be": [{"id": "a"}, {"id": "b"}],
    "with an index": [{"id": "a", "index": 0}, {"id": "b", "index": 1}],
    "one index for all": [{"id": "a", "index": 0}, {"id": "b", "index": 0}],
    "no ids": [{}, {}],
    "ids that are null": [{"id": None}, {"id": None}],
    "duplicate ids": [{"id": "a"}, {"id": "a"}],
    "duplicate ids and one index": [{"id": "a", "index": 0}, {"id": "a", "index": 0}],
}


@in_both_modes
@pytest.mark.parametrize("case", PLAIN_CALLS)
def test_calls_plain(case: str, mode: Mode) -> None:
    named = [{"name": "weather", "arguments": WEATHER[1]}, {"name": "time", "arguments": "{}"}]
    calls = [{**known, **each} for known, each in zip(named, PLAIN_CALLS[case], strict=True)]
    outcome = ask(answer(plain("tool_calls", calls), headers=JSON), mode=mode, wire="plain")
    assert made(outcome) == TWO
    first, second = (each.id for each in outcome.answered.tool_calls)
    assert first
    assert second
    assert first != second


def test_two_calls_of_one_tool_in_a_plain_answer() -> None:
    calls = [{"name": "time", "arguments": "{}"}, {"name": "time", "arguments": '{"zone": 1}'}]
    outcome = ask(answer(plain("tool_calls", calls), headers=JSON), wire="plain")
    assert made(outcome) == [("time", "{}"), ("time", '{"zone": 1}')]


@pytest.mark.parametrize("wire", ["stream", "plain"])
def test_ids_made_up_for_different_turns_differ(wire: str) -> None:
    def turn(reply_id: str | None) -> Outcome:
        if wire == "plain":
            body = plain("tool_calls", [{"name": "time", "arguments": "{}"}]).replace(b'"chatcmpl-7"', b"null")
            if reply_id:
                body = body.replace(b'"id": null', b'"id": "%s"' % reply_id.encode())
            return ask(answer(body, headers=JSON), wire="plain")
        shown = reply_id.encode() if reply_id else b""
        blocks = [call(name="time", arguments="{}").replace(b"chatcmpl-7", shown), finish("tool_calls")]
        return ask(answer(*blocks))

    for ids in (("one", "two"), (None, None)):
        found = {turn(reply_id).answered.tool_calls[0].id for reply_id in ids}
        assert len(found) == 2


def order(events: list[ChatEvent]) -> list[str]:
    return [f"{event.type} {event.call.name}" if isinstance(event, ToolCallReady) else event.type for event in events]


def test_a_call_is_ready_when_the_next_begins_or_the_answer_ends() -> None:
    outcome = ask(answer(*CALLS["vLLM"][0], finish("tool_calls"), DONE))
    assert order(outcome.events) == [
        "tool_call_started",
        "tool_call_delta",
        "tool_call_delta",
        "tool_call_ready weather",
        "tool_call_started",
        "tool_call_delta",
        "tool_call_ready time",
    ]


def test_interleaved_calls_are_ready_when_their_arguments_are_whole() -> None:
    outcome = ask(answer(*CALLS["interleaved"][0], finish("tool_calls"), DONE))
    assert order(outcome.events)[-2:] == ["tool_call_ready weather", "tool_call_ready time"]


def test_a_cut_call_is_never_ready() -> None:
    outcome = ask(answer(*CALLS["vLLM"][0][:-1], call(1, arguments='{"a'), finish("length"), DONE))
    assert [kind for kind in order(outcome.events) if "ready" in kind] == ["tool_call_ready weather"]


COUNT = {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14}
COUNTED = Usage(prompt_tokens=10, completion_tokens=4, total_tokens=14)


def counting(count: dict[str, Any] | None, *choices: dict[str, Any]) -> bytes:
    return sse({**FRAME, "choices": [*choices], "usage": count})


HI, STOP = {"delta": {"content": "Hi"}}, {"delta": {}, "finish_reason": "stop"}
INSIDE = {"completion_tokens_details": {"reasoning_tokens": 3}}
BESIDE = {
    "reasoning_tokens": 3,
    "completion_tokens_details": None,
    "prompt_tokens_details": {"cached_tokens": 0},
}
USAGES: dict[str, tuple[list[bytes], Usage]] = {
    "behind the finish": ([say("Hi"), finish("stop"), usage(10, 4)], COUNTED),
    "on every chunk": ([counting({"completion_tokens": 1}, HI), counting(COUNT, STOP)], COUNTED),
    "null behind it": ([say("Hi"), counting(COUNT, STOP), counting(None)], COUNTED),
    "before any text": ([usage(10, 4), say("Hi"), finish("stop")], COUNTED),
    "none": ([say("Hi"), finish("stop")], Usage()),
    "without choices": ([say("Hi"), finish("stop"), sse({"id": "x", "usage": COUNT})], COUNTED),
    "reasoning inside": ([say("Hi"), finish("stop"), counting(INSIDE)], Usage(reasoning_tokens=3)),
    "reasoning beside, cache inside": (
        [say("Hi"), finish("stop"), counting(BESIDE)],
        Usage(reasoning_tokens=3, cached_tokens=0),
    ),
}


@in_both_modes
@pytest.mark.parametrize("case", USAGES)
def test_usage(case: str, mode: Mode) -> None:
    blocks, expected = USAGES[case]
    assert ask(answer(*blocks, DONE), mode=mode).answered.usage == expected


def test_other_choices_are_kept_apart() -> None:
    blocks = [chunk({"content": "no"}, index=1), say("Hi"), chunk({}, index=1, finish_reason="length"), finish("stop")]
    reply = ask(answer(*blocks, DONE)).answered
    assert (reply.text, reply.finish_reason) == ("Hi", "stop")
    others = reply.raw["other_choices"]
    assert isinstance(others, list)
    assert len(others) == 2


def test_a_choice_without_index_is_the_answer() -> None:
    blocks = [chunk({"content": "Hi"}, index=None), chunk({}, index=None, finish_reason="stop")]
    assert ask(answer(*blocks, DONE)).answered.text == "Hi"


def test_nulls_and_empty_texts_are_no_events() -> None:
    empty = {"role": None, "content": "", "reasoning": None, "reasoning_content": "", "tool_calls": None}
    outcome = ask(answer(chunk(empty), chunk({"content": None, "tool_calls": []}), say("Hi"), finish("stop"), DONE))
    assert [event.type for event in outcome.events] == ["text_delta"]
    assert outcome.answered.reasoning is None


def test_everything_in_one_chunk() -> None:
    entry = {"index": 0, "id": "a", "function": {"name": "time", "arguments": "{}"}}
    delta = {"role": "assistant", "reasoning": "Hm.", "content": "Hi", "tool_calls": [entry]}
    outcome = ask(answer(chunk(delta, finish_reason="tool_calls"), DONE))
    assert order(outcome.events) == [
        "reasoning_delta",
        "text_delta",
        "tool_call_started",
        "tool_call_delta",
        "tool_call_ready time",
    ]


def test_reasoning_under_either_name_and_in_any_order() -> None:
    blocks = [chunk({"reasoning_content": "a"}), reason("b"), say("1"), reason("c"), say("2"), finish("stop")]
    reply = ask(answer(*blocks, DONE)).answered
    assert (reply.reasoning, reply.text) == ("abc", "12")


def test_both_names_at_once_count_once() -> None:
    blocks = [chunk({"reasoning": "a", "reasoning_content": "a"}), say("1"), finish("stop"), DONE]
    assert ask(answer(*blocks)).answered.reasoning == "a"


def test_fields_without_a_place_are_in_raw() -> None:
    blocks = [
        sse({**FRAME, "system_fingerprint": "fp", "choices": [{"delta": {"content": "Hi", "refusal": "r"}}]}),
        sse({**FRAME, "choices": [{"delta": {}, "token_ids": [1]}], "sglext": {"a": 1}}),
        finish("stop", token_ids=[2], matched_stop=1),
        DONE,
    ]
    raw = ask(answer(*blocks)).answered.raw
    assert raw["system_fingerprint"] == "fp"
    assert raw["sglext"] == {"a": 1}
    assert raw["message.refusal"] == "r"
    assert raw["choice.token_ids"] == [1, 2]
    assert raw["choice.matched_stop"] == 1


def test_stop_text_and_stop_token() -> None:
    for told, expected in (
        ({"stop_reason": "END"}, "END"),
        ({"matched_stop": "END"}, "END"),
        ({"matched_stop": 1}, None),
    ):
        assert ask(answer(say("Hi"), finish("stop", **told), DONE)).answered.stop_sequence == expected


def test_events_of_other_names_are_read_by_what_they_hold() -> None:
    block = b"event: message\nid: 1\n: a comment\n" + say("Hi") + b": another\n\n" + finish("stop")
    assert ask(answer(block, DONE)).answered.text == "Hi"


def test_nothing_is_read_behind_the_end() -> None:
    assert ask(answer(say("Hi"), finish("stop"), DONE + say("more"), say("and more"))).answered.text == "Hi"


COUNTS: dict[str, tuple[object, int | None]] = {
    "a float": (12.0, 12),
    "a large float": (1e6, 1_000_000),
    "zero as a float": (0.0, 0),
    "a negative count": (-1, None),
    "a negative float": (-3.0, None),
    "half a token": (1.5, None),
}


@in_both_modes
@pytest.mark.parametrize("case", COUNTS)
def test_counts_in_odd_forms(case: str, mode: Mode) -> None:
    told, count = COUNTS[case]
    counts = {"prompt_tokens": told, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": told}}
    streamed = ask(answer(say("Hi"), finish("stop"), sse({**FRAME, "choices": [], "usage": counts}), DONE), mode=mode)
    body = json.loads(plain("stop", content="Hi")) | {"usage": counts}
    whole = ask(answer(json.dumps(body).encode(), headers=JSON), mode=mode, wire="plain")
    for outcome in (streamed, whole):
        assert (outcome.answered.usage.prompt_tokens, outcome.answered.usage.cached_tokens) == (count, count)
        assert outcome.answered.usage.completion_tokens == 2


@in_both_modes
@pytest.mark.parametrize("word", ["null", "None", ""])
def test_a_finish_reason_that_is_none_yet(word: str, mode: Mode) -> None:
    outcome = ask(answer(chunk({"content": "Hi"}, finish_reason=word), say("!"), finish("stop"), DONE), mode=mode)
    assert (outcome.answered.text, outcome.answered.raw_finish_reason) == ("Hi!", "stop")
