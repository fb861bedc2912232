"""What a request will cost: an upper bound from the exact count, at the price of the moment."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from deepseek_v4_sdk import ContextBudget, PriceTable
from deepseek_v4_sdk.context import Meter

OFF_PEAK, PEAK = datetime(2026, 11, 23, tzinfo=UTC), datetime(2026, 11, 23, 1, tzinfo=UTC)
METER = replace(Meter.rendering("recipe"), billed=lambda _: ("deepseek", "deepseek-v4-pro"))
BUDGET = ContextBudget(100_000, 1_000, 500, meter=METER)


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
    assert ContextBudget(100_000, meter=replace(METER, prices=PriceTable())).estimate_cost("Hi") is None
