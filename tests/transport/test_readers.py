"""Two readers of one stream: the second is told so, and the first one's stream is as it was."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from deepseek_v4_sdk import AsyncChatStream, ChatStream, DeepSeekV4, Finished, StreamInUseError, TextDelta
from tests.support.calls import async_client, in_each_async_mode
from tests.transport.echo import Echo
from tests.transport.test_loops import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from deepseek_v4_sdk.chat import ChatEvent

SYNC_USES: list[Callable[[ChatStream], Any]] = [ChatStream.reply, next, list]
ASYNC_USES: list[Callable[[AsyncChatStream], Any]] = [AsyncChatStream.reply, AsyncChatStream.__anext__]


def test_two_threads() -> None:
    with Echo(held=True) as server, DeepSeekV4("vllm", base_url=server.url, model="m") as client:
        stream = client.stream("x")
        with ThreadPoolExecutor(1) as threads:
            reading = threads.submit(stream.reply)
            wait_until(stream._turn.locked)
            for use in SYNC_USES:
                with pytest.raises(StreamInUseError):
                    use(stream)
            server.go_on.set()
            assert reading.result().text == "to x"


@pytest.mark.anyio
@in_each_async_mode
async def test_two_tasks(mode: str) -> None:
    with Echo(held=True) as server:
        async with async_client(mode, base_url=server.url, model="m") as client:
            stream = client.stream("x")
            reading = asyncio.create_task(stream.reply())
            await asyncio.sleep(0)
            for use in ASYNC_USES:
                with pytest.raises(StreamInUseError, match="another thread or task"):
                    await use(stream)
            server.go_on.set()
            assert (await reading).text == "to x"
            assert (await stream.reply()).text == "to x"


def test_another_threads_loop_takes_no_events_between_two_reads() -> None:
    with Echo() as server, DeepSeekV4("vllm", base_url=server.url, model="m") as client, client.stream("x") as stream:
        loop = iter(stream)
        events = [next(loop)]
        with ThreadPoolExecutor(1) as threads:
            for use in (list, next):
                with pytest.raises(StreamInUseError, match="another thread or task"):
                    threads.submit(use, stream).result()
            events += loop
            assert threads.submit(list, stream).result() == []  # it has ended
        assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "to x"
        assert isinstance(events[-1], Finished)


def test_a_loop_that_was_left_is_gone_on_with_in_another_thread() -> None:
    with Echo() as server, DeepSeekV4("vllm", base_url=server.url, model="m") as client, client.stream("x") as stream:
        for event in stream:
            assert event
            break
        with ThreadPoolExecutor(1) as threads:
            events = threads.submit(list, stream).result()
        assert isinstance(events[-1], Finished)


@pytest.mark.anyio
@in_each_async_mode
async def test_another_tasks_loop_takes_no_events_between_two_reads(mode: str) -> None:
    async def read(stream: AsyncChatStream) -> list[ChatEvent]:
        return [event async for event in stream]

    with Echo() as server:
        async with async_client(mode, base_url=server.url, model="m") as client, client.stream("x") as stream:
            loop = aiter(stream)
            first = await anext(loop)
            for use in (read, AsyncChatStream.__anext__):
                with pytest.raises(StreamInUseError, match="another thread or task"):
                    await asyncio.create_task(use(stream))
            del loop
            rest = await asyncio.create_task(read(stream))
            assert first not in rest
            assert isinstance(rest[-1], Finished)
