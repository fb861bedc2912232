"""Bells: what a waiting call is woken by, from whichever thread, before its time."""

from __future__ import annotations

import threading
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from deepseek_v4_sdk.transport.clock import SystemClock

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Event
    from collections.abc import Callable

    from deepseek_v4_sdk.transport.clock import Clock

__all__ = ["Bell"]

# On a clock of its own (a mock's) a wait takes no time; but another thread or task, whose time is real, may be about to
# ring. It gets this long.
_PATIENCE = 2.0


class Bell:
    """Rings once for each `clear`. One call waits for it, any thread may ring it.

    Attributes:
        timed: Whether what is waited for comes with time, whatever others do.
    """

    __slots__ = ("_listener", "_loop", "_rung", "timed")

    def __init__(self) -> None:
        self.timed = False
        self._rung = False
        self._listener: Callable[[], object] | None = None
        self._loop: AbstractEventLoop | None = None  # on which somebody waits

    @property
    def is_forsaken(self) -> bool:
        """Whether who waits for it will not wake: the event loop was closed meanwhile."""
        return self._loop is not None and self._loop.is_closed()

    @property
    def rings(self) -> bool:
        """Whether it has rung since it was cleared."""
        return self._rung

    def clear(self) -> None:
        """From now on a ring is a new one."""
        self._rung = False

    def ring(self) -> None:
        """Wake who waits, or will."""
        self._rung = True  # before the listener is looked at: `_listen` does it the other way round
        listener = self._listener
        if listener is not None:
            listener()

    def wait(self, clock: Clock, seconds: float) -> None:
        """Wait for the ring, at most so long, for a sync client."""
        event = threading.Event()
        self._listen(event.set)
        real = isinstance(clock, SystemClock)
        try:
            if not event.wait(seconds if real else self._patience()) and not real:
                clock.sleep(seconds)
        finally:
            self._listener = None

    async def await_(self, clock: Clock, seconds: float) -> None:
        """The same for an async client."""
        import asyncio

        event, self._loop = asyncio.Event(), asyncio.get_running_loop()
        self._listen(partial(_set_there, self._loop, event))
        real = isinstance(clock, SystemClock)
        try:
            async with asyncio.timeout(seconds if real else self._patience()):
                await event.wait()
        except TimeoutError:
            if not real:
                await clock.asleep(seconds)
        finally:
            self._listener = self._loop = None

    def _patience(self) -> float:
        return 0.0 if self.timed else _PATIENCE

    def _listen(self, listener: Callable[[], object]) -> None:
        self._listener = listener
        if self._rung:
            listener()


def _set_there(loop: AbstractEventLoop, event: Event) -> None:
    with suppress(RuntimeError):  # the loop is closed, and nobody wakes there any more
        loop.call_soon_threadsafe(event.set)
