"""A server on a local socket that says what it is told, and notes when a client leaves."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from tests.support.hostile_server import HEAD, HostileServer, chunk_of

if TYPE_CHECKING:
    import socket

__all__ = ["SILENCE", "Server"]

SILENCE = None
"""Stands for saying nothing more until the client goes away."""


class Server(HostileServer):
    """Answers every request with the same blocks, each as one HTTP chunk.

    Args:
        blocks: What it says; a body that ends with `SILENCE` does not end.
        hang_up: Whether it closes the connection behind the answer, without a word.
    """

    def __init__(self, *blocks: bytes | None, hang_up: bool = False) -> None:
        super().__init__(self._answer)
        self._blocks = blocks
        self._hang_up = hang_up
        self.left = threading.Event()
        """Set when a client has closed its connection."""

    def _handle(self, connection: socket.socket) -> None:
        super()._handle(connection)
        self.left.set()

    def _answer(self, connection: socket.socket, _: HostileServer) -> None:
        while self.hear(connection):
            connection.sendall(HEAD)
            for block in self._blocks:
                if block is None:
                    connection.recv(1)
                    return
                connection.sendall(chunk_of(block))
            connection.sendall(chunk_of(b""))
            if self._hang_up:
                return
