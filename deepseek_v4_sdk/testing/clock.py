"""Virtual time: ten minutes of silence take none."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

__all__ = ["Times", "VirtualClock"]


class Times:
    """The time that has passed in the exchanges with one mock: it may take a minute later what it refuses now.

    Attributes:
        latest: The latest moment that any of them has seen, in seconds.
    """

    def __init__(self) -> None:
        self.latest = 0.0


class VirtualClock:
    """The clock of one exchange with the mock. It stands still until somebody waits.

    Args:
        began: The date and time at which the exchange begins, with its time zone; None takes the machine's.
        times: The times of the exchanges with one mock, this one among them.
    """

    def __init__(self, began: datetime | None = None, times: Times | None = None) -> None:
        self._began = datetime.now(UTC) if began is None else began
        self._times = times or Times()
        self._start = self._now = self._times.latest

    def now(self) -> float:
        """Seconds; an exchange begins when the latest one of the same mock was."""
        return self._now

    def utc(self) -> datetime:
        """The date and time in UTC: that of the beginning, and what has passed since."""
        return self._began.astimezone(UTC) + timedelta(seconds=self._now - self._start)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now += seconds
        self._times.latest = max(self._times.latest, self._now)

    def sleep(self, seconds: float) -> None:
        """Wait: time passes, and nobody waits for it."""
        self.advance(seconds)

    async def asleep(self, seconds: float) -> None:
        """The same; other tasks get their turn."""
        self.advance(seconds)
        await asyncio.sleep(0)
