"""What a sync stream promises: when it sends, how it is left, what it gives afterwards."""

from __future__ import annotations

import gc
from collections.abc import Callable
from contextlib import suppress

import pytest

from deepseek_v4_sdk import (
    ChatStream,
    Finished,
    InvalidRequestError,
    OverloadedError,
    ReasoningDelta,
    StreamClosedError,
    StreamInterruptedError,
    TextDelta,
    ToolCallDelta,
    ToolCallReady,
    ToolCallStarted,
)
from deepseek_v4_sdk.chat import ChatEvent
from tests.support.replay import JSON, Replay, ServerAnswer, answer, client_for
from tests.support.wire import DONE, call, finish, reason, say, sse

HELLO = [reason("Hm."), say("Hel"), say("lo"), say(" you"), finish("stop"), DONE]


def hello() -> ServerAnswer:
    return answer(*HELLO)


def test_a_wrong_request_is_told_at_the_call() -> None:
    replay = Replay()
    client = client_for(replay)
    with pytest.raises(InvalidRequestError):
        client.stream("x", temperature=-1)
    with pytest.raises(InvalidRequestError):
        client.stream([])
    assert replay.paths == []


def test_nothing_is_sent_before_the_stream_is_entered() -> None:
    replay = Replay(hello())
    stream = client_for(replay).stream("x")
    assert replay.paths == []
    assert stream.partial.text == ""
    with stream:
        assert len(replay.paths) == 1
        assert stream.partial.text == ""
    assert replay.open == 0


def test_the_first_next_sends_too() -> None:
    replay = Replay(hello())
    stream = client_for(replay).stream("x")
    assert next(stream) == ReasoningDelta("Hm.")
    assert stream.reply().text == "Hello you"
    assert replay.open == 0


def test_a_refusal_is_raised_on_entering() -> None:
    refused = answer(b'{"error": {"message": "full", "code": 503}}', status=503, headers=JSON)
    replay = Replay(refused)
    stream = client_for(replay, max_retries=0).stream("x")
    with pytest.raises(OverloadedError), stream:
        pytest.fail("the block was entered")
    with pytest.raises(OverloadedError):
        stream.reply()
    assert replay.open == 0


def test_break_leaves_it_open_and_a_second_loop_goes_on() -> None:
    replay = Replay(hello())
    with client_for(replay).stream("x") as stream:
        for event in stream:
            if isinstance(event, TextDelta):
                break
        assert replay.open == 1
        assert stream.partial.text == "Hel"
        assert stream.partial.finish_reason is None
        assert [event.type for event in stream] == ["text_delta", "text_delta", "finished"]
        assert list(stream) == []
    assert stream.reply().text == stream.partial.text == "Hello you"


def test_the_reply_is_the_same_again_and_again() -> None:
    with client_for(Replay(hello())).stream("x") as stream:
        first = stream.reply()
        assert first.text == "Hello you"
        assert stream.reply() is first
    assert stream.reply() is first
    assert stream.partial is first


def test_events_are_kept_for_who_asks_for_the_reply_first() -> None:
    with client_for(Replay(hello())).stream("x") as stream:
        reply = stream.reply()
        events = list(stream)
    assert [event.type for event in events] == ["reasoning_delta", *["text_delta"] * 3, "finished"]
    assert events[-1] == Finished(reply)


def leave_the_block(stream: ChatStream) -> None:
    with stream:
        next(stream)


def close(stream: ChatStream) -> None:
    next(stream)
    stream.close()
    stream.close()


def fail_in_the_block(stream: ChatStream) -> None:
    with suppress(ZeroDivisionError), stream:
        next(stream)
        raise ZeroDivisionError


@pytest.mark.parametrize("leave", [leave_the_block, close, fail_in_the_block])
def test_leaving_closes_at_once(leave: Callable[[ChatStream], None]) -> None:
    replay = Replay(hello(), hello(), slots=1)
    client = client_for(replay, max_retries=0)
    stream = client.stream("x")
    leave(stream)
    assert replay.open == 0
    for _ in range(2):
        with pytest.raises(StreamClosedError) as caught:
            stream.reply()
    assert caught.value.partial is not None
    assert caught.value.partial.reasoning == "Hm."
    assert stream.partial.reasoning == "Hm."
    with pytest.raises(StreamClosedError):
        next(stream)
    assert client.chat("x").text == "Hello you"


def test_garbage_collection_closes() -> None:
    replay = Replay(hello(), hello(), slots=1)
    client = client_for(replay, max_retries=0)
    stream = client.stream("x")
    for _ in stream:
        break
    assert replay.open == 1
    del stream
    gc.collect()
    assert replay.open == 0
    assert client.chat("x").text == "Hello you"


def test_a_stream_that_was_never_entered_leaves_nothing() -> None:
    replay = Replay()
    stream = client_for(replay).stream("x")
    stream.close()
    with pytest.raises(StreamClosedError):
        stream.reply()
    del stream
    gc.collect()
    assert replay.paths == []


def test_the_slot_is_free_after_the_last_event_and_after_an_error() -> None:
    broken = answer(say("Hel"))
    replay = Replay(hello(), broken, hello(), slots=1)
    client = client_for(replay, max_retries=0)
    with client.stream("x") as stream:
        assert list(stream)
        assert client_for(Replay(hello())).chat("x")
        assert replay.open == 0
    with client.stream("x") as stream:
        with pytest.raises(StreamInterruptedError) as caught:
            list(stream)
        assert replay.open == 0
        with pytest.raises(StreamInterruptedError) as again:
            stream.reply()
        assert again.value is caught.value
        with pytest.raises(StreamInterruptedError):
            next(stream)
    assert caught.value.partial is not None
    assert caught.value.partial.text == stream.partial.text == "Hel"
    assert client.chat("x").text == "Hello you"


def test_deltas_arrive_before_the_error_that_ends_them() -> None:
    error = sse({"error": {"message": "died", "code": 500}})
    with client_for(Replay(answer(say("Hel") + say("lo") + error + DONE))).stream("x") as stream:
        assert [next(stream), next(stream)] == [TextDelta("Hel"), TextDelta("lo")]
        with pytest.raises(Exception, match="died"):
            next(stream)


def test_text_alone() -> None:
    with client_for(Replay(hello())).stream("x") as stream:
        pieces = stream.text_deltas()
        assert next(pieces) == "Hel"
        assert list(stream.text_deltas()) == ["lo", " you"]
        assert list(pieces) == []
        assert stream.reply().reasoning == "Hm."


def shown(event: ChatEvent) -> str:
    match event:
        case ReasoningDelta(text):
            return f"thinks {text}"
        case TextDelta(text):
            return f"says {text}"
        case ToolCallStarted(index, call_id, name):
            return f"calls {index} {call_id} {name}"
        case ToolCallDelta(index, arguments):
            return f"with {index} {arguments}"
        case ToolCallReady(made):
            return f"runs {made.name} {made.parsed}"
        case Finished(reply):
            return f"ends {reply.finish_reason}"
    return "?"


def test_events_are_positional_in_match() -> None:
    blocks = [reason("Hm."), say("Hi"), call(0, "a", "time", "{}"), finish("tool_calls"), DONE]
    with client_for(Replay(answer(*blocks))).stream("x") as stream:
        events = list(stream)
    assert [shown(event) for event in events] == [
        "thinks Hm.",
        "says Hi",
        "calls 0 a time",
        "with 0 {}",
        "runs time {}",
        "ends tool_calls",
    ]
    assert [event.type for event in events] == [
        "reasoning_delta",
        "text_delta",
        "tool_call_started",
        "tool_call_delta",
        "tool_call_ready",
        "finished",
    ]


def test_a_call_is_ready_no_sooner_than_the_next_begins() -> None:
    first = [call(0, "a", "time"), call(0, arguments="{}")]
    second = [call(1, "b", "date"), call(1, arguments="{}")]
    with client_for(Replay(answer(*first, *second, finish("tool_calls"), DONE))).stream("x") as stream:
        assert [next(stream).type for _ in range(2)] == ["tool_call_started", "tool_call_delta"]
        assert [next(stream).type for _ in range(2)] == ["tool_call_ready", "tool_call_started"]
        stream.close()
    with pytest.raises(StreamClosedError) as caught:
        stream.reply()
    assert caught.value.partial is not None
    assert [made.name for made in caught.value.partial.tool_calls] == ["time"]


def test_a_stream_outlives_its_client() -> None:
    def ask() -> ChatStream:
        return client_for(Replay(hello())).stream("x")

    stream = ask()
    next(stream)
    gc.collect()
    assert stream.reply().text == "Hello you"


def test_batches_are_the_events_that_arrived_together() -> None:
    replay = Replay(answer(reason("Hm.") + say("Hel"), say("lo"), finish("stop") + DONE))
    with client_for(replay) as client, client.stream("x") as stream:
        batches = list(stream.batches())
    assert batches[:2] == [[ReasoningDelta("Hm."), TextDelta("Hel")], [TextDelta("lo")]]
    assert isinstance(batches[-1][-1], Finished)
