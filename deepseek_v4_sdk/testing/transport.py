"""The mock in place of a server: an httpx transport, sync and async, that carries requests to the backend."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import datetime
from typing import Protocol, runtime_checkable

import httpx

from deepseek_v4_sdk.chat import is_mapping
from deepseek_v4_sdk.testing.answer import Break, ServerAnswer, Wait
from deepseek_v4_sdk.testing.clock import Times, VirtualClock

__all__ = ["Answering", "MockTransport", "clock_of", "prepare"]

# The client's transports put the deadline of a request here (deepseek_v4_sdk.transport.clock.DEADLINE).
_DEADLINE = "deepseek_v4.deadline"


def clock_of(extensions: Mapping[str, object]) -> Callable[[], float]:
    """A clock for a request's exchange."""
    clock = getattr(extensions.get(_DEADLINE), "clock", None)
    now: Callable[[], float] = getattr(clock, "now", time.monotonic)
    return now


class Answering(Protocol):
    """A replacement for a server, such as a mock or a replayer."""

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> ServerAnswer:
        """Answer one HTTP request."""
        ...


@runtime_checkable
class Preparing(Protocol):
    """A provider with long work before it answers, which it can do in another thread."""

    def is_heavy(self, path: str, body: bytes) -> bool:
        """Whether a request means long work."""
        ...

    def prepare(self, path: str, body: bytes) -> None:
        """Do that work ahead; from any thread."""
        ...


async def prepare(server: Answering, path: str, body: bytes) -> None:
    """Keep long work off the event loop."""
    if isinstance(server, Preparing) and server.is_heavy(path, body):
        await asyncio.to_thread(server.prepare, path, body)


class MockTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Carries requests to what answers them. It also works as `httpx.Client(transport=...)`."""

    def __init__(self, server: Answering, at: datetime | None = None) -> None:
        self._server = server
        self._at = at
        self._times = Times()

    def exchange_clock(self) -> VirtualClock:
        """Gives each exchange its own clock."""
        return VirtualClock(self._at, self._times)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of a sync client."""
        return self._response(request, request.read())

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of an async client."""
        body = await request.aread()
        await asyncio.sleep(0)  # other tasks get their turn, as with a real connection
        await prepare(self._server, request.url.path, body)
        return self._response(request, body)

    def _response(self, request: httpx.Request, body: bytes) -> httpx.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        answer = self._server.handle(request.method, request.url.path, headers, body)
        stream = _Body(answer, request.extensions)
        if not answer.status:
            stream.fail()
        return httpx.Response(answer.status, headers=dict(answer.headers), stream=stream, request=request)


class _Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body whose silences pass on the exchange's own clock, up to its deadline."""

    def __init__(self, answer: ServerAnswer, extensions: Mapping[str, object]) -> None:
        self._answer = answer
        self._parts = answer.parts
        self._open = True
        self._extensions = extensions

    def __iter__(self) -> Iterator[bytes]:
        for part in self._parts:
            if isinstance(part, bytes):
                yield part
            elif isinstance(part, Wait):
                self._wait(part.seconds)
            else:
                raise _broken(part)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self._parts:
            if isinstance(part, bytes):
                yield part
            elif isinstance(part, Wait):
                await asyncio.sleep(0)
                self._wait(part.seconds)
            else:
                raise _broken(part)

    def fail(self) -> None:
        """Raise the error that replaces an answer, when its time has passed."""
        for _ in self:
            pass

    def close(self) -> None:
        """Nobody reads on."""
        if self._open:
            self._open = False
            self._answer.end()

    async def aclose(self) -> None:
        """The same."""
        self.close()

    def _wait(self, seconds: float) -> None:
        deadline = self._extensions.get(_DEADLINE)
        clock = getattr(deadline, "clock", None)
        if isinstance(clock, VirtualClock):
            left = max(0.0, getattr(deadline, "at", 0.0) - clock.now())
            clock.advance(min(left, seconds))
        else:
            # An ordinary httpx client: its read timeout decides, and no time passes either way.
            timeout = self._extensions.get("timeout")
            read = timeout.get("read") if is_mapping(timeout) else None
            left = read if isinstance(read, int | float) else float("inf")
        if seconds > left:
            raise httpx.ReadTimeout("the mock is silent")


def _broken(end: Break | Exception) -> Exception:
    if isinstance(end, Exception):
        return end
    if end.kind == "reset":
        return httpx.ReadError("[Errno 104] Connection reset by peer")
    return httpx.RemoteProtocolError("peer closed connection without sending complete message body")
