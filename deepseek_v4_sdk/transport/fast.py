"""The way of bytes for many streams: aiohttp's connections, without the layers of httpx above them.

It needs the extra `fast` and is asked for by name. It is one carrier among others: nothing else depends on it.
"""

from __future__ import annotations

import asyncio
import io
import math
from base64 import b64encode
from functools import lru_cache
from typing import TYPE_CHECKING

import aiohttp
from yarl import URL

from deepseek_v4_sdk.transport import pools
from deepseek_v4_sdk.transport.addresses import wire_url
from deepseek_v4_sdk.transport.hints import Way
from deepseek_v4_sdk.transport.lines import AsyncCarrier, head_of
from deepseek_v4_sdk.transport.read_timer import ReadTimer

if TYPE_CHECKING:
    from deepseek_v4_sdk.transport.clock import Deadline
    from deepseek_v4_sdk.transport.steps import Open

__all__ = ["AiohttpTransport"]

# What is read ahead of the caller: half of it, before reading pauses.
_AHEAD = 128 * 1024
# aiohttp sends what is larger at once only with a warning; from a file it goes out in pieces.
_LARGE = 1024 * 1024


class _Answer(ReadTimer):
    """An answer of aiohttp."""

    __slots__ = ("_content", "_deadline", "_response", "_waits", "head")

    def __init__(self, response: aiohttp.ClientResponse, deadline: Deadline) -> None:
        super().__init__()
        self._response = response
        self._content = response.content
        self._deadline = deadline
        self._waits = False
        self.head = head_of(response.status, response.raw_headers)

    async def read(self) -> bytes:
        content = self._content
        if data := content.read_nowait():
            return data
        self._waits = True
        if not content.is_eof():
            self._arm()
        try:
            return await content.readany()
        finally:
            self._waits = False

    async def close(self) -> None:
        self._disarm()
        connection = self._response.connection  # None where the answer was read to its end: the pool has it by now
        line = None if connection is None else connection.transport
        self._response.close()
        if line is not None:
            line.abort()  # aiohttp would wait until all of the request was sent

    def _left(self) -> float | None:
        return self._deadline.left() if self._waits else None

    def _end(self) -> None:
        self._content.set_exception(TimeoutError("nothing came in time"))


class AiohttpTransport(AsyncCarrier):
    """Carries requests over aiohttp.

    Args:
        tls: Whether to make a TLS context.
        proxy: The URL of a proxy with http or https, or None.
        ca_bundle: A file of certificates to trust instead of the built-in ones, or None.
    """

    def __init__(self, *, tls: bool, proxy: str | None = None, ca_bundle: str | None = None) -> None:
        self.way = Way(proxy=proxy is not None, ca_bundle=ca_bundle is not None)
        self._tls = pools.tls_context(ca_bundle) if tls else None
        # aiohttp shows a proxy's URL in its errors: user and password go beside it.
        way = pools.proxy_of(proxy)
        self._proxy = URL(str(way.url), encoded=True) if way is not None else None
        self.proxy_host = None if way is None else way.url.host
        self._proxy_headers: dict[str, str] = {}
        if way is not None and way.raw_auth is not None:
            self._proxy_headers["Proxy-Authorization"] = f"Basic {b64encode(b':'.join(way.raw_auth)).decode()}"
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def carry(self, step: Open) -> _Answer:
        """Send a request and wait for the head of its answer."""
        call = step.call
        body = io.BytesIO(call.body) if call.body is not None and len(call.body) > _LARGE else call.body
        address = _address(call.url)
        direct = address.scheme == "http"  # through a proxy such a request goes as it is, and one with TLS in a tunnel
        async with asyncio.timeout(step.deadline.left()):
            response = await self._opened().request(
                call.method,
                address,
                data=body,
                headers=(*call.headers, *self._proxy_headers.items()) if direct else call.headers,
                allow_redirects=False,
                proxy=self._proxy,
                proxy_headers=self._proxy_headers or None,
                timeout=aiohttp.ClientTimeout(connect=step.connect, ceil_threshold=math.inf),
            )
        return _Answer(response, step.deadline)

    async def aclose(self) -> None:
        """Close every connection."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _opened(self) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        if self._session is None or self._loop is not loop:  # connections die with their loop
            self._loop = loop
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=self._tls or True, limit=0, keepalive_timeout=pools.KEEP_ALIVE),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                read_bufsize=_AHEAD,
                timeout=aiohttp.ClientTimeout(),
            )
            # Requests are sent again in one place, where they are counted; aiohttp would do so by itself.
            setattr(self._session, "_retry_connection", False)  # noqa: B010  # it has no public name
        return self._session


@lru_cache(maxsize=256)
def _address(url: str) -> URL:
    return URL(wire_url(url), encoded=True)
