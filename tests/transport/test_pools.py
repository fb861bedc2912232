"""Connections that are kept: never too old, never lost to an abandoned stream, and not more than are needed."""

from __future__ import annotations

import asyncio
import gc
import socket
import time
from typing import Any

import pytest
import uvicorn

from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4, Timeouts
from deepseek_v4_sdk.transport import httpcore_transport as pools
from tests.support.calls import async_client, chat, in_each_mode
from tests.support.hostile_server import HEAD, HostileServer, chunk_of
from tests.support.wire import DONE, finish, say

HELLO = b"".join(chunk_of(block) for block in (say("Hi"), finish("stop"), DONE)) + b"0\r\n\r\n"


def greets(connection: socket.socket, server: HostileServer) -> None:
    """Answers each request, and notes when the connection ends."""
    while server.hear(connection):
        connection.sendall(HEAD + HELLO)


def begins(connection: socket.socket, server: HostileServer) -> None:
    """Begins each answer, and goes on when the client goes on."""
    while request := server.hear(connection):
        connection.sendall(HEAD + chunk_of(say("Hi")))
        if b'"long"' in request:
            connection.recv(1)
            return
        connection.sendall(HELLO)


def test_a_connection_is_given_up_before_the_server_closes_it() -> None:
    """Uvicorn, which serves vLLM and SGLang, closes an idle connection after this many seconds."""
    theirs = uvicorn.Config("module:app").timeout_keep_alive
    assert 0.8 * theirs >= pools.KEEP_ALIVE


@in_each_mode
@pytest.mark.parametrize("pause", [0.0, 0.5])
def test_an_old_connection_is_not_used_again(pause: float, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "KEEP_ALIVE", 0.2)

    async def run(url: str) -> None:
        async with async_client(mode, base_url=url, model="m") as client:
            await client.chat("x")
            await asyncio.sleep(pause)
            await client.chat("x")

    with HostileServer(greets) as server:
        if mode != "sync":
            asyncio.run(run(server.url))
        else:
            with DeepSeekV4("vllm", base_url=server.url, model="m") as client:
                client.chat("x")
                time.sleep(pause)
                client.chat("x")
        assert len(server.requests) == 2
        assert server.connections == (2 if pause else 1)


async def burst(client: AsyncDeepSeekV4, size: int) -> None:
    assert {reply.text for reply in await asyncio.gather(*[client.chat("x") for _ in range(size)])} == {"Hi"}


@pytest.mark.anyio
async def test_what_a_burst_has_opened_is_closed_when_it_is_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most pools get no further request after a burst; they must not hold on to their sockets."""
    monkeypatch.setattr(pools, "KEEP_ALIVE", 0.2)
    with HostileServer(greets) as server:
        async with AsyncDeepSeekV4("vllm", base_url=server.url, model="m") as client:
            await burst(client, 60)
            opened = server.connections
            assert opened > 20
            await asyncio.sleep(0.5)
            await client.chat("x")
            assert len((await client._transports.find(0)._loops.here()).connections) == 1
            assert server.connections == opened + 1


def test_and_so_it_is_for_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    from concurrent.futures import ThreadPoolExecutor

    monkeypatch.setattr(pools, "KEEP_ALIVE", 0.2)
    with (
        HostileServer(greets) as server,
        DeepSeekV4("vllm", base_url=server.url, model="m") as client,
        ThreadPoolExecutor(20) as threads,
    ):
        assert list(threads.map(lambda _: client.chat("x").text, range(60))) == ["Hi"] * 60
        time.sleep(0.5)
        client.chat("x")
        assert len(client._transports.find(0)._connections) == 1


@pytest.mark.usefixtures("small_heap")
@pytest.mark.parametrize("how", ["break", "close", "collect", "error"])
def test_a_hundred_abandoned_streams_leave_no_connection(how: str) -> None:
    with (
        HostileServer(begins) as server,
        DeepSeekV4("vllm", base_url=server.url, model="m", timeout=Timeouts(connect=5)) as client,
    ):
        for _ in range(100):
            stream: Any = client.stream("long")
            if how == "collect":
                next(stream)
                del stream
                gc.collect()
                continue
            try:
                with stream:
                    for _ in stream:
                        if how == "error":
                            raise ZeroDivisionError
                        if how == "close":
                            stream.close()
                        break
            except ZeroDivisionError:
                pass
        assert client.chat("x").text == "HiHi"
        assert len(client._transports.find(0)._connections) == 1


@pytest.mark.anyio
async def test_a_hundred_cancelled_calls_leave_no_connection() -> None:
    with HostileServer(begins) as server:
        async with AsyncDeepSeekV4("vllm", base_url=server.url, model="m", timeout=Timeouts(connect=5)) as client:
            for turns in range(100):  # of the loop: wherever the call is, also before its request was sent
                task = asyncio.create_task(client.chat("long"))
                for _ in range(turns):
                    await asyncio.sleep(0)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            assert (await client.chat("x")).text == "HiHi"
            assert len((await client._transports.find(0)._loops.here()).connections) == 1


@pytest.mark.anyio
async def test_two_hundred_streams_at_once() -> None:
    with HostileServer(begins) as server:
        async with AsyncDeepSeekV4("vllm", base_url=server.url, model="m") as client:
            gate = asyncio.Event()

            async def one(number: int) -> str:
                async with client.stream("x") as stream:
                    first = await anext(stream)
                    if number == 199:
                        gate.set()
                    await gate.wait()  # all are open at this moment
                    assert first.type == "text_delta"
                    return (await stream.reply()).text

            assert await asyncio.gather(*map(one, range(200))) == ["HiHi"] * 200
            assert server.connections == 200
            assert len((await client._transports.find(0)._loops.here()).connections) == 200


@in_each_mode
def test_a_closed_client_has_closed_its_connections(mode: str) -> None:
    left: list[bool] = []

    def serve(connection: socket.socket, server: HostileServer) -> None:
        greets(connection, server)
        left.append(True)

    with HostileServer(serve) as server:
        chat(mode, server.url, times=3)
        ends = time.monotonic() + 5
        while not left and time.monotonic() < ends:
            time.sleep(0.01)
        assert left == [True]
