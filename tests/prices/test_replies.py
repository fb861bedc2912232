"""What a real call of a client says it cost: when it was sent, which model answered, and at which provider."""

from __future__ import annotations

import json
import pickle
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from deepseek_v4_sdk import (
    AsyncDeepSeekV4,
    ConfigurationError,
    DeepSeekV4,
    InvalidRequestError,
    Price,
    PriceTable,
    Rates,
    Reply,
)
from deepseek_v4_sdk.providers import PROVIDER_NAMES
from deepseek_v4_sdk.testing import MockProvider, faults, make_reply, script

OFF_PEAK = datetime(2026, 11, 21, 2, tzinfo=UTC)  # a Saturday
PEAK = datetime(2026, 11, 23, 1, tzinfo=UTC)


def billed(model: str, usage: dict[str, object], at: datetime = OFF_PEAK, flavor: str = "deepseek") -> Reply:
    """The reply of a server that says it is this model, and counts so."""
    body = {
        "id": "an-id",
        "object": "chat.completion",
        "model": model,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Yes."}, "finish_reason": "stop"}],
        "usage": usage,
    }
    mock = MockProvider(script.raw(json.dumps(body), content_type="application/json"), flavor=flavor, at=at)
    return DeepSeekV4(mock, model="pro").chat("Well?", wire="plain")


def test_sent_at_is_the_date_of_the_attempt_that_succeeded() -> None:
    mock = MockProvider(script.error(503), script.text("Hello"), flavor="deepseek", at=PEAK - timedelta(microseconds=1))
    with DeepSeekV4(mock, model="pro") as client:
        reply = client.chat("Hi")
    waited = reply.attempts[-1].waited
    assert waited > 0
    assert reply.timing.sent_at == PEAK - timedelta(microseconds=1) + timedelta(seconds=waited)
    cost = reply.cost()
    assert cost is not None
    assert cost.peak is True  # the first attempt was not


def test_a_long_answer_is_priced_by_when_it_was_asked_for() -> None:
    slow = script.text("Hello") | faults.slow_prefill(300)
    with DeepSeekV4(MockProvider(slow, flavor="deepseek", at=PEAK - timedelta(seconds=60)), model="pro") as client:
        reply = client.chat("Hi")
    cost = reply.cost()
    assert cost is not None
    assert (cost.peak, reply.timing.total >= 300) == (False, True)


def test_without_a_fixed_time_it_is_now() -> None:
    before = datetime.now(UTC)
    reply = DeepSeekV4(MockProvider(flavor="deepseek"), model="flash").chat("Hi")
    sent_at = reply.timing.sent_at
    assert sent_at is not None
    assert before <= sent_at <= datetime.now(UTC)
    assert reply.cost() is not None


@pytest.mark.anyio
async def test_async_and_streams_tell_the_same() -> None:
    def mock() -> MockProvider:
        return MockProvider(flavor="deepseek", at=PEAK)

    with DeepSeekV4(mock(), model="pro") as client, client.stream("Hi") as stream:
        streamed = stream.reply()
    async with AsyncDeepSeekV4(mock(), model="pro") as other:
        awaited = await other.chat("Hi")
    assert streamed.cost() == awaited.cost() == DeepSeekV4(mock(), model="pro").chat("Hi", wire="plain").cost()
    assert awaited.cost() is not None


@pytest.mark.parametrize("flavor", PROVIDER_NAMES)
@pytest.mark.parametrize("model", ["pro", "flash"])
def test_every_provider(flavor: str, model: str) -> None:
    """DeepSeek's own API has prices; what is served elsewhere under the same names has none."""
    named = model if flavor in {"deepseek", "nvidia"} else {"pro": "deepseek-v4-pro", "flash": "deepseek-flash"}[model]
    with DeepSeekV4(MockProvider(flavor=flavor, at=OFF_PEAK), model=named) as client:
        reply = client.chat("Hi")
    cost = reply.cost()
    if flavor != "deepseek":
        assert cost is None
        return
    assert cost is not None
    usage = reply.usage
    assert usage.prompt_tokens is not None
    assert usage.completion_tokens is not None
    miss, output = {"pro": ("0.66", "1.98"), "flash": ("0.15", "0.60")}[model]
    assert cost.miss == usage.prompt_tokens * Decimal(miss) / 10**6
    assert cost.output == usage.completion_tokens * Decimal(output) / 10**6
    assert (cost.hit, cost.exact, cost.peak, usage.missed_tokens) == (0, True, False, usage.prompt_tokens)


HALF = {"prompt_tokens": 1_000_000, "completion_tokens": 0, "total_tokens": 1_000_000}


def test_the_model_that_answered_is_billed() -> None:
    """Pro was asked for, and Flash answered."""
    for served, expected in (
        ("deepseek-v4-pro", "0.66"),
        ("deepseek-v4-pro-0813", "0.66"),
        ("deepseek-flash", "0.15"),
        ("deepseek-v4.1-flash-1017", "0.15"),
    ):
        cost = billed(served, {**HALF, "prompt_cache_hit_tokens": 0}).cost()
        assert cost is not None
        assert cost.amount == Decimal(expected)
    assert billed("deepseek-v5", HALF).cost() is None
    assert billed("deepseek-chat", HALF).cost() is None
    july = billed("deepseek-chat", {**HALF, "prompt_cache_hit_tokens": 0}, at=datetime(2026, 7, 1, tzinfo=UTC)).cost()
    assert july is not None
    assert july.amount == Decimal("0.14")


@pytest.mark.parametrize(
    "told",
    [
        {"prompt_cache_hit_tokens": 500_000, "prompt_cache_miss_tokens": 500_000},
        {"prompt_cache_hit_tokens": 500_000},
        {"prompt_cache_miss_tokens": 500_000},
        {"prompt_tokens_details": {"cached_tokens": 500_000}},
    ],
)
def test_hits_wherever_the_server_puts_them(told: dict[str, object]) -> None:
    reply = billed("deepseek-v4-pro", {**HALF, **told})
    assert (reply.usage.cached_tokens, reply.usage.missed_tokens) == (500_000, 500_000)
    cost = reply.cost()
    assert cost is not None
    assert (cost.hit, cost.miss, cost.exact) == (Decimal("0.011"), Decimal("0.33"), True)


def test_hits_that_are_not_told() -> None:
    reply = billed("deepseek-v4-pro", HALF)
    assert (reply.usage.cached_tokens, reply.usage.missed_tokens) == (None, None)
    cost = reply.cost()
    assert cost is not None
    assert (cost.amount, cost.exact) == (Decimal("0.66"), False)


def test_without_counts_there_is_no_cost() -> None:
    assert billed("deepseek-v4-pro", {"prompt_tokens": 5}).cost() is None
    assert billed("deepseek-v4-pro", {}).cost() is None


def test_other_prices_another_currency_another_time() -> None:
    reply = billed("deepseek-v4-pro", {**HALF, "prompt_cache_hit_tokens": 0})
    yuan, then = reply.cost(currency="CNY"), reply.cost(at=PEAK)
    assert yuan
    assert then
    assert (str(yuan), str(then)) == ("4.5 CNY", "1.32 USD")
    rates = Rates(Decimal(0), Decimal(2), Decimal(3))
    own = PriceTable([Price(provider="vllm", rates=rates, since=OFF_PEAK, as_of=OFF_PEAK.date())])
    assert reply.cost(prices=own) is None
    elsewhere = billed("anything", {**HALF, "prompt_tokens_details": {"cached_tokens": 0}}, flavor="vllm")
    assert elsewhere.cost() is None
    assert str(elsewhere.cost(prices=own)) == "2 USD"
    with pytest.raises(InvalidRequestError, match="time zone"):
        reply.cost(at=datetime(2026, 11, 23))


def test_prices_of_a_client() -> None:
    rates = Rates(Decimal(0), Decimal(2), Decimal(3))
    own = PriceTable([Price(provider="vllm", rates=rates, since=OFF_PEAK, as_of=OFF_PEAK.date())])
    with DeepSeekV4(MockProvider(at=PEAK), prices=own) as client:
        reply = client.chat("Hi")
        with client.stream("Hi") as stream:
            assert stream.reply().cost() == reply.cost()
        assert client.with_options(prices=None).chat("Hi").cost() is None
    cost = reply.cost()
    assert cost is not None
    assert cost.output == 3 * Decimal(reply.usage.completion_tokens or 0) / 10**6
    assert reply.cost(prices=PriceTable()) is None
    with pytest.raises(ConfigurationError, match="PriceTable"):
        DeepSeekV4("vllm", base_url="http://localhost", prices={})  # type: ignore[arg-type]


def test_a_reply_made_by_hand_needs_a_time() -> None:
    reply = make_reply("Hello", model="deepseek-v4-pro")
    assert reply.cost() is None


def test_the_rest_of_a_reply_stays_plain() -> None:
    reply = billed("deepseek-v4-pro", HALF)
    told = json.loads(json.dumps(reply.to_dict()))
    assert told["timing"]["sent_at"] == "2026-11-21T02:00:00+00:00"
    assert "prices" not in told
    assert pickle.loads(pickle.dumps(reply)).cost() == reply.cost()


def test_the_time_of_a_mock_has_a_zone() -> None:
    with pytest.raises(ConfigurationError, match="time zone"):
        MockProvider(at=datetime(2026, 11, 23))
