"""A server on a real socket that does with each connection what a function says, and counts them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["HEAD", "JSON_HEAD", "HostileServer", "chunk_of", "read_request"]

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
JSON_HEAD = b"HTTP/1.1 %d X\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"


def chunk_of(block: bytes) -> bytes:
    """A block as one HTTP chunk."""
    return b"%x\r\n%s\r\n" % (len(block), block)


def read_request(connection: socket.socket) -> bytes:
    """Read one request, head and body; empty when the client has closed."""
    received = b""
    while b"\r\n\r\n" not in received:
        block = connection.recv(65_536)
        if not block:
            return b""
        received += block
    head, _, body = received.partition(b"\r\n\r\n")
    lengths = [int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    while lengths and len(body) < lengths[0]:
        block = connection.recv(65_536)
        if not block:
            return b""
        body += block
    return head + b"\r\n\r\n" + body


class HostileServer:
    """Calls a function with each connection, in a thread of its own, and closes the connection behind it.

    Attributes:
        url: Its base URL.
        connections: How many there were.
        requests: What the function has noted with `heard`.
    """

    def __init__(self, serve: Callable[[socket.socket, HostileServer], None]) -> None:
        self._serve = serve
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.connections = 0
        self.requests: list[bytes] = []
        self.ended = threading.Event()
        """Set when the test is over, for functions that wait."""

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ended.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    def hear(self, connection: socket.socket) -> bytes:
        """Take one request and note it; empty when there is none."""
        request = read_request(connection)
        if request:
            self.requests.append(request)
        return request

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            thread = threading.Thread(target=self._handle, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _handle(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            self._serve(connection, self)
