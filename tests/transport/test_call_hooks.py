"""Hooks of calls: each call that begins is told once, and its end once, whichever way it ends."""

from __future__ import annotations

import asyncio
import gc
from contextvars import ContextVar
from typing import Any

import pytest

from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4, DeepSeekV4Error, Finished, Hooks, StreamClosedError
from deepseek_v4_sdk.testing import MockProvider, faults, script
from tests.support.modes import connect, in_both_modes

HELLO = script.think("Hm.") + script.text("Hello there")


class Calls(Hooks):
    def __init__(self) -> None:
        self.begun: list[Any] = []
        self.ended: list[Any] = []
        self.requests: list[Any] = []

    def on_call_start(self, details: Any) -> None:
        assert len(self.requests) == sum(len(each.attempts) for each in self.ended)  # nothing of it was sent
        self.begun.append(details)

    def on_call_end(self, details: Any) -> None:
        self.ended.append(details)

    def on_request(self, details: Any) -> None:
        self.requests.append(details)


@in_both_modes
def test_one_call_over_all_its_requests(mode: Any) -> None:
    hooks = Calls()
    served = MockProvider(faults.status(503), faults.rate_limited(), HELLO)
    client = connect(mode, served, hooks=[hooks], thinking="low")
    reply = client.chat("Hi", max_tokens=70, temperature=0.5, metadata={"turn": 1})
    (begun,), (ended,) = hooks.begun, hooks.ended
    assert (begun.provider, begun.model, begun.is_chat, begun.thinking) == (
        "mock",
        "deepseek-ai/DeepSeek-V4-Pro",
        True,
        "low",
    )
    assert (begun.max_tokens, begun.temperature, begun.stream, begun.metadata) == (70, 0.5, True, {"turn": 1})
    assert begun.url.endswith("/v1/chat/completions")
    assert ended.call is begun
    assert (ended.reply, ended.error) == (reply, None)
    assert [each.status for each in ended.attempts] == [503, 429, 200]
    assert {request.call_id for request in hooks.requests} == {begun.call_id}
    asked = [(each.thinking, each.max_tokens, each.temperature, each.stream) for each in hooks.requests]
    assert asked == [("low", 70, 0.5, True)] * 3
    assert "Hi" not in repr(begun)


def test_calls_have_ids_of_their_own_and_questions_are_told_as_such() -> None:
    hooks = Calls()
    with DeepSeekV4(MockProvider(HELLO, HELLO), hooks=[hooks]) as client:
        client.chat("Hi", wire="plain")
        client.chat("Hi")
        client.models()
    assert [(each.is_chat, each.stream) for each in hooks.begun] == [(True, False), (True, True), (False, False)]
    assert len({each.call_id for each in hooks.begun}) == 3
    assert [each.reply is not None for each in hooks.ended] == [True, True, False]


@pytest.mark.parametrize("step", [script.error(400), HELLO | faults.cut(after_bytes=700), HELLO | faults.error_event()])
@in_both_modes
def test_an_error_ends_the_call(mode: Any, step: Any) -> None:
    hooks = Calls()
    client = connect(mode, MockProvider(step), hooks=[hooks], max_retries=0)
    with pytest.raises(DeepSeekV4Error) as caught:
        client.chat("Hi")
    (ended,) = hooks.ended
    assert ended.error is caught.value
    assert ended.reply is None


@pytest.mark.parametrize("how", ["close", "block"])
def test_a_stream_that_is_left_ends_its_call(how: str) -> None:
    hooks = Calls()
    client = DeepSeekV4(MockProvider(HELLO), hooks=[hooks])
    stream = client.stream("Hi")
    assert hooks.begun == []
    with stream:
        next(iter(stream))
        assert hooks.ended == []
        if how == "close":
            stream.close()
    (ended,) = hooks.ended
    assert isinstance(ended.error, StreamClosedError)
    assert ended.error.partial.reasoning


def test_a_stream_that_is_dropped_unfinished_ends_its_call() -> None:
    hooks = Calls()
    client = DeepSeekV4(MockProvider(HELLO), hooks=[hooks])
    stream = client.stream("Hi")
    next(stream)
    del stream
    gc.collect()
    assert [type(each.error) for each in hooks.ended] == [StreamClosedError]


def test_the_end_is_told_before_it_is_read() -> None:
    hooks = Calls()
    client = DeepSeekV4(MockProvider(HELLO), hooks=[hooks])
    with client.stream("Hi") as stream:
        for event in stream:
            if isinstance(event, Finished):
                (ended,) = hooks.ended
                assert ended.reply == event.reply
    assert len(hooks.ended) == 1


def test_what_is_refused_before_it_is_sent_has_no_request() -> None:
    hooks = Calls()
    client = DeepSeekV4(MockProvider(HELLO), hooks=[hooks])
    with pytest.raises(DeepSeekV4Error):
        client.chat("Hi", top_p=7)
    assert (hooks.begun, hooks.ended) == ([], [])


def test_a_hook_that_fails_disturbs_nobody(caplog: pytest.LogCaptureFixture) -> None:
    class Failing(Hooks):
        def on_call_start(self, details: Any) -> None:
            raise ValueError("start")

        def on_call_end(self, details: Any) -> None:
            raise ValueError("end")

    assert DeepSeekV4(MockProvider(HELLO), hooks=[Failing()]).chat("Hi").text == "Hello there"
    assert caplog.text.count("a hook of Failing failed") == 2


class Tools(Hooks):
    def __init__(self) -> None:
        self.told: list[Any] = []

    def on_tool_start(self, details: Any) -> None:
        place.set(details.call.id)
        self.told.append((details.call.name, details.description))

    def on_tool_end(self, details: Any) -> None:
        assert place.get() == details.call.id
        self.told.append((details.call.name, details.value, type(details.error).__name__))


place: ContextVar[str] = ContextVar("place", default="")


@in_both_modes
def test_tools_are_told_in_the_context_in_which_they_run(mode: Any) -> None:
    def double(number: int) -> str:
        """Twice the number."""
        if number < 0:
            raise ValueError(number)
        return f"{2 * number} {bool(place.get())}"

    calls = script.tool_call("double", number=1) + script.tool_call("double", number=-1)
    hooks = Tools()
    client = connect(mode, MockProvider(script.think("Hm.") + calls, HELLO), hooks=[hooks])
    client.run_tools("Hi", [double])
    assert sorted(map(str, hooks.told)) == sorted(
        map(
            str,
            [
                ("double", "Twice the number."),
                ("double", "Twice the number."),
                ("double", "2 True", "NoneType"),
                ("double", None, "ValueError"),
            ],
        )
    )
    assert place.get() == ""


def test_async_tools_are_told_too() -> None:
    async def double(number: int) -> int:
        """Twice the number."""
        await asyncio.sleep(0)
        return 2 * number

    hooks = Tools()
    client = AsyncDeepSeekV4(MockProvider(script.tool_call("double", number=4), HELLO), hooks=[hooks])
    asyncio.run(client.run_tools("Hi", [double]))
    assert hooks.told == [("double", "Twice the number."), ("double", 8, "NoneType")]
