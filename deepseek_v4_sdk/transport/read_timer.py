"""The timer of a connection on an event loop: moved, and not created for each read."""

from __future__ import annotations

import asyncio
from abc import abstractmethod

from deepseek_v4_sdk.transport.clock import TICK

__all__ = ["ReadTimer"]


class ReadTimer:
    """A base for objects that read with one timer, which is armed for each read, and created only when it must be.

    A base class and not a member: a member that calls back would make a reference cycle, which only the garbage
    collector frees.
    """

    __slots__ = ("_loop", "_timer")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    @abstractmethod
    def _left(self) -> float | None:
        """Seconds that the waiting read may still take; None when none waits, or when it may take any time."""

    @abstractmethod
    def _end(self) -> None:
        """End that read."""

    def _arm(self) -> None:
        """Make sure that the timer fires no later than the read may last; firing too early does no harm."""
        seconds = self._left()
        if seconds is None:
            return
        at = self._loop.time() + seconds
        if self._timer is not None:
            if self._timer.when() <= at:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(at, self._rings)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _rings(self) -> None:
        self._timer = None
        seconds = self._left()
        if seconds is None:
            return
        if seconds > TICK:
            self._arm()
        else:
            self._end()
