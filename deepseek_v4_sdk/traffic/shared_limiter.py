"""Rate limiters of several processes with common counts, which a ledger holds. They ask it, and do no I/O."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import count, islice, takewhile
from secrets import token_hex
from typing import TYPE_CHECKING, Protocol

from deepseek_v4_sdk.traffic.rate_limiter import LONGEST_WAY, RateLimiter
from deepseek_v4_sdk.traffic.reservations import MINUTE

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import RateLimits
    from deepseek_v4_sdk.traffic.reservations import Reservation

__all__ = ["Answer", "Entry", "Ledger", "Question", "SharedLimiter"]

_MOST = 64  # the longest part of a queue in one question
_SOON = 0.001  # seconds


@dataclass(frozen=True, slots=True)
class Entry:
    """A counted request, or one that no longer counts.

    Attributes:
        name: Its name, unique for the member.
        seconds: Seconds for which it counts; 0 when it no longer does.
        requests: Number of requests that it counts for.
        tokens: Number of tokens that it counts for.
        refused: Whether the server refused it.
    """

    name: int
    seconds: float = 0.0
    requests: int = 0
    tokens: int = 0
    refused: bool = False


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Question:
    """The state of one process, and the requests that wait there. A ledger may get it twice.

    Attributes:
        limiter: The limiter that asks.
        bucket: The name of the limited server and key.
        member: The name of the process.
        window: Seconds in which requests and tokens are counted.
        lasts: Seconds for which a granted request counts, as long as the head of its answer has not arrived.
        limits: The limits.
        stays: Whether the member keeps its places.
        joined: Whether the ledger has the member's entries already. Else `entries` are all of them.
        members: Number of members that the process has last seen.
        running: Number of requests of the process whose answers have not ended.
        entries: The entries that have changed.
        refusals: Number of new refusals by the server.
        paused: Seconds for which the server has no room.
        opened: Seconds for which the circuit is open.
        asked: The first ones of the queue.
        reported: The reservations of `entries`.
    """

    limiter: SharedLimiter
    bucket: str
    member: str
    window: float
    lasts: float
    limits: RateLimits
    joined: bool
    members: int
    running: int
    entries: tuple[Entry, ...]
    refusals: int
    paused: float
    opened: float
    asked: tuple[Reservation, ...]
    reported: frozenset[Reservation]
    stays: bool = True


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Answer:
    """The answer of a ledger.

    Attributes:
        known: Whether it knew the member. If not, it has done nothing, and the member joins as at the beginning.
        granted: Number of granted requests, from the first one.
        room: Seconds until the next one may go; None where that depends on other requests.
        retry: Seconds until it is worth asking again.
        learned: The limits of requests, tokens and concurrency, as refusals taught them; 0 where there is none.
        paused: Seconds for which the server has no room.
        opened: Seconds for which the circuit is open.
        members: Number of members.
    """

    known: bool = True
    granted: int = 0
    room: float | None = 0.0
    retry: float = 0.0
    learned: tuple[int, int, int] | None = None
    paused: float = 0.0
    opened: float = 0.0
    members: int = 1


class Ledger(Protocol):
    """The holder of the counts. Its methods raise nothing when it is out of reach: then the answer is None."""

    def ask(self, question: Question) -> Answer | None:
        """Ask, and wait for the answer."""
        ...

    async def aask(self, question: Question) -> Answer | None:
        """Ask, and await the answer."""
        ...

    def stir(self) -> None:
        """Send the limiters' changes soon; does not wait. It also sends them at least once in each lease."""
        ...


class SharedLimiter(RateLimiter):
    """Lets requests through as a ledger grants them, for all processes.

    The ledger holds what this limiter counts, and the same of the other members. Its answers are therefore those that
    one limiter would give in a process with all their requests. When it is out of reach, this limiter continues with
    its own counts, and with its part of the limits.

    Args:
        bucket: The name of the limited server and key.
        limits: The limits.
        ledger: The holder of the counts.
        window: Seconds in which requests and tokens are counted.

    Attributes:
        ledger: The holder of the counts.
    """

    def __init__(self, bucket: str, limits: RateLimits, ledger: Ledger, window: float = MINUTE) -> None:
        super().__init__(window)
        self.ledger = ledger
        self._bucket = bucket
        self._limits = limits
        self._member = token_hex(8)
        self._members = 1
        self._joined = False
        self._alone = False  # the ledger is out of reach
        self._asking = False
        self._ask_at = self._room_at = -math.inf  # as the ledger says, for the first of the queue
        self._permitted: set[Reservation] = set()
        self._changed: set[Reservation] = set()
        self._names = count(1)
        self._refusals = 0

    def poll(self, reservation: Reservation, now: float, ends: float = math.inf) -> float:
        """Seconds to wait for the reservation, its wakeup or the next question; 0 when it is granted.

        Raises:
            LocalLimitError: There will be no room before it is too late.
            CircuitOpenError: The server refuses everything at the moment.
        """
        wait = super().poll(reservation, now, ends)
        with self._lock:
            if reservation.granted or self._alone:
                return 0.0 if reservation.granted else wait
            if self._asking:
                return max(_SOON, ends - now)  # the answer wakes it
            if reservation is self._queue[0] and self._askable(now):
                wait = min(wait, self._ask_at - now)
            return max(_SOON, wait)

    def question(self, now: float) -> Question | None:
        """The question to the ledger, if it is time for one: pass the answer to `answered`, or call `dropped`."""
        with self._lock:
            now = self._tick(now)
            if self._alone or now < self._ask_at or not self._askable(now):
                return None
            return self._question(now)

    def report(self, now: float) -> Question | None:
        """The question that reports the changes, also where nothing waits; None while another one is under way."""
        with self._lock:
            return self._question(self._tick(now))

    def answered(self, question: Question, answer: Answer | None, now: float) -> None:
        """Note the answer of the ledger, or None when it is out of reach."""
        with self._lock:
            now = self._tick(now)
            self._asking = False
            self._alone = answer is None
            self._joined = answer is not None and answer.known
            self._ask_at = self._room_at = -math.inf
            granted: set[Reservation] = set()
            if answer is not None and answer.known:
                self._learn_from(answer, now)
                granted = set(question.asked[: answer.granted])
                self._permitted |= granted.intersection(self._queue)
                if question.asked[answer.granted :][:1] == tuple(islice(self._queue, len(granted), len(granted) + 1)):
                    self._ask_at = now + answer.retry
                    self._room_at = math.inf if answer.room is None else now + answer.room
            for learned in (self._learned_requests, self._learned_tokens, self._learned_running):
                learned.among = self._members if self._alone else 1
            self._advance(now)
            self._permitted &= set(self._queue)  # an abandoned one goes without
            self._changed -= granted & self._counted  # the ledger has just counted them
            self._changed |= granted - self._counted - self._permitted  # they left meanwhile
            if self._queue:
                self._queue[0].wake()
            if self._changed or not self._joined:
                self._tell()

    def dropped(self, question: Question) -> None:
        """Note that nobody waits for the answer to a question any more."""
        with self._lock:
            self._asking = False
            self._changed |= question.reported
            self._refusals += question.refusals
            self._ask_at = -math.inf
            if self._queue:
                self._queue[0].wake()

    def on_head(self, reservation: Reservation, now: float) -> None:
        """Note that the head of the answer has arrived, so the server has counted the request by now."""
        super().on_head(reservation, now)
        self._tell()

    def on_429(self, reservation: Reservation, now: float, hint: float | None = None) -> None:
        """Note that the server answered 429; the hint is the seconds for which it asks to be left alone."""
        super().on_429(reservation, now, hint)
        self._tell()

    def pause(self, now: float, seconds: float) -> None:
        """Note that the server reports that it has no room for so many seconds."""
        super().pause(now, seconds)
        self._tell()

    def release(self, reservation: Reservation, now: float, used: int | None = None) -> None:
        """Note that the request has ended. A second call changes nothing."""
        super().release(reservation, now, used)
        self._tell()

    def cancel(self, reservation: Reservation, now: float) -> None:
        """Note that the request will not be sent: it does not count, and those after it move up."""
        with self._lock:
            if reservation in self._queue:  # the answers concern the first one
                self._ask_at = self._room_at = -math.inf
            self._permitted.discard(reservation)
        super().cancel(reservation, now)
        if reservation.name:
            with self._lock:
                self._changed.add(reservation)
            self._tell()

    def _tell(self) -> None:
        if not self._alone:
            self.ledger.stir()

    def _question(self, now: float) -> Question | None:
        if self._asking:
            return None
        self._asking = True
        reported = frozenset(self._changed if self._joined else {*self._changed, *self._counted})
        asked = () if self._alone else self._askable(now)
        for reservation in (*reported, *asked):
            reservation.name = reservation.name or next(self._names)
        self._changed, refusals, self._refusals = set(), self._refusals, 0
        return Question(
            limiter=self,
            bucket=self._bucket,
            member=self._member,
            window=self._window,
            lasts=LONGEST_WAY + self._window,
            limits=self._limits,
            joined=self._joined,
            members=self._members,
            running=len(self._running) + sum(one.begins for one in self._permitted),
            entries=tuple(self._entry(reservation, now) for reservation in reported),
            refusals=refusals,
            paused=max(0.0, self._paused - now),
            opened=self._breaker.wait(now),
            asked=asked,
            reported=reported,
        )

    def _entry(self, reservation: Reservation, now: float) -> Entry:
        if reservation not in self._counted:
            return Entry(reservation.name)
        seconds, requests, tokens = reservation.until - now, reservation.requests, reservation.tokens
        return Entry(reservation.name, seconds, requests, tokens, reservation.refused)

    def _askable(self, now: float) -> tuple[Reservation, ...]:
        """The first ones of the queue, as far as nothing in this process holds them back."""
        if not self._queue or self._paused > now:
            return ()
        begins = self._queue[0].begins
        if begins and not self._may_begin(now):
            return ()
        most = _MOST if self._breaker.closed or not begins else 1
        line = islice(self._queue, most)
        return tuple(takewhile(lambda one: one.begins == begins and one not in self._permitted, line))

    def _may_begin(self, now: float) -> bool:
        return not self._breaker.probing and self._breaker.wait(now) <= 0

    def _fits(self, reservation: Reservation, now: float) -> bool:
        """Whether the first of the queue may go now."""
        if self._alone:
            return super()._fits(reservation, now)
        if reservation not in self._permitted or (reservation.begins and not self._may_begin(now)):
            return False
        self._permitted.discard(reservation)
        return True

    def _room(self, reservation: Reservation, place: int, now: float) -> float:
        """The time at which a reservation at that place may go; infinity where that depends on other requests."""
        room = super()._room(reservation, place, now)  # the others leave no more of it than this process does
        return room if self._alone else max(room, self._room_at)

    def _count_until(self, reservation: Reservation, until: float) -> None:
        super()._count_until(reservation, until)
        self._changed.add(reservation)

    def _correct(self, reservation: Reservation, now: float, used: int | None) -> None:
        super()._correct(reservation, now, used)
        self._changed.add(reservation)

    def _learn(self, limits: RateLimits, now: float) -> None:
        if self._alone:
            super()._learn(limits, now)
        else:
            self._refusals += 1

    def _learn_from(self, answer: Answer, now: float) -> None:
        self._members = answer.members
        if answer.learned is not None:
            learned = (self._learned_requests, self._learned_tokens, self._learned_running)
            for rate, limit in zip(learned, answer.learned, strict=True):
                if limit:
                    rate.hold(limit, now)
        self._paused = max(self._paused, now + answer.paused)
        if answer.opened > 0:
            self._breaker.opened_elsewhere(now + answer.opened)
