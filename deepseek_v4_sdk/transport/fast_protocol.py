"""A connection of aiohttp's that knows where an answer ends, as our own connections do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp.client_proto import ResponseHandler

from deepseek_v4_sdk.transport.framing import Framer
from deepseek_v4_sdk.transport.sockets import is_readable, unread

if TYPE_CHECKING:
    import asyncio

__all__ = ["FramedHandler"]


class FramedHandler(ResponseHandler):
    """Keeps what belongs to no request away from aiohttp's parser, and the connection it came on from the next one."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._framer = Framer()
        self._is_used = False

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
        """The answer to a request comes next. A tunnel's request has been sent by now, any other has not."""
        self._is_used = True
        self._framer.sent()
        super().set_response_params(**params)

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
