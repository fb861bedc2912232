"""Chats on both wires and what stands on a reply; models, health and readiness; errors that travel."""

from __future__ import annotations

import asyncio
import gc
import json
import pickle
import threading
from typing import Any

import httpx
import pytest

from deepseek_v4_sdk import (
    AsyncChatStream,
    AuthenticationError,
    DeepSeekV4Error,
    InvalidRequestError,
    InvalidToolArgumentsError,
    ModelNotFoundError,
    PhaseTimeoutError,
    ReasoningDelta,
    ServerError,
    TruncatedToolCallError,
)
from tests.support.modes import connect, in_both_modes
from tests.support.replay import JSON, MODEL, Mode, Part, Replay, ServerAnswer, Wait, answer, async_client_for
from tests.support.wire import DONE, call, finish, plain, reason, say, usage

TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
FULL: list[Part] = [reason("Hm."), say("Hi"), call(0, "a", "f", '{"n": 1}'), finish("tool_calls"), usage(9, 5), DONE]
UP = answer(headers={})


def failing(status: int) -> ServerAnswer:
    return answer(b'{"error": {"message": "no"}}', status=status, headers=JSON)


@in_both_modes
def test_both_wires_give_the_same(mode: Mode) -> None:
    whole = plain(
        "tool_calls", [{"id": "a", "name": "f", "arguments": '{"n": 1}'}], content="Hi", reasoning="Hm."
    ).replace(b'"usage": null', b'"usage": {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14}')
    streamed = connect(mode, Replay(answer(*FULL))).chat("x", tools=[TOOL])
    plainly = connect(mode, Replay(answer(whole, headers=JSON))).chat("x", tools=[TOOL], wire="plain")
    for name in ("text", "reasoning", "tool_calls", "finish_reason", "usage", "model", "id", "message"):
        assert getattr(streamed, name) == getattr(plainly, name)
    assert plainly.raw["object"] == "chat.completion"


@in_both_modes
def test_what_stands_on_a_reply(mode: Mode) -> None:
    served = answer(*FULL, headers={"Content-Type": "text/event-stream", "X-Request-Id": "r-7", "X-Other": "o"})
    notes = {"tenant": 7}
    reply = connect(mode, Replay(served)).chat("x", metadata=notes, max_tokens=99)
    assert reply.metadata == notes
    assert (reply.provider, reply.flavor, reply.requested_model, reply.model) == ("vllm", "vllm", MODEL, "m")
    assert (reply.request_id, reply.headers["x-other"]) == ("r-7", "o")
    assert reply.max_tokens_sent == 99
    assert reply.repairs == ()
    (attempt,) = reply.attempts
    assert (attempt.number, attempt.status, attempt.error, attempt.request_id) == (1, 200, None, "r-7")
    assert reply.raw["usage"] == {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14}


@in_both_modes
def test_a_reply_is_plain_values(mode: Mode) -> None:
    reply = connect(mode, Replay(answer(*FULL))).chat("x", metadata={"a": [1]})
    told = json.loads(json.dumps(reply.to_dict()))
    assert (told["text"], told["reasoning"], told["finish_reason"]) == ("Hi", "Hm.", "tool_calls")
    assert told["tool_calls"] == [{"id": "a", "name": "f", "arguments": '{"n": 1}'}]
    assert told["usage"]["total_tokens"] == 14
    assert told["metadata"] == {"a": [1]}
    assert pickle.loads(pickle.dumps(reply)) == reply


@in_both_modes
def test_notes_may_be_anything(mode: Mode) -> None:
    notes = {"lock": threading.Lock()}
    reply = connect(mode, Replay(answer(*FULL))).chat("x", metadata=notes)
    told = reply.to_dict()["metadata"]
    assert told == notes
    assert told["lock"] is notes["lock"]


def errors_of_all_kinds(mode: Mode) -> list[DeepSeekV4Error]:
    found: list[DeepSeekV4Error] = []
    asked: list[tuple[Any, dict[str, Any]]] = [
        (failing(401), {}),
        (answer(b"{}", status=429, headers={**JSON, "retry-after": "300"}), {}),
        (httpx.ConnectError("refused"), {}),
        (answer(Wait(9999)), {}),
        (answer(call(0, "a", "f", "{"), finish("length")), {}),
        (answer(say("Hi")), {"metadata": {"a": 1}}),
        (answer(), {"temperature": -1}),
        (answer(), {"overflow": "fit"}),
    ]
    for served, options in asked:
        with pytest.raises(DeepSeekV4Error) as caught:
            connect(mode, Replay(served), max_retries=0).chat("x", **options)
        found.append(caught.value)
    return found


@in_both_modes
def test_errors_travel_between_processes(mode: Mode) -> None:
    for error in errors_of_all_kinds(mode):
        copy = pickle.loads(pickle.dumps(error))
        assert type(copy) is type(error)
        assert str(copy) == str(error)
        assert vars(copy) == vars(error)
    assert len({type(error) for error in errors_of_all_kinds(mode)}) == 8


@in_both_modes
def test_wrong_arguments_of_a_call_are_told_by_the_call(mode: Mode) -> None:
    for arguments in ("[1]", "{", '{"a": NaN}', '{"a": 1e999}', '{"a": [-1E400]}', '"x"', "7"):
        reply = connect(mode, Replay(answer(call(0, "a", "f", arguments), finish("tool_calls")))).chat("x")
        (made,) = reply.tool_calls
        assert made.error is not None
        assert made.arguments == arguments
        with pytest.raises(InvalidToolArgumentsError) as caught:
            _ = made.parsed
        assert pickle.loads(pickle.dumps(caught.value)).call == made


@in_both_modes
def test_what_was_whole_of_a_cut_answer_is_there(mode: Mode) -> None:
    parts = [reason("Hm."), call(0, "a", "f", "{}"), call(1, "b", "g", '{"x'), finish("length"), usage(9, 5), DONE]
    with pytest.raises(TruncatedToolCallError, match=r"'g'.*max_tokens") as caught:
        connect(mode, Replay(answer(*parts))).chat("x")
    partial = caught.value.partial
    assert partial is not None
    assert [made.name for made in partial.tool_calls] == ["f"]
    assert [(made.name, made.arguments) for made in partial.partial_tool_calls] == [("g", '{"x')]
    assert (partial.reasoning, partial.usage.completion_tokens) == ("Hm.", 5)


@in_both_modes
def test_models(mode: Mode) -> None:
    listed = {
        "object": "list",
        "data": [{"id": "a", "max_model_len": 7, "owned_by": "vllm"}, {"id": "b", "parent": "a"}],
    }
    first, second = connect(mode, Replay(answer(json.dumps(listed).encode(), headers=JSON))).models()
    assert (first.id, first.context_window, first.owned_by, first.parent) == ("a", 7, "vllm", None)
    assert (second.id, second.context_window, second.parent) == ("b", None, "a")


@in_both_modes
@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'{"data": [7]}', b"[]"])
def test_what_is_no_list_of_models(body: bytes, mode: Mode) -> None:
    with pytest.raises(ServerError, match="http://vllm"):
        connect(mode, Replay(*[answer(body, headers=JSON)] * 3)).models()  # an empty one is asked for again


@in_both_modes
def test_health(mode: Mode) -> None:
    up = connect(mode, Replay(answer(headers={}))).health()
    assert (up.ok, up.status, up.detail, bool(up)) == (True, 200, "", True)
    down = connect(mode, Replay(failing(503))).health()
    assert (down.ok, down.status, bool(down)) == (False, 503, False)
    assert "503" in down.detail
    gone = connect(mode, Replay(httpx.ConnectError("refused"))).health()
    assert (gone.ok, gone.status) == (False, None)
    assert "refused" in gone.detail
    hangs = connect(mode, Replay(answer(Wait(9999), headers={}))).health()
    assert (hangs.ok, hangs.seconds) == (False, 30)


@in_both_modes
def test_deep_health_asks_the_model(mode: Mode) -> None:
    replay = Replay(answer(say("yes"), finish("stop"), DONE))
    assert connect(mode, replay).health(deep=True).ok
    assert replay.paths == ["/v1/chat/completions"]
    assert connect(mode, Replay(answer(reason("Hm"), finish("length")))).health(deep=True).ok
    broken = connect(mode, Replay(answer(say("y")))).health(deep=True)
    assert not broken.ok
    assert not connect(mode, Replay(failing(500))).health(deep=True).ok


@in_both_modes
def test_ready_at_last(mode: Mode) -> None:
    replay = Replay(httpx.ConnectError("refused"), failing(503), httpx.ConnectError("refused"), UP)
    assert connect(mode, replay).wait_until_ready(60).ok
    assert len(replay.paths) == 4


@in_both_modes
def test_a_question_that_hangs_is_asked_again(mode: Mode) -> None:
    replay = Replay(answer(Wait(9999), headers={}), UP)
    assert connect(mode, replay).wait_until_ready(60).ok
    assert len(replay.paths) == 2


@in_both_modes
def test_never_ready(mode: Mode) -> None:
    replay = Replay(*[httpx.ConnectError("refused")] * 20)
    with pytest.raises(PhaseTimeoutError, match=r"not ready within 8 s.*refused") as caught:
        connect(mode, replay).wait_until_ready(8)
    assert (caught.value.phase, caught.value.seconds) == ("total", 8)
    assert len(replay.paths) == 8


@in_both_modes
@pytest.mark.parametrize("seconds", [3, 2.5, 0.2])
def test_it_waits_as_long_as_it_was_told(seconds: float, mode: Mode) -> None:
    clocks = []

    class Noting(Replay):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            clocks.append(request.extensions["deepseek_v4.deadline"].clock)
            return super().handle_request(request)

    with pytest.raises(PhaseTimeoutError):
        connect(mode, Noting(*[httpx.ConnectError("refused")] * 5)).wait_until_ready(seconds)
    assert clocks[0].now() == pytest.approx(seconds)


@in_both_modes
def test_giving_up_is_in_time_though_the_last_question_hangs(mode: Mode) -> None:
    elapsed = []

    class Noting(Replay):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            clock = request.extensions["deepseek_v4.deadline"].clock
            elapsed.append(clock)
            return super().handle_request(request)

    replay = Noting(*[httpx.ConnectError("refused")] * 5, answer(Wait(9999), headers={}))
    with pytest.raises(PhaseTimeoutError):
        connect(mode, replay).wait_until_ready(10)
    assert elapsed[-1].now() == 10


@in_both_modes
@pytest.mark.parametrize(("status", "kind"), [(401, AuthenticationError), (404, ModelNotFoundError)])
def test_what_waiting_will_not_change_is_told_at_once(status: int, kind: type[Exception], mode: Mode) -> None:
    replay = Replay(failing(status))
    with pytest.raises(kind):
        connect(mode, replay).wait_until_ready(600)
    assert len(replay.paths) == 1


@in_both_modes
def test_what_cannot_be_sent_is_not(mode: Mode) -> None:
    replay = Replay()
    client = connect(mode, replay)
    wrong: list[tuple[Any, dict[str, Any]]] = [
        ([], {}),
        ([{"role": "user"}], {}),
        ("x", {"max_tokens": 0}),
        ("x", {"colour": "red"}),
        ("x", {"extra_body": {"n": 2}}),
        ("x", {"extra_body": {"a": {1, 2}.__iter__}}),
        ("x", {"tool_choice": "f"}),
    ]
    for messages, options in wrong:
        with pytest.raises(InvalidRequestError):
            client.chat(messages, **options)
    assert replay.paths == []


def test_a_stream_that_is_forgotten_until_its_loop_has_ended() -> None:
    async def begin() -> AsyncChatStream:
        stream = async_client_for(Replay(answer(*FULL))).stream("x")
        assert await anext(stream) == ReasoningDelta("Hm.")
        return stream

    stream = asyncio.run(begin())
    del stream
    gc.collect()
