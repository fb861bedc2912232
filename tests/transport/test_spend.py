"""Limits of money and tokens: what is reserved before a request is sent, and what takes its place afterwards."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepseek_v4_sdk import (
    AsyncDeepSeekV4,
    ConfigurationError,
    DeepSeekV4,
    DeepSeekV4Error,
    Price,
    PriceTable,
    Rates,
    Reply,
    Spend,
    SpendLimitError,
    StreamInterruptedError,
)
from deepseek_v4_sdk.testing import MockProvider, faults, script
from tests.support.profiles import examples

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
TEXT = "One two three four five six seven eight nine ten."


def mock_of(*steps: Any, at: datetime = AT, flavor: str = "deepseek") -> MockProvider:
    return MockProvider(*steps, default=script.text(TEXT), flavor=flavor, at=at)


def client_of(mock: MockProvider, **arguments: Any) -> DeepSeekV4:
    return DeepSeekV4(mock, model="pro", thinking="off", **arguments)


def price(reply: Reply) -> Decimal:
    cost = reply.cost()
    assert cost is not None
    return cost.amount


class TestSettling:
    def test_the_cost_takes_the_place_of_what_was_reserved(self) -> None:
        spend = Spend("0.10")
        reply = client_of(mock_of(), spend=spend).chat("Hello", max_tokens=1_000)
        assert spend.spent == price(reply) > 0
        assert spend.reserved == 0

    def test_while_it_runs_the_most_is_reserved(self) -> None:
        spend = Spend(10_000, unit="tokens")
        client = client_of(mock_of(), spend=spend)
        prompt = client.count_tokens("Hello", thinking="off").total
        with client.stream("Hello", max_tokens=1_000) as stream:
            next(stream)
            assert prompt + 1_000 <= spend.reserved <= prompt + 1_100
            assert spend.spent == 0
            reply = stream.reply()
        assert (spend.spent, spend.reserved) == (reply.usage.total_tokens, 0)

    def test_a_refusal_costs_nothing_and_a_retry_is_paid_for_once(self) -> None:
        spend = Spend(10_000, unit="tokens")
        reply = client_of(mock_of(script.error(503, "busy")), spend=spend).chat("Hello", max_tokens=100)
        assert (spend.spent, spend.reserved) == (reply.usage.total_tokens, 0)

    def test_a_stream_that_broke_is_counted_here(self) -> None:
        spend = Spend(10_000, unit="tokens")
        client = client_of(mock_of(script.text(TEXT) | faults.cut(after_bytes=1_500)), spend=spend, max_retries=0)
        with pytest.raises(StreamInterruptedError) as raised:
            client.chat("Hello", max_tokens=100)
        assert raised.value.partial is not None
        came = raised.value.partial.text
        assert came
        prompt = client.count_tokens("Hello", thinking="off").total
        assert prompt < spend.spent < prompt + 200
        assert spend.reserved == 0

    def test_so_is_one_that_its_reader_left(self) -> None:
        spend = Spend(10_000, unit="tokens")
        with client_of(mock_of(), spend=spend).stream("Hello", max_tokens=100) as stream:
            next(iter(stream))
        assert spend.spent > 0
        assert spend.reserved == 0

    def test_and_one_that_the_server_did_not_count(self) -> None:
        spend = Spend(10_000, unit="tokens")
        client = client_of(mock_of(script.text(TEXT) | faults.no_usage()), spend=spend)
        client.chat("Hello", max_tokens=100)
        prompt = client.count_tokens("Hello", thinking="off").total
        assert prompt + 11 <= spend.spent <= prompt + 150

    def test_a_request_that_never_arrived_costs_nothing(self) -> None:
        spend = Spend(10_000, unit="tokens")
        client = DeepSeekV4("vllm", base_url="http://127.0.0.1:1", model="pro", spend=spend, max_retries=0)
        with client, pytest.raises(DeepSeekV4Error):
            client.chat("Hello", max_tokens=100)
        assert (spend.spent, spend.reserved) == (0, 0)


class TestLimit:
    def test_nothing_is_sent_once_there_is_no_room(self) -> None:
        mock, spend = mock_of(), Spend(400, unit="tokens")
        client = client_of(mock, spend=spend)
        with pytest.raises(SpendLimitError, match="the limit of 400 tokens per client leaves no room") as raised:
            client.chat("Hello", max_tokens=1_000)
        assert (raised.value.limit, raised.value.spent, raised.value.unit) == (400, 0, "tokens")
        assert raised.value.needed > 1_000
        assert raised.value.attempts == ()
        assert mock.requests == []
        assert spend.reserved == 0
        client.chat("Hello", max_tokens=100)

    def test_without_max_tokens_the_mean_answer_is_reserved(self) -> None:
        spend = Spend(100_000, unit="tokens")
        client = client_of(mock_of(flavor="vllm"), spend=spend)
        first = client.chat("Hello")
        with client.stream("Hello") as stream:
            next(stream)
            prompt = client.count_tokens("Hello", thinking="off").total
            answer = first.usage.completion_tokens or 0
            assert prompt + answer <= spend.reserved <= prompt + answer + 100

    def test_a_list_and_a_calls_own_beside_the_clients(self) -> None:
        wide, narrow, own = Spend(1_000_000, unit="tokens"), Spend("1.00"), Spend(200, unit="tokens")
        mock = mock_of()
        client = client_of(mock, spend=[wide, narrow])
        reply = client.chat("Hello", max_tokens=50)
        assert (wide.spent, narrow.spent) == (reply.usage.total_tokens, price(reply))
        with pytest.raises(SpendLimitError, match="of 200 tokens"):
            client.chat("Hello", max_tokens=500, spend=own)
        assert (wide.reserved, narrow.reserved, own.reserved) == (0, 0, 0)
        client.chat("Hello", max_tokens=50, spend=[own])
        assert own.spent > 0

    def test_the_error_waits_for_nobody(self) -> None:
        """It is not tried again, and no other provider is asked: they would cost as much."""
        other = mock_of(flavor="vllm")
        client = client_of(mock_of(), spend=Spend(10, unit="tokens"), fallback=[other])
        with pytest.raises(SpendLimitError):
            client.chat("Hello", max_tokens=100)
        assert other.requests == []

    def test_a_limit_of_a_fallback_would_not_hold(self) -> None:
        given: Any = {"provider": "mock", "spend": Spend(1)}
        with pytest.raises(ConfigurationError, match=r"fallback\[0\] has spend, which would not hold here"):
            DeepSeekV4(mock_of(), fallback=[given])

    def test_a_model_without_a_price_cannot_be_limited_in_money(self) -> None:
        mock = mock_of(flavor="vllm")
        with pytest.raises(ConfigurationError, match=r"no price of .* at vllm is known: give prices=, or Spend"):
            client_of(mock, spend=Spend(1)).chat("Hello")
        assert mock.requests == []
        rates = Rates(hit=Decimal(1), miss=Decimal(2), output=Decimal(3))
        own = Price(provider="vllm", rates=rates, since=datetime(2026, 1, 1, tzinfo=UTC), as_of=date(2026, 1, 1))
        spend = Spend(1)
        client_of(mock, spend=spend, prices=PriceTable([own])).chat("Hello", max_tokens=10)
        assert spend.spent > 0

    @pytest.mark.parametrize("limit", [0, -1, True, "much", float("nan"), float("inf"), None])
    def test_what_is_no_limit(self, limit: Any) -> None:
        with pytest.raises(ConfigurationError, match="the limit of Spend is"):
            Spend(limit)

    def test_what_is_no_spend(self) -> None:
        with pytest.raises(ConfigurationError, match="per is 'month': give"):
            Spend(1, per="month")  # type: ignore[arg-type]
        with pytest.raises(ConfigurationError, match="unit is 'EUR': give"):
            Spend(1, unit="EUR")  # type: ignore[arg-type]
        with pytest.raises(ConfigurationError, match="spend is int: give Spend"):
            DeepSeekV4("mock", spend=3)  # type: ignore[arg-type]
        with pytest.raises(ConfigurationError, match="spend is str: give Spend"):
            DeepSeekV4("mock").chat("Hi", spend=["3"])  # type: ignore[list-item]


class TestPer:
    def test_run_is_a_tool_run_or_a_call(self) -> None:
        def look(n: int) -> str:
            """Looks."""
            return f"seen {n}"

        spend = Spend(1_500, per="run", unit="tokens")
        turns = [script.tool_call("look", n=n) for n in range(20)]
        client = client_of(MockProvider(*turns, flavor="deepseek", at=AT), spend=spend)
        with pytest.raises(SpendLimitError) as raised:
            client.run_tools("Go.", [look], max_tokens=100)
        run = raised.value.run
        assert run is not None
        assert 1 <= len(run.rounds) < 20
        assert run.usage.total_tokens is not None
        assert run.usage.total_tokens <= 1_500
        client = client_of(mock_of(), spend=spend)
        for _ in range(5):  # each call has an account of its own
            client.chat("Hello", max_tokens=1_000)

    def test_all_questions_of_a_parse_are_one_run(self) -> None:
        mock = mock_of(script.text("no"), script.text("no"), script.text("no"))
        with pytest.raises(SpendLimitError):
            client_of(mock).parse("Go.", dict[str, int], retries=9, max_tokens=100, spend=Spend(400, "run", "tokens"))
        assert 1 <= len(mock.requests) < 10

    def test_a_day_is_one_of_utc(self) -> None:
        spend = Spend(300, per="day", unit="tokens")
        client = client_of(mock_of(at=datetime(2026, 11, 21, 23, 59, tzinfo=UTC)), spend=spend)
        client.chat("Hello", max_tokens=200)
        with pytest.raises(SpendLimitError, match="per day"):
            client.chat("Hello", max_tokens=290)
        client_of(mock_of(at=datetime(2026, 11, 22, tzinfo=UTC)), spend=spend).chat("Hello", max_tokens=200)
        assert 0 < spend.spent < 200

    def test_what_was_reserved_on_a_day_that_is_over_is_nothing_today(self) -> None:
        spend = Spend(100, per="day", unit="tokens")
        day = spend.take(Decimal(90), AT)
        spend.take(Decimal(50), AT + timedelta(days=1))
        spend.give(Decimal(90), Decimal(80), day)
        assert (spend.spent, spend.reserved) == (0, 50)


@pytest.mark.parametrize("unit", ["USD", "tokens"])
@pytest.mark.parametrize("awaited", [False, True])
def test_fifty_side_by_side_never_pass_the_limit(unit: Any, *, awaited: bool) -> None:
    """At no moment is more spent and reserved than the limit, and what is refused has not been sent."""
    limit: Any = "0.008" if unit == "USD" else 6_000
    spend = Spend(limit, unit=unit)
    mock = MockProvider(default=script.text("word " * 90), flavor="deepseek", at=AT)
    most = [Decimal(0)]
    lock = threading.Lock()

    def look(_: object = None) -> None:
        with lock:
            most[0] = max(most[0], spend.spent + spend.reserved)

    def outcome(error: BaseException | None, reply: Reply | None) -> str:
        look()
        assert error is None or isinstance(error, SpendLimitError)
        return "refused" if reply is None else "answered"

    if awaited:

        async def main() -> list[str]:
            client = AsyncDeepSeekV4(mock, model="pro", thinking="off", spend=spend)

            async def one() -> str:
                try:
                    async with client.stream("Hello", max_tokens=1_000) as stream:
                        async for event in stream:
                            look(event)
                        return outcome(None, await stream.reply())
                except SpendLimitError as error:
                    return outcome(error, None)

            return await asyncio.gather(*(one() for _ in range(50)))

        ended = asyncio.run(main())
    else:
        client = client_of(mock, spend=spend)

        def one(_: int) -> str:
            try:
                with client.stream("Hello", max_tokens=1_000) as stream:
                    for event in stream:
                        look(event)
                    return outcome(None, stream.reply())
            except SpendLimitError as error:
                return outcome(error, None)

        with ThreadPoolExecutor(50) as pool:
            ended = list(pool.map(one, range(50)))
    assert most[0] <= spend.limit
    assert spend.spent <= spend.limit
    assert spend.reserved == 0
    assert len(mock.requests) == ended.count("answered") >= 3
    assert ended.count("refused") >= 1


@examples(40)
@given(st.data())
def test_the_account_adds_up_whatever_happens(data: st.DataObject) -> None:
    """Taken, given back and given late in any order: never beyond the limit, and nothing stays reserved."""
    spend = Spend(1_000, unit="tokens")
    open_: list[tuple[Decimal, date]] = []
    spent = Decimal(0)
    for _ in range(data.draw(st.integers(1, 40))):
        if open_ and data.draw(st.booleans()):
            reserved, day = open_.pop(data.draw(st.integers(0, len(open_) - 1)))
            used = Decimal(data.draw(st.integers(0, int(reserved))))
            spend.give(reserved, used, day)
            spent += used
        else:
            amount = Decimal(data.draw(st.integers(1, 400)))
            fits = spend.spent + spend.reserved + amount <= 1_000
            try:
                open_.append((amount, spend.take(amount, AT)))
                assert fits
            except SpendLimitError:
                assert not fits
        assert spend.spent == spent
        assert spend.reserved == sum(reserved for reserved, _ in open_)
        assert spend.spent + spend.reserved <= spend.limit
    for reserved, day in open_:
        spend.give(reserved, Decimal(0), day)
    assert spend.reserved == 0
