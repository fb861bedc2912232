"""A server on a local socket that says what it is told, and notes connections and their ends."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["SILENCE", "Server"]

SILENCE = None
"""Stands for saying nothing more until the client goes away."""
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


class Server:
    """Answers every request with the same blocks, each as one HTTP chunk.

    Args:
        blocks: What it says; a body that ends with `SILENCE` does not end.
        hang_up: Whether it closes the connection behind the answer, without a word.
    """

    def __init__(self, *blocks: bytes | None, hang_up: bool = False) -> None:
        self._blocks = blocks
        self._hang_up = hang_up
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.connections = 0
        self.requests = 0
        self.left = threading.Event()
        """Set when a client has closed its connection."""

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while self._read_request(connection):
                self.requests += 1
                connection.sendall(HEAD)
                for block in self._blocks:
                    if block is None:
                        connection.recv(1)
                        break
                    connection.sendall(b"%x\r\n%s\r\n" % (len(block), block))
                else:
                    connection.sendall(b"0\r\n\r\n")
                    if self._hang_up:
                        return
                    continue
                break
        self.left.set()

    def _read_request(self, connection: socket.socket) -> bool:
        received = b""
        while b"\r\n\r\n" not in received:
            block = connection.recv(65_536)
            if not block:
                return False
            received += block
        head, _, body = received.partition(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        while len(body) < length:
            body += connection.recv(65_536)
        return True
