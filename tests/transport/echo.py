"""A server that answers each question with its own words, so that it shows whose answer somebody got."""

from __future__ import annotations

import json
import ssl
import threading
from typing import TYPE_CHECKING

import trustme

from tests.support.hostile_server import HEAD, HostileServer, chunk_of
from tests.support.wire import DONE, finish, say

if TYPE_CHECKING:
    import socket

__all__ = ["AUTHORITY", "Echo", "EncryptedEcho", "question_of"]

AUTHORITY = trustme.CA()
"""Vouches for the certificate of an `EncryptedEcho`."""
_CERTIFICATE = AUTHORITY.issue_cert("127.0.0.1")


def question_of(request: bytes) -> str:
    """What a request asks."""
    asked = json.loads(request.partition(b"\r\n\r\n")[2])["messages"][-1]["content"]
    assert isinstance(asked, str)
    return asked


class Echo(HostileServer):
    """Answers "to x" to "x", in two halves.

    Attributes:
        halves: How many answers were begun.
        go_on: Whether the second halves are sent; before that they wait.
        open: How many connections are open.
    """

    def __init__(self, *, held: bool = False) -> None:
        super().__init__(self._answer)
        self.halves = 0
        self.open = 0
        self.go_on = threading.Event()
        if not held:
            self.go_on.set()

    def _handle(self, connection: socket.socket) -> None:
        self.open += 1
        super()._handle(connection)
        self.open -= 1

    def _answer(self, connection: socket.socket, _: HostileServer) -> None:
        with self.encrypted(connection) as spoken:
            while request := self.hear(spoken):
                asked = question_of(request)
                spoken.sendall(HEAD + chunk_of(say("to ")))
                self.halves += 1
                self.go_on.wait(30)
                spoken.sendall(b"".join(map(chunk_of, (say(asked), finish("stop"), DONE, b""))))

    def encrypted(self, connection: socket.socket) -> socket.socket:
        """The connection as it is spoken on."""
        return connection


class EncryptedEcho(Echo):
    """The same behind TLS."""

    def encrypted(self, connection: socket.socket) -> socket.socket:
        """The connection, encrypted."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        _CERTIFICATE.configure_cert(context)
        return context.wrap_socket(connection, server_side=True)
