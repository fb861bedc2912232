"""A connection of aiohttp that knows where an answer ends, as our own connections do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import ClientConnectionError, ClientRequest
from aiohttp.client_proto import ResponseHandler

from deepseek_v4_sdk.transport.framing import Framer
from deepseek_v4_sdk.transport.sockets import is_readable, unread

if TYPE_CHECKING:
    import asyncio

    from aiohttp import ClientResponse
    from aiohttp.abc import AbstractStreamWriter
    from aiohttp.connector import Connection

__all__ = ["FramedHandler", "FramedRequest", "SpoiltConnectionError"]


class SpoiltConnectionError(ClientConnectionError):
    """Bytes arrived on an idle connection before the request was sent on it: nothing of the request was sent."""


class FramedHandler(ResponseHandler):
    """Keeps bytes outside any answer away from aiohttp's parser, and closes the connection that they arrived on."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._framer = Framer()
        self._is_used = False
        self._is_reused = False

    @property
    def should_close(self) -> bool:
        """Whether the connection is closed after this answer; aiohttp reads it when the answer has ended."""
        return not self._framer.clean or super().should_close

    def is_connected(self) -> bool:
        """Whether the connection is open, and can be used again where it is idle."""
        transport = self.transport
        if transport is None or not super().is_connected():
            return False
        return self._framer.busy or (self._framer.clean and not is_readable(transport.get_extra_info("socket")))

    def set_response_params(self, **params: Any) -> None:
        """Note that a request is about to be sent; that of a tunnel has been sent by now."""
        self._is_reused = self._is_used
        if not self._is_reused:
            self._is_used = True
            self._framer.sent()
        super().set_response_params(**params)

    def begin(self) -> bool:
        """Begin a request with the next write; False where bytes arrived on the idle connection: do not use it.

        aiohttp reads `is_connected` when it takes a connection, and on Python 3.11 it writes the request in a later
        turn of the loop. Bytes that arrive between the two would become the answer.
        """
        if self._is_reused:
            if not self.is_connected():
                return False
            self._framer.sent()
        return True

    def data_received(self, data: bytes) -> None:
        """Take bytes that arrived; with none, the parser continues with those it has."""
        if not data or not self._is_used or (data := self._framer.feed(data)):
            super().data_received(data)

    def close(self) -> None:
        """Close at once: aiohttp would wait until all of a request was sent, and a server may never take it."""
        if self.transport is not None:
            self.transport.abort()
        super().close()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Note that the connection is lost; bytes from before are still read."""
        if exc is not None and self.transport is not None:
            for block in unread(self.transport):
                self.data_received(block)
        if rest := self._framer.finish():
            super().data_received(rest)
        super().connection_lost(exc)


class FramedRequest(ClientRequest):
    """A request that checks its connection again, in the step that writes it."""

    async def send(self, conn: Connection) -> ClientResponse:
        """Write the request, or its head where it has a body.

        Raises:
            SpoiltConnectionError: Bytes have arrived on the connection.
        """
        if not self.body and not _begin(conn):
            raise SpoiltConnectionError
        return await super().send(conn)

    async def write_bytes(
        self, writer: AbstractStreamWriter, conn: Connection, content_length: int | None = None
    ) -> None:
        """Write the request with its body, or report to the reader that bytes have arrived on the connection."""
        if not self.body or _begin(conn):
            await super().write_bytes(writer, conn, content_length)
        elif conn.protocol is not None:
            conn.protocol.set_exception(SpoiltConnectionError())


def _begin(conn: Connection) -> bool:
    protocol = conn.protocol
    return protocol.begin() if isinstance(protocol, FramedHandler) else True
