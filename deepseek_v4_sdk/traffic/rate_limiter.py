"""Rate limiters: the requests of all clients in the process to one server with one key. Callers pass in the time."""

from __future__ import annotations

import heapq
import math
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING

from deepseek_v4_sdk import errors
from deepseek_v4_sdk.support.forks import new_lock
from deepseek_v4_sdk.traffic.circuit_breaker import CircuitBreaker
from deepseek_v4_sdk.traffic.reservations import MINUTE, LearnedRate, Reservation

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import RateLimits
    from deepseek_v4_sdk.traffic.shared_limiter import Question

__all__ = ["LONGEST_HINT", "LONGEST_WAY", "RateLimiter"]

LONGEST_HINT = 120.0
"""The longest wait in seconds that a server may request without opening the circuit."""

LONGEST_WAY = 5.0
"""The longest way of a request to the server in seconds.

A request counts from the arrival of its answer's head, because until then nobody knows when the server saw it; but at
most so many seconds after it was sent.
"""

# Hosted V4 has hidden windows that were seen to reset after 30 minutes to two hours (build.nvidia.com, 2026).
_FIRST_PAUSE, _LONGEST_PAUSE = 60.0, 1800.0


class RateLimiter:
    """Lets requests through in order of arrival, as their limits, the refusals and the circuit breaker allow.

    It may be used from many threads. Times are seconds of one clock that never goes back; of several clocks the latest
    counts.

    Args:
        window: Seconds in which requests and tokens are counted.
    """

    def __init__(self, window: float = MINUTE) -> None:
        self._window = window
        self._lock = new_lock()
        self._now = -math.inf
        self._queue: deque[Reservation] = deque()
        self._running: set[Reservation] = set()
        self._counted: set[Reservation] = set()  # those of the last minute, with their sums
        self._requests = 0
        self._tokens = 0
        self._ends: list[
            tuple[float, int, Reservation]
        ] = []  # a heap by the time of leaving; one that leaves earlier is in it twice
        self._number = 0
        self._moves = 0  # the number of advances: a request was let through, was answered, ended
        self._paused = -math.inf
        self._due = math.inf  # when the first of the queue expects to go
        self._learned_requests, self._learned_tokens, self._learned_running = (
            LearnedRate(),
            LearnedRate(),
            LearnedRate(),
        )
        self._breaker = CircuitBreaker(None, _FIRST_PAUSE, _LONGEST_PAUSE)

    def reserve(
        self, now: float, tokens: int, limits: RateLimits, ends: float = math.inf, *, again: bool = False
    ) -> Reservation:
        """Join the queue. The reservation is granted at once where there is room and nobody waits.

        Args:
            now: The time.
            tokens: Number of tokens that the request is likely to count for.
            limits: The caller's limits.
            ends: The time after which it is too late.
            again: Whether it polls for an answer that the server has accepted. Such a request has a place already, and
                others may wait for it: it goes before new requests, even while the circuit is open.

        Raises:
            LocalLimitError: There will be no room before it is too late.
            CircuitOpenError: The server has refused too often, and the client leaves it alone for a while.
        """
        allowed = limits.tokens_per_minute
        if allowed is not None and tokens > allowed:
            raise errors.LocalLimitError(
                f"the request is some {tokens} tokens, and tokens_per_minute is {allowed}: raise it, or send less"
            )
        reservation = Reservation(limits, tokens, moves=self._moved, begins=not again)
        with self._lock:
            now = self._tick(now)
            place = sum(not other.begins for other in self._queue) if again else len(self._queue)
            self._check(reservation, place, now, ends)
            self._queue.insert(place, reservation)
            self._advance(now)
        return reservation

    def poll(self, reservation: Reservation, now: float, ends: float = math.inf) -> float:
        """Seconds to wait for the reservation or its wakeup; 0 when it is granted.

        Raises:
            LocalLimitError: There will be no room before it is too late.
            CircuitOpenError: The server refuses everything at the moment.
        """
        reservation.clear()
        with self._lock:
            now = self._tick(now)
            self._advance(now)
            if reservation.granted:
                return 0.0
            place = self._queue.index(reservation)
            room = self._check(reservation, place, now, ends)
            reservation.timed = place == 0 and room < math.inf
            if place == 0:
                self._due = room
            return (room if reservation.timed else ends) - now

    def question(self, now: float) -> Question | None:
        """The question to the holder of the counts, if it is time for one. This limiter holds them itself."""
        del now
        return None

    def on_head(self, reservation: Reservation, now: float) -> None:
        """Note that the head of the answer has arrived, so the server has counted the request by now."""
        with self._lock:
            self._moves += 1
            until = min(reservation.until, self._tick(now) + self._window)
            self._count_until(reservation, until)
            if self._queue and until < self._due:
                self._queue[0].wake()

    def on_success(self, reservation: Reservation) -> None:
        """Note that the server accepted the request."""
        with self._lock:
            if reservation.probes or self._breaker.closed:
                self._breaker.succeeded()
            if reservation.probes:
                reservation.probes = False
                self._wake()

    def on_429(self, reservation: Reservation, now: float, hint: float | None = None) -> None:
        """Note that the server answered 429; the hint is the seconds for which it asks to be left alone."""
        with self._lock:
            now = self._tick(now)
            reservation.refused, probe, reservation.probes = True, reservation.probes, False
            self._learn(reservation.limits, now)
            self._breaker.threshold = reservation.limits.refusals
            long = 0.0 if hint is None or hint <= LONGEST_HINT else hint
            if hint is not None and not long:
                self._paused = max(self._paused, now + hint)
            if self._breaker.failed(now, probe=probe, hint=long):
                self._wake()

    def pause(self, now: float, seconds: float) -> None:
        """Note that the server reports that it has no room for so many seconds."""
        with self._lock:
            self._paused = max(self._paused, self._tick(now) + min(seconds, LONGEST_HINT))

    def release(self, reservation: Reservation, now: float, used: int | None = None) -> None:
        """Note that the request has ended. A second call changes nothing.

        Args:
            reservation: Its reservation.
            now: The time.
            used: Number of tokens that the server counted; None when it did not report it.
        """
        with self._lock:
            now = self._tick(now)
            self._moves += 1
            if reservation in self._running:
                self._end(reservation)
                self._correct(reservation, now, used)
            self._advance(now)
            self._stir()

    def cancel(self, reservation: Reservation, now: float) -> None:
        """Note that the request will not be sent: it does not count, and those after it move up."""
        with self._lock:
            now = self._tick(now)
            if reservation in self._running:
                self._end(reservation)
                self._discount(reservation)
            elif reservation in self._queue:
                first = reservation is self._queue[0]
                self._queue.remove(reservation)
                if first and self._queue:
                    self._queue[0].wake()
            self._advance(now)
            self._stir()

    def closed_for(self, now: float) -> float:
        """Seconds for which the circuit is open; 0 when requests may be sent."""
        with self._lock:
            return self._breaker.wait(self._tick(now))

    def is_idle(self, now: float) -> bool:
        """Whether its state no longer matters, so that it can be forgotten."""
        with self._lock:
            self._tick(now)
            return not (self._queue or self._running or self._counted) and self._breaker.closed and self._paused <= now

    def _tick(self, now: float) -> float:
        """Advance the time; entries older than a minute no longer count."""
        self._now = now = max(self._now, now)
        ends = self._ends
        while ends and ends[0][0] <= now:
            until, _, reservation = heapq.heappop(ends)
            if until == reservation.until:
                self._discount(reservation)
        return now

    def _moved(self) -> int:
        return self._moves

    def _advance(self, now: float) -> None:
        """Let the requests through that may go. Wake the next one, so that it finds out how long to wait."""
        line, moved = self._queue, False
        while line and (line[0].is_abandoned or self._fits(line[0], now)):
            reservation = line.popleft()
            if reservation.is_abandoned:
                continue
            reservation.granted = True
            self._moves += 1
            if reservation.begins:
                reservation.probes = self._breaker.send()
                self._running.add(reservation)
            self._count(reservation, now + LONGEST_WAY + self._window)
            reservation.wake()
            moved = True
        if moved and line:
            line[0].wake()

    def _count(self, reservation: Reservation, until: float) -> None:
        self._counted.add(reservation)
        self._requests += reservation.requests
        self._tokens += reservation.tokens
        self._count_until(reservation, until)

    def _discount(self, reservation: Reservation) -> None:
        if reservation in self._counted:
            self._counted.discard(reservation)
            self._requests -= reservation.requests
            self._tokens -= reservation.tokens

    def _end(self, reservation: Reservation) -> None:
        self._running.discard(reservation)
        if reservation.probes:
            reservation.probes = False
            self._breaker.unknown()
            self._wake()

    def _count_until(self, reservation: Reservation, until: float) -> None:
        if reservation in self._counted and until != reservation.until:
            reservation.until = until
            self._number += 1
            heapq.heappush(self._ends, (until, self._number, reservation))

    def _correct(self, reservation: Reservation, now: float, used: int | None) -> None:
        """Replace the estimate by the server's count; a late excess counts from now."""
        if used is None:
            return
        if reservation in self._counted:
            self._tokens += used - reservation.tokens
            reservation.tokens = used
        elif reservation.limits.tokens_per_minute is not None and used > reservation.tokens:
            self._count(Reservation(reservation.limits, used - reservation.tokens, requests=0), now + self._window)

    def _fits(self, reservation: Reservation, now: float) -> bool:
        """Whether the first of the queue may go now."""
        breaker, limits = self._breaker, reservation.limits
        return (
            self._paused <= now
            and (
                not reservation.begins
                or (not breaker.probing and breaker.wait(now) <= 0 and self._has_slot(limits, now))
            )
            and self._too_many(limits, 0, now) <= 0
            and self._too_much(reservation, 0, now) <= 0
        )

    def _room(self, reservation: Reservation, place: int, now: float) -> float:
        """The time at which a reservation at that place may go; infinity where that depends on other requests."""
        limits = reservation.limits
        when = max(now, self._paused)
        if reservation.begins:
            if self._breaker.probing or not self._has_slot(limits, now):
                return math.inf
            when = max(when, now + self._breaker.wait(now))
        ahead = sum(other.tokens for other in islice(self._queue, place)) if limits.tokens_per_minute else 0
        # Those ahead that do not fit into one minute go in later ones.
        rounds, place = divmod(place, self._learned_requests.of(limits.requests_per_minute or place + 1, now))
        later, ahead = divmod(ahead, self._learned_tokens.of(limits.tokens_per_minute or ahead + 1, now))
        many, much = self._too_many(limits, place, now), self._too_much(reservation, ahead, now)
        if many > 0 or much > 0:
            for until, requests, tokens in sorted((one.until, one.requests, one.tokens) for one in self._counted):
                if many <= 0 and much <= 0:
                    break
                many, much, when = many - requests, much - tokens, max(when, until)
        return when + max(rounds, later + (much > 0)) * self._window

    def _has_slot(self, limits: RateLimits, now: float) -> bool:
        allowed = limits.concurrency
        return allowed is None or len(self._running) < self._learned_running.of(allowed, now)

    def _too_many(self, limits: RateLimits, ahead: int, now: float) -> int:
        """Number of requests of the last minute that must leave before another one may go after so many."""
        allowed = limits.requests_per_minute
        return 0 if allowed is None else self._requests + ahead + 1 - self._learned_requests.of(allowed, now)

    def _too_much(self, reservation: Reservation, ahead: int, now: float) -> int:
        """Number of tokens that must leave. A request above the learned limit goes when nothing else counts."""
        allowed = reservation.limits.tokens_per_minute
        if allowed is None:
            return 0
        return (
            self._tokens + ahead + reservation.tokens - max(reservation.tokens, self._learned_tokens.of(allowed, now))
        )

    def _check(self, reservation: Reservation, place: int, now: float, ends: float) -> float:
        """The time at which a reservation may go.

        Raises:
            LocalLimitError: It may not go in time.
            CircuitOpenError: The client leaves the server alone for a while.
        """
        pause = self._breaker.wait(now)
        if reservation.begins and pause > 0:
            raise errors.CircuitOpenError(
                f"the server refused too many requests in a row: nothing is sent for another {pause:.0f} s",
                retry_after=pause,
            )
        room = self._room(reservation, place, now)
        if now < ends and (room < ends or room == math.inf):
            return room
        wait = None if room == math.inf else room - now
        when = "when others end" if wait is None else f"in {wait:.1f} s"
        raise errors.LocalLimitError(
            f"the limits of this client leave no room within the time of the call; there is some {when}",
            retry_after=wait,
        )

    def _learn(self, limits: RateLimits, now: float) -> None:
        passed = [reservation for reservation in self._counted if not reservation.refused]
        if limits.requests_per_minute is not None:
            requests = sum(reservation.requests for reservation in passed)
            self._learned_requests.lower(limits.requests_per_minute, requests, now)
        if limits.tokens_per_minute is not None:
            tokens = sum(reservation.tokens for reservation in passed)
            self._learned_tokens.lower(limits.tokens_per_minute, tokens, now)
        if limits.concurrency is not None:
            running = sum(not reservation.refused for reservation in self._running)
            self._learned_running.lower(limits.concurrency, running, now)

    def _stir(self) -> None:
        """Wake the first of the queue if it does not know yet when it may go: that may be known by now."""
        if self._queue and not self._queue[0].timed:
            self._queue[0].wake()

    def _wake(self) -> None:
        for reservation in self._queue:
            reservation.wake()
