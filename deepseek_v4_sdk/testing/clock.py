"""Virtual time: ten minutes of silence take none."""

from __future__ import annotations

import asyncio

__all__ = ["VirtualClock"]


class VirtualClock:
    """The clock of one exchange with the mock. It stands still until somebody waits."""

    def __init__(self) -> None:
        self._now = 0.0

    def now(self) -> float:
        """Seconds since the exchange began."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now += seconds

    def sleep(self, seconds: float) -> None:
        """Wait: time passes, and nobody waits for it."""
        self.advance(seconds)

    async def asleep(self, seconds: float) -> None:
        """The same; other tasks get their turn."""
        self.advance(seconds)
        await asyncio.sleep(0)
