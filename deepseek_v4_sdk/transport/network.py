"""Network streams for httpcore: reads end at a deadline that moves, and chunks that came together are one.

Their async form is in `async_network`: a sync program loads no asyncio.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeAlias

import httpcore

from deepseek_v4_sdk.forks import renewed_in_children
from deepseek_v4_sdk.transport.chunks import ChunkJoiner
from deepseek_v4_sdk.transport.clock import seconds_left

if TYPE_CHECKING:
    import ssl

    SocketOptions: TypeAlias = Iterable[
        tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]
    ]

__all__ = ["Parcel", "SocketOptions", "TimedBackend"]

# A larger body is not copied to stand behind its head; its first part goes out with it.
_JOINED = 64 * 1024


class Parcel:
    """What is to be sent, held until something is to be read, so that head and body go out together."""

    __slots__ = ("_parts",)

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def add(self, part: bytes) -> None:
        """One more part."""
        if part:
            self._parts.append(part)

    def take(self) -> list[bytes | memoryview]:
        """All parts, as few as can be without copying much."""
        parts, self._parts = self._parts, []
        small: list[bytes | memoryview] = []
        for place, part in enumerate(parts):
            if len(part) > _JOINED:
                view = memoryview(part)
                return [b"".join([*small, view[:_JOINED]]), view[_JOINED:], *parts[place + 1 :]]
            small.append(part)
        return [b"".join(small)] if small else []


class _TimedStream(httpcore.NetworkStream):
    """A stream that asks how much time is left at each read."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream
        self._chunks = ChunkJoiner()
        self._parcel = Parcel()
        renewed_in_children(self)

    def leave_to_parent(self) -> None:
        """Close it in a child alone: the connection stays with the parent, and the server hears nothing."""
        self._stream.close()

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._flush(timeout)
        while data := self._stream.read(max_bytes, seconds_left(timeout)):
            if joined := self._chunks.joined(data):
                return joined
        return b""

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        del timeout
        self._parcel.add(buffer)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _TimedStream(self._stream.start_tls(ssl_context, server_hostname, seconds_left(timeout)))

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)

    def _flush(self, timeout: float | None) -> None:
        parts = self._parcel.take()
        if parts:
            self._chunks.sent()
        try:
            for part in parts:
                self._stream.write(part, seconds_left(timeout))  # type: ignore[arg-type]  # a view is sliced for free
        except httpcore.WriteError:
            pass  # the server may have answered before it closed, and reading tells


class TimedBackend(httpcore.NetworkBackend):
    """Connects with httpcore's own backend and gives out timed streams."""

    def __init__(self) -> None:
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: SocketOptions | None = None,
    ) -> httpcore.NetworkStream:
        """Open a connection."""
        return _TimedStream(self._backend.connect_tcp(host, port, timeout, local_address, socket_options))
