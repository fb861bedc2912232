"""The mock in place of a server: an httpx transport, sync and async, that carries requests to the backend."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx

from deepseek_v4_sdk.chat import is_mapping
from deepseek_v4_sdk.testing.answer import Answer, Break, Wait
from deepseek_v4_sdk.testing.backend import Backend
from deepseek_v4_sdk.testing.clock import VirtualClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping
    from datetime import datetime

__all__ = ["MockTransport"]

# The client's transports put the deadline of a request here (deepseek_v4_sdk.transport.clock.DEADLINE).
_DEADLINE = "deepseek_v4.deadline"


class MockTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Carries requests to a mock backend. It also works as `httpx.Client(transport=...)`."""

    def __init__(self, backend: Backend, at: datetime | None = None) -> None:
        self._backend = backend
        self._at = at

    def exchange_clock(self) -> VirtualClock:
        """Gives each exchange its own clock."""
        return VirtualClock(self._at)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of a sync client."""
        return self._response(request, request.read())

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of an async client."""
        body = await request.aread()
        await asyncio.sleep(0)  # other tasks get their turn, as with a real connection
        return self._response(request, body)

    def _response(self, request: httpx.Request, body: bytes) -> httpx.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        answer = self._backend.handle(request.method, request.url.path, headers, body)
        return httpx.Response(
            answer.status, headers=dict(answer.headers), stream=_Body(answer, request.extensions), request=request
        )


class _Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body whose silences pass on the exchange's own clock, up to its deadline."""

    def __init__(self, answer: Answer, extensions: Mapping[str, object]) -> None:
        self._parts = answer.parts
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


def _broken(end: Break) -> httpx.TransportError:
    if end.kind == "reset":
        return httpx.ReadError("[Errno 104] Connection reset by peer")
    return httpx.RemoteProtocolError("peer closed connection without sending complete message body")
