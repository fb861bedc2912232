"""Progress that nobody reads: it is bounded, the tool waits, and a run that ends lets it go."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4, RunFinished, ToolProgress
from deepseek_v4_sdk.client.progress_limit import MOST
from deepseek_v4_sdk.testing import MockProvider, script

TOTAL = 5 * MOST


class Busy:
    """A tool that reports as fast as it can, and how far it is."""

    def __init__(self) -> None:
        self.reported = 0
        self.is_full, self.has_ended = threading.Event(), threading.Event()

    def _count(self) -> None:
        if self.reported == MOST:
            self.is_full.set()  # the next one has no place
        self.reported += 1

    def plain(self) -> Iterator[ToolProgress]:
        """Work."""
        try:
            for number in range(TOTAL):
                self._count()
                yield ToolProgress(number)
        finally:
            self.has_ended.set()

    async def awaited(self) -> AsyncIterator[ToolProgress]:
        """Work."""
        try:
            for number in range(TOTAL):
                self._count()
                yield ToolProgress(number)
        finally:
            self.has_ended.set()


def mock_of(name: str) -> MockProvider:
    return MockProvider(script.tool_call(name), script.text("Done."))


def is_too_far(busy: Busy, read: int) -> bool:
    """Whether the tool is further ahead of its reader than it may be: one event is in its hands."""
    return busy.reported - read > MOST + 1


def test_a_thread_waits_for_its_reader() -> None:
    busy = Busy()
    read = 0
    with DeepSeekV4(mock_of("plain")).stream_tools("Go.", [busy.plain]) as stream:
        for event in stream:
            if isinstance(event, ToolProgress):
                read += 1
                if read == 1:
                    assert busy.is_full.wait(30)
                    assert not busy.has_ended.wait(0.1)  # without a bound it reports everything now
                assert not is_too_far(busy, read)
        assert isinstance(event, RunFinished)
    assert read == TOTAL
    assert stream.run.text == "Done."


@pytest.mark.parametrize("kind", ["plain", "awaited"])
def test_the_reader_of_an_async_run_is_waited_for(kind: str) -> None:
    busy = Busy()

    async def main() -> int:
        read = 0
        async with AsyncDeepSeekV4(mock_of(kind)).stream_tools("Go.", [getattr(busy, kind)]) as stream:
            async for event in stream:
                if isinstance(event, ToolProgress):
                    read += 1
                    if read == 1:
                        assert await asyncio.to_thread(busy.is_full.wait, 30)
                        assert not await asyncio.to_thread(busy.has_ended.wait, 0.1)
                    assert not is_too_far(busy, read)
        return read

    assert asyncio.run(main()) == TOTAL


def test_a_thread_that_waits_is_let_go_when_the_run_is_closed() -> None:
    busy = Busy()
    with DeepSeekV4(mock_of("plain")).stream_tools("Go.", [busy.plain]) as stream:
        _until_full(iter(stream), busy)
    assert busy.has_ended.wait(30)
    assert not is_too_far(busy, 1)


@pytest.mark.parametrize("kind", ["plain", "awaited"])
def test_an_async_run_lets_its_tool_go(kind: str) -> None:
    busy = Busy()

    async def main() -> None:
        async with AsyncDeepSeekV4(mock_of(kind)).stream_tools("Go.", [getattr(busy, kind)]) as stream:
            async for event in stream:
                if isinstance(event, ToolProgress):
                    assert await asyncio.to_thread(busy.is_full.wait, 30)
                    break
        assert await asyncio.to_thread(busy.has_ended.wait, 30)

    asyncio.run(main())
    assert not is_too_far(busy, 1)


def test_a_late_tool_is_let_go() -> None:
    """It is late because its reader sleeps; the run goes on without it."""
    busy = Busy()
    now = [0.0]
    with DeepSeekV4(mock_of("plain")).stream_tools("Go.", [busy.plain], tool_timeout=5) as stream:
        stream._loop.now = _clock(now)
        events = iter(stream)
        _until_full(events, busy)
        now[0] = 60.0
        assert [event for event in events if isinstance(event, RunFinished)]
    assert busy.has_ended.wait(30)
    assert "did not end within 5 s" in stream.run.rounds[0].results[0].content


def _clock(now: list[float]) -> Callable[[], float]:
    return lambda: now[0]


def _until_full(events: Iterator[Any], busy: Busy) -> None:
    assert any(isinstance(event, ToolProgress) for event in events)
    assert busy.is_full.wait(30)
