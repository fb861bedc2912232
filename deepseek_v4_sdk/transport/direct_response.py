"""Answers on our own connections. httpcore reads the odd ones: it gets the bytes that have arrived, and all others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic

import httpcore

from deepseek_v4_sdk.transport.clock import TimeLeft
from deepseek_v4_sdk.transport.connection import AsyncIteratedResponse, IteratedResponse, head_of
from deepseek_v4_sdk.transport.http1 import AnswerReader, place_of
from deepseek_v4_sdk.transport.httpcore_transport import core_request
from deepseek_v4_sdk.transport.network import TimedStream
from deepseek_v4_sdk.transport.open_connections import StreamT

if TYPE_CHECKING:
    from deepseek_v4_sdk.exchange import ResponseHead
    from deepseek_v4_sdk.transport.asyncio_network import AsyncTimedStream
    from deepseek_v4_sdk.transport.open_connections import OpenConnections
    from deepseek_v4_sdk.transport.request import Open

__all__ = ["AsyncDirectResponse", "DirectResponse"]

_AT_ONCE = 64 * 1024


class _Replay(httpcore.NetworkStream):
    """A connection for httpcore, with bytes of an answer that have arrived. The request was sent.

    Args:
        stream: The connection.
        begun: The bytes.
    """

    def __init__(self, stream: TimedStream, begun: bytes) -> None:
        self._stream = stream
        self._begun = begun

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        begun, self._begun = self._begun, b""
        return begun or self._stream.read(max_bytes, timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        del buffer, timeout

    def close(self) -> None:
        self._stream.close()


class _AsyncReplay(httpcore.AsyncNetworkStream):
    """The async form of `_Replay`."""

    def __init__(self, stream: AsyncTimedStream, begun: bytes) -> None:
        self._stream = stream
        self._begun = begun

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109  # httpcore's own
        begun, self._begun = self._begun, b""
        return begun or await self._stream.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109  # httpcore's own
        del buffer, timeout

    async def aclose(self) -> None:
        await self._stream.aclose()


class _Response(Generic[StreamT]):
    """The common part of both kinds of answers.

    Args:
        owner: The transport, which closes its connections when nothing refers to it any more.
        connections: Its connections.
        stream: The one for this request.
        step: The request.
    """

    __slots__ = ("_connections", "_is_closed", "_owner", "_reader", "_step", "_stream", "_timeout", "head")

    head: ResponseHead

    def __init__(self, owner: object, connections: OpenConnections[StreamT], stream: StreamT, step: Open) -> None:
        self._owner = owner
        self._connections = connections
        self._stream = stream
        self._step = step
        self._timeout = TimeLeft(step.deadline)
        self._reader = AnswerReader(stream.framer)
        self._is_closed = False

    def _is_kept(self) -> bool:
        """Keep the connection for another request; return whether that can be."""
        if not (self._reader.keeps and self._stream.framer.clean):
            return False
        self._reader.keeps = False  # it is given back once
        self._connections.give_back(place_of(self._step.call.url).origin, self._stream)
        return True


class DirectResponse(_Response[TimedStream]):
    """An answer on one of our connections."""

    __slots__ = ("_library",)

    _library: IteratedResponse | None  # the answer as httpcore reads it

    def begin(self, head: bytes) -> None:
        """Send the request, and read the head of the answer."""
        stream, reader = self._stream, self._reader
        self._library = None
        stream.write(head)
        stream.write(self._step.call.body or b"")
        reader.begin(stream.read(_AT_ONCE, self._timeout))
        self.head = reader.head or self._by_library().head

    def read(self) -> bytes:
        """Wait for a block of the body; empty at the end."""
        reader = self._reader
        block = reader.take()
        while not block and reader.unread is None and not reader.ended:
            block = reader.feed(self._stream.receive(self._step.deadline))
        return block if block or reader.unread is None else self._by_library().read()

    def close(self) -> None:
        """Close it at once; unless its end was read, this closes the connection too."""
        if not self._is_closed:
            self._is_closed = True
            if not self._is_kept():
                self._stream.close()

    def _by_library(self) -> IteratedResponse:
        """Let httpcore read the answer."""
        if self._library is None:
            step, request = self._step, core_request(self._step)
            connection = httpcore.HTTP11Connection(
                request.url.origin, _Replay(self._stream, self._reader.unread or b"")
            )
            response = connection.handle_request(request)
            head, blocks = head_of(response.status, response.headers), response.iter_stream()
            self._library = IteratedResponse(head, blocks, response.close, step.deadline)
        return self._library


class AsyncDirectResponse(_Response["AsyncTimedStream"]):
    """The async form of `DirectResponse`."""

    __slots__ = ("_library",)

    _library: AsyncIteratedResponse | None  # the answer as httpcore reads it

    async def begin(self, head: bytes) -> None:
        """Send the request, and read the head of the answer."""
        stream, reader = self._stream, self._reader
        self._library = None
        await stream.write(head)
        await stream.write(self._step.call.body or b"")
        reader.begin(await stream.read(_AT_ONCE, self._timeout))
        self.head = reader.head or (await self._by_library()).head

    async def read(self) -> bytes:
        """Wait for a block of the body; empty at the end."""
        reader = self._reader
        block = reader.take()
        while not block and reader.unread is None and not reader.ended:
            block = reader.feed(await self._stream.receive(self._step.deadline))
        return block if block or reader.unread is None else await (await self._by_library()).read()

    async def close(self) -> None:
        """Close it at once; unless its end was read, this closes the connection too."""
        if not self._is_closed:
            self._is_closed = True
            if not self._is_kept():
                await self._stream.aclose()
            if self._library is not None:
                await self._library.close()

    async def _by_library(self) -> AsyncIteratedResponse:
        """Let httpcore read the answer."""
        if self._library is None:
            step, request = self._step, core_request(self._step)
            replay = _AsyncReplay(self._stream, self._reader.unread or b"")
            response = await httpcore.AsyncHTTP11Connection(request.url.origin, replay).handle_async_request(request)
            head, blocks = head_of(response.status, response.headers), response.aiter_stream()
            self._library = AsyncIteratedResponse(head, blocks, response.aclose, step.deadline)
        return self._library
