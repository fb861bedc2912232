"""The default transport: httpcore's pools, many small ones on one TLS context.

httpcore 1.0 searches every connection of a pool at each request, so that one pool's cost grows with the square of the
number of open streams. Small pools keep it flat: 500 streams cost a fifth of their cost in one pool.
"""

from __future__ import annotations

import weakref
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Generic, TypeVar

import httpcore

from deepseek_v4_sdk.support.forks import new_lock, renewed_in_children
from deepseek_v4_sdk.transport.addresses import wire_url
from deepseek_v4_sdk.transport.clock import SystemClock
from deepseek_v4_sdk.transport.connection import (
    AsyncIteratedResponse,
    AsyncTransport,
    IteratedResponse,
    Transport,
    head_of,
    timeouts_of,
)
from deepseek_v4_sdk.transport.hints import ConnectionHints
from deepseek_v4_sdk.transport.http1 import place_of
from deepseek_v4_sdk.transport.network import TimedBackend

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    import httpx

    from deepseek_v4_sdk.transport.asyncio_network import AsyncTimedBackend
    from deepseek_v4_sdk.transport.request import Open

__all__ = [
    "KEEP_ALIVE",
    "AsyncPooledTransport",
    "PooledTransport",
    "core_request",
    "late_tls_context",
    "proxy_of",
    "tls_context",
]

_CONNECTIONS = 8
# Both vLLM and SGLang close a connection that was idle for 5 s. A request sent just then fails.
KEEP_ALIVE = 4.0

PoolT = TypeVar("PoolT")


class _Slot(Generic[PoolT]):
    """A pool, the number of its requests, the time since it has none, and whether it gets no more."""

    __slots__ = ("idle_since", "open", "pool", "retired")

    def __init__(self, pool: PoolT) -> None:
        self.pool = pool
        self.open = 0
        self.idle_since = 0.0
        self.retired = False


class _PoolSet(Generic[PoolT]):
    """Chooses the pool for a request: the fullest one with space, so that few pools hold the idle connections."""

    def __init__(self, make: Callable[[], PoolT]) -> None:
        self._make = make
        self._slots: list[_Slot[PoolT]] = []
        self._lock = new_lock()
        self._clock = SystemClock()

    def take(self) -> _Slot[PoolT]:
        """Take a pool with space; it must be given back."""
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
        """Note that the request has ended. Return a retiring pool when its last request has ended, to be closed."""
        with self._lock:
            slot.open -= 1
            slot.idle_since = self._clock.now()
            if retire and not slot.retired:
                slot.retired = True
                if slot in self._slots:
                    self._slots.remove(slot)
            return slot.pool if slot.retired and slot.open == 0 else None

    def take_expired(self) -> PoolT | None:
        """Take a pool whose connections are too old to be used again, to be closed; None when there is none.

        A pool checks its connections only when it gets a request. After a burst most pools get no more, and would keep
        sockets that the server has long closed.
        """
        with self._lock:
            last = self._clock.now() - KEEP_ALIVE
            found = next((slot for slot in self._slots if slot.open == 0 and slot.idle_since < last), None)
            if found is None:
                return None
            self._slots.remove(found)
            return found.pool

    def empty(self) -> list[PoolT]:
        """Take all pools, to be closed."""
        with self._lock:
            pools = [slot.pool for slot in self._slots]
            self._slots.clear()
            return pools


def tls_context(ca_bundle: str | None) -> ssl.SSLContext:
    """Make the TLS context of a client. It costs 10 ms and a megabyte."""
    import ssl

    import certifi

    return ssl.create_default_context(cafile=ca_bundle or certifi.where())


def late_tls_context(ca_bundle: str | None) -> Callable[[], ssl.SSLContext]:
    """Return a function that makes the TLS context of HTTP/1.1 at its first call, and returns the same one later."""

    @cache
    def make() -> ssl.SSLContext:
        context = tls_context(ca_bundle)
        context.set_alpn_protocols(["http/1.1"])
        return context

    return make


def proxy_of(url: str | None) -> httpx.Proxy | None:
    """A proxy, with its user and password separate from its address."""
    if url is None:
        return None
    import httpx  # few programs use one

    return httpx.Proxy(url)


def _core_proxy(url: str | None) -> httpcore.Proxy | None:
    proxy = proxy_of(url)
    return None if proxy is None else httpcore.Proxy(str(proxy.url), auth=proxy.raw_auth, headers=proxy.headers.raw)


@lru_cache(maxsize=256)
def _target(url: str) -> httpcore.URL:
    return httpcore.URL(wire_url(url))


def core_request(step: Open) -> httpcore.Request:
    """The request of httpcore for a step."""
    call = step.call
    target, host = _target(call.url), place_of(call.url).host_field.encode("ascii")
    headers = [(name.encode("ascii"), value.encode("ascii")) for name, value in call.headers]
    if all(name.lower() != b"host" for name, _ in headers):
        headers.insert(0, (b"Host", host))
    if call.body is not None:
        headers.append((b"Content-Length", b"%d" % len(call.body)))
    return httpcore.Request(
        call.method, target, headers=headers, content=call.body, extensions={"timeout": timeouts_of(step)}
    )


class PooledTransport(Transport):
    """Sends requests over small pools that share one TLS context.

    Args:
        tls: Whether to make a TLS context.
        proxy: The URL of a proxy, or None.
        ca_bundle: A file of certificates to trust instead of the built-in ones, or None.
    """

    def __init__(self, *, tls: bool, proxy: str | None = None, ca_bundle: str | None = None) -> None:
        self.hints = ConnectionHints(proxy=proxy is not None, ca_bundle=ca_bundle is not None)
        context, hints = late_tls_context(ca_bundle), _core_proxy(proxy)
        self.proxy_host = None if hints is None else hints.url.host.decode()

        def make() -> httpcore.ConnectionPool:
            return httpcore.ConnectionPool(
                ssl_context=context() if tls else None,
                proxy=hints,
                max_connections=_CONNECTIONS,
                max_keepalive_connections=_CONNECTIONS,
                keepalive_expiry=KEEP_ALIVE,
                network_backend=TimedBackend(),
            )

        self._pool_set = _PoolSet(make)
        # Not with the client: a stream may be read to its end after its client is gone. And not by `__del__`: in a
        # cycle the garbage collector may reach the sockets first, which then warn.
        weakref.finalize(self, _close_all, self._pool_set).atexit = False
        renewed_in_children(self)

    def leave_to_parent(self) -> None:
        """Start fresh in a child process."""
        for pool in self._pool_set.empty():
            # A thread of the parent may have held it, and unfinished answers are closed under it.
            lock: object = getattr(pool, "_optional_thread_lock")  # noqa: B009  # it has no public name
            setattr(pool, "_optional_thread_lock", type(lock)())  # noqa: B010

    def send(self, step: Open) -> IteratedResponse:
        """Send a request and wait for the head of its answer."""
        while (expired := self._pool_set.take_expired()) is not None:
            expired.close()
        slot = self._pool_set.take()
        try:
            response = slot.pool.handle_request(core_request(step))
        except BaseException:
            self._pool_set.give_back(slot)
            raise

        def close() -> None:
            try:
                response.close()
            finally:
                self._pool_set.give_back(slot)

        return IteratedResponse(
            head_of(response.status, response.headers), response.iter_stream(), close, step.deadline
        )

    def close(self) -> None:
        """Close every connection."""
        _close_all(self._pool_set)


def _close_all(pools: _PoolSet[httpcore.ConnectionPool]) -> None:
    for pool in pools.empty():
        pool.close()


class _LoopPools:
    """The pools of one event loop.

    Args:
        make: Makes one with a given way to connect.
    """

    def __init__(self, make: Callable[[AsyncTimedBackend], httpcore.AsyncConnectionPool]) -> None:
        from deepseek_v4_sdk.transport.asyncio_network import AsyncTimedBackend  # it needs asyncio

        self._backend = backend = AsyncTimedBackend()
        self.pool_set = _PoolSet(lambda: make(backend))

    async def aclose(self) -> None:
        """Close every connection."""
        for pool in self.pool_set.empty():
            await pool.aclose()
        self._backend.close()

    def let_go(self) -> None:
        """Close every connection without the loop."""
        self.pool_set.empty()
        self._backend.let_go()


class AsyncPooledTransport(AsyncTransport):
    """The async form of `PooledTransport`. Each event loop has its own pools.

    Args:
        tls: Whether to make a TLS context.
        proxy: The URL of a proxy, or None.
        ca_bundle: A file of certificates to trust instead of the built-in ones, or None.
    """

    def __init__(self, *, tls: bool, proxy: str | None = None, ca_bundle: str | None = None) -> None:
        from deepseek_v4_sdk.transport.loops import Loops  # it needs asyncio

        self.hints = ConnectionHints(proxy=proxy is not None, ca_bundle=ca_bundle is not None)

        context, hints = late_tls_context(ca_bundle), _core_proxy(proxy)
        self.proxy_host = None if hints is None else hints.url.host.decode()

        def make(backend: AsyncTimedBackend) -> httpcore.AsyncConnectionPool:
            return httpcore.AsyncConnectionPool(
                ssl_context=context() if tls else None,
                proxy=hints,
                max_connections=_CONNECTIONS,
                max_keepalive_connections=_CONNECTIONS,
                keepalive_expiry=KEEP_ALIVE,
                network_backend=backend,
            )

        self._loops = Loops(lambda: _LoopPools(make))

    async def send(self, step: Open) -> AsyncIteratedResponse:
        """Send a request and wait for the head of its answer."""
        pools = await self._loops.here()
        while (expired := pools.pool_set.take_expired()) is not None:
            await expired.aclose()
        slot = pools.pool_set.take()
        try:
            response = await slot.pool.handle_async_request(core_request(step))
        except BaseException as error:
            # httpcore 1.0 may lose a connection when a request is cancelled before it was sent: it counts as in use
            # indefinitely.
            await self._give_back(pools, slot, retire=not isinstance(error, Exception))
            raise

        async def close() -> None:
            try:
                await response.aclose()
            finally:
                await self._give_back(pools, slot)

        return AsyncIteratedResponse(
            head_of(response.status, response.headers), response.aiter_stream(), close, step.deadline
        )

    async def _give_back(
        self, pools: _LoopPools, slot: _Slot[httpcore.AsyncConnectionPool], *, retire: bool = False
    ) -> None:
        if (retired := pools.pool_set.give_back(slot, retire=retire)) is not None:
            await retired.aclose()

    async def aclose(self) -> None:
        """Close every connection, on any loop."""
        await self._loops.aclose()
