"""Prices of tokens: dated price tables with their peak hours, and the cost of an answer. Plain numbers go in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Final

from deepseek_v4_sdk.catalogue.models import plain_name
from deepseek_v4_sdk.errors import ConfigurationError, InvalidRequestError

__all__ = ["PRICES", "Cost", "PeakHours", "Price", "PriceTable", "Rates"]

_MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Rates:
    """Prices of a million tokens each.

    Attributes:
        hit: Prompt tokens that came from the server's prefix cache.
        miss: The other prompt tokens.
        output: Tokens of the answer, reasoning included.
    """

    hit: Decimal
    miss: Decimal
    output: Decimal

    def __post_init__(self) -> None:
        for name in ("hit", "miss", "output"):
            value: object = getattr(self, name)
            if not isinstance(value, Decimal) or not value.is_finite() or value < 0:
                raise ConfigurationError(f'{name} is {value!r}: give the price of a million tokens as Decimal("0.15")')

    def times(self, factor: int) -> Rates:
        """All three, multiplied."""
        return Rates(self.hit * factor, self.miss * factor, self.output * factor)


@dataclass(frozen=True, slots=True, kw_only=True)
class PeakHours:
    """The hours of the peak price, in UTC. A window includes its first moment but not its last.

    Attributes:
        windows: Beginning and end of each window.
        weekdays: The days of the week with these windows; Monday is 0.
        days_off: Dates without peak hours.
    """

    windows: tuple[tuple[time, time], ...]
    weekdays: frozenset[int] = frozenset(range(7))
    days_off: frozenset[date] = frozenset()

    def __post_init__(self) -> None:
        for start, end in self.windows:
            if not start < end or start.tzinfo is not None or end.tzinfo is not None:
                raise ConfigurationError(
                    f"a peak window goes from {start} to {end}: give two times of one day in UTC, without a zone, the "
                    "earlier one first; a window across midnight is two windows"
                )

    def hold(self, at: datetime) -> bool:
        """Whether a moment is in peak hours."""
        return self.end_after(at) is not None

    def end_after(self, at: datetime) -> datetime | None:
        """The end of the peak window that a moment is in; None where it is in none."""
        moment = at.astimezone(UTC)
        if moment.weekday() not in self.weekdays or moment.date() in self.days_off:
            return None
        clock = moment.time()
        ends = [end for start, end in self.windows if start <= clock < end]
        return datetime.combine(moment.date(), max(ends), UTC) if ends else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """The price of a model at a provider, from one date to another.

    Attributes:
        provider: The provider.
        models: The ids with this price, in any case and with or without the owner's prefix. Empty: every id.
        currency: "USD", "CNY", or another.
        rates: The prices; off-peak, where there are peak hours.
        peak_rates: The prices in peak hours, or None where there are none.
        peak_hours: When these are, or None.
        since: When it began to hold.
        until: When it ended, or None. The moment itself is outside.
        as_of: The day to which it was checked.
    """

    provider: str
    models: frozenset[str] = frozenset()
    currency: str = "USD"
    rates: Rates
    peak_rates: Rates | None = None
    peak_hours: PeakHours | None = None
    since: datetime
    until: datetime | None = None
    as_of: date

    def __post_init__(self) -> None:
        if self.since.tzinfo is None or (self.until is not None and self.until.tzinfo is None):
            raise ConfigurationError("since and until of a price need a time zone: give datetime(..., tzinfo=UTC)")
        if (self.peak_rates is None) is not (self.peak_hours is None):
            raise ConfigurationError("a price has peak_rates and peak_hours, or neither")
        object.__setattr__(self, "models", frozenset(map(plain_name, self.models)))

    def holds(self, provider: str, model: str | None, at: datetime, currency: str) -> bool:
        """Whether it is the price of this."""
        if (provider, currency) != (self.provider, self.currency):
            return False
        if self.models and (model is None or plain_name(model) not in self.models):
            return False
        return self.since <= at and (self.until is None or at < self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """The cost of an answer, or of several together. Costs of one currency add up, with `+` and with `sum`.

    Attributes:
        currency: The currency.
        hit: For prompt tokens from the cache.
        miss: For the other prompt tokens.
        output: For the answer, reasoning included.
        as_of: The day to which the price was checked; of a sum, the oldest.
        peak: Whether the peak price was taken; of a sum of both kinds, None.
        exact: Whether every number is the server's. Otherwise it is an upper bound: tokens that may not have been in
            the cache count as missed.
        unknown: For a sum, number of parts with an unknown cost: the sum is then "at least". For one answer, 0.
    """

    currency: str
    hit: Decimal
    miss: Decimal
    output: Decimal
    as_of: date
    peak: bool | None
    exact: bool = True
    unknown: int = 0

    @staticmethod
    def total(costs: Iterable[Cost | None]) -> Cost | None:
        """Sum the costs of one currency, where None is one that is not known; `unknown` counts those.

        None where no cost is known: a sum of nothing known is not zero.

        Raises:
            ValueError: They are of two currencies.
        """
        parts = list(costs)
        known = [cost for cost in parts if cost is not None]
        if not known:
            return None
        added = sum(known[1:], known[0])
        return replace(added, unknown=added.unknown + len(parts) - len(known))

    @property
    def amount(self) -> Decimal:
        """The total."""
        return self.hit + self.miss + self.output

    def __add__(self, other: Cost) -> Cost:
        if not isinstance(other, Cost):
            return NotImplemented
        if other.currency != self.currency:
            raise ValueError(f"a cost in {self.currency} and one in {other.currency} have no sum: convert one of them")
        return Cost(
            currency=self.currency,
            hit=self.hit + other.hit,
            miss=self.miss + other.miss,
            output=self.output + other.output,
            as_of=min(self.as_of, other.as_of),
            peak=self.peak if self.peak is other.peak else None,
            exact=self.exact and other.exact,
            unknown=self.unknown + other.unknown,
        )

    def __radd__(self, other: int) -> Cost:
        """Start a `sum`, which adds to 0."""
        return self if other == 0 else NotImplemented

    def __str__(self) -> str:
        bound = ("at least " if self.exact else "about ") if self.unknown else "" if self.exact else "at most "
        return f"{bound}{self.amount.normalize():f} {self.currency}"


class PriceTable:
    """Prices of models, with their history: the time of the request decides the price of its answer.

    Args:
        prices: The prices. Of several that hold, the first one counts.
    """

    __slots__ = ("prices",)

    def __init__(self, prices: Iterable[Price] = ()) -> None:
        self.prices = tuple(prices)

    @staticmethod
    def built_in() -> PriceTable:
        """The prices of DeepSeek's own API in USD and CNY, since April 2026.

        Other providers publish no price of a token.
        """
        return PRICES

    def over(self, other: PriceTable) -> PriceTable:
        """Combine two tables: these prices first, then the other's."""
        return PriceTable((*self.prices, *other.prices))

    def find(self, provider: str, model: str | None, at: datetime, currency: str = "USD") -> Price | None:
        """Find the price of a model at a moment, or None where none is known.

        Args:
            provider: The provider.
            model: The id that is billed: the one that answered.
            at: The moment.
            currency: The currency.

        Raises:
            InvalidRequestError: The moment has no time zone.
        """
        if at.tzinfo is None:
            raise InvalidRequestError("the time of a request needs a time zone: give datetime(..., tzinfo=UTC)")
        return next((price for price in self.prices if price.holds(provider, model, at, currency)), None)

    def cost(
        self,
        provider: str,
        model: str | None,
        at: datetime,
        *,
        prompt_tokens: int,
        completion_tokens: int,
        cached_tokens: int | None = None,
        currency: str = "USD",
    ) -> Cost | None:
        """Compute the cost of a request, or None where no price is known.

        Args:
            provider: The provider.
            model: The id that is billed: the one that answered.
            at: When the request was sent.
            prompt_tokens: The prompt.
            completion_tokens: The answer, reasoning included.
            cached_tokens: The part of the prompt that came from the cache; None where it is not known, which makes
                the cost an upper bound.
            currency: The currency.

        Raises:
            InvalidRequestError: The moment has no time zone.
        """
        price = self.find(provider, model, at, currency)
        if price is None:
            return None
        peak = price.peak_hours is not None and price.peak_hours.hold(at)
        rates = price.peak_rates if peak and price.peak_rates is not None else price.rates
        hit = 0 if cached_tokens is None else cached_tokens
        miss = max(0, prompt_tokens - hit)
        return Cost(
            currency=currency,
            hit=hit * rates.hit / _MILLION,
            miss=miss * rates.miss / _MILLION,
            output=completion_tokens * rates.output / _MILLION,
            as_of=price.as_of,
            peak=peak,
            exact=cached_tokens is not None,
        )


def _days(first: date, count: int) -> frozenset[date]:
    return frozenset(first + timedelta(days=number) for number in range(count))


def _utc(month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


# DeepSeek's own API. Models & Pricing and its change log, api-docs.deepseek.com/quick_start/pricing, in both languages.
_AS_OF: Final = date(2026, 11, 15)
_DAILY: Final = PeakHours(windows=((time(1), time(4)), (time(6), time(10))))  # 9-12 and 14-18 in Beijing
_WORKDAYS: Final = replace(
    _DAILY,
    weekdays=frozenset(range(5)),
    # Public holidays from September 2026 on, as the State Council announced them on 2025-11-04; of 2027 they are not
    # known here. Working days on weekends, which it also names, stay off-peak.
    days_off=_days(date(2026, 9, 25), 3) | _days(date(2026, 10, 1), 7),
)
_ALIASES: Final = ("deepseek-chat", "deepseek-reasoner")  # until 2026-07-24
_V4_FLASH: Final = ("deepseek-v4-flash", "deepseek-v4-flash-0731", "deepseek-v4-flash-vision-exp")
_FLASH: Final = ("deepseek-flash", "deepseek-v4.1-flash", "deepseek-v4.1-flash-1017", *_V4_FLASH)
_PRO: Final = ("deepseek-v4-pro", "deepseek-v4-pro-0813")


def _deepseek(
    models: Iterable[str],
    since: datetime,
    until: datetime | None,
    usd: tuple[str, str, str],
    cny: tuple[str, str, str],
    peak_hours: PeakHours | None = None,
) -> Iterable[Price]:
    """Both currencies; the peak price is twice the other."""
    for currency, rates in (("USD", Rates(*map(Decimal, usd))), ("CNY", Rates(*map(Decimal, cny)))):
        yield Price(
            provider="deepseek",
            models=frozenset(models),
            currency=currency,
            rates=rates,
            peak_rates=None if peak_hours is None else rates.times(2),
            peak_hours=peak_hours,
            since=since,
            until=until,
            as_of=_AS_OF,
        )


_PREVIEW, _CACHE_CUT, _PEAKS = _utc(4, 24), _utc(4, 26, 12, 15), _utc(8, 16, 16)
_WEEKENDS_OFF, _V4_1 = _utc(8, 23), _utc(9, 10, 4)
_PRO_NOW: Final = (("0.022", "0.66", "1.98"), ("0.15", "4.5", "13.5"))
_FLASH_0731: Final = (("0.007", "0.22", "0.66"), ("0.05", "1.5", "4.5"))

PRICES: Final = PriceTable(
    (
        *_deepseek(_FLASH, _V4_1, None, ("0.003", "0.15", "0.60"), ("0.02", "1", "4"), _WORKDAYS),
        *_deepseek(_V4_FLASH, _WEEKENDS_OFF, _V4_1, *_FLASH_0731, _WORKDAYS),
        *_deepseek(_V4_FLASH, _PEAKS, _WEEKENDS_OFF, *_FLASH_0731, _DAILY),
        *_deepseek((*_V4_FLASH, *_ALIASES), _CACHE_CUT, _PEAKS, ("0.0028", "0.14", "0.28"), ("0.02", "1", "2")),
        *_deepseek((*_V4_FLASH, *_ALIASES), _PREVIEW, _CACHE_CUT, ("0.028", "0.14", "0.28"), ("0.2", "1", "2")),
        *_deepseek(_PRO, _WEEKENDS_OFF, None, *_PRO_NOW, _WORKDAYS),
        *_deepseek(_PRO, _PEAKS, _WEEKENDS_OFF, *_PRO_NOW, _DAILY),
        *_deepseek(_PRO, _CACHE_CUT, _PEAKS, ("0.003625", "0.435", "0.87"), ("0.025", "3", "6")),
        # A discount to a quarter began between the first day and the cut of the cache price, at an hour that is not
        # known here; in between there is no price.
        *_deepseek(_PRO, _PREVIEW, _utc(4, 25), ("0.145", "1.74", "3.48"), ("1", "12", "24")),
    )
)
"""The built-in prices."""
