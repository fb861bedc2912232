"""Members of a bucket without HTTP: limiters of one key, as in separate processes, and what a test does with them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from deepseek_v4_sdk import RateLimits
from deepseek_v4_sdk.limits.redis_ledger import RedisLedger
from deepseek_v4_sdk.traffic.shared_limiter import SharedLimiter

if TYPE_CHECKING:
    from collections.abc import Callable

    from deepseek_v4_sdk.traffic.reservations import Reservation
    from deepseek_v4_sdk.traffic.shared_limiter import Answer, Question

__all__ = ["CountingLedger", "Member", "until"]


class CountingLedger(RedisLedger):
    """It counts the questions. It reports only when a test calls `flush`."""

    def __init__(self, url: str, lease: float = 10.0) -> None:
        super().__init__(url, lease)
        self.asked = 0

    def ask(self, question: Question) -> Answer | None:
        self.asked += 1
        return super().ask(question)

    def flush(self) -> None:
        self._report_all()


class Member:
    """One process with one key."""

    def __init__(self, url: str, limits: RateLimits, window: float = 60.0) -> None:
        self.limits = limits
        self.ledger = CountingLedger(url)
        self.limiter = SharedLimiter("bucket", limits, self.ledger, window)
        self.ledger._limiters.add(self.limiter)

    def join(self, tokens: int = 1, patience: float = 1000.0) -> Reservation:
        """Get in line."""
        now = time.monotonic()
        return self.limiter.reserve(now, tokens, self.limits, now + patience)

    def look(self, reservation: Reservation, patience: float = 1000.0) -> bool:
        """Do what a call does while it waits, once; whether it may go."""
        now = time.monotonic()
        if self.limiter.poll(reservation, now, now + patience) <= 0:
            return True
        question = self.limiter.question(time.monotonic())
        if question is None:
            return False
        self.limiter.answered(question, self.ledger.ask(question), time.monotonic())
        now = time.monotonic()
        return self.limiter.poll(reservation, now, now + patience) <= 0

    def goes(self, tokens: int = 1, patience: float = 1000.0) -> Reservation | None:
        """Get in line and look; the reservation if it may go at once."""
        reservation = self.join(tokens, patience)
        if self.look(reservation, patience):
            return reservation
        self.limiter.cancel(reservation, time.monotonic())
        self.ledger.flush()
        return None

    def ends(self, reservation: Reservation, used: int | None = None) -> None:
        now = time.monotonic()
        self.limiter.on_head(reservation, now)
        self.limiter.on_success(reservation)
        self.limiter.release(reservation, now, used)
        self.ledger.flush()

    def is_refused(self, reservation: Reservation, hint: float | None = None) -> None:
        now = time.monotonic()
        self.limiter.on_head(reservation, now)
        self.limiter.on_429(reservation, now, hint)
        self.limiter.release(reservation, now, 0)
        self.ledger.flush()


def until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait for something that another thread or process does; the time is only for what never happens."""
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "it did not happen"
        time.sleep(0.005)
