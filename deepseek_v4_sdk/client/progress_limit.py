"""The bound on progress events that nobody has read yet: a tool that reports faster than the reader reads waits."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

from deepseek_v4_sdk.support.forks import new_lock

__all__ = ["MOST", "ProgressLimit"]

MOST = 256
"""Events that may wait for the reader: those of plain functions on threads, and again those of async ones."""


class ProgressLimit:
    """Counts the events that wait. Threads block when there are too many; coroutines suspend."""

    def __init__(self) -> None:
        self._changed = threading.Condition(new_lock())
        self._of_threads = 0
        self._free = asyncio.Semaphore(MOST)

    def wait(self, has_ended: Callable[[], bool]) -> bool:
        """Take a place for an event, on a thread; return False where nobody will read it.

        Args:
            has_ended: Whether nobody waits for the call any more. After a change to this, call `wake`.
        """
        with self._changed:
            self._changed.wait_for(lambda: has_ended() or self._of_threads < MOST)
            if has_ended():
                return False
            self._of_threads += 1
            return True

    async def suspend(self) -> None:
        """Take a place for an event, in a coroutine."""
        await self._free.acquire()

    def read(self, *, of_thread: bool) -> None:
        """Free the place of an event that the reader has now."""
        if not of_thread:
            self._free.release()
            return
        with self._changed:
            self._of_threads -= 1
            if self._of_threads == MOST // 2:  # not for each event: threads would take turns
                self._changed.notify_all()

    def wake(self) -> None:
        """Let the waiting threads see whether their calls have ended."""
        with self._changed:
            self._changed.notify_all()
