"""Peak hours: rows are held back until they end, by dated prices."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from deepseek_v4_sdk.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from deepseek_v4_sdk.catalogue.prices import PriceTable

__all__ = ["OffPeak"]


class OffPeak:
    """The seconds until the peak hours of a model end.

    Args:
        flavor: The provider.
        model: The model.
        prices: The client's own prices; None takes the built-in ones.
        now: Reads the time of day.

    Raises:
        ConfigurationError: The provider has no peak hours, or no price of the model is known.
    """

    def __init__(
        self,
        flavor: str,
        model: str | None,
        prices: PriceTable | None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        from deepseek_v4_sdk.catalogue.prices import PriceTable  # loaded when prices are needed

        if flavor != "deepseek":
            raise ConfigurationError(
                f"off_peak is for DeepSeek's own API, and {flavor} has no peak hours: leave it out"
            )
        self._prices = PriceTable.built_in() if prices is None else prices.over(PriceTable.built_in())
        self._model = model
        self._now = now
        if self._prices.find(flavor, model, now()) is None:
            raise ConfigurationError(f"off_peak: no price of {model!r} is known at DeepSeek; give model")

    def seconds_left(self) -> float:
        """Seconds until the peak hours end; 0 outside of them."""
        now = self._now()
        price = self._prices.find("deepseek", self._model, now)
        end = None if price is None or price.peak_hours is None else price.peak_hours.end_after(now)
        return 0.0 if end is None else (end - now).total_seconds()
