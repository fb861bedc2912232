"""Limits, circuit and Retry-After together, through whole clients, in time that stands still."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from deepseek_v4_sdk import (
    AsyncDeepSeekV4,
    CircuitOpenError,
    DeepSeekV4Error,
    LocalLimitError,
    RateLimitError,
    RateLimits,
    Reply,
)
from tests.transport.limits.still import StrictServer, in_still_time


def client_of(server: StrictServer, keeps: Any, **arguments: Any) -> AsyncDeepSeekV4:
    given = {"base_url": "http://strict.invalid", "model": "m", "max_retries": 0, **arguments}
    return AsyncDeepSeekV4("vllm", http_client=server, limits=keeps, **given)


async def ask(client: AsyncDeepSeekV4, question: object, **options: Any) -> Reply | DeepSeekV4Error:
    try:
        return await client.chat(str(question), **options)
    except DeepSeekV4Error as error:
        return error


def now() -> float:
    return asyncio.get_running_loop().time()


def test_requests_a_minute() -> None:
    """A hundred at once: forty, a minute later forty more, and so on; nobody is refused and nobody overtakes."""
    server = StrictServer(a_minute=40)

    async def work() -> float:
        client = client_of(server, RateLimits(requests_per_minute=40))
        replies = await asyncio.gather(*(ask(client, number) for number in range(100)))
        assert all(isinstance(reply, Reply) for reply in replies)
        return now()

    assert 120 < in_still_time(work()) < 125
    assert (server.busiest_minute(), server.on_429, len(server.arrivals)) == (40, 0, 100)
    for start in (0, 40, 80):
        assert {int(asked) for asked in server.questions[start : start + 40]} == set(range(start, min(start + 40, 100)))


def test_without_limits_the_server_has_to_refuse() -> None:
    server = StrictServer(a_minute=40)

    async def work() -> None:
        await asyncio.gather(*(ask(client_of(server, "off"), number) for number in range(100)))

    in_still_time(work())
    assert server.on_429 == 60


def test_answers_at_a_time_leave_no_hole() -> None:
    """A hundred answers of half a second, five at a time, are twenty rows."""
    server = StrictServer(at_once=5, ways=(0.0,))

    async def work() -> float:
        client = client_of(server, RateLimits(concurrency=5))
        await asyncio.gather(*(ask(client, number) for number in range(100)))
        return now()

    assert in_still_time(work()) == pytest.approx(10.0, abs=0.2)
    assert (server.most, server.on_429, len(server.arrivals)) == (5, 0, 100)
    assert [int(asked) for asked in server.questions] == list(range(100))


def test_tokens_a_minute_are_estimated_and_then_put_right() -> None:
    """Each request is some tokens by its bytes, and its max_tokens; the server counts seven, and that is what holds."""
    server = StrictServer(ways=(0.0,))

    async def work() -> list[float]:
        client = client_of(server, RateLimits(tokens_per_minute=1000))
        moments: list[float] = []

        async def one(number: int) -> None:
            await client.chat("x", max_tokens=600)
            moments.append(now())

        await asyncio.gather(*(one(number) for number in range(3)))
        return moments

    # One after the other, for two are more than the limit until the first is known to have been small.
    assert in_still_time(work()) == pytest.approx([0.5, 1.0, 1.5], abs=0.05)
    assert server.most == 1


def test_more_tokens_than_expected_make_the_next_ones_wait() -> None:
    server = StrictServer(ways=(0.0,), tokens=980)

    async def work() -> list[float]:
        client = client_of(server, RateLimits(tokens_per_minute=1000))
        moments: list[float] = []
        for _ in range(3):
            await client.chat("x")
            moments.append(now())
        return moments

    assert in_still_time(work()) == pytest.approx([0.5, 60.5, 120.5], abs=0.1)


def test_a_request_that_can_never_fit_is_told_so() -> None:
    server = StrictServer()

    async def work() -> None:
        client = client_of(server, RateLimits(tokens_per_minute=1000))
        with pytest.raises(LocalLimitError, match="tokens_per_minute is 1000"):
            await client.chat("x" * 4000)

    in_still_time(work())
    assert server.arrivals == []


def test_who_leaves_the_line_leaves_no_hole() -> None:
    server = StrictServer(a_minute=40)

    async def work() -> list[float]:
        client = client_of(server, RateLimits(requests_per_minute=40))
        tasks = [asyncio.create_task(ask(client, number)) for number in range(120)]
        await asyncio.sleep(1)
        for task in tasks[40:80]:  # the whole second row
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return [moment for moment, _ in server.arrivals]

    arrivals = in_still_time(work())
    assert len(arrivals) == 80
    assert max(arrivals) < 62
    assert {int(asked) for asked in server.questions[40:]} == set(range(80, 120))


def test_a_wait_beyond_the_deadline_is_refused_at_once_and_says_when_there_is_room() -> None:
    server = StrictServer(a_minute=10)

    async def work() -> None:
        client = client_of(server, RateLimits(requests_per_minute=10))
        await asyncio.gather(*(ask(client, number) for number in range(10)))
        began = now()
        with pytest.raises(LocalLimitError, match=r"there is some in \d\d\.\d s") as caught:
            await client.chat("x", timeout=30)
        assert now() == began
        assert caught.value.retry_after is not None
        assert 50 < caught.value.retry_after <= 60
        assert caught.value.attempts == ()
        reply = await client.chat("x", timeout=62)  # this one waits, within its total time
        assert reply.attempts[0].waited == pytest.approx(caught.value.retry_after, abs=0.1)
        assert now() - began < 62

    in_still_time(work())
    assert (len(server.arrivals), server.on_429) == (11, 0)


def test_waiting_for_others_ends_with_the_deadline() -> None:
    server = StrictServer(seconds=100)

    async def work() -> None:
        client = client_of(server, RateLimits(concurrency=1))
        long = asyncio.create_task(ask(client, "long"))
        await asyncio.sleep(1)
        with pytest.raises(LocalLimitError, match="when others end") as caught:
            await client.chat("x", timeout=20)
        assert (now(), caught.value.retry_after) == (pytest.approx(21), None)
        assert isinstance(await long, Reply)

    in_still_time(work())


def test_all_clients_with_one_key_are_one_line() -> None:
    """Two clients with the same key share forty a minute; one with another key has forty of its own."""
    server = StrictServer()

    async def work() -> None:
        keeps = RateLimits(requests_per_minute=40)
        one, two, other = (client_of(server, keeps, api_key=key) for key in ("key-aaaa", "key-aaaa", "key-bbbb"))
        await asyncio.gather(*(ask(client, number) for number in range(40) for client in (one, two, other)))
        assert 60 < now() < 65

    in_still_time(work())
    assert server.busiest_minute() == 80


def test_a_storm_of_429_teaches_and_wears_off() -> None:
    """The server takes three a minute though forty are said to be allowed; later it takes forty again."""
    server = StrictServer(a_minute=3)

    async def work() -> tuple[int, int]:
        client = client_of(server, RateLimits(requests_per_minute=40, refusals=None), max_retries=3)
        stop = asyncio.Event()

        async def user(number: int) -> None:
            while not stop.is_set():
                await ask(client, number, timeout=400)

        users = [asyncio.create_task(user(number)) for number in range(8)]
        await asyncio.sleep(600)
        stormy, taken = server.on_429, len(server.arrivals) - server.on_429
        server.a_minute = 40
        await asyncio.sleep(1200)
        stop.set()
        for task in users:
            task.cancel()
        await asyncio.gather(*users, return_exceptions=True)
        return stormy, taken

    stormy, taken = in_still_time(work())
    assert taken >= 25  # of thirty that the server would have taken: nobody starves
    assert stormy <= 45  # without learning it would be the rest of 400
    late = [moment for moment, _ in server.arrivals if moment > 1740]
    assert len(late) >= 36  # it has recovered
    assert server.busiest_minute() <= 40


def test_concurrency_is_learned_too() -> None:
    """As DeepSeek's API does: what is beyond is refused at once."""
    server = StrictServer(at_once=20, ways=(0.0,))

    async def work() -> None:
        client = client_of(server, RateLimits(concurrency=100, refusals=None), max_retries=8)
        replies = await asyncio.gather(*(ask(client, number) for number in range(400)))
        assert all(isinstance(reply, Reply) for reply in replies)

    in_still_time(work())
    assert server.on_429 <= 100  # the first row, and a few who try what they have learned


def test_a_hint_holds_for_all() -> None:
    """One is told to come back in thirty seconds: until then nobody sends anything."""
    server = StrictServer(a_minute=5, retry_after="30")

    async def work() -> None:
        client = client_of(server, RateLimits(requests_per_minute=1000), max_retries=2)
        await asyncio.gather(*(ask(client, number) for number in range(6)))
        assert now() > 30

        async def late(number: int) -> None:
            await asyncio.sleep(number)
            await ask(client, number)

        server.arrivals.clear()
        began = now()
        server.a_minute = 0
        await ask(client_of(server, RateLimits(requests_per_minute=1000), max_retries=0), "refused")
        server.a_minute = 100
        await asyncio.gather(*(late(number) for number in range(1, 20)))
        first, *others = [moment - began for moment, _ in server.arrivals]
        assert first < 1
        assert min(others) == pytest.approx(30, abs=1)

    in_still_time(work())


def test_headers_that_tell_of_no_room_are_kept() -> None:
    class Telling(StrictServer):
        async def handle_async_request(self, request: Any) -> Any:
            response = await super().handle_async_request(request)
            response.headers.update({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1m10s"})
            return response

    server = Telling()

    async def work() -> None:
        client = client_of(server, RateLimits(requests_per_minute=1000))
        await client.chat("one")
        await client.chat("two")
        assert now() == pytest.approx(70, abs=2)

    in_still_time(work())


def test_the_circuit_opens_says_until_when_and_sends_one_to_see() -> None:
    """A hidden window of fifteen minutes: five are refused, then only single ones are sent, less and less often."""
    server = StrictServer(a_minute=0)

    async def work() -> None:
        client = client_of(server, RateLimits(requests_per_minute=40))
        outcomes = [await ask(client, number) for number in range(6)]
        assert [type(error) for error in outcomes] == [RateLimitError] * 5 + [CircuitOpenError]
        opened = outcomes[-1]
        assert isinstance(opened, CircuitOpenError)
        assert opened.retry_after == pytest.approx(60, abs=1)
        assert "for another 60 s" in str(opened)
        assert opened.attempts == ()
        ends = now() + 900
        while now() < ends:
            await asyncio.sleep(5)
            await asyncio.gather(*(ask(client, "again") for _ in range(10)))
        assert len(server.arrivals) <= 5 + 5  # after 1, 2, 4, 8 … minutes
        server.a_minute = 1000
        if isinstance(closed := await ask(client, "too early"), CircuitOpenError):
            await asyncio.sleep(closed.retry_after)
        assert [type(await ask(client, number)) for number in range(3)] == [Reply] * 3

    in_still_time(work())


def test_who_waits_behind_the_one_that_sees_goes_when_it_is_answered() -> None:
    server = StrictServer(a_minute=0)

    async def work() -> None:
        client = client_of(server, RateLimits(requests_per_minute=40, refusals=2))
        for number in range(2):
            await ask(client, number)
        await asyncio.sleep(61)
        server.a_minute = 100
        server.arrivals.clear()
        began = now()
        replies = await asyncio.gather(*(ask(client, number) for number in range(10)))
        assert all(isinstance(reply, Reply) for reply in replies)
        first, *others = sorted(moment - began for moment, _ in server.arrivals)
        assert first < min(others)

    in_still_time(work())


def test_a_server_that_asks_for_an_hour_is_left_alone_for_an_hour() -> None:
    server = StrictServer(a_minute=0, retry_after="3600")

    async def work() -> None:
        client = client_of(server, RateLimits(requests_per_minute=40))
        assert isinstance(await ask(client, "one"), RateLimitError)
        error = await ask(client, "two")
        assert isinstance(error, CircuitOpenError)
        assert error.retry_after == pytest.approx(3600, abs=1)

    in_still_time(work())
    assert len(server.arrivals) == 1
