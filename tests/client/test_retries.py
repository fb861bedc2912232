"""What is tried again and what is not, how long is waited, and what a user sees of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from deepseek_v4_sdk import (
    APIError,
    BadRequestError,
    ConnectionFailedError,
    DeepSeekV4Error,
    OverloadedError,
    PhaseTimeoutError,
    RateLimitError,
    ServerError,
    StreamInterruptedError,
)
from tests.support.modes import connect, in_both_modes
from tests.support.replay import JSON, Mode, Replay, answer
from tests.support.wire import DONE, finish, say, sse

if TYPE_CHECKING:
    from tests.support.replay import ServerAnswer


def hello() -> ServerAnswer:
    return answer(say("Hi"), finish("stop"), DONE)


def refused(status: int, **headers: str) -> ServerAnswer:
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return answer(b'{"error": {"message": "no"}}', status=status, headers={**JSON, **told})


TRANSIENT: dict[str, Any] = {
    "500": refused(500),
    "502 with a page": answer(b"<html>", status=502, headers={"content-type": "text/html"}),
    "503": refused(503),
    "504 and nothing": answer(status=504),
    "408": refused(408),
    "429": refused(429),
    "no connection": httpx.ConnectError("refused"),
    "no connection in time": httpx.ConnectTimeout("slow"),
    "broken before the head": httpx.RemoteProtocolError("server disconnected"),
    "reset before any byte of the body": answer(httpx.ReadError("reset")),
    "nothing in the body": answer(),
    "the end alone": answer(DONE),
    "comments alone": answer(b": wait\n\n"),
    "an error event first": answer(sse({"error": {"message": "died", "code": 500}}), DONE),
}


@in_both_modes
@pytest.mark.parametrize("case", TRANSIENT)
def test_tried_again(case: str, mode: Mode) -> None:
    replay = Replay(TRANSIENT[case], hello())
    reply = connect(mode, replay).chat("x")
    assert reply.text == "Hi"
    assert [attempt.number for attempt in reply.attempts] == [1, 2]
    assert reply.attempts[0].error is not None
    assert reply.attempts[1].error is None
    assert reply.attempts[1].status == 200
    assert (reply.attempts[0].waited, 0 <= reply.attempts[1].waited <= 0.5) == (0, True)
    assert replay.open == 0


FINAL: dict[str, tuple[Any, type[DeepSeekV4Error]]] = {
    "400": (refused(400), BadRequestError),
    "422": (refused(422), BadRequestError),
    "a bad event": (answer(b"data: oops\n\n"), ServerError),
    "an error event without a status": (answer(sse({"error": {"message": "died"}})), ServerError),
    "an error event of the request's fault": (answer(sse({"error": {"message": "n", "code": 400}})), BadRequestError),
    "broken off after the first event": (answer(say("H")), StreamInterruptedError),
    "reset after the first event": (answer(say("H"), httpx.ReadError("reset")), StreamInterruptedError),
    "an error event after the first": (answer(say("H"), sse({"error": {"message": "", "code": 503}})), OverloadedError),
    "a redirect": (answer(status=307, headers={"location": "http://elsewhere"}), APIError),
}


@in_both_modes
@pytest.mark.parametrize("case", FINAL)
def test_not_tried_again(case: str, mode: Mode) -> None:
    served, kind = FINAL[case]
    replay = Replay(served, hello())
    with pytest.raises(kind) as caught:
        connect(mode, replay).chat("x")
    assert len(replay.paths) == len(caught.value.attempts) == 1
    assert caught.value.attempts[0].error == type(caught.value).__name__


@in_both_modes
def test_only_so_often(mode: Mode) -> None:
    for retries, requests in ((0, 1), (2, 3), (4, 5)):
        replay = Replay(*[refused(503)] * 9)
        with pytest.raises(OverloadedError) as caught:
            connect(mode, replay, max_retries=retries).chat("x")
        assert len(replay.paths) == requests
        assert [attempt.status for attempt in caught.value.attempts] == [503] * requests
        assert caught.value.partial is None
        assert caught.value.url is not None


@in_both_modes
def test_streams_are_retried_too_and_deliver_once(mode: Mode) -> None:
    client = connect(mode, Replay(refused(503), answer(DONE), hello()))
    if mode == "sync":
        with client.stream("x") as stream:
            assert [event.type for event in stream] == ["text_delta", "finished"]
        assert len(stream.reply().attempts) == 3
    else:
        assert len(client.chat("x").attempts) == 3


@in_both_modes
def test_the_server_says_how_long_to_wait(mode: Mode) -> None:
    reply = connect(mode, Replay(refused(429, retry_after="7"), refused(503, retry_after="0.5"), hello())).chat("x")
    assert [attempt.waited for attempt in reply.attempts] == [0, 7, 0.5]


@in_both_modes
def test_the_server_says_when_to_come_again(mode: Mode) -> None:
    when = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    reply = connect(mode, Replay(refused(429, retry_after=when), hello())).chat("x")
    assert 50 < reply.attempts[1].waited <= 60


@in_both_modes
@pytest.mark.parametrize("hint", ["121", "86400"])
def test_who_asks_for_too_long_is_not_waited_for(hint: str, mode: Mode) -> None:
    replay = Replay(refused(429, retry_after=hint), hello())
    with pytest.raises(RateLimitError) as caught:
        connect(mode, replay).chat("x")
    assert caught.value.retry_after == float(hint)
    assert len(replay.paths) == 1


@in_both_modes
@pytest.mark.parametrize("hint", ["soon", "", "-3", "nan", "inf", "Wed, 21 Oct 2020 07:28:00 -0000"])
def test_a_hint_that_is_none_is_passed_over(hint: str, mode: Mode) -> None:
    reply = connect(mode, Replay(refused(429, retry_after=hint), hello())).chat("x")
    assert reply.attempts[1].waited <= 0.5


@in_both_modes
def test_waits_count_against_the_total(mode: Mode) -> None:
    replay = Replay(refused(429, retry_after="40"), refused(429, retry_after="40"), hello())
    with pytest.raises(RateLimitError) as caught:
        connect(mode, replay, timeout=60.0).chat("x")
    assert [attempt.waited for attempt in caught.value.attempts] == [0, 40]


@in_both_modes
def test_silence_is_not_tried_again(mode: Mode) -> None:
    replay = Replay(httpx.ReadTimeout("silent"), hello())
    with pytest.raises(PhaseTimeoutError) as caught:
        connect(mode, replay).chat("x")
    assert caught.value.phase == "first_event"
    assert len(replay.paths) == 1


@in_both_modes
def test_a_mistake_in_the_program_is_neither_hidden_nor_tried_again(mode: Mode) -> None:
    replay = Replay(ZeroDivisionError("mine"), hello())
    with pytest.raises(ZeroDivisionError, match="mine"):
        connect(mode, replay).chat("x")
    assert len(replay.paths) == 1


@in_both_modes
def test_the_error_names_place_and_cause(mode: Mode) -> None:
    with pytest.raises(ConnectionFailedError, match=r"no connection to http://vllm\.invalid.*refused") as caught:
        connect(mode, Replay(*[httpx.ConnectError("refused")] * 3)).chat("x")
    assert [attempt.status for attempt in caught.value.attempts] == [None] * 3


@in_both_modes
def test_models_are_asked_for_again_too(mode: Mode) -> None:
    listed = answer(b'{"data": [{"id": "m", "max_model_len": 4096}]}', headers=JSON)
    replay = Replay(refused(503), httpx.ConnectError("refused"), listed)
    (model,) = connect(mode, replay).models()
    assert (model.id, model.context_window) == ("m", 4096)
    assert replay.paths == ["/v1/models"] * 3
