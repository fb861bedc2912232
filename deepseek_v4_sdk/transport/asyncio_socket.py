"""One connection on asyncio's own transports, with one timer that is moved and not created for each read."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, cast

import httpcore

from deepseek_v4_sdk.support.forks import let_go
from deepseek_v4_sdk.transport.clock import seconds_left
from deepseek_v4_sdk.transport.loops import hang_up
from deepseek_v4_sdk.transport.read_timer import ReadTimer
from deepseek_v4_sdk.transport.sockets import is_readable, unread

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from deepseek_v4_sdk.transport.clock import Deadline

__all__ = ["AsyncioSocket", "connect"]

# Most bytes to read ahead of the caller, and most to pass to the transport at once.
_AHEAD = 256 * 1024
_PIECE = 1024 * 1024
# Sizes of the buffer that the system writes received bytes into: it grows on a connection that fills it. asyncio's own
# protocol allocates 256 KB for each read, which costs more than all else of a small one.
_SMALLEST = 8 * 1024
_LARGEST = 256 * 1024
# If an address does not answer in this time, the next one is tried, where a name has several.
_NEXT_ADDRESS = 1.0


class AsyncioSocket(ReadTimer, asyncio.BufferedProtocol):
    """Bytes as they arrive, until somebody takes them."""

    def __init__(self) -> None:
        super().__init__()
        self._transport = cast("asyncio.Transport", None)  # set when the connection is made
        self._buffer = memoryview(bytearray(_SMALLEST))
        self._blocks: list[bytes] = []
        self._ahead = 0
        self._reading = True
        self._ended = False
        self._lost = False
        self._error: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._is_full = False  # the transport's buffer
        self._drained: asyncio.Future[None] | None = None  # of the caller that waits for space in it, or for an answer

    async def receive(self, deadline: Deadline | None) -> bytes:
        """Return the bytes that have arrived, waiting for some if none have; empty at the end.

        Raises:
            httpcore.ReadTimeout: Nothing arrived in time.
            httpcore.ReadError: The connection broke.
        """
        blocks = self._blocks
        if not blocks:
            if self._ended:
                if self._error is not None:
                    raise httpcore.ReadError(str(self._error)) from self._error
                return b""
            self._waiter = self._loop.create_future()
            self._arm(deadline)
            try:
                await self._waiter
            finally:
                self._waiter = None
            if not blocks:
                return await self.receive(deadline)
        if deadline is not None:
            deadline.left(httpcore.ReadTimeout)
        return self.take()

    def take(self) -> bytes:
        """Return the bytes that have arrived."""
        blocks = self._blocks
        data = blocks[0] if len(blocks) == 1 else b"".join(blocks)
        blocks.clear()
        self._ahead = 0
        if not self._reading:
            self._reading = True
            self._transport.resume_reading()
        return data

    async def send(
        self,
        data: bytes | memoryview,
        timeout: float | None,  # noqa: ASYNC109  # a `TimeLeft` moves
        goes_on: Callable[[], bool],
    ) -> bool:
        """Send bytes, in pieces, so that not all of them are copied at once.

        Args:
            data: The bytes.
            timeout: Seconds that this may take.
            goes_on: Called when something has arrived meanwhile; returns whether to send the rest.

        Returns:
            Whether all bytes were passed on.

        Raises:
            httpcore.WriteTimeout: They could not be sent in time.
            httpcore.WriteError: The connection is gone.
        """
        for start in range(0, len(data), _PIECE):
            if start:
                await asyncio.sleep(0)  # arrived bytes are read before a write finds that the connection is gone
            if self._blocks and not goes_on():
                return False
            if self._ended or self._transport.is_closing():
                raise httpcore.WriteError("the connection is closed")
            self._transport.write(data if len(data) <= _PIECE else memoryview(data)[start : start + _PIECE])
            while self._is_full:
                await self._wait_to_send(timeout)
                if self._blocks and not goes_on():
                    return False
        return True

    async def start_tls(self, context: ssl.SSLContext, host: str | None, seconds: float | None) -> None:
        """Switch to TLS.

        Raises:
            httpcore.ConnectTimeout: The handshake did not end in time.
            httpcore.ConnectError: It failed, or bytes arrived before it.
        """
        if self._blocks:  # they would be read as if they had arrived encrypted
            self.close()
            raise httpcore.ConnectError("the server sent bytes before the TLS handshake")
        try:
            async with asyncio.timeout(seconds):
                encrypted = await self._loop.start_tls(self._transport, _Decrypted(self), context, server_hostname=host)
        except BaseException as error:
            self.close()
            if isinstance(error, TimeoutError):
                raise httpcore.ConnectTimeout("the TLS handshake took too long") from error
            if isinstance(error, OSError):
                raise httpcore.ConnectError(str(error)) from error
            raise
        if encrypted is None:
            raise httpcore.ConnectError("the connection was closed during the TLS handshake")
        self._transport = encrypted

    async def _wait_to_send(self, timeout: float | None) -> None:  # noqa: ASYNC109
        self._drained = self._loop.create_future()
        try:
            async with asyncio.timeout(seconds_left(timeout, httpcore.WriteTimeout)):
                await self._drained
        except TimeoutError:
            raise httpcore.WriteTimeout("the server takes no more bytes") from None
        finally:
            self._drained = None

    def close(self) -> None:
        """Close at once."""
        self._ended = True
        self._disarm()
        if self._loop.is_closed():
            self.let_go()
            return
        if not self._lost:  # asyncio's transports fail when they are aborted after their end
            if not self._loop.is_running():
                hang_up(self._transport)
            self._transport.abort()
        self._wake()

    def let_go(self) -> None:
        """Close it without its loop, which is closed, or belongs to the parent."""
        self._ended = self._lost = True
        let_go(self._transport)

    def get_extra_info(self, info: str) -> object:
        """Return the details of the stream that httpcore requests."""
        if info == "is_readable":
            return self._ended or bool(self._blocks) or is_readable(self._transport.get_extra_info("socket"))
        names = {"client_addr": "sockname", "server_addr": "peername"}
        return cast("object", self._transport.get_extra_info(names.get(info, info)))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note that the connection is open."""
        self._transport = cast("asyncio.Transport", transport)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Return the buffer to receive into."""
        del sizehint
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Note that bytes arrived in the buffer."""
        self.arrived(self._buffer[:nbytes].tobytes())
        if nbytes == len(self._buffer) < _LARGEST:
            self._buffer = memoryview(bytearray(2 * nbytes))

    def arrived(self, data: bytes) -> None:
        """Keep bytes that arrived until they are taken."""
        self._blocks.append(data)
        if self._drained is not None:
            self._wake_drained()
        if self._waiter is not None:
            if not self._waiter.done():
                self._waiter.set_result(None)
            return
        self._ahead += len(data)
        if self._ahead > _AHEAD and self._reading:
            self._reading = False
            self._transport.pause_reading()

    def eof_received(self) -> None:
        """Note that the server sends no more."""
        self._ended = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that the connection is lost."""
        self._lost = True
        if exc is not None and not self._ended:
            self._blocks += unread(self._transport)
        if not self._ended:
            self._ended, self._error = True, exc
        self._wake()

    def pause_writing(self) -> None:
        """Note that the transport's buffer is full."""
        self._is_full = True

    def resume_writing(self) -> None:
        """Note that the buffer has space again."""
        self._is_full = False
        self._wake_drained()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
        self.resume_writing()

    def _wake_drained(self) -> None:
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    def _waits(self) -> bool:
        return self._waiter is not None and not self._waiter.done()

    def _end(self) -> None:
        if self._waiter is not None:
            self._waiter.set_exception(httpcore.ReadTimeout("nothing came in time"))


class _Decrypted(asyncio.Protocol):
    """Passes on what TLS has decrypted.

    It has no buffer: at the end of a connection, asyncio fills a protocol's buffer once, and drops the other bytes.
    """

    def __init__(self, wire: AsyncioSocket) -> None:
        self._wire = wire

    def data_received(self, data: bytes) -> None:
        self._wire.arrived(data)

    def eof_received(self) -> None:
        self._wire.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._wire.connection_lost(exc)

    def pause_writing(self) -> None:
        self._wire.pause_writing()

    def resume_writing(self) -> None:
        self._wire.resume_writing()


async def connect(host: str, port: int, seconds: float | None) -> AsyncioSocket:
    """Open a connection.

    Raises:
        httpcore.ConnectTimeout: It took too long.
        httpcore.ConnectError: It failed.
    """
    try:
        async with asyncio.timeout(seconds):
            return await _connect(host, port)
    except TimeoutError as error:
        raise httpcore.ConnectTimeout(f"no connection to {host}:{port} in time") from error
    except OSError as error:
        raise httpcore.ConnectError(str(error)) from error


async def _connect(host: str, port: int) -> AsyncioSocket:
    """Try each address of a name.

    asyncio can try several at once (RFC 8305), but loses the open socket when it is cancelled meanwhile.
    """
    loop = asyncio.get_running_loop()
    try:  # a host that is an address needs no look-up, and no thread for it
        infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except OSError:
        infos = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(info[4] for info in infos))
    for address in addresses[:-1]:
        with suppress(OSError):
            async with asyncio.timeout(_NEXT_ADDRESS):
                return (await loop.create_connection(AsyncioSocket, str(address[0]), port))[1]
    return (await loop.create_connection(AsyncioSocket, str(addresses[-1][0]), port))[1]
