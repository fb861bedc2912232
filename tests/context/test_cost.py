"""What a request will cost: an upper bound from the exact count, at the price of the moment."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from deepseek_v4_sdk import ContextBudget, DeepSeekV4, Price, PriceTable, Rates, cache_report
from deepseek_v4_sdk.context import PromptCounter
from deepseek_v4_sdk.testing import MockProvider

OFF_PEAK, PEAK = datetime(2026, 11, 23, tzinfo=UTC), datetime(2026, 11, 23, 1, tzinfo=UTC)
METER = replace(PromptCounter.rendering("recipe"), billed=lambda _: ("deepseek", "deepseek-v4-pro"))
BUDGET = ContextBudget(100_000, 1_000, 500, counter=METER)


def test_prompt_and_reserves() -> None:
    prompt = BUDGET.measure("Why is the sky blue?").total
    cost = BUDGET.estimate_cost("Why is the sky blue?", at=OFF_PEAK)
    assert cost is not None
    assert (cost.miss, cost.output) == (prompt * Decimal("0.66") / 10**6, 1_500 * Decimal("1.98") / 10**6)
    assert (cost.exact, cost.peak, str(cost)[:8]) == (False, False, "at most ")


def test_another_answer_cache_time_and_currency() -> None:
    prompt = BUDGET.measure("Hi", thinking="low").total
    cost = BUDGET.estimate_cost("Hi", thinking="low", max_tokens=10, cached_tokens=4, at=PEAK, currency="CNY")
    assert cost is not None
    parts = (4 * Decimal("0.30"), (prompt - 4) * Decimal(9), 10 * Decimal(27))
    assert (cost.hit, cost.miss, cost.output) == tuple(part / 10**6 for part in parts)
    assert (cost.peak, cost.exact) == (True, False)


def test_without_a_time_it_is_now() -> None:
    assert BUDGET.estimate_cost("Hi") in {BUDGET.estimate_cost("Hi", at=at) for at in (OFF_PEAK, PEAK)}


def test_no_price() -> None:
    assert ContextBudget(100_000).estimate_cost("Hi") is None
    assert ContextBudget(100_000, counter=replace(METER, prices=PriceTable())).estimate_cost("Hi") is None


@pytest.mark.parametrize(("model", "miss"), [("pro", "0.66"), ("flash", "0.15"), ("deepseek-v4-flash", "0.15")])
def test_of_a_client_it_is_what_the_answer_costs_then(model: str, miss: str) -> None:
    """The estimate bounds the cost, and is the same once the answer's length is known."""
    with DeepSeekV4(MockProvider(flavor="deepseek", at=OFF_PEAK), model=model) as client:
        budget = client.budget(window=100_000)
        reply = client.chat("Why is the sky blue?", thinking="low")
    cost = reply.cost()
    bound = budget.estimate_cost("Why is the sky blue?", thinking="low", at=OFF_PEAK)
    same = budget.estimate_cost(
        "Why is the sky blue?", thinking="low", at=OFF_PEAK, max_tokens=reply.usage.completion_tokens
    )
    assert cost
    assert bound
    assert same
    assert cost.amount < bound.amount
    assert same.output == cost.output
    if model == "pro":  # the mock counts Flash in V4's format
        assert same.miss == cost.miss
    assert cost.miss == (reply.usage.prompt_tokens or 0) * Decimal(miss) / 10**6


@pytest.mark.parametrize("flavor", ["vllm", "sglang", "nvidia", "nim", "dynamo"])
def test_servers_without_a_price(flavor: str) -> None:
    model = "pro" if flavor == "nvidia" else None
    rates = Rates(Decimal(0), Decimal(1), Decimal(2))
    own = PriceTable([Price(provider=flavor, rates=rates, since=OFF_PEAK, as_of=OFF_PEAK.date())])
    with DeepSeekV4(MockProvider(flavor=flavor), model=model) as client:
        assert client.budget(window=100_000).estimate_cost("Hi") is None
        budget = client.with_options(prices=own).budget(window=100_000)
    cost = budget.estimate_cost("Hi", max_tokens=10, at=PEAK)
    assert cost is not None
    assert cost.output == Decimal("0.00002")


def test_the_cache_of_a_client() -> None:
    """The third argument brings the server's dialect and its blocks."""
    before, after = ({"messages": "a " * 600 + text, "thinking": "low"} for text in ("b", "c"))
    with DeepSeekV4(MockProvider(flavor="sglang")) as client:
        report = cache_report(before, after, client.budget())
    assert (report.block, report.cached) == (256, 512)
    assert cache_report(before, after).block is None
