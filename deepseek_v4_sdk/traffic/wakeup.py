"""Wakeups: they end the wait of a call early, from any thread."""

from __future__ import annotations

import threading
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from deepseek_v4_sdk.transport.clock import SystemClock

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Event
    from collections.abc import Callable, Iterator

    from deepseek_v4_sdk.transport.clock import Clock

__all__ = ["Wakeup"]

# On its own clock (a mock's) a wait takes no time; but other threads or tasks, whose time is real, may be about to wake
# it. As long as they advance, the call waits for them; where nothing moves they get so many turns of so many seconds.
# One long turn would not do: a busy loop runs nothing else before it is over.
_TURNS = 16
_TURN = 0.125


class Wakeup:
    """Wakes once for each `clear`. One call waits for it, any thread may wake it.

    Args:
        moves: Returns a number that grows while those that may wake it advance.

    Attributes:
        timed: Whether the wait also ends with time, whatever others do.
    """

    __slots__ = ("_listener", "_loop", "_moves", "_rung", "timed")

    def __init__(self, moves: Callable[[], int] = int) -> None:
        self._moves = moves
        self.timed = False
        self._rung = False
        self._listener: Callable[[], object] | None = None
        self._loop: AbstractEventLoop | None = None  # the loop that waits

    @property
    def is_abandoned(self) -> bool:
        """Whether the waiting call can no longer wake: its event loop was closed meanwhile."""
        return self._loop is not None and self._loop.is_closed()

    @property
    def is_awake(self) -> bool:
        """Whether it was woken since it was cleared."""
        return self._rung

    def clear(self) -> None:
        """Forget an earlier wake."""
        self._rung = False

    def wake(self) -> None:
        """Wake the waiting call, or the next one that waits."""
        self._rung = True  # set before the listener is read: `_listen` does it in the reverse order
        listener = self._listener
        if listener is not None:
            listener()

    def wait(self, clock: Clock, seconds: float) -> None:
        """Wait to be woken, at most so many seconds, for a sync client."""
        event = threading.Event()
        self._listen(event.set)
        real = isinstance(clock, SystemClock)
        try:
            if real:
                event.wait(seconds)
                return
            for turn in self._turns():
                if event.wait(turn):
                    return
            clock.sleep(seconds)
        finally:
            self._listener = None

    async def await_(self, clock: Clock, seconds: float) -> None:
        """Wait to be woken, at most so many seconds, for an async client."""
        import asyncio

        event, self._loop = asyncio.Event(), asyncio.get_running_loop()
        self._listen(partial(_set_there, self._loop, event))
        real = isinstance(clock, SystemClock)
        try:
            for turn in (seconds,) if real else self._turns():
                try:
                    async with asyncio.timeout(turn):
                        await event.wait()
                except TimeoutError:
                    continue
                return
            if not real:
                await clock.asleep(seconds)
        finally:
            self._listener = self._loop = None

    def _turns(self) -> Iterator[float]:
        """The times to wait, one after another, on its own clock."""
        left, seen = _TURNS, self._moves()
        while left and not self.timed:
            yield _TURN
            moved = self._moves()
            left, seen = (_TURNS, moved) if moved != seen else (left - 1, seen)
        if self.timed:
            yield 0.0

    def _listen(self, listener: Callable[[], object]) -> None:
        self._listener = listener
        if self._rung:
            listener()


def _set_there(loop: AbstractEventLoop, event: Event) -> None:
    with suppress(RuntimeError):  # the loop is closed, and nobody wakes there any more
        loop.call_soon_threadsafe(event.set)
