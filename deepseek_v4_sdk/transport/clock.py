"""Time: the one place where the SDK reads a clock and waits. The mock puts its own in place of it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Final, Protocol, Self

__all__ = ["DEADLINE", "TICK", "Clock", "Deadline", "SystemClock", "TimeLeft", "seconds_left"]

DEADLINE = "deepseek_v4.deadline"
"""The key under which a request's extensions carry its `Deadline`."""


class Clock(Protocol):
    """What tells the time and waits, for one exchange."""

    def now(self) -> float:
        """Seconds since some moment; never goes back."""
        ...

    def utc(self) -> datetime:
        """The date and time in UTC, as a calendar and a clock on the wall show it."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait, for a sync client."""
        ...

    async def asleep(self, seconds: float) -> None:
        """Wait, for an async client."""
        ...


class SystemClock:
    """The machine's monotonic clock."""

    def now(self) -> float:
        """Seconds since some moment; never goes back."""
        return time.monotonic()

    def utc(self) -> datetime:
        """The date and time in UTC, as the machine has it."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Wait, for a sync client."""
        time.sleep(seconds)

    async def asleep(self, seconds: float) -> None:
        """Wait, for an async client."""
        import asyncio  # a sync program does without

        await asyncio.sleep(seconds)


TICK: Final = 0.001
"""The least time in seconds that is ever left."""


class Deadline:
    """The moment by which the next bytes must have come. It moves as the answer arrives.

    Attributes:
        clock: What tells the time of this exchange.
        at: The moment.
    """

    __slots__ = ("at", "clock")

    def __init__(self, clock: Clock, at: float) -> None:
        self.clock = clock
        self.at = at

    def left(self) -> float:
        """Seconds until then, at least a tick: a timeout of zero would mean "do not wait" to a socket."""
        return max(TICK, self.at - self.clock.now())

    def check(self) -> None:
        """See that it has not passed.

        Raises:
            TimeoutError: It has.
        """
        if self.clock.now() >= self.at:
            raise TimeoutError("the time is over")


class TimeLeft(float):
    """The time left until a deadline, as the timeout of a read.

    httpcore takes the read timeout once, when the body's iteration starts, and hands it to every read of the network
    stream. This one is a number to everybody else, and tells our streams the deadline that moves.
    """

    deadline: Deadline

    def __new__(cls, deadline: Deadline) -> Self:
        """The time left now, and the deadline behind it."""
        value = super().__new__(cls, deadline.left())
        value.deadline = deadline
        return value


def seconds_left(timeout: float | None, late: type[Exception] | None = None) -> float | None:
    """The seconds of a timeout, as they are now if it moves.

    Args:
        timeout: The timeout.
        late: What to raise when its deadline has passed. Who waits for bytes that are always there is told by nobody
            else; without it, at least a tick is left.
    """
    if not isinstance(timeout, TimeLeft):
        return timeout
    deadline = timeout.deadline
    left = deadline.at - deadline.clock.now()
    if left <= 0 and late is not None:
        raise late("the time is over")
    return max(TICK, left)
