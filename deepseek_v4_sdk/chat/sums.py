"""The total cost of several HTTP requests, and the number of those with an unknown cost."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deepseek_v4_sdk.chat.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from deepseek_v4_sdk.catalogue.prices import Cost, PriceTable
    from deepseek_v4_sdk.chat.attempt import Attempt

__all__ = ["total_cost", "total_usage"]


def total_usage(attempts: Iterable[Attempt]) -> Usage:
    """Add up the tokens of several requests; `unknown` counts those whose number is not known."""
    total = Usage(prompt_tokens=0, completion_tokens=0, total_tokens=0)
    for attempt in attempts:
        if not attempt.may_cost:
            continue
        usage = attempt.usage or Usage()
        is_counted = usage.prompt_tokens is not None and usage.completion_tokens is not None
        if is_counted and usage.total_tokens is None:
            both = (usage.prompt_tokens or 0) + (usage.completion_tokens or 0)
            usage = replace(usage, total_tokens=both)
        total += usage if is_counted else replace(usage, unknown=1)
    return total


def total_cost(attempts: Iterable[Attempt], prices: PriceTable | None = None, currency: str = "USD") -> Cost | None:
    """Add up the cost of several requests; `unknown` counts those whose cost is not known, None means that none is."""
    from deepseek_v4_sdk.catalogue.prices import Cost  # loaded when a cost is computed

    return Cost.total(each.cost(prices=prices, currency=currency) for each in attempts if each.may_cost)
