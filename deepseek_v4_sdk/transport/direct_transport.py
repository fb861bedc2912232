"""The default transport: requests and answers of HTTP/1.1 on our own connections.

Most of what httpcore's pools and h11 do for a request is not needed where an answer is plain: `framing` finds its end,
and `http1` reads its head. httpcore connects, and reads every other answer. A client with a proxy uses httpcore's pools
(`httpcore_transport`).
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

import httpcore

from deepseek_v4_sdk.support.forks import renewed_in_children
from deepseek_v4_sdk.transport.connection import AsyncTransport, Transport
from deepseek_v4_sdk.transport.direct_response import AsyncDirectResponse, DirectResponse
from deepseek_v4_sdk.transport.hints import ConnectionHints
from deepseek_v4_sdk.transport.http1 import place_of, request_head
from deepseek_v4_sdk.transport.httpcore_transport import late_tls_context
from deepseek_v4_sdk.transport.network import TimedBackend
from deepseek_v4_sdk.transport.open_connections import OpenConnections

if TYPE_CHECKING:
    from deepseek_v4_sdk.transport.asyncio_network import AsyncTimedStream
    from deepseek_v4_sdk.transport.http1 import Origin
    from deepseek_v4_sdk.transport.network import TimedStream
    from deepseek_v4_sdk.transport.request import Open

__all__ = ["AsyncDirectTransport", "DirectTransport"]


class DirectTransport(Transport):
    """Sends requests on its own connections.

    Args:
        ca_bundle: A file of certificates to trust instead of the built-in ones, or None.
    """

    def __init__(self, ca_bundle: str | None = None) -> None:
        self.hints = ConnectionHints(proxy=False, ca_bundle=ca_bundle is not None)
        self._tls = late_tls_context(ca_bundle)
        self._backend = TimedBackend()
        self._connections: OpenConnections[TimedStream] = OpenConnections()
        # Not with the client: a stream may be read to its end after its client is gone. And not by `__del__`: in a
        # cycle the garbage collector may reach the sockets first, which then warn.
        weakref.finalize(self, _close_all, self._connections).atexit = False
        renewed_in_children(self)

    def leave_to_parent(self) -> None:
        """Start fresh in a child process."""
        self._connections.empty()  # each closes itself there

    def send(self, step: Open) -> DirectResponse:
        """Send a request and wait for the head of its answer."""
        place = place_of(step.call.url)
        head = request_head(step.call, place)
        for expired in self._connections.take_expired():
            expired.close()
        while True:
            stream = self._find(place.origin, step.connect)
            try:
                response = DirectResponse(self, self._connections, stream, step)
                response.begin(head)
            except httpcore.ConnectionNotAvailable:
                stream.close()
            except BaseException:
                stream.close()
                raise
            else:
                return response

    def _find(self, origin: Origin, seconds: float) -> TimedStream:
        """Take a connection on which nothing has arrived, or open one."""
        while (stream := self._connections.take(origin)) is not None:
            if not stream.get_extra_info("is_readable"):
                return stream
            stream.close()
        tls = self._tls() if origin.uses_tls else None  # it may fail: before there is a connection
        stream = self._backend.connect_tcp(origin.host, origin.port, seconds)
        if tls is not None:
            stream = stream.start_tls(tls, origin.host, seconds)
        stream.framer.unpacks = True
        self._connections.add(stream)
        return stream

    def close(self) -> None:
        """Close every connection."""
        _close_all(self._connections)


def _close_all(connections: OpenConnections[TimedStream]) -> None:
    for stream in connections.empty():
        stream.close()


class _LoopConnections:
    """The connections of one event loop."""

    def __init__(self) -> None:
        from deepseek_v4_sdk.transport.asyncio_network import AsyncTimedBackend  # it needs asyncio

        self.backend = AsyncTimedBackend()
        self.connections: OpenConnections[AsyncTimedStream] = OpenConnections()

    async def aclose(self) -> None:
        """Close every connection."""
        self.connections.empty()
        self.backend.close()

    def let_go(self) -> None:
        """Close every connection without the loop."""
        self.connections.empty()
        self.backend.let_go()


class AsyncDirectTransport(AsyncTransport):
    """The async form of `DirectTransport`. Each event loop has its own connections.

    Args:
        ca_bundle: A file of certificates to trust instead of the built-in ones, or None.
    """

    def __init__(self, ca_bundle: str | None = None) -> None:
        from deepseek_v4_sdk.transport.loops import Loops  # it needs asyncio

        self.hints = ConnectionHints(proxy=False, ca_bundle=ca_bundle is not None)
        self._tls = late_tls_context(ca_bundle)
        self._loops = Loops(_LoopConnections)

    async def send(self, step: Open) -> AsyncDirectResponse:
        """Send a request and wait for the head of its answer."""
        place = place_of(step.call.url)
        head = request_head(step.call, place)
        here = await self._loops.here()
        for expired in here.connections.take_expired():
            await expired.aclose()
        while True:
            stream = await self._find(here, place.origin, step.connect)
            try:
                response = AsyncDirectResponse(self, here.connections, stream, step)
                await response.begin(head)
            except httpcore.ConnectionNotAvailable:
                await stream.aclose()
            except BaseException:
                await stream.aclose()
                raise
            else:
                return response

    async def _find(self, here: _LoopConnections, origin: Origin, seconds: float) -> AsyncTimedStream:
        """Take a connection on which nothing has arrived, or open one."""
        while (stream := here.connections.take(origin)) is not None:
            if not stream.get_extra_info("is_readable"):
                return stream
            await stream.aclose()
        tls = self._tls() if origin.uses_tls else None  # it may fail: before there is a connection
        stream = await here.backend.connect_tcp(origin.host, origin.port, seconds)
        if tls is not None:
            stream = await stream.start_tls(tls, origin.host, seconds)
        stream.framer.unpacks = True
        here.connections.add(stream)
        return stream

    async def aclose(self) -> None:
        """Close every connection, on any loop."""
        await self._loops.aclose()
