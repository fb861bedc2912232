"""The clients' own connections on a real socket: kept, timed, closed at once, and left to no one."""

from __future__ import annotations

import asyncio
import gc
import time
from typing import Any

import pytest

from deepseek_v4_sdk import (
    ChatStream,
    ConnectionFailedError,
    DeepSeekV4,
    PhaseTimeoutError,
    StreamClosedError,
    Timeouts,
)
from tests.support.calls import async_client, in_each_async_mode, in_each_mode
from tests.support.wire import DONE, finish, say
from tests.transport.server import SILENCE, Server

HELLO = [say("Hi"), finish("stop"), DONE]


def chat(mode: str, url: str, times: int = 1, **arguments: Any) -> list[str]:
    arguments = {"base_url": url, "model": "m", "max_retries": 0, **arguments}
    if mode == "sync":
        with DeepSeekV4("vllm", **arguments) as client:
            return [client.chat("x").text for _ in range(times)]

    async def run() -> list[str]:
        async with async_client(mode, **arguments) as client:
            return [(await client.chat("x")).text for _ in range(times)]

    return asyncio.run(run())


@in_each_mode
def test_one_connection_serves_one_call_after_another(mode: str) -> None:
    with Server(*HELLO) as server:
        assert chat(mode, server.url, times=5) == ["Hi"] * 5
        assert len(server.requests) == 5
    assert server.connections == 1


@in_each_mode
def test_a_connection_that_the_server_has_closed_is_no_error(mode: str) -> None:
    with Server(*HELLO, hang_up=True) as server:
        assert chat(mode, server.url, times=3, max_retries=2) == ["Hi"] * 3
        assert len(server.requests) == 3


@in_each_mode
def test_a_server_that_forgets_the_end_does_not_hold_the_answer_back(mode: str) -> None:
    started = time.monotonic()
    with Server(*HELLO, SILENCE) as server:
        assert chat(mode, server.url, times=2) == ["Hi"] * 2
    assert time.monotonic() - started < 5


@in_each_mode
@pytest.mark.parametrize("phase", ["first_event", "idle", "total"])
def test_timers(phase: str, mode: str) -> None:
    said = [] if phase == "first_event" else [say("Hi")]
    limit = 1.0 if phase == "total" else 0.1  # within the total the first event must come
    limits = {"first_event": 30.0, "idle": 30.0, "total": 30.0, phase: limit}
    started = time.monotonic()
    with Server(*said, SILENCE) as server, pytest.raises(PhaseTimeoutError) as caught:
        chat(mode, server.url, timeout=Timeouts(**limits))
    assert (caught.value.phase, caught.value.seconds) == (phase, limit)
    assert caught.value.partial is not None
    assert caught.value.partial.text == "".join(["Hi"] * len(said))
    assert limit <= time.monotonic() - started < 15


@in_each_mode
def test_nobody_listens(mode: str) -> None:
    with Server() as server:
        url = server.url
    with pytest.raises(ConnectionFailedError, match=r"no connection to http://127\.0\.0\.1"):
        chat(mode, url)


@pytest.mark.parametrize("how", ["block", "close", "collect"])
def test_the_server_sees_at_once_that_a_stream_was_left(how: str) -> None:
    with Server(say("Hi"), SILENCE) as server, DeepSeekV4("vllm", base_url=server.url, model="m") as client:
        stream = client.stream("x")
        if how == "block":
            with stream:
                next(stream)
        else:
            next(stream)
            assert not server.left.is_set()
            if how == "close":
                stream.close()
            del stream
            gc.collect()
        assert server.left.wait(1)


@pytest.mark.anyio
@in_each_async_mode
@pytest.mark.parametrize("how", ["block", "close", "cancel", "collect"])
async def test_and_so_it_does_with_an_async_one(how: str, mode: str) -> None:
    with Server(say("Hi"), SILENCE) as server:
        async with async_client(mode, base_url=server.url, model="m") as client:
            stream = client.stream("x")
            if how == "block":
                async with stream:
                    await anext(stream)
            else:
                await anext(stream)
                if how == "close":
                    await stream.close()
                if how == "cancel":
                    task = asyncio.ensure_future(stream.reply())
                    await asyncio.sleep(0.01)
                    task.cancel()
                    with pytest.raises(asyncio.CancelledError):
                        await task
                    del task
                del stream
                gc.collect()
            assert await asyncio.to_thread(server.left.wait, 1)


@pytest.mark.anyio
@in_each_async_mode
async def test_closing_while_another_task_reads(mode: str) -> None:
    with Server(say("Hi"), SILENCE) as server:
        async with async_client(mode, base_url=server.url, model="m") as client:
            stream = client.stream("x")
            reader = asyncio.create_task(stream.reply())
            await asyncio.sleep(0.05)
            await stream.close()
            with pytest.raises(StreamClosedError):
                await reader


def test_a_stream_outlives_its_client() -> None:
    with Server(*HELLO) as server:

        def begin() -> ChatStream:
            client = DeepSeekV4("vllm", base_url=server.url, model="m")
            stream = client.stream("x")
            stream.__enter__()
            return stream

        stream = begin()
        gc.collect()
        assert stream.reply().text == "Hi"
        del stream
        gc.collect()
        assert server.left.wait(1)


@in_each_async_mode
def test_many_at_once(mode: str) -> None:
    async def run(url: str) -> list[str]:
        async with async_client(mode, base_url=url, model="m") as client:
            return [reply.text for reply in await asyncio.gather(*[client.chat("x") for _ in range(50)])]

    with Server(*HELLO) as server:
        assert asyncio.run(run(server.url)) == ["Hi"] * 50
    assert 8 < server.connections <= 50
