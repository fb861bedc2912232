"""One async client on several event loops: one after another, in several threads, or none of asyncio's."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from deepseek_v4_sdk import AsyncDeepSeekV4, ConfigurationError, Ledger, RateLimits, StreamInUseError, Timeouts
from deepseek_v4_sdk.testing import MockProvider, script
from tests.support.any_name import ANY_NAME
from tests.support.calls import async_client, in_each_async_mode
from tests.transport.echo import AUTHORITY, Echo, EncryptedEcho

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path


def client_of(mode: str, url: str, **arguments: Any) -> AsyncDeepSeekV4:
    return async_client(mode, base_url=url, model="m", max_retries=0, timeout=Timeouts(total=20), **arguments)


async def ask(client: AsyncDeepSeekV4, *questions: str) -> list[str]:
    return [(await client.chat(question)).text for question in questions]


def careless(main: Coroutine[Any, Any, Any]) -> Any:
    """Run a loop as old programs do, which close it without telling anybody."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(main)
    finally:
        loop.close()


def wait_until(true: Callable[[], bool]) -> None:
    ends = time.monotonic() + 10
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.005)


@in_each_async_mode
@pytest.mark.parametrize("run", [asyncio.run, careless], ids=["run", "careless"])
def test_one_loop_after_another(mode: str, run: Any) -> None:
    with Echo() as server:
        client = client_of(mode, server.url)
        for turn in range(3):
            assert run(ask(client, f"{turn}.1", f"{turn}.2")) == [f"to {turn}.1", f"to {turn}.2"]
            assert server.connections == turn + 1
            if run is asyncio.run:  # the connections end with their loop
                wait_until(lambda: server.open == 0)
        wait_until(lambda: server.open <= 1)
        del client
        gc.collect()
        wait_until(lambda: server.open == 0)


@in_each_async_mode
@pytest.mark.parametrize("run", [asyncio.run, careless], ids=["run", "careless"])
def test_and_so_it_is_with_tls(mode: str, run: Any, tmp_path: Path) -> None:
    bundle = tmp_path / "authority.pem"
    AUTHORITY.cert_pem.write_to_path(str(bundle))
    with EncryptedEcho() as server:
        client = client_of(mode, server.url.replace("http", "https"), ca_bundle=str(bundle))
        assert [run(ask(client, "1")), run(ask(client, "2"))] == [["to 1"], ["to 2"]]
        del client
        gc.collect()
        wait_until(lambda: server.open == 0)


@in_each_async_mode
def test_loops_of_several_threads_at_once(mode: str) -> None:
    ledger = Ledger()
    with Echo() as server, ThreadPoolExecutor(4) as threads:
        client = client_of(mode, server.url, hooks=[ledger])
        together = threading.Barrier(4)

        def work(number: int) -> list[str]:
            together.wait()
            return asyncio.run(ask(client, *(f"{number}.{turn}" for turn in range(5))))

        heard = list(threads.map(work, range(4)))
    assert heard == [[f"to {number}.{turn}" for turn in range(5)] for number in range(4)]
    assert server.connections == 4
    assert ledger.total.requests == 20


@in_each_async_mode
def test_a_client_is_closed_from_a_later_loop(mode: str) -> None:
    with Echo() as server:
        client = client_of(mode, server.url)
        assert careless(ask(client, "x")) == ["to x"]
        asyncio.run(client.aclose())
        wait_until(lambda: server.open == 0)


@in_each_async_mode
def test_a_client_is_closed_while_another_loop_stands_still(mode: str) -> None:
    with Echo() as server:
        client = client_of(mode, server.url)
        loop = asyncio.new_event_loop()
        try:
            assert loop.run_until_complete(ask(client, "x")) == ["to x"]
            asyncio.run(client.aclose())
            wait_until(lambda: server.open == 0)
            assert loop.run_until_complete(ask(client, "y")) == ["to y"]
            loop.run_until_complete(client.aclose())
        finally:
            loop.close()
        wait_until(lambda: server.open == 0)


@in_each_async_mode
def test_a_client_is_closed_while_another_loop_runs(mode: str) -> None:
    asked, closed = threading.Event(), threading.Event()
    with Echo() as server, ThreadPoolExecutor(1) as threads:
        client = client_of(mode, server.url)

        async def stay() -> list[str]:
            heard = await ask(client, "x")
            asked.set()
            await asyncio.to_thread(closed.wait)
            return heard + await ask(client, "y")

        staying = threads.submit(asyncio.run, stay())
        assert asked.wait(10)
        asyncio.run(client.aclose())
        wait_until(lambda: server.open == 0)
        closed.set()
        assert staying.result() == ["to x", "to y"]


@in_each_async_mode
def test_a_stream_belongs_to_the_loop_on_which_it_began(mode: str) -> None:
    tried = threading.Event()
    with Echo(held=True) as server, ThreadPoolExecutor(1) as threads:
        client = client_of(mode, server.url)
        stream = client.stream("x")

        async def read() -> str:
            async with stream:
                await asyncio.to_thread(tried.wait)
                return (await stream.reply()).text

        reading = threads.submit(asyncio.run, read())
        wait_until(lambda: server.halves == 1)
        for use in (stream.reply, stream.close, stream.__anext__):
            with pytest.raises(StreamInUseError, match="event loop"):
                asyncio.run(use())
        tried.set()
        server.go_on.set()
        assert reading.result() == "to x"
        assert asyncio.run(stream.reply()).text == "to x"  # it is whole, and nothing is read


@in_each_async_mode
@pytest.mark.parametrize("run", [asyncio.run, careless], ids=["run", "careless"])
@pytest.mark.parametrize("closed", [True, False])
def test_a_stream_whose_loop_has_ended_is_closed_anywhere(mode: str, run: Any, *, closed: bool) -> None:
    with Echo(held=True) as server:
        client = client_of(mode, server.url)
        stream = client.stream("x")
        run(stream.__aenter__())
        if closed:
            asyncio.run(stream.close())
        del stream, client
        gc.collect()
        server.go_on.set()
        wait_until(lambda: server.open == 0)


@in_each_async_mode
def test_a_limit_holds_over_all_loops(mode: str) -> None:
    with Echo(held=True) as server, ThreadPoolExecutor(3) as threads:
        client = client_of(mode, server.url, limits=RateLimits(concurrency=1))
        asking = [threads.submit(asyncio.run, ask(client, f"{number}")) for number in range(3)]
        wait_until(lambda: server.halves == 1)
        assert len(server.requests) == 1
        server.go_on.set()
        assert [one.result() for one in asking] == [["to 0"], ["to 1"], ["to 2"]]


def test_who_waits_on_a_loop_that_was_closed_holds_nobody_up() -> None:
    with Echo(held=True) as server, ThreadPoolExecutor(2) as threads:
        client = client_of("async", server.url, limits=RateLimits(concurrency=1))
        first = threads.submit(asyncio.run, ask(client, "1"))
        wait_until(lambda: server.halves == 1)

        loop = asyncio.new_event_loop()
        waiting = loop.create_task(ask(client, "2"))
        loop.run_until_complete(asyncio.sleep(0.01))
        loop.close()
        third = threads.submit(asyncio.run, ask(client, "3"))
        time.sleep(0.05)
        server.go_on.set()
        assert [first.result(), third.result()] == [["to 1"], ["to 3"]]
        waiting._log_destroy_pending = False  # type: ignore[attr-defined]


@pytest.mark.parametrize("provider", ["vllm", "mock"])
def test_without_asyncio_an_error_says_so(provider: str) -> None:
    """A coroutine that is driven by hand is on no loop of asyncio's, as one on trio."""
    arguments: dict[str, Any] = {"base_url": "http://127.0.0.1:9"} if provider == "vllm" else {}
    client = AsyncDeepSeekV4(provider, model="m", **arguments)

    def drive(coroutine: Coroutine[Any, Any, Any]) -> None:
        with pytest.raises(ConfigurationError, match=r"asyncio.*trio"):
            coroutine.send(None)

    drive(client.chat("x"))
    drive(client.stream("x").__aenter__())
    drive(client.stream("x").reply())
    drive(client.models())
    drive(client.run_tools("x", []))
    drive(client.probe())
    drive(client.count_tokens("word " * 200_000))


def test_a_mock_serves_several_loops() -> None:
    mock = MockProvider(script.text("one"), script.text("two"), flavor=ANY_NAME)
    client = AsyncDeepSeekV4(mock, model="m")
    assert asyncio.run(ask(client, "x")) + asyncio.run(ask(client, "y")) == ["one", "two"]
