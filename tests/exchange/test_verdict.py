"""How answers end, and what a user gets then: a whole reply, or the error that says what is missing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from deepseek_v4_sdk import errors
from deepseek_v4_sdk.exchange.sse import SSEDecoder
from tests.support.replay import JSON, Mode, Outcome, answer, ask, both
from tests.support.wire import DONE, FRAME, call, chunk, finish, plain, reason, say, sse, usage

in_both_modes = pytest.mark.parametrize("mode", both)


@dataclass(frozen=True)
class End:
    """An ending of an answer, and what is to come of it."""

    stream: list[bytes]
    plain: bytes | None = None
    error: type[errors.DeepSeekV4Error] | None = None
    finish: str | None = None
    raw: str | None = None
    text: str = ""
    reasoning: str | None = None
    calls: tuple[tuple[str, str], ...] = ()
    cut: tuple[tuple[str, str], ...] = ()
    server: str = "vllm"


def texts(word: str, kind: str, error: type[errors.DeepSeekV4Error] | None = None) -> End:
    return End([say("Hi"), finish(word), DONE], plain(word, content="Hi"), error, kind, word, "Hi")


def ended(word: str) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {}, "finish_reason": word}]}


WEATHER, TIME = {"id": "a", "name": "weather"}, {"id": "b", "name": "time"}
FULL, CUT = '{"city": "Paris"}', '{"city": "Par'
TWO = (("weather", FULL), ("time", "{}"))
two_calls = [call(0, "a", "weather"), call(0, arguments=FULL), call(1, "b", "time"), call(1, arguments="{}")]
two_plain = [{**WEATHER, "arguments": FULL}, {**TIME, "arguments": "{}"}]
one_of_two = [call(0, "a", "weather"), call(0, arguments=FULL), call(1, "b", "time")]

ENDS: dict[str, End] = {
    "stop": texts("stop", "stop"),
    "length": texts("length", "length"),
    "content filter": texts("content_filter", "content_filter"),
    "repetition": texts("repetition", "repetition"),
    "an unknown word": texts("sensitive", "other"),
    "abort": texts("abort", "abort", errors.StreamInterruptedError),
    "error": texts("error", "abort", errors.StreamInterruptedError),
    "no resources": texts("insufficient_system_resource", "abort", errors.StreamInterruptedError),
    **{
        word: texts(word, "abort", errors.StreamInterruptedError)
        for word in (
            "canceled",
            "cancelled",
            "aborted",
            "timeout",
            "network_error",
            "failed",
            "CANCELLED",
            "interrupted",
        )
    },
    "cancelled behind a call": End(
        [call(0, "a", "weather", FULL), finish("cancelled"), DONE],
        plain("cancelled", [{**WEATHER, "arguments": FULL}]),
        errors.StreamInterruptedError,
        "abort",
        "cancelled",
        cut=(("weather", FULL),),
        server="sglang",
    ),
    "cancelled in the second call": End(
        [*two_calls, finish("timeout"), DONE],
        plain("timeout", two_plain),
        errors.StreamInterruptedError,
        "abort",
        "timeout",
        calls=TWO[:1],
        cut=TWO[1:],
    ),
    "cancelled, as Dynamo tells when asked": End(
        [say("Hi"), sse({**FRAME, "nvext": {"detailed_finish_reason": "cancelled"}, **ended("stop")}), DONE],
        error=errors.StreamInterruptedError,
        finish="abort",
        raw="cancelled",
        text="Hi",
        server="dynamo",
    ),
    "stopped, as Dynamo tells when asked": End(
        [say("Hi"), sse({**FRAME, "nvext": {"detailed_finish_reason": "eos"}, **ended("stop")}), DONE],
        finish="stop",
        raw="stop",
        text="Hi",
        server="dynamo",
    ),
    "no finish reason": End([say("Hi"), DONE], plain(None, content="Hi"), errors.StreamInterruptedError, text="Hi"),
    "nothing but the end": End([DONE], error=errors.StreamInterruptedError),
    "nothing at all": End([], error=errors.StreamInterruptedError),
    "comments alone": End([b": keep-alive\n\n"] * 3, error=errors.StreamInterruptedError),
    "a role and the end": End([chunk({"role": "assistant", "content": ""})], error=errors.StreamInterruptedError),
    "broken off in the text": End([say("Hi")], error=errors.StreamInterruptedError, text="Hi"),
    "broken off in an event": End([say("Hi"), say("there")[:-20]], error=errors.StreamInterruptedError, text="Hi"),
    "broken off in a call": End(
        [call(0, "a", "weather", CUT)], error=errors.StreamInterruptedError, cut=(("weather", CUT),)
    ),
    "broken off behind a call": End(
        [call(0, "a", "weather", FULL)], error=errors.StreamInterruptedError, calls=(("weather", FULL),)
    ),
    "no end behind the finish reason": End([say("Hi"), finish("stop")], finish="stop", raw="stop", text="Hi"),
    "a finish reason is not taken back": End(
        [say("Hi"), finish("length"), finish("stop"), finish(None), DONE], finish="length", raw="length", text="Hi"
    ),
    "finish reason beside the last piece": End(
        [chunk({"content": "Hi"}, finish_reason="stop"), DONE], finish="stop", raw="stop", text="Hi"
    ),
    "empty turn": End([finish("stop"), DONE], plain("stop", content=""), errors.EmptyTurnError, "stop", "stop"),
    "blanks alone": End(
        [say(" \n"), finish("stop"), DONE], plain("stop", content=" \n"), errors.EmptyTurnError, "stop", "stop", " \n"
    ),
    "reasoning alone": End(
        [reason("Hm."), finish("stop"), DONE],
        plain("stop", reasoning="Hm."),
        errors.EmptyTurnError,
        "stop",
        "stop",
        reasoning="Hm.",
    ),
    "cut inside reasoning": End(
        [reason("Hm"), reason(", so"), finish("length"), DONE],
        plain("length", reasoning_content="Hm, so"),
        errors.ReasoningExhaustedError,
        "length",
        "length",
        reasoning="Hm, so",
    ),
    "cut before anything": End([finish("length"), DONE], plain("length"), errors.EmptyTurnError, "length", "length"),
    "calls": End(
        [*two_calls, finish("tool_calls"), DONE],
        plain("tool_calls", two_plain),
        finish="tool_calls",
        raw="tool_calls",
        calls=TWO,
    ),
    "calls that end with stop": End(
        [*two_calls, finish("stop"), DONE], plain("stop", two_plain), finish="tool_calls", raw="stop", calls=TWO
    ),
    "calls that end with function_call": End(
        [*two_calls, finish("function_call"), DONE],
        plain("function_call", two_plain),
        finish="tool_calls",
        raw="function_call",
        calls=TWO,
    ),
    "whole calls at the limit": End(
        [say("Hi"), call(0, "a", "weather", FULL), finish("length"), DONE],
        plain("length", [{**WEATHER, "arguments": FULL}], content="Hi"),
        finish="length",
        raw="length",
        text="Hi",
        calls=(("weather", FULL),),
        server="sglang",  # which leaves the JSON of a cut call open, so that a whole one is whole
    ),
    "a call cut in its arguments": End(
        [call(0, "a", "weather"), call(0, arguments=CUT), finish("length"), DONE],
        plain("length", [{**WEATHER, "arguments": CUT}]),
        errors.TruncatedToolCallError,
        "length",
        "length",
        cut=(("weather", CUT),),
    ),
    "a call cut before its arguments": End(
        [call(0, "a", "weather"), finish("length"), DONE],
        plain("length", [{**WEATHER, "arguments": ""}]),
        errors.TruncatedToolCallError,
        "length",
        "length",
        cut=(("weather", ""),),
    ),
    "the second of two calls cut": End(
        [*one_of_two, call(1, arguments="{"), finish("length"), DONE],
        plain("length", [{**WEATHER, "arguments": FULL}, {**TIME, "arguments": "{"}]),
        errors.TruncatedToolCallError,
        "length",
        "length",
        calls=(("weather", FULL),),
        cut=(("time", "{"),),
    ),
    "a call that an unknown word ended": End(
        [call(0, "a", "weather", CUT), finish("sensitive"), DONE],
        plain("sensitive", [{**WEATHER, "arguments": CUT}]),
        errors.TruncatedToolCallError,
        "other",
        "sensitive",
        cut=(("weather", CUT),),
    ),
    "a call without arguments": End(
        [call(0, "a", "weather"), finish("tool_calls"), DONE],
        plain("tool_calls", [{**WEATHER, "arguments": ""}]),
        finish="tool_calls",
        raw="tool_calls",
        calls=(("weather", ""),),
    ),
    "arguments that are no JSON": End(
        [call(0, "a", "weather", '{"days": many}'), finish("tool_calls"), DONE],
        plain("tool_calls", [{**WEATHER, "arguments": '{"days": many}'}]),
        finish="tool_calls",
        raw="tool_calls",
        calls=(("weather", '{"days": many}'),),
    ),
    "a call without a name": End(
        [call(0, "a", arguments="{}"), finish("tool_calls"), DONE],
        plain("tool_calls", [{"id": "a", "arguments": "{}"}]),
        errors.LostToolCallError,
        "tool_calls",
        "tool_calls",
        calls=(("", "{}"),),
    ),
    "calls that never came": End(
        [say("Hi"), finish("tool_calls"), DONE],
        plain("tool_calls", content="Hi"),
        errors.LostToolCallError,
        "tool_calls",
        "tool_calls",
        "Hi",
    ),
}


def check(outcome: Outcome, end: End) -> None:
    assert type(outcome.error) is (end.error or type(None)), outcome.error
    reply = outcome.partial if end.error else outcome.answered
    assert (reply.text, reply.reasoning) == (end.text, end.reasoning)
    assert (reply.finish_reason, reply.raw_finish_reason) == (end.finish, end.raw)
    assert tuple((made.name, made.arguments) for made in reply.tool_calls) == end.calls
    assert tuple((made.name, made.arguments) for made in reply.partial_tool_calls) == end.cut


@in_both_modes
@pytest.mark.parametrize("case", ENDS)
def test_streamed(case: str, mode: Mode) -> None:
    check(ask(answer(*ENDS[case].stream), ENDS[case].server, mode), ENDS[case])


@in_both_modes
@pytest.mark.parametrize("case", [case for case, end in ENDS.items() if end.plain is not None])
def test_plain(case: str, mode: Mode) -> None:
    body = ENDS[case].plain
    assert body is not None
    check(ask(answer(body, headers=JSON), ENDS[case].server, mode, wire="plain"), ENDS[case])


CLOSED = {
    "no parameter had come": "{}",
    "one of two had come": '{"city": "Paris"}',
}


@in_both_modes
@pytest.mark.parametrize("arguments", CLOSED.values(), ids=CLOSED)
def test_vllm_writes_a_cut_call_as_a_whole_one(arguments: str, mode: Mode) -> None:
    # 0.32: streamed with "length", plain even with "tool_calls": there the number of tokens alone tells
    calls = [{**WEATHER, "arguments": FULL}, {**TIME, "arguments": arguments}]
    streamed = answer(call(0, "a", "weather", FULL), call(1, "b", "time", arguments), finish("length"), DONE)
    counted = b'"usage": {"prompt_tokens": 9, "completion_tokens": 20, "total_tokens": 29}'
    whole = answer(plain("tool_calls", calls).replace(b'"usage": null', counted), headers=JSON)
    for outcome in (ask(streamed, mode=mode), ask(whole, mode=mode, wire="plain", max_tokens=20)):
        assert type(outcome.error) is errors.TruncatedToolCallError
        assert [made.name for made in outcome.partial.tool_calls] == ["weather"]
        assert [(made.name, made.arguments) for made in outcome.partial.partial_tool_calls] == [("time", arguments)]
    below = ask(whole, mode=mode, wire="plain", max_tokens=21)
    assert [made.name for made in below.answered.tool_calls] == ["weather", "time"]


@in_both_modes
def test_a_call_without_arguments_is_whole_where_cut_ones_are_left_open(mode: Mode) -> None:
    outcome = ask(answer(call(0, "b", "time", "{}"), finish("length"), DONE), "sglang", mode)
    assert [made.parsed for made in outcome.answered.tool_calls] == [{}]


NO_ANSWERS: dict[str, tuple[bytes, dict[str, str]]] = {
    "a web page": (b"<html><title>Bad gateway</title></html>", {"content-type": "text/html"}),
    "an empty body": (b"", JSON),
    "a JSON text": (b'"ok"', JSON),
    "no choices": (b'{"id": "x", "choices": []}', JSON),
    "half a JSON": (plain("stop", content="Hi")[:-9], JSON),
    "choices that are no list": (b'{"choices": {}}', JSON),
    "a text as a choice": (b'{"choices": ["Hi"]}', JSON),
    "text that is no text": (plain("stop", content={"en": "Hi"}), JSON),
}


@in_both_modes
@pytest.mark.parametrize("case", NO_ANSWERS)
def test_what_is_no_answer_is_a_server_error(case: str, mode: Mode) -> None:
    body, headers = NO_ANSWERS[case]
    error = ask(answer(body, headers=headers), mode=mode, wire="plain").error
    assert type(error) is errors.ServerError
    assert error.url is not None
    assert error.url in str(error)


BAD_EVENTS: dict[str, bytes] = {
    "no JSON": b"data: {oops}\n\n",
    "a list": b"data: [1]\n\n",
    "no UTF-8": b'data: {"choices": [], "id": "\xff"}\n\n',
    "an object as text": chunk({"content": {"en": "Hi"}}),
    "a delta that is no object": chunk("Hi"),  # type: ignore[arg-type]
    "calls that are no list": chunk({"tool_calls": {"index": 0}}),
}


@in_both_modes
@pytest.mark.parametrize("case", BAD_EVENTS)
def test_an_event_that_is_none(case: str, mode: Mode) -> None:
    first = ask(answer(BAD_EVENTS[case], say("Hi")), mode=mode)
    assert type(first.error) is errors.ServerError
    later = ask(answer(say("Hi"), BAD_EVENTS[case], say("more")), mode=mode)
    assert type(later.error) is errors.StreamInterruptedError
    assert later.partial.text == "Hi"


@in_both_modes
def test_an_event_that_is_too_large(mode: Mode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deepseek_v4_sdk.exchange.answer_reader.SSEDecoder", partial(SSEDecoder, 300))
    large = say("x" * 300)
    for blocks in ([say("Hi") + large], [say("Hi"), large], [say("Hi"), large[:200], large[200:]]):
        outcome = ask(answer(*blocks), mode=mode)
        assert type(outcome.error) is errors.StreamInterruptedError
        assert outcome.partial.text == "Hi"
    for blocks in ([large], [large[:-2]], [large[:100], large[100:-2]]):
        assert type(ask(answer(*blocks), mode=mode).error) is errors.ServerError


ERROR_EVENTS: dict[str, tuple[Any, type[errors.APIError], int | None, Any]] = {
    "vLLM": (
        {"error": {"message": "died", "type": "InternalServerError", "param": None, "code": 500}},
        errors.ServerError,
        500,
        "InternalServerError",
    ),
    "flat": ({"object": "error", "message": "full", "type": "503", "code": 503}, errors.OverloadedError, 503, "503"),
    "text": ({"error": "Unauthorized"}, errors.ServerError, None, None),
    "code as text": ({"error": {"message": "slow", "code": "429"}}, errors.RateLimitError, 429, "429"),
    "beside choices": ({"choices": [], "error": {"message": "bad", "code": 400}}, errors.BadRequestError, 400, 400),
    "no code": ({"error": {"message": "died", "type": "server_error"}}, errors.ServerError, None, "server_error"),
}


@in_both_modes
@pytest.mark.parametrize("case", ERROR_EVENTS)
def test_error_events_are_the_errors_they_are_over_http(case: str, mode: Mode) -> None:
    payload, kind, status, code = ERROR_EVENTS[case]
    for before in ([], [reason("Hm."), say("Hi"), call(0, "a", "weather", CUT)]):
        error = ask(answer(*before, sse(payload), usage(3, 1), DONE), mode=mode).error
        assert type(error) is kind
        assert (error.status_code, error.code) == (status, code)
        assert error.partial is not None
        assert (error.partial.text, error.partial.reasoning) == (("Hi", "Hm.") if before else ("", None))
        assert [made.arguments for made in error.partial.partial_tool_calls] == ([CUT] if before else [])


@in_both_modes
@pytest.mark.parametrize("case", ERROR_EVENTS)
def test_an_error_in_a_plain_answer_of_status_200(case: str, mode: Mode) -> None:
    payload, kind, status, _ = ERROR_EVENTS[case]
    error = ask(answer(sse(payload)[6:], headers=JSON), mode=mode, wire="plain").error
    assert type(error) is kind
    assert error.status_code == status


@in_both_modes
def test_a_stream_may_be_asked_for_and_a_plain_answer_come(mode: Mode) -> None:
    assert ask(answer(plain("stop", content="Hi"), headers=JSON), mode=mode).answered.text == "Hi"
    capital = {"content-type": "Text/Event-Stream"}
    assert ask(answer(say("Hi"), finish("stop"), headers=capital), mode=mode).answered.text == "Hi"
