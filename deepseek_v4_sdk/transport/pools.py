"""The default way of bytes: httpcore's pools, many small ones on one TLS context.

httpcore 1.0 looks through every connection of a pool at each request, so that one pool's cost grows with the square of
the number of open streams. Small pools keep it flat: 500 streams cost a fifth of what one pool takes.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, TypeVar

import httpcore
import httpx

from deepseek_v4_sdk.transport.clock import SystemClock
from deepseek_v4_sdk.transport.network import AsyncTimedBackend, TimedBackend

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

__all__ = ["AsyncPooledTransport", "PooledTransport"]

_CONNECTIONS = 8
# Both vLLM and SGLang close a connection that was idle for 5 s. One that is used just then fails.
_KEEP_ALIVE = 4.0

PoolT = TypeVar("PoolT")


class _Slot(Generic[PoolT]):
    """A pool, the number of requests it has, since when it has none, and whether it is to get no more."""

    __slots__ = ("idle_since", "open", "pool", "retired")

    def __init__(self, pool: PoolT) -> None:
        self.pool = pool
        self.open = 0
        self.idle_since = 0.0
        self.retired = False


class _Shelf(Generic[PoolT]):
    """Chooses the pool for a request: the fullest one with room, so that few pools hold the idle connections."""

    def __init__(self, make: Callable[[], PoolT]) -> None:
        self._make = make
        self._slots: list[_Slot[PoolT]] = []
        self._lock = threading.Lock()
        self._clock = SystemClock()

    def take(self) -> _Slot[PoolT]:
        """A pool with room; it must be given back."""
        with self._lock:
            best: _Slot[PoolT] | None = None
            for slot in self._slots:
                if slot.open < _CONNECTIONS and (best is None or slot.open > best.open):
                    best = slot
            if best is None:
                best = _Slot(self._make())
                self._slots.append(best)
            best.open += 1
            return best

    def give_back(self, slot: _Slot[PoolT], *, retire: bool = False) -> PoolT | None:
        """The request has ended. A pool that retires is given when its last request has ended, to be closed."""
        with self._lock:
            slot.open -= 1
            slot.idle_since = self._clock.now()
            if retire and not slot.retired:
                slot.retired = True
                if slot in self._slots:
                    self._slots.remove(slot)
            return slot.pool if slot.retired and slot.open == 0 else None

    def take_expired(self) -> PoolT | None:
        """A pool whose connections are too old to be used again, to be closed; None when there is none.

        A pool looks at its connections only when it gets a request. After a burst most pools get no more, and would
        hold on to sockets that the server has long closed.
        """
        with self._lock:
            last = self._clock.now() - _KEEP_ALIVE
            found = next((slot for slot in self._slots if slot.open == 0 and slot.idle_since < last), None)
            if found is None:
                return None
            self._slots.remove(found)
            return found.pool

    def empty(self) -> list[PoolT]:
        """All pools, to be closed."""
        with self._lock:
            pools = [slot.pool for slot in self._slots]
            self._slots.clear()
            return pools


def _tls(ca_bundle: str | None) -> Callable[[], ssl.SSLContext]:
    """Makes the TLS context when the first pool is made, and the same one for all: it costs 10 ms and a megabyte."""
    made: list[ssl.SSLContext] = []

    def context() -> ssl.SSLContext:
        if not made:
            if ca_bundle is None:
                made.append(httpx.create_ssl_context(trust_env=False))
            else:
                import ssl

                made.append(ssl.create_default_context(cafile=ca_bundle))
        return made[0]

    return context


def _proxy(url: str | None) -> httpcore.Proxy | None:
    if url is None:
        return None
    parsed = httpx.Proxy(url)
    return httpcore.Proxy(str(parsed.url), auth=parsed.raw_auth, headers=parsed.headers.raw)


def _core_request(request: httpx.Request) -> httpcore.Request:
    return httpcore.Request(
        method=request.method,
        url=httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        ),
        headers=request.headers.raw,
        content=request.content,
        extensions=request.extensions,
    )


class _Body(httpx.SyncByteStream):
    """The body of an answer; closing it gives the pool back."""

    def __init__(self, response: httpcore.Response, release: Callable[[], object]) -> None:
        self._response = response
        self._release = release

    def __iter__(self) -> Iterator[bytes]:
        return self._response.iter_stream()

    def close(self) -> None:
        try:
            self._response.close()
        finally:
            self._release()


class PooledTransport(httpx.BaseTransport):
    """Carries requests over small pools that share one TLS context.

    Args:
        tls: Whether to make a TLS context.
        proxy: The URL of a proxy, or None.
        ca_bundle: A file of certificates to trust instead of the built-in ones, or None.
    """

    def __init__(self, *, tls: bool, proxy: str | None = None, ca_bundle: str | None = None) -> None:
        context, way = _tls(ca_bundle), _proxy(proxy)

        def make() -> httpcore.ConnectionPool:
            return httpcore.ConnectionPool(
                ssl_context=context() if tls else None,
                proxy=way,
                max_connections=_CONNECTIONS,
                max_keepalive_connections=_CONNECTIONS,
                keepalive_expiry=_KEEP_ALIVE,
                network_backend=TimedBackend(),
            )

        self._shelf = _Shelf(make)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and wait for the head of its answer."""
        while (expired := self._shelf.take_expired()) is not None:
            expired.close()
        slot = self._shelf.take()
        try:
            response = slot.pool.handle_request(_core_request(request))
        except BaseException:
            self._shelf.give_back(slot)
            raise
        body = _Body(response, lambda: self._shelf.give_back(slot))
        return httpx.Response(response.status, headers=response.headers, stream=body)

    def close(self) -> None:
        """Close every connection."""
        for pool in self._shelf.empty():
            pool.close()

    def __del__(self) -> None:
        # Not with the client: a stream may be read to its end after the client that made it is gone.
        if hasattr(self, "_shelf"):
            self.close()


class _AsyncBody(httpx.AsyncByteStream):
    """The body of an answer; closing it gives the pool back."""

    def __init__(self, response: httpcore.Response, release: Callable[[], Awaitable[None]]) -> None:
        self._response = response
        self._release = release

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._response.aiter_stream()

    async def aclose(self) -> None:
        try:
            await self._response.aclose()
        finally:
            await self._release()


class AsyncPooledTransport(httpx.AsyncBaseTransport):
    """The async form of `PooledTransport`.

    Args:
        tls: Whether to make a TLS context.
        proxy: The URL of a proxy, or None.
        ca_bundle: A file of certificates to trust instead of the built-in ones, or None.
    """

    def __init__(self, *, tls: bool, proxy: str | None = None, ca_bundle: str | None = None) -> None:
        context, way = _tls(ca_bundle), _proxy(proxy)

        def make() -> httpcore.AsyncConnectionPool:
            return httpcore.AsyncConnectionPool(
                ssl_context=context() if tls else None,
                proxy=way,
                max_connections=_CONNECTIONS,
                max_keepalive_connections=_CONNECTIONS,
                keepalive_expiry=_KEEP_ALIVE,
                network_backend=AsyncTimedBackend(),
            )

        self._shelf = _Shelf(make)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and wait for the head of its answer."""
        while (expired := self._shelf.take_expired()) is not None:
            await expired.aclose()
        slot = self._shelf.take()
        try:
            response = await slot.pool.handle_async_request(_core_request(request))
        except BaseException as error:
            # httpcore 1.0 may lose a connection when a request is cancelled before it was sent: it is in use for ever.
            await self._give_back(slot, retire=not isinstance(error, Exception))
            raise
        body = _AsyncBody(response, lambda: self._give_back(slot))
        return httpx.Response(response.status, headers=response.headers, stream=body)

    async def _give_back(self, slot: _Slot[httpcore.AsyncConnectionPool], *, retire: bool = False) -> None:
        if (retired := self._shelf.give_back(slot, retire=retire)) is not None:
            await retired.aclose()

    async def aclose(self) -> None:
        """Close every connection."""
        for pool in self._shelf.empty():
            await pool.aclose()
