"""Hooks and the log: what is told in which order, that nobody can change or disturb it, and the id of each request."""

from __future__ import annotations

import dataclasses
import logging
from contextlib import suppress
from typing import Any

import pytest

from deepseek_v4_sdk import (
    AuthenticationError,
    DeepSeekV4,
    DeepSeekV4Error,
    Hooks,
    InvalidRequestError,
    OverloadedError,
    StreamClosedError,
    StreamInterruptedError,
)
from deepseek_v4_sdk.testing import MockProvider, faults, script
from tests.support.modes import connect, in_both_modes
from tests.support.replay import JSON, Mode, Replay, answer, client_for
from tests.support.wire import DONE, finish, say

LOGGER = "deepseek_v4_sdk"
PROMPT = "a-question-that-nobody-may-log"


class Noting(Hooks):
    """Notes the name and the details of each call."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []

    def on_request(self, details: Any) -> None:
        self.told.append(("request", details))

    def on_retry(self, details: Any) -> None:
        self.told.append(("retry", details))

    def on_reply(self, details: Any) -> None:
        self.told.append(("reply", details))

    def on_error(self, details: Any) -> None:
        self.told.append(("error", details))

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.told]


def busy() -> Any:
    return answer(b'{"error": {"message": "full"}}', status=503, headers=JSON)


def hello() -> Any:
    return answer(say("Hi"), finish("stop"), DONE)


@in_both_modes
def test_order(mode: Mode) -> None:
    hook = Noting()
    client = connect(mode, Replay(busy(), hello(), busy(), busy(), busy()), hooks=[hook])
    reply = client.chat("x", metadata={"job": 7})
    assert hook.names == ["request", "retry", "request", "reply"]
    first, retry, second, done = (details for _, details in hook.told)
    assert (first.attempt, second.attempt) == (1, 2)
    assert first.metadata == {"job": 7}
    assert (first.method, first.provider, first.size > 100) == ("POST", "vllm", True)
    assert retry.request is first
    assert isinstance(retry.error, OverloadedError)
    assert retry.wait == reply.attempts[1].waited
    assert done.request is second
    assert done.reply is reply
    hook.told.clear()
    with pytest.raises(OverloadedError) as caught:
        client.chat("x")
    assert hook.names == ["request", "retry", "request", "retry", "request", "error"]
    assert hook.told[-1][1].error is caught.value


def test_a_stream_tells_the_same() -> None:
    hook = Noting()
    client = client_for(Replay(hello(), answer(say("H"))), hooks=[hook])
    with client.stream("x") as stream:
        assert hook.names == ["request"]
        stream.reply()
    assert hook.names == ["request", "reply"]
    with client.stream("x") as stream, pytest.raises(StreamInterruptedError):
        stream.reply()
    assert hook.names == ["request", "reply", "request", "error"]


def test_details_are_frozen() -> None:
    hook = Noting()
    client_for(Replay(busy(), hello(), answer(status=401)), hooks=[hook]).chat("x")
    for _, details in hook.told:
        for field in dataclasses.fields(details):
            with pytest.raises(dataclasses.FrozenInstanceError):
                setattr(details, field.name, None)


class Failing(Hooks):
    """Fails whenever it is told something."""

    def on_request(self, details: Any) -> None:
        raise ZeroDivisionError("mine")

    on_retry = on_reply = on_error = on_request


@in_both_modes
def test_a_hook_that_fails_disturbs_nobody(mode: Mode, caplog: pytest.LogCaptureFixture) -> None:
    after = Noting()
    client = connect(mode, Replay(busy(), hello(), answer(status=401)), hooks=[Failing(), after])
    assert client.chat("x").text == "Hi"
    with pytest.raises(AuthenticationError):
        client.chat("x")
    assert after.names == ["request", "retry", "request", "reply", "request", "error"]
    failed = [record for record in caplog.records if "a hook of Failing failed" in record.getMessage()]
    assert len(failed) == 6
    assert all(record.exc_info for record in failed)


@in_both_modes
def test_each_request_has_an_id_that_is_sent_logged_and_on_the_error(
    mode: Mode, caplog: pytest.LogCaptureFixture
) -> None:
    hook, mock = Noting(), MockProvider(default=faults.status(503))
    with caplog.at_level(logging.DEBUG, LOGGER), pytest.raises(OverloadedError) as caught:
        connect(mode, mock, hooks=[hook], max_retries=2).chat("x")
    sent = [request.headers["x-request-id"] for request in mock.requests]
    assert len(set(sent)) == 3
    assert [details.request_id for name, details in hook.told if name == "request"] == sent
    assert [attempt.request_id for attempt in caught.value.attempts] == sent
    assert caught.value.request_id == sent[-1]
    for request_id in sent:
        assert any(request_id in record.getMessage() for record in caplog.records)


def test_an_id_of_the_callers_is_kept_and_one_of_the_servers_wins() -> None:
    mock = MockProvider(script.text("Hi"))
    assert DeepSeekV4(mock).chat("x", extra_headers={"x-request-id": "mine"}).attempts[0].request_id == "mine"
    assert mock.requests[0].headers["x-request-id"] == "mine"
    replay = Replay(answer(status=401, headers={"x-request-id": "theirs"}))
    with pytest.raises(AuthenticationError) as caught:
        client_for(replay).chat("x")
    assert caught.value.request_id == "theirs"


ENDS: dict[str, Any] = {
    "refused": answer(status=400),
    "broken off": answer(say("H")),
    "no JSON": answer(b"data: oops\n\n"),
    "empty": answer(finish("stop"), DONE),
}


@pytest.mark.parametrize("end", ENDS)
def test_every_error_of_a_request_has_its_id_url_and_attempts(end: str) -> None:
    with pytest.raises(DeepSeekV4Error) as caught:
        client_for(Replay(ENDS[end]), max_retries=0).chat("x")
    assert caught.value.request_id
    assert caught.value.url
    assert len(caught.value.attempts) == 1


def test_so_has_the_error_of_a_stream_that_was_closed() -> None:
    with client_for(Replay(hello())).stream("x") as stream:
        next(stream)
    with pytest.raises(StreamClosedError) as caught:
        stream.reply()
    assert caught.value.request_id
    assert caught.value.url == "http://vllm.invalid/v1/chat/completions"


def test_what_was_not_sent_is_told_to_nobody() -> None:
    hook = Noting()
    with pytest.raises(InvalidRequestError):
        client_for(Replay(), hooks=[hook]).chat("x", temperature=-1)
    assert hook.told == []


def test_a_library_is_silent_by_itself() -> None:
    logger = logging.getLogger(LOGGER)
    assert any(isinstance(handler, logging.NullHandler) for handler in logger.handlers)
    assert logger.level == logging.NOTSET


QUOTING = answer(
    b'{"error": {"message": "cannot take \\"%s\\"", "code": 400}}' % PROMPT.encode(), status=400, headers=JSON
)
QUOTING_BUSY = answer(b'{"error": {"message": "busy with %s"}}' % PROMPT.encode(), status=503, headers=JSON)


@pytest.mark.parametrize("served", [hello(), QUOTING, QUOTING_BUSY, answer(say("H")), answer(b"data: x\n\n")])
def test_no_prompt_above_debug_though_the_server_quotes_it(served: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), suppress(DeepSeekV4Error):
        client_for(Replay(served, *[QUOTING_BUSY] * 2)).chat(PROMPT)
    assert caplog.records
    for record in caplog.records:
        if record.levelno > logging.DEBUG:
            assert PROMPT not in record.getMessage()
        elif served not in (QUOTING, QUOTING_BUSY) and "busy with" not in record.getMessage():
            assert PROMPT not in record.getMessage()  # nor at DEBUG, unless it is the server that says it


def test_arguments_of_the_log_are_lazy() -> None:
    """Nothing is put into words while nobody listens."""
    records: list[logging.LogRecord] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record)

    logger, handler = logging.getLogger(LOGGER), Keep()
    logger.addHandler(handler)
    before = logger.level
    logger.setLevel(logging.DEBUG)
    try:
        client_for(Replay(busy(), hello())).chat("x")
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
    assert len(records) >= 4
    assert all(record.args and "%" in str(record.msg) for record in records)
