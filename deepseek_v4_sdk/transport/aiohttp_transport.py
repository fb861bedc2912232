"""The transport for many streams: aiohttp's connections, without the layers of httpx above them.

It needs the extra `fast` and is chosen by name. Nothing else depends on it.
"""

from __future__ import annotations

import asyncio
import io
import math
from base64 import b64encode
from functools import lru_cache, partial
from typing import TYPE_CHECKING
from weakref import WeakSet

import aiohttp
from yarl import URL

from deepseek_v4_sdk.support.forks import let_go
from deepseek_v4_sdk.transport import httpcore_transport as pools
from deepseek_v4_sdk.transport.addresses import wire_url
from deepseek_v4_sdk.transport.aiohttp_protocol import FramedHandler, FramedRequest, SpoiltConnectionError
from deepseek_v4_sdk.transport.connection import AsyncTransport, head_of
from deepseek_v4_sdk.transport.hints import ConnectionHints
from deepseek_v4_sdk.transport.loops import Loops, hang_up
from deepseek_v4_sdk.transport.read_timer import ReadTimer

if TYPE_CHECKING:
    import ssl

    from aiohttp.client import ClientRequest
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace

    from deepseek_v4_sdk.transport.clock import Deadline
    from deepseek_v4_sdk.transport.request import Open

__all__ = ["AiohttpTransport"]

# The size of the buffer that is read ahead of the caller: half of it, before reading pauses.
_AHEAD = 128 * 1024
# aiohttp warns of a larger body that is sent at once; from a file it sends the body in pieces.
_LARGE = 1024 * 1024


class _AiohttpResponse(ReadTimer):
    """A response of aiohttp."""

    __slots__ = ("_content", "_deadline", "_is_waiting", "_loops", "_response", "head")

    def __init__(self, response: aiohttp.ClientResponse, deadline: Deadline, loops: object) -> None:
        super().__init__()
        self._loops = loops  # kept as long as the answer: the connections are closed when both are gone
        self._response = response
        self._content = response.content
        self._deadline = deadline
        self._is_waiting = False
        self.head = head_of(response.status, response.raw_headers)

    async def read(self) -> bytes:
        content = self._content
        if data := content.read_nowait():
            return data
        self._is_waiting = True
        if not content.is_eof():
            self._arm(self._deadline)
        try:
            return await content.readany()
        finally:
            self._is_waiting = False

    async def close(self) -> None:
        self._disarm()
        # None where the answer was read to its end: the connection is back in the pool
        connection = self._response.connection
        if connection is not None and self._loop.is_closed():
            _let_go(connection.protocol)
            connection.close()
            return
        self._response.close()

    def _waits(self) -> bool:
        return self._is_waiting

    def _end(self) -> None:
        self._content.set_exception(TimeoutError("nothing came in time"))


class _Connector(aiohttp.TCPConnector):
    """Knows its connections, so that they can be closed without their loop."""

    protocols: WeakSet[ResponseHandler]
    in_use: WeakSet[Connection]

    async def connect(self, req: ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout) -> Connection:  # noqa: ASYNC109  # aiohttp's own
        connection = await super().connect(req, traces, timeout)
        if connection.protocol is not None:
            self.protocols.add(connection.protocol)
            self.in_use.add(connection)
        return connection

    def let_go(self) -> None:
        for protocol in list(self.protocols):
            _let_go(protocol)
        self.leave_answers()
        self._conns.clear()  # as aiohttp does

    def leave_answers(self) -> None:
        """Close the connections of unread answers: aiohttp warns about them when they are collected."""
        for connection in list(self.in_use):
            connection.close()

    def hang_up(self) -> None:
        """Close the connections to the servers now, while the loop is not running."""
        for protocol in list(self.protocols):
            if protocol.transport is not None:
                hang_up(protocol.transport)


class _LoopSession:
    """The connections of one event loop."""

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        self._connector = _Connector(ssl=tls or True, limit=0, keepalive_timeout=pools.KEEP_ALIVE)
        self._connector.protocols, self._connector.in_use = WeakSet(), WeakSet()
        self._loop = asyncio.get_running_loop()
        self.session = aiohttp.ClientSession(
            connector=self._connector,
            request_class=FramedRequest,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            read_bufsize=_AHEAD,
            timeout=aiohttp.ClientTimeout(),
        )
        # Requests are sent again in one place, which counts them; aiohttp would do so silently.
        setattr(self.session, "_retry_connection", False)  # noqa: B010  # it has no public name
        setattr(self._connector, "_factory", partial(FramedHandler, loop=self._loop))  # noqa: B010  # nor does this

    async def aclose(self) -> None:
        """Close every connection."""
        if not self.session.closed:
            if not self._loop.is_running():
                self._connector.hang_up()
            self._connector.leave_answers()
            await self.session.close()
            await asyncio.sleep(0)  # the sockets are closed in the loop's next turn

    def let_go(self) -> None:
        """Close every connection without the loop."""
        self.session.detach()
        self._connector.let_go()


class AiohttpTransport(AsyncTransport):
    """Sends requests over aiohttp.

    Args:
        tls: Whether to make a TLS context.
        proxy: The URL of a proxy with http or https, or None.
        ca_bundle: A file of certificates to trust instead of the built-in ones, or None.
    """

    def __init__(self, *, tls: bool, proxy: str | None = None, ca_bundle: str | None = None) -> None:
        self.hints = ConnectionHints(proxy=proxy is not None, ca_bundle=ca_bundle is not None)
        context = pools.tls_context(ca_bundle) if tls else None
        # aiohttp shows a proxy's URL in its errors: user and password are passed separately.
        hints = pools.proxy_of(proxy)
        self._proxy = URL(str(hints.url), encoded=True) if hints is not None else None
        self.proxy_host = None if hints is None else hints.url.host
        self._proxy_headers: dict[str, str] = {}
        if hints is not None and hints.raw_auth is not None:
            self._proxy_headers["Proxy-Authorization"] = f"Basic {b64encode(b':'.join(hints.raw_auth)).decode()}"
        self._loops = Loops(lambda: _LoopSession(context))

    async def send(self, step: Open) -> _AiohttpResponse:
        """Send a request and wait for the head of its answer."""
        session = (await self._loops.here()).session
        async with asyncio.timeout(step.deadline.left()):
            while True:
                try:
                    response = await self._request(session, step)
                # nothing was sent, and that connection is closed: another one may be open
                except SpoiltConnectionError:
                    continue
                return _AiohttpResponse(response, step.deadline, self._loops)

    async def _request(self, session: aiohttp.ClientSession, step: Open) -> aiohttp.ClientResponse:
        call = step.call
        body = io.BytesIO(call.body) if call.body is not None and len(call.body) > _LARGE else call.body
        address = _address(call.url)
        direct = address.scheme == "http"  # a proxy gets such a request unchanged, and one with TLS in a tunnel
        return await session.request(
            call.method,
            address,
            data=body,
            headers=(*call.headers, *self._proxy_headers.items()) if direct else call.headers,
            allow_redirects=False,
            proxy=self._proxy,
            proxy_headers=self._proxy_headers or None,
            timeout=aiohttp.ClientTimeout(connect=step.connect, ceil_threshold=math.inf),
        )

    async def aclose(self) -> None:
        """Close every connection, on any loop."""
        await self._loops.aclose()


def _let_go(protocol: ResponseHandler | None) -> None:
    if protocol is not None:
        let_go(protocol.transport)
        protocol.transport = None


@lru_cache(maxsize=256)
def _address(url: str) -> URL:
    return URL(wire_url(url), encoded=True)
