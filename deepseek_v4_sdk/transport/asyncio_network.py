"""Network streams for httpcore, on asyncio: the async form of `network`, with the same moving deadlines."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakSet

import httpcore

from deepseek_v4_sdk.transport.asyncio_socket import connect
from deepseek_v4_sdk.transport.clock import deadline_of, seconds_left
from deepseek_v4_sdk.transport.framing import Framer
from deepseek_v4_sdk.transport.network import WriteBuffer

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable

    from deepseek_v4_sdk.transport.asyncio_socket import AsyncioSocket
    from deepseek_v4_sdk.transport.clock import Deadline
    from deepseek_v4_sdk.transport.network import SocketOptions

__all__ = ["AsyncTimedBackend", "AsyncTimedStream"]


class AsyncTimedStream(httpcore.AsyncNetworkStream):
    """A stream that reads the time left at each read."""

    def __init__(self, wire: AsyncioSocket) -> None:
        self._wire = wire
        self.framer = Framer()
        self._write_buffer = WriteBuffer()
        self._was_used = False
        self._early = b""  # bytes that arrived while the request was being sent

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109  # httpcore's own
        """Return bytes for httpcore, after sending those that it wrote."""
        del max_bytes
        if parts := self._write_buffer.take():
            await self._send(parts, timeout)
        if self._early:
            early, self._early = self._early, b""
            return early
        while data := await self._wire.receive(deadline_of(timeout)):
            if given := self.framer.feed(data):
                return given
        return self.framer.finish()

    def receive(self, deadline: Deadline) -> Awaitable[bytes]:
        """Return the next bytes as they arrive; none at the end. The caller gives them to the framer."""
        return self._wire.receive(deadline)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109  # httpcore's own
        """Keep bytes, which are sent before the next read."""
        del timeout
        self._write_buffer.add(buffer)

    async def aclose(self) -> None:
        """Close the connection at once."""
        self._wire.close()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109  # httpcore's own
    ) -> AsyncTimedStream:
        """Switch to TLS."""
        await self._wire.start_tls(ssl_context, server_hostname, seconds_left(timeout))
        return AsyncTimedStream(self._wire)

    def get_extra_info(self, info: str) -> object:
        """Return a detail of the connection."""
        if info == "is_readable" and not self.framer.clean:  # httpcore calls this before it uses a connection again
            return True
        return self._wire.get_extra_info(info)

    async def _send(self, parts: list[bytes | memoryview], timeout: float | None) -> None:  # noqa: ASYNC109
        # again: bytes may have arrived since the pool's check
        if self._was_used and self.get_extra_info("is_readable"):
            raise httpcore.ConnectionNotAvailable
        self._was_used = True
        self.framer.sent()
        try:
            for part in parts:
                if not await self._wire.send(part, timeout, self._goes_on):
                    self.framer.spoil()
                    return
        except httpcore.WriteError:
            self.framer.spoil()  # the server may have answered before it closed, and reading shows it

    def _goes_on(self) -> bool:
        """Take early bytes; return whether to continue sending."""
        if not self.framer.status:
            self._early += self.framer.feed(self._wire.take())
        return not self.framer.refuses


class AsyncTimedBackend(httpcore.AsyncNetworkBackend):
    """Connects with asyncio and returns timed streams."""

    def __init__(self) -> None:
        self._wires: WeakSet[AsyncioSocket] = WeakSet()
        self._is_closed = False

    def close(self) -> None:
        """Close every connection, also those that nothing refers to any more, and those that are being opened."""
        self._is_closed = True
        for wire in list(self._wires):
            wire.close()

    def let_go(self) -> None:
        """Close every connection without its loop, which is closed, or belongs to the parent."""
        for wire in list(self._wires):
            wire.let_go()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # httpcore's own
        local_address: str | None = None,
        socket_options: SocketOptions | None = None,
    ) -> AsyncTimedStream:
        """Open a connection."""
        del local_address, socket_options  # our pools set neither of them
        wire = await connect(host, port, seconds_left(timeout))
        self._wires.add(wire)
        if self._is_closed:
            wire.close()
            raise httpcore.ConnectError("the client was closed while it connected")
        return AsyncTimedStream(wire)
