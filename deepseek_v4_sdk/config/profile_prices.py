"""The prices of a profile, as a price table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING

from deepseek_v4_sdk.catalogue.prices import Price, PriceTable, Rates

if TYPE_CHECKING:
    from deepseek_v4_sdk.config.schema import PriceEntry

__all__ = ["price_table"]

_ALWAYS = datetime.min.replace(tzinfo=UTC)


_MOCKED = "vllm"
"""The API that a mock has where no flavor is named."""


def price_table(entries: Sequence[PriceEntry], provider: object) -> PriceTable:
    """Make a table of a profile's prices, and of the built-in ones after them.

    Args:
        entries: The prices.
        provider: The provider of the profile, or the mock's flavor: a name, or a provider object.

    Raises:
        ConfigurationError: One of them is not a price.
    """
    name = str(getattr(getattr(provider, "data", None), "name", provider))
    own = [
        Price(
            provider=_MOCKED if name == "mock" else name,
            models=frozenset(entry.models),
            currency=entry.currency,
            rates=Rates(entry.miss if entry.hit is None else entry.hit, entry.miss, entry.output),
            since=_moment(entry.since) or _ALWAYS,
            until=_moment(entry.until),
            as_of=entry.as_of,
        )
        for entry in entries
    ]
    return PriceTable(own).over(PriceTable.built_in())


def _moment(given: date | None) -> datetime | None:
    """A moment of a file: a date begins at midnight, and one without a zone is in UTC."""
    if given is None:
        return None
    moment = given if isinstance(given, datetime) else datetime.combine(given, time())
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
