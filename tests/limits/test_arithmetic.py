"""The script in Redis does the arithmetic of the limiter: members together get what one limiter would give."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from deepseek_v4_sdk import RateLimits
from deepseek_v4_sdk.limits import redis_ledger
from deepseek_v4_sdk.limits.script import SCRIPT
from deepseek_v4_sdk.traffic.rate_limiter import RateLimiter
from deepseek_v4_sdk.traffic.shared_limiter import SharedLimiter
from tests.limits.members import CountingLedger
from tests.support.profiles import examples

if TYPE_CHECKING:
    from deepseek_v4_sdk.traffic.reservations import Reservation
    from tests.limits.redis_server import RedisServer

BEGAN = 2**30  # the time of the server at the beginning; all times are exact in binary
TIMED = SCRIPT.replace("redis.call('TIME')", "{redis.call('GET', 'now'), 0}")

limits = st.builds(
    RateLimits,
    requests_per_minute=st.none() | st.integers(1, 8),
    tokens_per_minute=st.none() | st.integers(100, 300),
    concurrency=st.none() | st.integers(1, 4),
    refusals=st.none(),  # each member has its own circuit
)
acts = st.one_of(
    st.tuples(st.just("go"), st.integers(1, 120)),
    st.tuples(st.just("head"), st.integers(0, 10)),
    st.tuples(st.just("end"), st.none() | st.integers(0, 150)),
    st.tuples(st.just("refuse"), st.sampled_from([None, 3.0, 64.0])),
    st.tuples(st.just("cancel"), st.integers(0, 10)),
    st.tuples(st.just("wait"), st.sampled_from([0.125, 1.0, 4.5, 30.0, 61.0])),
)


@pytest.fixture
def timed(redis: RedisServer, monkeypatch: pytest.MonkeyPatch) -> RedisServer:
    assert TIMED != SCRIPT
    monkeypatch.setattr(redis_ledger, "SCRIPT", TIMED)
    return redis


class Both:
    """One limiter with all requests, and members that have them between them."""

    def __init__(self, redis: RedisServer, keeps: RateLimits, members: int) -> None:
        self.now = 0.0
        self.keeps = keeps
        self.whole = RateLimiter()
        self.client = redis.client()
        self.client.flushall()
        self.ledgers = [CountingLedger(redis.url, lease=1e6) for _ in range(members)]
        self.members = [SharedLimiter("bucket", keeps, ledger) for ledger in self.ledgers]
        self.granted: list[tuple[Reservation, Reservation, int]] = []  # of the whole, of a member, and which one
        self.next = 0
        self.sync()

    def close(self) -> None:
        self.client.close()
        for ledger in self.ledgers:
            ledger._client.close()

    def sync(self) -> None:
        """All members report."""
        self.client.set("now", repr(BEGAN + self.now))
        for member, ledger in zip(self.members, self.ledgers, strict=True):
            question = member.report(self.now)
            assert question is not None
            member.answered(question, ledger.ask(question), self.now)

    def act(self, act: str, value: float | None) -> None:
        if act == "wait":
            self.now += value or 0.0
            self.sync()
        elif act == "go":
            self.go(int(value or 0))
        elif self.granted:
            place = int(value or 0) % len(self.granted) if act in {"head", "cancel"} else 0
            whole, part, number = self.granted[place]
            member = self.members[number]
            for limiter, reservation in ((self.whole, whole), (member, part)):
                if act == "head":
                    limiter.on_head(reservation, self.now)
                elif act == "cancel":
                    limiter.cancel(reservation, self.now)
                elif act == "end":
                    limiter.release(reservation, self.now, None if value is None else int(value))
                else:
                    limiter.on_429(reservation, self.now, value)
                    limiter.release(reservation, self.now, 0)
            if act != "head":
                del self.granted[place]
            self.sync()

    def go(self, tokens: int) -> None:
        tokens = min(tokens, self.keeps.tokens_per_minute or tokens)
        self.next = (self.next + 1) % len(self.members)
        member, ledger = self.members[self.next], self.ledgers[self.next]
        whole, part = (limiter.reserve(self.now, tokens, self.keeps) for limiter in (self.whole, member))
        wait, question = self.whole.poll(whole, self.now), member.question(self.now)
        room: float | None = wait
        if question is None:
            assert member._paused > self.now
        else:
            answer = ledger.ask(question)
            assert answer is not None
            member.answered(question, answer, self.now)
            room = answer.room
        assert whole.granted == part.granted
        if whole.granted:
            self.granted.append((whole, part, self.next))
            return
        assert (math.inf if room is None else room) == pytest.approx(wait, abs=1e-3)
        self.whole.cancel(whole, self.now)
        member.cancel(part, self.now)
        self.sync()


@examples(40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(keeps=limits, members=st.integers(1, 3), acted=st.lists(acts, min_size=5, max_size=40))
def test_members_get_what_one_limiter_gives(
    timed: RedisServer, keeps: RateLimits, members: int, acted: list[tuple[str, float | None]]
) -> None:
    both = Both(timed, keeps, members)
    try:
        for act, value in acted:
            both.act(act, value)
    finally:
        both.close()
