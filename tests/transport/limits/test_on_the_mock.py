"""A line in front of the mock: its time is virtual, and that of those who stand in front is real."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any, Literal

import pytest

from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4, DeepSeekV4Error, LocalLimitError, RateLimits, Reply
from deepseek_v4_sdk.testing import MockProvider, script
from deepseek_v4_sdk.traffic import wakeup as bell

ONE = RateLimits(concurrency=1)


@pytest.fixture(autouse=True)
def _little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bell, "_TURN", 0.01)


def slow_mock(seconds: float = 0.02) -> MockProvider:
    """Each answer takes so long in real time, and holds up its thread or loop meanwhile."""

    def answer(_: object) -> Any:
        time.sleep(seconds)
        return script.text("Hello.")

    return MockProvider(default=script.from_function(answer))


@pytest.mark.parametrize("at_once", [1, 3])
def test_who_waits_on_the_loop_has_its_turn(at_once: int) -> None:
    """Together they wait much longer than anybody would where nothing moves."""

    async def main() -> list[Reply | BaseException]:
        client = AsyncDeepSeekV4(slow_mock(), limits=RateLimits(concurrency=at_once))
        return await asyncio.gather(*(client.chat(str(number)) for number in range(15)), return_exceptions=True)

    assert [reply for reply in asyncio.run(main()) if not isinstance(reply, Reply)] == []


def hold_up(seconds: float) -> None:
    time.sleep(seconds)


def test_a_loop_that_is_busy_is_no_reason() -> None:
    """A thousand begin at once: before the first gets on, everybody has had to wait."""

    async def main() -> list[Reply | BaseException]:
        client = AsyncDeepSeekV4(MockProvider(default=script.text("Hello.")), limits=ONE)

        async def ask(number: int) -> Reply:
            hold_up(0.004)
            return await client.chat(str(number))

        return await asyncio.gather(*(ask(number) for number in range(60)), return_exceptions=True)

    assert [reply for reply in asyncio.run(main()) if not isinstance(reply, Reply)] == []


def test_who_waits_on_a_thread_has_its_turn() -> None:
    client = DeepSeekV4(slow_mock(), limits=ONE)
    failed: list[DeepSeekV4Error] = []

    def ask() -> None:
        try:
            client.chat("Hello")
        except DeepSeekV4Error as error:
            failed.append(error)

    threads = [threading.Thread(target=ask) for _ in range(15)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_where_nothing_moves_the_total_time_ends(kind: Literal["sync", "async"]) -> None:
    """A stream that nobody reads holds the only place, as it would on a socket, and here nobody waits ten minutes."""
    mock = MockProvider(default=script.text("Hello."))
    if kind == "sync":
        client = DeepSeekV4(mock, limits=ONE)
        with client.stream("Hello") as stream:
            next(iter(stream))
            with pytest.raises(LocalLimitError, match="when others end"):
                client.chat("Hello")
        assert client.chat("Hello").text == "Hello."
        return

    async def main() -> None:
        client = AsyncDeepSeekV4(mock, limits=ONE)
        async with client.stream("Hello") as stream:
            await anext(aiter(stream))
            several = await asyncio.gather(*(client.chat("Hello") for _ in range(3)), return_exceptions=True)
            assert [type(error) for error in several] == [LocalLimitError] * 3
        assert (await client.chat("Hello")).text == "Hello."

    asyncio.run(main())
