"""Time: the only place where the SDK reads a clock and waits. The mock has its own clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Final, Protocol, Self

__all__ = ["DEADLINE", "TICK", "Clock", "Deadline", "SystemClock", "TimeLeft", "deadline_of", "seconds_left"]

DEADLINE = "deepseek_v4.deadline"
"""The key under which a request's extensions carry its `Deadline`."""


class Clock(Protocol):
    """A clock for one exchange: it returns the time and waits."""

    def now(self) -> float:
        """Seconds since some moment; never goes back."""
        ...

    def utc(self) -> datetime:
        """The date and time in UTC."""
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
"""The shortest time in seconds that is ever left."""


class Deadline:
    """The time by which the next bytes must have arrived. It moves as the answer arrives.

    Attributes:
        clock: The clock of this exchange.
        at: The time.
    """

    __slots__ = ("at", "clock")

    def __init__(self, clock: Clock, at: float) -> None:
        self.clock = clock
        self.at = at

    def left(self, late: type[Exception] | None = None) -> float:
        """Seconds until then, at least a tick: for a socket, a timeout of zero means "do not wait".

        Args:
            late: The error to raise when the time has passed, for callers that wait for bytes which are always
                available; without it, at least a tick is left.
        """
        left = self.at - self.clock.now()
        if left <= 0 and late is not None:
            raise late("the time is over")
        return max(TICK, left)

    def check(self) -> None:
        """Check that it has not passed.

        Raises:
            TimeoutError: It has passed.
        """
        self.left(TimeoutError)


class TimeLeft(float):
    """The time left until a deadline, as the timeout of a read.

    httpcore takes the read timeout once, when the body's iteration starts, and passes it to every read of the network
    stream. This one is a number for all other code, and has the moving deadline for our streams.
    """

    deadline: Deadline

    def __new__(cls, deadline: Deadline) -> Self:
        """The time left now, with its deadline."""
        value = super().__new__(cls, deadline.left())
        value.deadline = deadline
        return value


def deadline_of(timeout: float | None) -> Deadline | None:
    """Return the deadline of a timeout: the moving one, or one from now; None for None."""
    if isinstance(timeout, TimeLeft):
        return timeout.deadline
    clock = SystemClock()
    return None if timeout is None else Deadline(clock, clock.now() + timeout)


def seconds_left(timeout: float | None, late: type[Exception] | None = None) -> float | None:
    """The seconds left of a timeout, at the moment if it moves; `late` is that of `Deadline.left`."""
    return timeout.deadline.left(late) if isinstance(timeout, TimeLeft) else timeout
