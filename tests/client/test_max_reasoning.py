"""`max_reasoning_tokens`, where `tests/client/test_timeouts.py` leaves gaps: the server's side, scripts, cost."""

from __future__ import annotations

import socket
import time
from typing import Any

import pytest

from deepseek_v4_sdk import ReasoningExhaustedError, count_text
from tests.support.calls import failure
from tests.support.calls import in_each_mode as on_sockets
from tests.support.hostile_server import HEAD, HostileServer, chunk_of
from tests.support.modes import connect, in_both_modes
from tests.support.replay import Mode, Replay, answer, client_for
from tests.support.wire import DONE, finish, reason, say, usage

THOUGHTS = {
    "words": "one two three four five six seven eight nine ten ",
    "Chinese": "我们来想一想这个问题应该怎么解决",
    "emoji": "🦉🌙" * 5,
    "one letter": "x",
}


@on_sockets
def test_the_server_sees_at_once_that_nobody_listens(mode: str) -> None:
    seconds: list[float] = []

    def serve(connection: socket.socket, server: HostileServer) -> None:
        server.hear(connection)
        connection.sendall(HEAD)
        started = time.monotonic()
        try:
            while not server.ended.wait(0.002):
                connection.sendall(chunk_of(reason(THOUGHTS["words"])))
        finally:
            seconds.append(time.monotonic() - started)

    with HostileServer(serve) as server:
        error = failure(mode, server.url, call={"max_reasoning_tokens": 200})
        ends = time.monotonic() + 5
        while not seconds and time.monotonic() < ends:
            time.sleep(0.01)
        assert seconds
    assert type(error) is ReasoningExhaustedError
    assert count_text(error.partial.reasoning) > 200


@in_both_modes
@pytest.mark.parametrize("thought", THOUGHTS)
def test_the_limit_is_met_with_the_piece_that_exceeds_it(thought: str, mode: Mode) -> None:
    piece = THOUGHTS[thought]
    replay = Replay(answer(*[reason(piece)] * 400, say("Hi"), finish("stop"), DONE))
    with pytest.raises(ReasoningExhaustedError) as caught:
        connect(mode, replay).chat("x", max_reasoning_tokens=30)
    assert caught.value.partial is not None
    reasoning = caught.value.partial.reasoning or ""
    assert count_text(reasoning) > 30
    assert count_text(reasoning.removesuffix(piece)) <= 30
    assert caught.value.partial.text == ""


@in_both_modes
def test_it_is_neither_tried_again_nor_begun_anew(mode: Mode) -> None:
    replay = Replay(*[answer(*[reason(THOUGHTS["words"])] * 50)] * 3)
    with pytest.raises(ReasoningExhaustedError) as caught:
        connect(mode, replay).chat("x", max_reasoning_tokens=10, on_interrupt="restart")
    assert len(replay.paths) == len(caught.value.attempts) == 1


def test_what_the_server_had_counted_is_on_the_attempt() -> None:
    parts = [usage(5, 1), *[reason(THOUGHTS["words"])] * 50]
    with pytest.raises(ReasoningExhaustedError) as caught:
        client_for(Replay(answer(*parts))).chat("x", max_reasoning_tokens=10)
    counted = caught.value.attempts[0].usage
    assert counted is not None
    assert counted.prompt_tokens == 5


def test_counting_waits_until_it_could_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """A token has at least a byte: a thought is counted a few times on its way to the limit, not at each piece."""
    counted: list[int] = []

    def count(text: str) -> int:
        counted.append(len(text))
        return count_text(text)

    monkeypatch.setattr("deepseek_v4_sdk.tokens.count_text", count)
    parts: list[Any] = [*[reason(THOUGHTS["words"])] * 190, say("Hi"), finish("stop"), DONE]
    reply = client_for(Replay(answer(*parts))).chat("x", max_reasoning_tokens=2_000)
    assert reply.text == "Hi"
    assert 0 < len(counted) < 25
