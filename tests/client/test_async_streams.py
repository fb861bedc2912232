"""What an async stream promises, cancellation and the loop's end included."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable
from contextlib import suppress

import httpx
import pytest

from deepseek_v4_sdk import (
    AsyncChatStream,
    Finished,
    InvalidRequestError,
    OverloadedError,
    StreamClosedError,
    StreamInterruptedError,
    TextDelta,
)
from tests.support.replay import JSON, Part, Replay, ServerAnswer, answer, async_client_for
from tests.support.wire import DONE, finish, reason, say

pytestmark = pytest.mark.anyio
HELLO: list[Part] = [reason("Hm."), say("Hel"), say("lo"), say(" you"), finish("stop"), DONE]


def hello() -> ServerAnswer:
    return answer(*HELLO)


@pytest.fixture(autouse=True)
async def nothing_is_left_behind() -> object:
    yield
    gc.collect()
    await asyncio.sleep(0)
    own = asyncio.current_task()
    left = [task for task in asyncio.all_tasks() if task is not own and "anyio" not in repr(task)]
    assert left == []


class Silent(Replay):
    """A server that says two things and then, unless it talks, nothing more; `silent` is set from then on."""

    def __init__(self, *answers: ServerAnswer, slots: int = 8) -> None:
        super().__init__(*answers, slots=slots)
        self.silent = asyncio.Event()
        self.nobody_reads = asyncio.Event()
        self.talks = False

    def body_closed(self) -> None:
        self.nobody_reads.set()

    async def between_blocks(self, place: int) -> None:
        if place == 2 and not self.talks:
            self.silent.set()
            await self.nobody_reads.wait()
            raise httpx.ReadError("closed under the reader")


async def test_local_checks_at_the_call_and_the_network_on_entering() -> None:
    replay = Replay(hello())
    client = async_client_for(replay)
    with pytest.raises(InvalidRequestError):
        client.stream("x", temperature=-1)
    stream = client.stream("x")
    assert replay.paths == []
    async with stream:
        assert len(replay.paths) == 1
    assert replay.open == 0


async def test_a_refusal_is_raised_on_entering() -> None:
    refused = answer(b'{"error": {"message": "full", "code": 503}}', status=503, headers=JSON)
    stream = async_client_for(Replay(refused), max_retries=0).stream("x")
    with pytest.raises(OverloadedError):
        async with stream:
            pytest.fail("the block was entered")


async def test_break_then_on() -> None:
    replay = Replay(hello())
    async with async_client_for(replay).stream("x") as stream:
        async for event in stream:
            if isinstance(event, TextDelta):
                break
        assert replay.open == 1
        assert stream.partial.text == "Hel"
        rest = [event async for event in stream]
        assert [event.type for event in rest] == ["text_delta", "text_delta", "finished"]
        assert [event async for event in stream] == []
        reply = await stream.reply()
        assert rest[-1] == Finished(reply)
    assert await stream.reply() is reply


async def test_text_alone() -> None:
    async with async_client_for(Replay(hello())).stream("x") as stream:
        async for text in stream.text_deltas():
            assert text == "Hel"
            break
        assert [text async for text in stream.text_deltas()] == ["lo", " you"]
        assert (await stream.reply()).reasoning == "Hm."


async def leave_the_block(stream: AsyncChatStream) -> None:
    async with stream:
        await anext(stream)


async def close(stream: AsyncChatStream) -> None:
    await anext(stream)
    await stream.close()
    await stream.close()


async def fail_in_the_block(stream: AsyncChatStream) -> None:
    with suppress(ZeroDivisionError):
        async with stream:
            await anext(stream)
            raise ZeroDivisionError


@pytest.mark.parametrize("leave", [leave_the_block, close, fail_in_the_block])
async def test_leaving_closes_at_once(leave: Callable[[AsyncChatStream], Awaitable[None]]) -> None:
    replay = Replay(hello(), hello(), slots=1)
    client = async_client_for(replay, max_retries=0)
    stream = client.stream("x")
    tasks = asyncio.all_tasks()
    await leave(stream)
    assert replay.open == 0
    for _ in range(3):  # a body that is left to the garbage collector would be closed by a task of the loop's
        assert asyncio.all_tasks() == tasks
        await asyncio.sleep(0)
    for _ in range(2):
        with pytest.raises(StreamClosedError) as caught:
            await stream.reply()
    assert caught.value.partial is not None
    assert caught.value.partial.reasoning == stream.partial.reasoning == "Hm."
    with pytest.raises(StreamClosedError):
        await anext(stream)
    assert (await client.chat("x")).text == "Hello you"


async def test_garbage_collection_closes() -> None:
    replay = Replay(hello(), hello(), slots=1)
    client = async_client_for(replay, max_retries=0)
    stream = client.stream("x")
    async for _ in stream:
        break
    del stream, _
    gc.collect()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert replay.open == 0
    assert (await client.chat("x")).text == "Hello you"


async def test_a_stream_that_was_never_entered() -> None:
    stream = async_client_for(Replay()).stream("x")
    await stream.close()
    with pytest.raises(StreamClosedError):
        await stream.reply()
    del stream
    gc.collect()


@pytest.mark.parametrize("how", ["iterate", "reply", "chat"])
async def test_cancellation_closes_at_once(how: str) -> None:
    replay = Silent(hello(), hello(), slots=1)
    client = async_client_for(replay, max_retries=0)
    stream = client.stream("x")

    async def work() -> None:
        if how == "chat":
            await client.chat("x")
        elif how == "reply":
            await stream.reply()
        else:
            async for _ in stream:
                pass

    task = asyncio.create_task(work())
    await replay.silent.wait()
    assert replay.open == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert replay.open == 0
    if how != "chat":
        with pytest.raises(StreamClosedError) as caught:
            await stream.reply()
        assert caught.value.partial is not None
        assert caught.value.partial.text == "Hel"
    replay.talks = True
    assert (await client.chat("x")).text == "Hello you"


async def test_closing_while_another_task_reads() -> None:
    replay = Silent(hello())
    stream = async_client_for(replay).stream("x")
    reader = asyncio.create_task(stream.reply())
    await replay.silent.wait()
    await stream.close()
    assert replay.open == 0
    with pytest.raises(StreamClosedError):
        await reader


async def test_a_timeout_around_a_call_closes_at_once() -> None:
    replay = Silent(hello())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await async_client_for(replay).chat("x")
    assert replay.open == 0


async def test_the_slot_is_free_after_the_last_event_and_after_an_error() -> None:
    replay = Replay(hello(), answer(say("Hel")), hello(), slots=1)
    client = async_client_for(replay, max_retries=0)
    async with client.stream("x") as stream:
        assert [event async for event in stream]
        assert replay.open == 0
    async with client.stream("x") as stream:
        with pytest.raises(StreamInterruptedError) as caught:
            await stream.reply()
        assert (await anext(stream)).type == "text_delta"
        with pytest.raises(StreamInterruptedError) as again:
            await anext(stream)
        assert again.value is caught.value
    assert (await client.chat("x")).text == "Hello you"


async def test_batches_are_the_events_that_arrived_together() -> None:
    replay = Replay(answer(say("Hel") + say("lo"), say(" you"), finish("stop") + DONE))
    async with async_client_for(replay) as client, client.stream("x") as stream:
        batches = [batch async for batch in stream.batches()]
    assert batches[:2] == [[TextDelta("Hel"), TextDelta("lo")], [TextDelta(" you")]]
    assert isinstance(batches[-1][-1], Finished)
