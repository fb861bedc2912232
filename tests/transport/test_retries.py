"""Retries, where `tests/client/test_retries.py` leaves gaps: overload texts, bounds of waits, attempts, restarts."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from typing import Any

import httpx
import pytest

from deepseek_v4_sdk import (
    DeepSeekV4Error,
    Finished,
    GatewayTimeoutError,
    InvalidRequestError,
    OverloadedError,
    PhaseTimeoutError,
    RateLimitError,
    ServerError,
    StreamInterruptedError,
    StreamRestarted,
    TextDelta,
    TruncatedToolCallError,
    Usage,
)
from deepseek_v4_sdk.call.retry import RetryPolicy
from deepseek_v4_sdk.providers import PROVIDER_NAMES, find_provider
from tests.support.calls import chat
from tests.support.calls import in_each_mode as on_sockets
from tests.support.hostile_server import HEAD, HostileServer, chunk_of
from tests.support.modes import connect, in_both_modes
from tests.support.replay import JSON, Mode, Played, Replay, ServerAnswer, Wait, answer, async_client_for, client_for
from tests.support.wire import DONE, FRAME, call, chunk, finish, plain, reason, say, sse, usage

RESET = httpx.ReadError("reset")


def hello() -> ServerAnswer:
    return answer(say("Hi"), finish("stop"), DONE)


def refused(status: int, message: str = "no", **headers: str) -> ServerAnswer:
    body = json.dumps({"error": {"message": message}}).encode()
    return answer(body, status=status, headers={**JSON, **headers})


OVERLOADS = (
    "ResourceExhausted: Worker local total request limit reached (71/32)",
    "Service temporarily overloaded",
    "total request limit reached",
)


@in_both_modes
@pytest.mark.parametrize("text", OVERLOADS)
@pytest.mark.parametrize("form", ["status 400", "status 200", "error event", "flat event"])
def test_words_of_overload_are_tried_again_whatever_their_status(text: str, form: str, mode: Mode) -> None:
    first = {
        "status 400": refused(400, text),
        "status 200": answer(json.dumps({"error": {"message": text}}).encode(), headers=JSON),
        "error event": answer(sse({"error": {"message": text}}), DONE),
        "flat event": answer(sse({"object": "error", "message": text}), DONE),
    }[form]
    reply = connect(mode, Replay(first, hello())).chat("x")
    assert [attempt.error for attempt in reply.attempts] == ["OverloadedError", None]


@pytest.mark.parametrize("wire", ["stream", "plain"])
@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_both_wires_are_tried_again(status: int, wire: str) -> None:
    good = hello() if wire == "stream" else answer(plain("stop", content="Hi"), headers=JSON)
    assert len(client_for(Replay(refused(status), good)).chat("x", wire=wire).attempts) == 2


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 409, 410, 413, 422, 501, 505, 525])
def test_the_list_of_statuses_is_closed(status: int) -> None:
    replay = Replay(refused(status), hello())
    with pytest.raises(DeepSeekV4Error):
        client_for(replay).chat("x")
    assert len(replay.paths) == 1


FIRST_EVENTS = {
    "reasoning": reason("Hm."),
    "text": say("Hi"),
    "a call": call(0, "a", "now"),
}
EMPTY_EVENTS = {
    "a role": chunk({"role": "assistant", "content": ""}),
    "a role alone": chunk({"role": "assistant"}),
    "a count": usage(1, 0),
    "nothing": chunk({}) + chunk({"content": None, "reasoning": ""}),
    "no choices": sse({**FRAME, "choices": []}),
    "an empty event": b"data:\n\n" + b"data: {}\n\n",
    "a ping": b'event: ping\ndata: {"at": 5}\n\n' + sse({"type": "ping"}),
}


@pytest.mark.parametrize("event", FIRST_EVENTS)
def test_once_any_event_was_received_nothing_is_tried_again(event: str) -> None:
    """Also when nothing of it was given to the caller: the server has begun to work, and may bill it."""
    replay = Replay(answer(FIRST_EVENTS[event], RESET), hello())
    with pytest.raises(StreamInterruptedError):
        client_for(replay).chat("x")
    assert len(replay.paths) == 1


@in_both_modes
@pytest.mark.parametrize("event", EMPTY_EVENTS)
def test_after_events_that_say_nothing_it_is_tried_again(event: str, mode: Mode) -> None:
    """A gateway sends them at once, to keep the connection open; of an answer nothing has come."""
    replay = Replay(answer(EMPTY_EVENTS[event], RESET), hello())
    reply = connect(mode, replay).chat("x")
    assert [attempt.error for attempt in reply.attempts] == ["ConnectionFailedError", None]


def test_an_early_end_is_told_with_the_time_it_took() -> None:
    with pytest.raises(DeepSeekV4Error, match=r"after 61\.0 s.*nothing of an answer had arrived"):
        client_for(Replay(answer(Wait(61), RESET)), max_retries=0).chat("x")


def waits(error: DeepSeekV4Error, attempt: int, **policy: Any) -> list[float]:
    found = [RetryPolicy(**{"max_retries": 99, **policy}).wait(error, attempt, at / 400) for at in range(400)]
    return [wait for wait in found if wait is not None]


@pytest.mark.parametrize(("attempt", "bound"), [(1, 0.5), (2, 1), (3, 2), (6, 16), (7, 20), (30, 20)])
def test_waits_are_drawn_evenly_below_a_bound_that_doubles(attempt: int, bound: float) -> None:
    found = waits(ServerError("x", status_code=500), attempt)
    assert len(found) == 400
    assert 0.05 <= min(found) < bound * 0.2
    assert bound * 0.9 < max(found) <= bound


@in_both_modes
@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    "hint", ["0", "0.0", "-0", "-5", "0.000001", "Wed, 21 Oct 2015 07:28:00 GMT", "soon", "", "nan", "-inf"]
)
def test_a_hint_that_is_no_time_still_backs_off(hint: str, status: int, mode: Mode) -> None:
    replay = Replay(*[refused(status, **{"retry-after": hint})] * 3)
    with pytest.raises(DeepSeekV4Error) as caught:
        connect(mode, replay).chat("x")
    _, second, third = caught.value.attempts
    assert 0.05 <= second.waited <= 0.5
    assert 0.05 <= third.waited <= 1


@pytest.mark.parametrize("provider", PROVIDER_NAMES)
def test_only_nvidias_429_may_wait_for_a_minute(provider: str) -> None:
    cap = find_provider(provider).data.rate_limit_cap
    assert cap == (60 if provider == "nvidia" else 20)
    terms = client_for(Replay(), provider, model="m" if provider != "deepseek" else "pro")._call_settings()
    assert terms.policy.rate_limit_cap == cap
    limited = RateLimitError("x", status_code=429)
    assert cap * 0.9 < max(waits(limited, 12, rate_limit_cap=cap)) <= cap
    assert max(waits(OverloadedError("x", status_code=503), 12, rate_limit_cap=cap)) <= 20


@in_both_modes
@pytest.mark.parametrize("hint", ["120", "121"])
def test_two_minutes_are_the_longest_hint_that_is_kept(hint: str, mode: Mode) -> None:
    replay = Replay(refused(429, **{"retry-after": hint}), hello())
    if hint == "120":
        assert connect(mode, replay).chat("x").attempts[1].waited == 120
        return
    with pytest.raises(RateLimitError) as caught:
        connect(mode, replay).chat("x")
    assert caught.value.retry_after == 121


@in_both_modes
def test_the_total_ends_before_a_wait_that_would_outlast_it(mode: Mode) -> None:
    replay = Replay(refused(503, **{"retry-after": "30"}), hello())
    with pytest.raises(OverloadedError) as caught:
        connect(mode, replay, timeout=30.0).chat("x")
    assert len(caught.value.attempts) == 1
    assert caught.value.attempts[0].seconds == 0


@in_both_modes
def test_an_attempt_after_a_wait_has_only_what_is_left_of_the_total(mode: Mode) -> None:
    replay = Replay(refused(503, **{"retry-after": "20"}), answer(Wait(50), say("Hi"), finish("stop"), DONE))
    with pytest.raises(PhaseTimeoutError) as caught:
        connect(mode, replay, timeout=60.0).chat("x")
    assert (caught.value.phase, caught.value.seconds) == ("total", 60)
    assert [attempt.waited for attempt in caught.value.attempts] == [0, 20]
    assert caught.value.attempts[1].seconds == pytest.approx(40)


@in_both_modes
def test_an_attempt_says_cause_wait_status_id_and_count(mode: Mode) -> None:
    first = answer(Wait(3), say("Hi"), usage(11, 4), sse({"error": {"message": "died", "code": 500}}), DONE)
    replay = Replay(refused(503, **{"retry-after": "7", "x-request-id": "of-the-server"}), first)
    with pytest.raises(ServerError) as caught:
        connect(mode, replay).chat("x")
    one, two = caught.value.attempts
    assert (one.number, one.status, one.error, one.waited) == (1, 503, "OverloadedError", 0)
    assert (one.request_id, one.usage) == ("of-the-server", None)
    assert (two.number, two.status, two.error, two.waited, two.seconds) == (2, 200, "ServerError", 7, 3)
    assert two.usage == Usage(prompt_tokens=11, completion_tokens=4, total_tokens=15)
    assert two.request_id
    assert two.request_id.endswith("-2")
    assert caught.value.request_id == two.request_id


@pytest.mark.anyio
@pytest.mark.parametrize("where", ["wait", "read"])
async def test_cancellation_is_not_swallowed(where: str) -> None:
    """Neither while a wait goes on nor while a read does; a real clock, so that there is something to cancel."""

    def serve(connection: socket.socket, server: HostileServer) -> None:
        server.hear(connection)
        if where == "wait":
            connection.sendall(b"HTTP/1.1 503 X\r\nretry-after: 60\r\ncontent-length: 0\r\n\r\n")
        server.ended.wait(30)

    with HostileServer(serve) as server:
        started = time.monotonic()
        asking = asyncio.create_task(_chat(server.url))
        await asyncio.sleep(0.5)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert len(server.requests) == 1
    assert time.monotonic() - started < 5


async def _chat(url: str) -> None:
    from deepseek_v4_sdk import AsyncDeepSeekV4

    async with AsyncDeepSeekV4("vllm", base_url=url, model="m") as client:
        await client.chat("x")


@on_sockets
def test_a_kept_connection_that_is_reset_under_a_request_is_tried_again(mode: str) -> None:
    """The server closes an idle connection just when it is used: the request is lost, and nothing was begun."""

    def serve(connection: socket.socket, server: HostileServer) -> None:
        for _ in range(2):
            server.hear(connection)
            if server.connections == 1 and len(server.requests) == 2:
                return
            body = b"".join(chunk_of(block) for block in (say("Hi"), finish("stop"), DONE))
            connection.sendall(HEAD + body + b"0\r\n\r\n")

    with HostileServer(serve) as server:
        reply = chat(mode, server.url, times=2, max_retries=1)
        assert len(server.requests) == 3
        assert server.connections == 2
    assert [attempt.error for attempt in reply.attempts] == ["ConnectionFailedError", None]


BROKEN: dict[str, tuple[ServerAnswer, str]] = {
    "reset": (answer(reason("Hm."), say("Hel"), RESET), "StreamInterruptedError"),
    "an early end": (answer(say("Hel")), "StreamInterruptedError"),
    "an abort": (answer(say("Hel"), finish("abort"), DONE), "StreamInterruptedError"),
    "no JSON": (answer(say("Hel"), b"data: oops\n\n"), "StreamInterruptedError"),
    "overload": (answer(say("Hel"), sse({"error": {"message": "", "code": 503}}), DONE), "OverloadedError"),
    "silence": (answer(say("Hel"), Wait(500)), "PhaseTimeoutError"),
    "inside a call": (answer(say("Hel"), call(0, "a", "f", '{"x'), RESET), "StreamInterruptedError"),
}
PARTS = [reason("So."), say("Hello"), finish("stop"), usage(3, 2), DONE]


@in_both_modes
@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_answer_is_begun_anew_when_asked_for(case: str, mode: Mode) -> None:
    broken, kind = BROKEN[case]
    reply = connect(mode, Replay(broken, answer(*PARTS))).chat("x", on_interrupt="restart")
    assert (reply.text, reply.reasoning, reply.tool_calls, reply.finish_reason) == ("Hello", "So.", (), "stop")
    assert [attempt.error for attempt in reply.attempts] == [kind, None]
    assert reply.usage.completion_tokens == 2


def test_a_stream_tells_of_the_new_beginning() -> None:
    broken, _ = BROKEN["inside a call"]
    with client_for(Replay(broken, answer(*PARTS))).stream("x", on_interrupt="restart") as stream:
        events = list(stream)
    (place,) = [place for place, event in enumerate(events) if isinstance(event, StreamRestarted)]
    restarted = events[place]
    assert isinstance(restarted, StreamRestarted)
    partial = restarted.error.partial
    assert partial is not None
    assert (partial.text, partial.partial_tool_calls[0].name) == ("Hel", "f")
    assert [event.type for event in events[place + 1 :]] == ["reasoning_delta", "text_delta", "finished"]
    assert events[-1] == Finished(stream.reply())


@pytest.mark.anyio
async def test_an_async_stream_does_too() -> None:
    replay = Replay(BROKEN["reset"][0], BROKEN["silence"][0], answer(*PARTS))
    async with async_client_for(replay).stream("x", on_interrupt="restart") as stream:
        events = [event async for event in stream]
    assert [event.type for event in events].count("stream_restarted") == 2
    assert replay.open == 0
    assert [event.text for event in events if isinstance(event, TextDelta)] == ["Hel", "Hel", "Hello"]
    assert (await stream.reply()).text == "Hello"


def test_texts_alone_could_not_tell_of_it() -> None:
    with client_for(Replay(answer(*PARTS))).stream("x", on_interrupt="restart") as stream:
        with pytest.raises(InvalidRequestError, match="iterate over the events"):
            next(stream.text_deltas())
        assert stream.reply().text == "Hello"


@pytest.mark.anyio
async def test_nor_could_those_of_an_async_stream() -> None:
    async with async_client_for(Replay(answer(*PARTS))).stream("x", on_interrupt="restart") as stream:
        with pytest.raises(InvalidRequestError, match="iterate over the events"):
            await anext(stream.text_deltas())


@in_both_modes
def test_new_beginnings_count_as_retries(mode: Mode) -> None:
    replay = Replay(*[BROKEN["reset"][0]] * 5)
    with pytest.raises(StreamInterruptedError) as caught:
        connect(mode, replay, max_retries=2).chat("x", on_interrupt="restart")
    assert len(replay.paths) == len(caught.value.attempts) == 3
    assert caught.value.partial is not None
    assert caught.value.partial.text == "Hel"


NOT_BROKEN: dict[str, tuple[ServerAnswer, type[DeepSeekV4Error]]] = {
    "the total timer": (answer(say("Hel"), *[Wait(100), say("lo")] * 9), PhaseTimeoutError),
    "a cut call": (answer(call(0, "a", "f", '{"x'), finish("length"), DONE), TruncatedToolCallError),
}


@pytest.mark.parametrize("case", NOT_BROKEN)
def test_what_is_not_begun_anew(case: str) -> None:
    served, kind = NOT_BROKEN[case]
    replay = Replay(served, answer(*PARTS))
    with pytest.raises(kind):
        client_for(replay, timeout=500.0).chat("x", on_interrupt="restart")
    assert len(replay.paths) == 1


def test_without_being_asked_for_nothing_is_begun_anew() -> None:
    replay = Replay(BROKEN["reset"][0], answer(*PARTS))
    with pytest.raises(StreamInterruptedError):
        client_for(replay).chat("x")
    assert len(replay.paths) == 1


def test_a_gateway_that_gave_up_is_named() -> None:
    with pytest.raises(GatewayTimeoutError) as caught:
        client_for(Replay(*[answer(status=504, headers={"nvcf-reqid": "r-1"})] * 3), "sglang").chat("x")
    assert caught.value.request_id == "r-1"


def test_entering_a_stream_means_that_the_chat_was_accepted_not_a_question_before_it() -> None:
    """A NIM is asked for its models first; the refusal of the chat is still raised on entering."""
    listed = answer(b'{"data": [{"id": "m"}]}', headers=JSON)
    from deepseek_v4_sdk import DeepSeekV4

    client = DeepSeekV4(Played("nim", Replay(listed, refused(401))))
    with pytest.raises(DeepSeekV4Error) as caught, client.stream("x"):
        pytest.fail("the block was entered")
    assert caught.value.attempts[-1].status == 401
