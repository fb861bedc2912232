"""The timer of a connection on an event loop: moved, and not made anew for each read."""

from __future__ import annotations

import asyncio
from abc import abstractmethod

from deepseek_v4_sdk.transport.clock import TICK

__all__ = ["ReadTimer"]


class ReadTimer:
    """What reads with one timer, which is armed for each read, and made anew only when it must be.

    A base and no part: a part that calls back would tie both into a circle, which only the garbage collector unties.
    """

    __slots__ = ("_loop", "_timer")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    @abstractmethod
    def _left(self) -> float | None:
        """The seconds that the read which waits may still take; None when none waits, or when it may take any time."""

    @abstractmethod
    def _end(self) -> None:
        """End that read."""

    def _arm(self) -> None:
        """See to it that the timer rings no later than the read may last; that it rings too early does no harm."""
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
