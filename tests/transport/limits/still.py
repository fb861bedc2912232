"""Time that stands still while anybody is at work, and a server with limits of its own that lives in it."""

from __future__ import annotations

import asyncio
import json
import selectors
from collections.abc import AsyncIterator, Coroutine, Sequence
from typing import Any, TypeVar

import httpx

from deepseek_v4_sdk.transport.clock import SystemClock
from tests.support.wire import DONE, finish, say, usage

__all__ = ["StrictServer", "in_still_time"]

T = TypeVar("T")


class _Selector(selectors.SelectSelector):
    """Waits for nothing: the loop's time jumps to the next thing to do."""

    loop: _Loop

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready and timeout:
            self.loop.seconds += timeout
        return ready


class _Loop(asyncio.SelectorEventLoop):
    seconds = 0.0

    def __init__(self) -> None:
        selector = _Selector()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        return self.seconds


def in_still_time(work: Coroutine[Any, Any, T]) -> T:
    """Run it; hours of waiting take none."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(work)


class _LoopClock(SystemClock):
    """The time of the loop."""

    def now(self) -> float:
        return asyncio.get_running_loop().time()


class _Body(httpx.AsyncByteStream):
    def __init__(self, server: StrictServer) -> None:
        self._server = server
        self._open = True

    async def __aiter__(self) -> AsyncIterator[bytes]:
        await asyncio.sleep(self._server.seconds)
        yield say("Yes") + finish("stop") + usage(self._server.tokens - 3, 3) + DONE
        await self.aclose()

    async def aclose(self) -> None:
        if self._open:
            self._open = False
            self._server.running -= 1


class StrictServer(httpx.AsyncBaseTransport):
    """Counts what reaches it, and refuses what is beyond its own limits.

    Attributes:
        arrivals: When each request came, and whether it was taken.
        questions: What was asked, in the order of arrival.
        most: The most answers that were running at a time.
    """

    exchange_clock = _LoopClock

    def __init__(
        self,
        *,
        seconds: float = 0.5,
        a_minute: float = float("inf"),
        at_once: float = float("inf"),
        retry_after: str | None = None,
        tokens: int = 7,
        ways: Sequence[float] = (0.05, 0.01, 0.2),
    ) -> None:
        self.seconds = seconds
        self.a_minute = a_minute
        self.tokens = tokens
        self.at_once = at_once
        self.retry_after = retry_after
        self.arrivals: list[tuple[float, bool]] = []
        self.questions: list[str] = []
        self.running = 0
        self.most = 0
        self._ways = ways

    @property
    def on_429(self) -> int:
        return sum(not taken for _, taken in self.arrivals)

    def busiest_minute(self) -> int:
        """The most requests within any 60 seconds."""
        times = [moment for moment, _ in self.arrivals]
        return max(sum(start <= moment < start + 60 for moment in times) for start in times)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(self._ways[len(self.arrivals) % len(self._ways)])
        now = asyncio.get_running_loop().time()
        taken = sum(was_taken for moment, was_taken in self.arrivals if moment > now - 60)
        takes = taken < self.a_minute and self.running < self.at_once
        self.arrivals.append((now, takes))
        self.questions.append(json.loads(request.content)["messages"][-1]["content"])
        if not takes:
            headers = {} if self.retry_after is None else {"retry-after": self.retry_after}
            return httpx.Response(429, json={"status": 429, "title": "Too Many Requests"}, headers=headers)
        self.running += 1
        self.most = max(self.most, self.running)
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=_Body(self))
