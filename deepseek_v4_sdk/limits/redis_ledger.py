"""The ledger in Redis: it carries questions there, and reports what has changed, on a separate thread."""

from __future__ import annotations

import atexit
import json
import logging
import threading
import time
import warnings
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakSet

from redis import Redis
from redis import asyncio as awaited
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.exceptions import AskError, ClusterError, RedisError
from redis.retry import Retry

from deepseek_v4_sdk.limits.script import KEYS, SCRIPT
from deepseek_v4_sdk.support.forks import let_go, new_lock, renewed_in_children
from deepseek_v4_sdk.traffic.shared_limiter import Answer, Question, SharedLimiter
from deepseek_v4_sdk.transport.loops import Loops

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["RedisLedger"]

_logger = logging.getLogger("deepseek_v4_sdk")

_TIMEOUT = 1.0  # seconds
_TIMEOUTS = {"socket_timeout": _TIMEOUT, "socket_connect_timeout": _TIMEOUT}
_BEATS = 10  # in each lease
_LINGER = 0.005  # seconds in which further changes join a report
_GONE = (RedisError, OSError)
_LEDGERS: WeakSet[RedisLedger] = WeakSet()


class RedisLedger:
    """Holds the counts of shared limiters in a server of Redis or Valkey. It may be used from many threads.

    Args:
        url: The server's URL.
        lease: Seconds after its last sign of life for which a process keeps its places.
    """

    def __init__(self, url: str, lease: float) -> None:
        self._url = url
        self._lease = lease
        self._lock = new_lock()
        self._begin()
        _LEDGERS.add(self)
        renewed_in_children(self)

    def _begin(self) -> None:
        self._limiters: WeakSet[SharedLimiter] = WeakSet()
        self._stirred = threading.Event()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._warned = False
        self._client = cast("Redis", _untyped(Redis).from_url(self._url, retry=Retry(NoBackoff(), 1), **_TIMEOUTS))
        self._script = self._client.register_script(SCRIPT)
        self._loops = Loops(lambda: _ClientOfLoop(self._url))

    def leave_to_parent(self) -> None:
        """Start fresh in a child process: with other connections, and as other members."""
        self._begin()

    def add(self, limiter: SharedLimiter) -> None:
        """Report for a limiter, as long as it lives."""
        with self._lock:
            self._limiters.add(limiter)
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._report, name="deepseek-v4-limits", daemon=True)
                self._thread.start()

    def ask(self, question: Question) -> Answer | None:
        """Ask, and wait for the answer."""
        try:
            return self._read(self._script(*self._arguments(question)))
        except _GONE as error:
            self._lost(error)
            return None

    async def aask(self, question: Question) -> Answer | None:
        """Ask, and await the answer."""
        try:
            client = await self._loops.here()
            return self._read(await client.script(*self._arguments(question)))
        except _GONE as error:
            self._lost(error)
            return None

    def stir(self) -> None:
        """Send the limiters' changes soon; does not wait."""
        self._stirred.set()

    def close(self, seconds: float = 0.0) -> None:
        """Give the places back, and let go of the server.

        Args:
            seconds: Seconds to wait until that is done.
        """
        self._closed = True
        self.stir()
        if self._thread is not None and seconds:
            self._thread.join(seconds)

    def _report(self) -> None:
        """Report changes when they come, and several times in each lease."""
        while not self._closed:
            self._stirred.wait(self._lease / _BEATS)
            time.sleep(_LINGER)
            self._stirred.clear()
            self._report_all()
        self._report_all(stays=False)
        self._client.close()

    def _report_all(self, *, stays: bool = True) -> None:
        for limiter in list(self._limiters):
            question = limiter.report(time.monotonic())
            if question is not None:
                answer = self.ask(replace(question, stays=stays))
                limiter.answered(question, answer, time.monotonic())

    def _arguments(self, question: Question) -> tuple[Sequence[str], Sequence[str]]:
        limits = {
            "requests": question.limits.requests_per_minute,
            "tokens": question.limits.tokens_per_minute,
            "running": question.limits.concurrency,
        }
        fields = {
            "member": question.member,
            "joined": question.joined,
            "members": question.members,
            "running": question.running,
            "window": question.window,
            "lasts": question.lasts,
            "lease": self._lease if question.stays else 0,
            "limits": {kind: limit for kind, limit in limits.items() if limit is not None},
            "entries": [
                (one.name, one.seconds, one.requests, one.tokens, int(one.refused)) for one in question.entries
            ],
            "refusals": question.refusals,
            "paused": question.paused,
            "opened": question.opened,
            "begins": not question.asked or question.asked[0].begins,
            "asked": [(one.name, one.tokens) for one in question.asked],
        }
        return [f"deepseek-v4:{{{question.bucket}}}:{key}" for key in KEYS], [json.dumps(fields)]

    def _read(self, reply: object) -> Answer:
        if self._warned:
            self._warned = False
            _logger.info("the Redis of the shared limits can be used again: all processes share them")
        known, *rest = cast("list[Any]", reply)
        if not known:
            return Answer(known=False)
        granted, members, room, retry, requests, tokens, running, paused, opened = rest
        return Answer(
            granted=granted,
            members=members,
            room=None if float(room) < 0 else float(room),
            retry=float(retry),
            learned=(requests, tokens, running),
            paused=float(paused),
            opened=float(opened),
        )

    def _lost(self, error: Exception) -> None:
        with self._lock:
            first, self._warned = not self._warned, True
        if first and not self._closed:
            hint = "; RedisLimits needs one server, and this is a node of a cluster" if _is_of_cluster(error) else ""
            text = (
                f"the Redis of the shared limits cannot be used ({type(error).__name__}: {error}{hint}): until it can, "
                f"each process keeps to its part of the limits, and tries again every {self._lease / _BEATS:.0f} s"
            )
            _logger.warning(text)
            with suppress(UserWarning):  # where warnings are errors, the calls go on all the same
                warnings.warn(text, UserWarning, stacklevel=3)


class _ClientOfLoop:
    """The client of one event loop."""

    def __init__(self, url: str) -> None:
        made = _untyped(awaited.Redis).from_url(url, retry=AsyncRetry(NoBackoff(), 1), **_TIMEOUTS)
        self._client = cast("awaited.Redis", made)
        self.script = self._client.register_script(SCRIPT)

    async def aclose(self) -> None:
        """Close it, on that loop."""
        await self._client.aclose()

    def let_go(self) -> None:
        """Close it where the loop cannot: it sends nothing, and the loop does not know."""
        pool = _untyped(self._client.connection_pool)
        for connection in (*pool._available_connections, *pool._in_use_connections):
            writer = connection._writer
            if writer is not None:
                let_go(writer.transport)
                connection._writer = None


def _is_of_cluster(error: Exception) -> bool:
    return isinstance(error, (AskError, ClusterError))  # a MovedError is an AskError


def _untyped(thing: object) -> Any:
    """The library does not type all that it has; its connections are not public, and a loop may have left them open."""
    return thing


@atexit.register
def _leave() -> None:
    """Give the places of this process back before it ends."""
    for ledger in list(_LEDGERS):
        ledger.close()
    for ledger in list(_LEDGERS):
        ledger.close(_TIMEOUT)
