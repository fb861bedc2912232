"""Limiters of several processes on one key: together they keep the limits, and know what each was taught."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from deepseek_v4_sdk import CircuitOpenError, LocalLimitError, RateLimits
from deepseek_v4_sdk.limits import redis_ledger
from deepseek_v4_sdk.limits.script import SCRIPT
from tests.limits.members import Member

if TYPE_CHECKING:
    from tests.limits.redis_server import RedisServer


def members(redis: RedisServer, limits: RateLimits, count: int = 2, window: float = 60.0) -> list[Member]:
    return [Member(redis.url, limits, window) for _ in range(count)]


def end_lease(redis: RedisServer, member: Member) -> None:
    """Let the time pass after which a silent member is taken for dead."""
    with redis.client() as client:
        client.hset("deepseek-v4:{bucket}:members", member.limiter._member, "0 1 0 0")


def test_requests_of_a_minute_are_those_of_all(redis: RedisServer) -> None:
    one, two = members(redis, RateLimits(requests_per_minute=3))
    assert one.goes()
    assert two.goes()
    assert one.goes()
    waiting = two.join()
    assert not two.look(waiting)
    with pytest.raises(LocalLimitError) as found:
        two.look(waiting, patience=30.0)
    assert 30 < (found.value.retry_after or 0) <= 65


def test_tokens_of_a_minute_are_those_of_all_and_the_servers_count_replaces_the_estimate(redis: RedisServer) -> None:
    one, two = members(redis, RateLimits(tokens_per_minute=100))
    first = one.goes(60)
    assert first is not None
    assert two.goes(50) is None
    one.ends(first, used=40)
    second = two.goes(50)
    assert second is not None
    assert one.goes(20) is None
    two.ends(second, used=70)
    assert one.goes(1) is None


def test_a_request_above_a_learned_limit_goes_when_nothing_else_counts(redis: RedisServer) -> None:
    one, two = members(redis, RateLimits(tokens_per_minute=100))
    refused = one.goes(30)
    assert refused is not None
    one.is_refused(refused)  # 50 from now on
    assert two.goes(90)
    assert one.goes(1) is None


def test_places_are_those_of_all(redis: RedisServer) -> None:
    one, two = members(redis, RateLimits(concurrency=2))
    running = [one.goes(), two.goes()]
    waiting = one.join()
    assert not one.look(waiting)
    assert running[1] is not None
    two.ends(running[1])
    time.sleep(0.03)  # it asks again that often
    assert one.look(waiting)


def test_members_take_turns(redis: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that has the places does not hand them to itself as long as another one waits."""
    patient = SCRIPT.replace("0.025, 1, 3600", "0.025, 1000, 3600")  # however slow the machine is
    assert patient != SCRIPT
    monkeypatch.setattr(redis_ledger, "SCRIPT", patient)
    one, two = members(redis, RateLimits(concurrency=1))
    running = one.goes()
    assert running is not None
    waiting_there, waiting_here = two.join(), one.join()
    assert not two.look(waiting_there)
    assert not one.look(waiting_here)
    one.ends(running)
    one.limiter._ask_at = two.limiter._ask_at = 0.0
    assert not one.look(waiting_here)
    assert two.look(waiting_there)


def test_of_each_member_one_goes_at_a_time(redis: RedisServer) -> None:
    one, two = members(redis, RateLimits(concurrency=2))
    running = [one.goes(), one.goes()]
    queue, there = [one.join() for _ in range(3)], two.join()
    assert not one.look(queue[0])
    assert not two.look(there)
    for each in running:
        assert each is not None
        one.limiter.release(each, time.monotonic())
    one.limiter._ask_at = two.limiter._ask_at = 0.0
    assert one.look(queue[0])
    one.limiter._ask_at = 0.0
    assert not one.look(queue[1])
    assert two.look(there)


def test_one_that_died_while_it_waited_holds_nobody_up(redis: RedisServer) -> None:
    one, two = members(redis, RateLimits(concurrency=1))
    with redis.client() as client:
        client.hset("deepseek-v4:{bucket}:members", two.limiter._member, "9999999999 0 1 2")  # from 1 to 2 it waited
    assert one.goes()


def test_one_whose_event_loop_was_closed_gives_its_place_back(redis: RedisServer) -> None:
    one, two = members(redis, RateLimits(requests_per_minute=1, concurrency=1))
    abandoned = one.join()
    question = one.limiter.question(time.monotonic())
    assert question is not None
    answer = one.ledger.ask(question)
    abandoned._loop = asyncio.new_event_loop()
    abandoned._loop.close()
    one.limiter.answered(question, answer, time.monotonic())
    one.ledger.flush()
    assert two.goes()


def test_a_report_that_was_dropped_is_made_again(redis: RedisServer) -> None:
    one, two = members(redis, RateLimits(tokens_per_minute=100))
    first = one.goes(60)
    assert first is not None
    one.limiter.release(first, time.monotonic(), 10)
    report = one.limiter.report(time.monotonic())
    assert report is not None
    one.limiter.dropped(report)
    one.ledger.flush()
    assert two.goes(80)


def test_one_that_waits_no_longer_holds_nobody_up(redis: RedisServer) -> None:
    one, two = members(redis, RateLimits(concurrency=1))
    running = one.goes()
    assert running is not None
    waiting = two.join()
    assert not two.look(waiting)
    two.limiter.cancel(waiting, time.monotonic())
    two.ledger.flush()
    one.ends(running)
    assert one.goes()


def test_a_queue_is_asked_for_in_one_question(redis: RedisServer) -> None:
    [one] = members(redis, RateLimits(requests_per_minute=20), 1)
    queue = [one.join() for _ in range(30)]
    one.look(queue[0])
    assert one.ledger.asked == 1
    assert [place.granted for place in queue] == [True] * 20 + [False] * 10


def test_a_reservation_is_one_round_trip(redis: RedisServer) -> None:
    [one] = members(redis, RateLimits(requests_per_minute=100, tokens_per_minute=1_000_000, concurrency=50), 1)
    for count in range(1, 21):
        assert one.goes()
        assert one.ledger.asked == count
    with redis.client() as client:
        assert client.info("commandstats")["cmdstat_evalsha"]["calls"] >= 20


def test_what_a_refusal_taught_holds_for_all(redis: RedisServer) -> None:
    one, two = members(redis, RateLimits(requests_per_minute=10, refusals=None))
    sent = [one.goes(), two.goes(), one.goes()]
    assert sent[2] is not None
    one.is_refused(sent[2])  # half of the ten are left: two have passed
    assert two.goes()
    assert one.goes()
    assert two.goes() is None


def test_retry_after_holds_for_all(redis: RedisServer) -> None:
    one, two = members(redis, RateLimits(requests_per_minute=10))
    refused = one.goes()
    assert refused is not None
    one.is_refused(refused, hint=30.0)
    waiting = two.join()
    assert not two.look(waiting)
    with pytest.raises(LocalLimitError) as found:
        two.look(waiting, patience=5.0)
    assert 20 < (found.value.retry_after or 0) <= 30


def test_a_pause_in_headers_holds_for_all(redis: RedisServer) -> None:
    one, two = members(redis, RateLimits(requests_per_minute=10))
    one.limiter.pause(time.monotonic(), 20.0)
    one.ledger.flush()
    assert two.goes() is None


def test_an_open_circuit_is_open_for_all(redis: RedisServer) -> None:
    one, two = members(redis, RateLimits(requests_per_minute=10, refusals=1))
    refused = one.goes()
    assert refused is not None
    one.is_refused(refused)
    waiting = two.join()
    with pytest.raises(CircuitOpenError) as found:
        two.look(waiting)
    assert 50 < found.value.retry_after <= 60


def test_the_others_sleep_while_one_tests_an_open_circuit(redis: RedisServer) -> None:
    [one] = members(redis, RateLimits(requests_per_minute=10, refusals=1), 1)
    refused = one.goes()
    assert refused is not None
    one.is_refused(refused)
    later = time.monotonic() + 61
    with redis.client() as client:
        client.hset("deepseek-v4:{bucket}:state", "opened", 0)
    test, other = (one.limiter.reserve(later, 1, one.limits, later + 100) for _ in range(2))
    question = one.limiter.question(later)
    assert question is not None
    assert question.asked == (test,)
    one.limiter.answered(question, one.ledger.ask(question), later)
    assert test.granted
    assert one.limiter.poll(other, later, later + 50) == 50
    assert one.limiter.question(later) is None


def test_a_poll_goes_before_new_requests_and_needs_no_place(redis: RedisServer) -> None:
    one, two = members(redis, RateLimits(concurrency=1, requests_per_minute=10))
    assert one.goes()
    waiting = two.join()
    assert not two.look(waiting)
    now = time.monotonic()
    poll = one.limiter.reserve(now, 0, one.limits, now + 10, again=True)
    assert one.look(poll)


def test_what_was_granted_and_not_sent_does_not_count(redis: RedisServer) -> None:
    one, two = members(redis, RateLimits(requests_per_minute=1, concurrency=1))
    granted = one.goes()
    assert granted is not None
    assert two.goes() is None
    one.limiter.cancel(granted, time.monotonic())
    one.ledger.flush()
    assert two.goes()


@pytest.mark.parametrize("arrives", [True, False])
def test_a_question_that_nobody_waits_for_leaves_nothing_behind(redis: RedisServer, arrives: bool) -> None:
    one, two = members(redis, RateLimits(requests_per_minute=1, concurrency=1))
    waiting = one.join()
    question = one.limiter.question(time.monotonic())
    assert question is not None
    if arrives:
        assert one.ledger.ask(question) is not None
    one.limiter.dropped(question)
    assert one.look(waiting)  # granted already, and counted once
    one.ends(waiting)
    assert two.goes() is None
    assert redis.everything()["deepseek-v4:{bucket}:state"]["requests"] == "1"


def test_one_that_leaves_while_it_is_asked_for_gives_its_place_back(redis: RedisServer) -> None:
    one, two = members(redis, RateLimits(requests_per_minute=1, concurrency=1))
    waiting = one.join()
    question = one.limiter.question(time.monotonic())
    assert question is not None
    answer = one.ledger.ask(question)
    one.limiter.cancel(waiting, time.monotonic())
    one.limiter.answered(question, answer, time.monotonic())
    one.ledger.flush()
    assert two.goes()


def test_places_of_a_member_that_is_gone_come_back(redis: RedisServer) -> None:
    one, two = members(redis, RateLimits(concurrency=1))
    assert one.goes()
    assert two.goes() is None
    end_lease(redis, one)
    assert two.goes()


def test_a_sign_of_life_keeps_the_places(redis: RedisServer) -> None:
    one = Member(redis.url, RateLimits(concurrency=1))
    assert one.goes()

    def lease() -> float:
        [record] = redis.everything()["deepseek-v4:{bucket}:members"].values()
        return float(record.split()[0])

    before = lease()
    one.ledger.flush()
    assert lease() > before


def test_a_member_that_was_taken_for_dead_joins_with_its_places(redis: RedisServer) -> None:
    one, two = members(redis, RateLimits(concurrency=2))
    assert one.goes()
    end_lease(redis, one)
    assert two.goes()  # now the first one is forgotten
    one.ledger.flush()
    one.ledger.flush()
    assert two.goes() is None


def test_the_first_one_that_returns_leaves_the_others_their_part(redis: RedisServer) -> None:
    one, two = members(redis, RateLimits(requests_per_minute=4))
    for each in (one, two, two, one):
        assert each.goes()
    with redis.client() as client:
        client.flushall()
    assert one.goes() is None  # it is not known there any more
    assert one.goes() is None  # its two requests are, and those of the other one are not
    assert redis.everything()["deepseek-v4:{bucket}:state"]["requests"] == "2"
    two.ledger.flush()
    two.ledger.flush()
    assert redis.everything()["deepseek-v4:{bucket}:state"]["requests"] == "4"
    assert two.goes() is None


def test_a_member_that_ends_gives_its_places_back(redis: RedisServer) -> None:
    one, two = members(redis, RateLimits(concurrency=1))
    assert one.goes()
    one.ledger._report_all(stays=False)
    assert two.goes()
    assert len(redis.everything()["deepseek-v4:{bucket}:members"]) == 1
