"""Virtual time: ten minutes of silence take none."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

__all__ = ["VirtualClock"]


class VirtualClock:
    """The clock of one exchange with the mock. It stands still until somebody waits.

    Args:
        began: The date and time at which the exchange begins, with its time zone; None takes the machine's.
    """

    def __init__(self, began: datetime | None = None) -> None:
        self._began = datetime.now(UTC) if began is None else began
        self._now = 0.0

    def now(self) -> float:
        """Seconds since the exchange began."""
        return self._now

    def utc(self) -> datetime:
        """The date and time in UTC: that of the beginning, and what has passed since."""
        return self._began.astimezone(UTC) + timedelta(seconds=self._now)

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
