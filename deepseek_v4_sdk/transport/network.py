"""Network streams for httpcore: reads end at a moving deadline, and a refusal is read before all is sent.

Their async form is in `asyncio_network`: a sync program does not load asyncio.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeAlias

import httpcore

from deepseek_v4_sdk.support.forks import renewed_in_children
from deepseek_v4_sdk.transport.clock import seconds_left
from deepseek_v4_sdk.transport.framing import Framer
from deepseek_v4_sdk.transport.sockets import wait_for

if TYPE_CHECKING:
    import socket

    from deepseek_v4_sdk.transport.clock import Deadline

    SocketOptions: TypeAlias = Iterable[
        tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]
    ]

__all__ = ["SocketOptions", "TimedBackend", "TimedStream", "WriteBuffer"]

# A larger body is not copied after its head; its first part is sent with it.
_JOINED = 64 * 1024
_READ_AT_ONCE = 64 * 1024


class WriteBuffer:
    """Holds the bytes to send until something is to be read, so that head and body are sent together."""

    __slots__ = ("_parts",)

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def add(self, part: bytes) -> None:
        """Add one more part."""
        if part:
            self._parts.append(part)

    def take(self) -> list[bytes | memoryview]:
        """Take all parts, as few as possible without copying much."""
        parts, self._parts = self._parts, []
        small: list[bytes | memoryview] = []
        for place, part in enumerate(parts):
            if len(part) > _JOINED:
                view = memoryview(part)
                return [b"".join([*small, view[:_JOINED]]), view[_JOINED:], *parts[place + 1 :]]
            small.append(part)
        return [b"".join(small)] if small else []


class TimedStream(httpcore.NetworkStream):
    """A stream that reads the time left at each read, and reads while it writes.

    Args:
        stream: The stream that httpcore made.
        layers: Number of TLS layers.
    """

    def __init__(self, stream: httpcore.NetworkStream, layers: int = 0) -> None:
        self._stream = stream
        self._layers = layers
        # TLS within TLS (through a proxy that uses TLS) is not a socket: nothing is read there before all is written.
        self._socket: socket.socket | None = stream.get_extra_info("socket") if layers < 2 else None
        self.framer = Framer()
        self._write_buffer = WriteBuffer()
        self._was_used = False
        self._early = b""  # bytes that arrived while the request was being sent
        renewed_in_children(self)

    def leave_to_parent(self) -> None:
        """Close it only in the child: the connection stays with the parent, and the server notices nothing."""
        self._stream.close()

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return bytes for httpcore, after sending those that it wrote."""
        if parts := self._write_buffer.take():
            self._send(parts, timeout)
        if self._early:
            early, self._early = self._early, b""
            return early
        while data := self._received(max_bytes, seconds_left(timeout, httpcore.ReadTimeout)):
            if given := self.framer.feed(data):
                return given
        return self.framer.finish()

    def receive(self, deadline: Deadline) -> bytes:
        """Return the next bytes as they arrive; none at the end. The caller gives them to the framer."""
        return self._received(_READ_AT_ONCE, deadline.left(httpcore.ReadTimeout))

    def _received(self, size: int, seconds: float | None) -> bytes:
        """Wait for bytes, as httpcore's stream does, which spends more on translating errors than on reading."""
        if self._socket is None:
            return self._stream.read(size, seconds)
        try:
            self._socket.settimeout(seconds)
            return self._socket.recv(size)
        except TimeoutError as error:
            raise httpcore.ReadTimeout(str(error)) from error
        except OSError as error:
            raise httpcore.ReadError(str(error)) from error

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Keep bytes, which are sent before the next read."""
        del timeout
        self._write_buffer.add(buffer)

    def close(self) -> None:
        """Close the connection at once."""
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> TimedStream:
        """Switch to TLS."""
        inner = self._stream.start_tls(ssl_context, server_hostname, seconds_left(timeout))
        return TimedStream(inner, self._layers + 1)

    def get_extra_info(self, info: str) -> object:
        """Return a detail of the connection."""
        if info == "is_readable" and not self.framer.clean:  # httpcore calls this before it uses a connection again
            return True
        return self._stream.get_extra_info(info)

    def _send(self, parts: list[bytes | memoryview], timeout: float | None) -> None:
        # again: bytes may have arrived since the pool's check
        if self._was_used and self.get_extra_info("is_readable"):
            raise httpcore.ConnectionNotAvailable
        self._was_used = True
        self.framer.sent()
        try:
            for part in parts:
                if self._socket is None:
                    self._stream.write(part, seconds_left(timeout))  # type: ignore[arg-type]  # a view is sliced for free
                elif not self._push(self._socket, memoryview(part), timeout):
                    self.framer.spoil()
                    return
        except (httpcore.WriteError, OSError):
            self.framer.spoil()  # the server may have answered before it closed, and reading shows it

    def _push(self, sock: socket.socket, view: memoryview, timeout: float | None) -> bool:
        """Send bytes; return whether all were sent, or the server has refused the request meanwhile."""
        sock.settimeout(0)
        while view:
            wants_read = False
            try:
                view = view[sock.send(view) :]
                continue
            except ssl.SSLWantReadError:
                wants_read = True
            except (BlockingIOError, ssl.SSLWantWriteError):
                pass
            readable, writable = wait_for(
                sock,
                read=wants_read or not self.framer.status,
                write=not wants_read,
                seconds=seconds_left(timeout, httpcore.WriteTimeout),
            )
            if not readable and not writable:
                raise httpcore.WriteTimeout("the server takes no more bytes")
            if readable and not self._listen(sock):
                return False
        return True

    def _listen(self, sock: socket.socket) -> bool:
        """Take bytes that arrive before all is sent; return whether to continue sending."""
        try:
            data = sock.recv(_READ_AT_ONCE)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return True
        self._early += self.framer.feed(data)
        return bool(data) and not self.framer.refuses


class TimedBackend(httpcore.NetworkBackend):
    """Connects with httpcore's own backend and returns timed streams."""

    def __init__(self) -> None:
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: SocketOptions | None = None,
    ) -> TimedStream:
        """Open a connection."""
        return TimedStream(self._backend.connect_tcp(host, port, timeout, local_address, socket_options))
