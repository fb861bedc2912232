"""The open connections of a transport: the idle ones by their server, and for how long they are kept."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar
from weakref import WeakSet

from deepseek_v4_sdk.support.forks import new_lock
from deepseek_v4_sdk.transport import httpcore_transport as pools
from deepseek_v4_sdk.transport.clock import SystemClock

if TYPE_CHECKING:
    from deepseek_v4_sdk.transport.asyncio_network import AsyncTimedStream
    from deepseek_v4_sdk.transport.http1 import Origin
    from deepseek_v4_sdk.transport.network import TimedStream

__all__ = ["OpenConnections", "StreamT"]

StreamT = TypeVar("StreamT", bound="TimedStream | AsyncTimedStream")


class OpenConnections(Generic[StreamT]):
    """Open connections. The idle one that was used last is taken first, so that the others grow too old to be used."""

    def __init__(self) -> None:
        self._all: WeakSet[StreamT] = WeakSet()
        self._idle: dict[Origin, deque[tuple[float, StreamT]]] = {}  # with the time since when; the oldest first
        self._lock = new_lock()
        self._clock = SystemClock()

    def add(self, stream: StreamT) -> None:
        """Add a new connection."""
        with self._lock:
            self._all.add(stream)

    def take(self, origin: Origin) -> StreamT | None:
        """Take an idle connection to a server; None when there is none."""
        with self._lock:
            idle = self._idle.get(origin)
            return idle.pop()[1] if idle else None

    def give_back(self, origin: Origin, stream: StreamT) -> None:
        """Keep a connection for another request."""
        with self._lock:
            self._idle.setdefault(origin, deque()).append((self._clock.now(), stream))

    def take_expired(self) -> list[StreamT]:
        """Take the connections that are too old to be used again, to be closed."""
        last, expired = self._clock.now() - pools.KEEP_ALIVE, list[StreamT]()
        with self._lock:
            for idle in self._idle.values():
                while idle and idle[0][0] < last:
                    expired.append(idle.popleft()[1])
        return expired

    def __len__(self) -> int:
        return sum(map(len, self._idle.values()))

    def empty(self) -> list[StreamT]:
        """Take all connections, to be closed, also those in use."""
        with self._lock:
            every = list(self._all)
            self._all.clear()
            self._idle.clear()
            return every
