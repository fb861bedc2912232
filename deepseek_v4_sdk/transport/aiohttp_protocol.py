"""A connection of aiohttp's that knows where an answer ends, as our own connections do."""

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
    """Bytes came on an idle connection before the request was sent on it: nothing of the request was sent."""


class FramedHandler(ResponseHandler):
    """Keeps what belongs to no request away from aiohttp's parser, and the connection it came on from the next one."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._framer = Framer()
        self._is_used = False
        self._is_reused = False

    @property
    def should_close(self) -> bool:
        """Whether the connection is closed behind this answer; asked when the answer has ended."""
        return not self._framer.clean or super().should_close

    def is_connected(self) -> bool:
        """Whether the connection is there, and can be used again where it is idle."""
        transport = self.transport
        if transport is None or not super().is_connected():
            return False
        return self._framer.busy or (self._framer.clean and not is_readable(transport.get_extra_info("socket")))

    def set_response_params(self, **params: Any) -> None:
        """A request is about to be sent; that of a tunnel has been sent by now."""
        self._is_reused = self._is_used
        if not self._is_reused:
            self._is_used = True
            self._framer.sent()
        super().set_response_params(**params)

    def begin(self) -> bool:
        """The next write is the request; False where bytes came on the idle connection, so that it must not be used.

        aiohttp asks `is_connected` when it takes a connection, and on Python 3.11 it writes the request in a later turn
        of the loop. What comes between the two would become the answer.
        """
        if self._is_reused:
            if not self.is_connected():
                return False
            self._framer.sent()
        return True

    def data_received(self, data: bytes) -> None:
        """Bytes came; with none, the parser goes on with those it has."""
        if not data or not self._is_used or (data := self._framer.feed(data)):
            super().data_received(data)

    def close(self) -> None:
        """Close at once: aiohttp would wait until all of a request was sent, and a server may never take it."""
        if self.transport is not None:
            self.transport.abort()
        super().close()

    def connection_lost(self, exc: BaseException | None) -> None:
        """The connection is gone; what came before is heard."""
        if exc is not None and self.transport is not None:
            for block in unread(self.transport):
                self.data_received(block)
        if rest := self._framer.finish():
            super().data_received(rest)
        super().connection_lost(exc)


class FramedRequest(ClientRequest):
    """A request that asks its connection once more, in the step that writes it."""

    async def send(self, conn: Connection) -> ClientResponse:
        """Write the request, or its head where it has a body.

        Raises:
            SpoiltConnectionError: Bytes have come on the connection.
        """
        if not self.body and not _begin(conn):
            raise SpoiltConnectionError
        return await super().send(conn)

    async def write_bytes(
        self, writer: AbstractStreamWriter, conn: Connection, content_length: int | None = None
    ) -> None:
        """Write the request with its body, or let the reader know that bytes have come on the connection."""
        if not self.body or _begin(conn):
            await super().write_bytes(writer, conn, content_length)
        elif conn.protocol is not None:
            conn.protocol.set_exception(SpoiltConnectionError())


def _begin(conn: Connection) -> bool:
    protocol = conn.protocol
    return protocol.begin() if isinstance(protocol, FramedHandler) else True
