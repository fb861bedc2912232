"""Two readers of one stream: the second is told so, and the first one's stream is as it was."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from deepseek_v4_sdk import AsyncChatStream, ChatStream, DeepSeekV4, StreamInUseError
from tests.transport.calls import async_client, in_each_async_mode
from tests.transport.echo import Echo
from tests.transport.test_loops import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

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
