"""The timer of a connection on an event loop: moved, and not created for each read."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from typing import TYPE_CHECKING

from deepseek_v4_sdk.transport.clock import TICK

if TYPE_CHECKING:
    from deepseek_v4_sdk.transport.clock import Deadline

__all__ = ["ReadTimer"]


class ReadTimer:
    """A base for objects that read with one timer, which is armed for each read, and created only when it must be.

    A base class and not a member: a member that calls back would make a reference cycle, which only the garbage
    collector frees.
    """

    __slots__ = ("_armed_for", "_loop", "_timer", "_until")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._until: Deadline | None = None  # of the last read
        self._timer: asyncio.TimerHandle | None = None  # it fires no later than at the time that it was armed for
        self._armed_for = 0.0

    @abstractmethod
    def _waits(self) -> bool:
        """Whether a read waits."""

    @abstractmethod
    def _end(self) -> None:
        """End that read."""

    def _arm(self, deadline: Deadline | None) -> None:
        """Make sure that the timer fires no later than at the deadline; firing too early does no harm."""
        if deadline is None:
            self._until = None
            return
        if self._timer is not None and self._until is deadline and self._armed_for <= deadline.at:
            return
        self._until, self._armed_for = deadline, deadline.at
        at = self._loop.time() + deadline.left()
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
        if self._until is None or not self._waits():
            return
        if self._until.left() > TICK:
            self._arm(self._until)
        else:
            self._end()
