"""Price tables: the second before and after each edge, weekends, holidays, history, names, tables of one's own."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepseek_v4_sdk import ConfigurationError, Cost, InvalidRequestError, PeakHours, Price, PriceTable, Rates
from deepseek_v4_sdk.catalogue.prices import PRICES

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def cost(model: str | None = "deepseek-v4-pro", at: datetime = MONDAY, **counts: object) -> Cost | None:
    given: dict[str, object] = {"prompt_tokens": 1_000_000, "completion_tokens": 0, "cached_tokens": 0, **counts}
    return PRICES.cost("deepseek", model, at, **given)  # type: ignore[arg-type]


def miss(model: str, at: datetime, currency: str = "USD") -> Decimal | None:
    """What a million prompt tokens cost that are not in the cache."""
    found = cost(model, at, currency=currency)
    return None if found is None else found.amount


@pytest.mark.parametrize("day", range(5))
@pytest.mark.parametrize(("hour", "peak_follows"), [(1, True), (4, False), (6, True), (10, False)])
def test_an_edge_belongs_to_what_follows(day: int, hour: int, peak_follows: bool) -> None:
    edge = MONDAY + timedelta(days=day, hours=hour)
    before, at, after = (cost(at=moment) for moment in (edge - SECOND, edge, edge + SECOND))
    assert before
    assert at
    assert after
    assert (before.peak, at.peak, after.peak) == (not peak_follows, peak_follows, peak_follows)
    assert {True: Decimal("1.32"), False: Decimal("0.66")}[peak_follows] == at.amount == after.amount != before.amount


@pytest.mark.parametrize("hour", range(24))
def test_each_hour_of_a_week(hour: int) -> None:
    for day in range(7):
        found = cost(at=MONDAY + timedelta(days=day, hours=hour, minutes=30))
        assert found is not None
        assert found.peak is (day < 5 and hour in {1, 2, 3, 6, 7, 8, 9})


def test_a_zone_changes_nothing() -> None:
    beijing = timezone(timedelta(hours=8))
    assert cost(at=datetime(2026, 11, 23, 9, tzinfo=beijing)) == cost(at=datetime(2026, 11, 23, 1, tzinfo=UTC))
    # Friday 20:30 in New York is Saturday in UTC.
    new_york = timezone(timedelta(hours=-5))
    found = cost(at=datetime(2026, 11, 27, 20, 30, tzinfo=new_york))
    assert found is not None
    assert found.peak is False


@pytest.mark.parametrize("day", [date(2026, 9, 25), date(2026, 10, 1), date(2026, 10, 7)])
def test_public_holidays_are_off_peak(day: date) -> None:
    """Weekdays that the State Council gave off; a working Saturday in exchange is off-peak too."""
    noon = datetime(day.year, day.month, day.day, 2, tzinfo=UTC)
    (off, after) = (cost(at=noon), cost(at=datetime(2026, 10, 8, 2, tzinfo=UTC)))
    assert off
    assert after
    assert (off.peak, after.peak) == (False, True)
    assert cost(at=datetime(2026, 10, 10, 2, tzinfo=UTC)) == cost(at=noon)


HISTORY = [
    # moment, flash in USD and CNY, pro in USD and CNY: a million prompt tokens that missed
    (datetime(2026, 4, 23, 23, 59, 59, tzinfo=UTC), None, None, None, None),
    (datetime(2026, 4, 24, 12, tzinfo=UTC), "0.14", "1", "1.74", "12"),
    (datetime(2026, 6, 1, 2, tzinfo=UTC), "0.14", "1", "0.435", "3"),
    (datetime(2026, 8, 16, 15, 59, 59, tzinfo=UTC), "0.14", "1", "0.435", "3"),
    (datetime(2026, 8, 16, 16, tzinfo=UTC), "0.22", "1.5", "0.66", "4.5"),
    (datetime(2026, 8, 22, 2, tzinfo=UTC), "0.44", "3", "1.32", "9"),  # a Saturday with peak hours
    (datetime(2026, 8, 29, 2, tzinfo=UTC), "0.22", "1.5", "0.66", "4.5"),  # one without
    (datetime(2026, 9, 10, 3, 59, 59, tzinfo=UTC), "0.44", "3", "1.32", "9"),
    (datetime(2026, 9, 10, 4, tzinfo=UTC), "0.15", "1", "0.66", "4.5"),
    (datetime(2026, 11, 23, 2, tzinfo=UTC), "0.30", "2", "1.32", "9"),
]


@pytest.mark.parametrize(("at", "flash", "flash_cny", "pro", "pro_cny"), HISTORY)
def test_history(at: datetime, flash: str | None, flash_cny: str | None, pro: str | None, pro_cny: str | None) -> None:
    for model, currency, expected in (
        ("deepseek-v4-flash", "USD", flash),
        ("deepseek-v4-flash", "CNY", flash_cny),
        ("deepseek-v4-pro", "USD", pro),
        ("deepseek-v4-pro", "CNY", pro_cny),
    ):
        assert miss(model, at, currency) == (None if expected is None else Decimal(expected))


def test_the_prices_of_today() -> None:
    """As the pricing page had them in mid-November: hit, miss, output, off-peak and peak."""
    million = 1_000_000
    for model, currency, off_peak in (
        ("deepseek-flash", "USD", ("0.003", "0.15", "0.60")),
        ("deepseek-flash", "CNY", ("0.02", "1", "4")),
        ("deepseek-v4-pro", "USD", ("0.022", "0.66", "1.98")),
        ("deepseek-v4-pro", "CNY", ("0.15", "4.5", "13.5")),
    ):
        for at, factor in ((MONDAY, 1), (MONDAY + timedelta(hours=1), 2)):
            counts = {"prompt_tokens": 2 * million, "cached_tokens": million, "completion_tokens": million}
            found = cost(model, at, currency=currency, **counts)
            assert found is not None
            assert (found.hit, found.miss, found.output) == tuple(Decimal(rate) * factor for rate in off_peak)
            assert found.amount == sum(Decimal(rate) for rate in off_peak) * factor
            assert (found.currency, found.as_of) == (currency, date(2026, 11, 15))


@pytest.mark.parametrize(
    "name",
    ["deepseek-flash", "deepseek-v4-flash", "deepseek-v4-flash-0731", "deepseek-v4.1-flash-1017", "DeepSeek-V4-Flash"],
)
def test_every_name_of_flash_is_billed_as_flash(name: str) -> None:
    assert miss(name, MONDAY) == Decimal("0.15")


@pytest.mark.parametrize("name", ["deepseek-v4-pro", "deepseek-v4-pro-0813", "deepseek-ai/DeepSeek-V4-Pro"])
def test_every_name_of_pro_is_billed_as_pro(name: str) -> None:
    assert miss(name, MONDAY) == Decimal("0.66")


def test_aliases_that_ended() -> None:
    """They were Flash while they lived, and are nothing now."""
    july = datetime(2026, 7, 1, tzinfo=UTC)
    for name in ("deepseek-chat", "deepseek-reasoner"):
        assert miss(name, july) == Decimal("0.14")
        assert miss(name, MONDAY) is None


@pytest.mark.parametrize("name", ["deepseek-v4-pro-1201", "gpt-5", "", "flash", None])
def test_what_is_not_known_has_no_price(name: str | None) -> None:
    assert cost(name) is None
    assert PRICES.cost("vllm", name, MONDAY, prompt_tokens=1, completion_tokens=1) is None
    assert cost("deepseek-v4-pro", currency="EUR") is None


def test_hits_and_misses() -> None:
    """A hit is billed once; what is not known to be one is taken as missed, and said so."""
    counts = {"prompt_tokens": 1_000_000, "completion_tokens": 0}
    told = cost(**counts, cached_tokens=400_000)
    assert told is not None
    assert (told.hit, told.miss, told.exact) == (Decimal("0.0088"), Decimal("0.396"), True)
    untold = cost(**counts, cached_tokens=None)
    assert untold is not None
    assert (untold.hit, untold.miss, untold.exact) == (0, Decimal("0.66"), False)
    assert str(untold) == "at most 0.66 USD"
    more = cost(**counts, cached_tokens=1_000_001)
    assert more is not None
    assert more.miss == 0


@given(
    st.integers(0, 2**40),
    st.integers(0, 2**40),
    st.floats(0, 1),
    st.datetimes(datetime(2026, 4, 27), datetime(2027, 1, 1)),
)
def test_parts_add_up(prompt: int, completion: int, share: float, naive: datetime) -> None:
    at = naive.replace(tzinfo=UTC)
    cached = int(prompt * share)
    counts = {"prompt_tokens": prompt, "completion_tokens": completion}
    found, untold = cost(at=at, **counts, cached_tokens=cached), cost(at=at, **counts, cached_tokens=None)
    assert found is not None
    assert untold is not None
    assert found.amount == found.hit + found.miss + found.output <= untold.amount
    double = found + found
    assert (double.amount, double.peak, double.exact) == (2 * found.amount, found.peak, True)


def test_sums() -> None:
    peak, off_peak = cost(at=MONDAY + timedelta(hours=2)), cost(at=MONDAY)
    assert peak
    assert off_peak
    total = sum([peak, off_peak, off_peak])
    assert isinstance(total, Cost)
    assert (total.amount, total.peak) == (Decimal("2.64"), None)
    assert sum([off_peak, off_peak]).peak is False  # type: ignore[union-attr]
    yuan = cost(currency="CNY")
    assert yuan is not None
    with pytest.raises(ValueError, match="USD and one in CNY have no sum"):
        peak + yuan
    with pytest.raises(TypeError):
        peak + 1  # type: ignore[operator]
    with pytest.raises(TypeError):
        1 + peak  # type: ignore[operator]


def test_a_table_of_ones_own() -> None:
    """It stands alone, or before the built-in one; without models it is the price of all."""
    rates = Rates(Decimal(0), Decimal("0.5"), Decimal("1.5"))
    own = PriceTable([Price(provider="vllm", rates=rates, since=MONDAY, as_of=MONDAY.date(), currency="EUR")])
    counts = {"prompt_tokens": 1_000_000, "completion_tokens": 1_000_000}
    found = own.cost("vllm", "anything", MONDAY, **counts, currency="EUR")
    assert found is not None
    assert (str(found), found.peak) == ("at most 2 EUR", False)
    assert own.cost("vllm", "anything", MONDAY - SECOND, **counts, currency="EUR") is None
    assert own.cost("deepseek", "deepseek-flash", MONDAY, **counts) is None
    both = own.over(PriceTable.built_in())
    assert both.cost("vllm", None, MONDAY, **counts, currency="EUR") == found
    assert both.cost("deepseek", "deepseek-flash", MONDAY, **counts) is not None
    dearer = PriceTable([Price(provider="deepseek", rates=rates, since=MONDAY, as_of=MONDAY.date())]).over(PRICES)
    now, then = (dearer.find("deepseek", "deepseek-flash", at) for at in (MONDAY, MONDAY - SECOND))
    assert now
    assert then
    assert (now.rates.miss, then.rates.miss) == (Decimal("0.5"), Decimal("0.15"))


def test_wrong_tables_are_refused() -> None:
    rates = Rates(Decimal(1), Decimal(1), Decimal(1))
    with pytest.raises(ConfigurationError, match="Decimal"):
        Rates(0.15, Decimal(1), Decimal(1))  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="miss"):
        Rates(Decimal(1), Decimal(-1), Decimal(1))
    with pytest.raises(ConfigurationError, match="across midnight"):
        PeakHours(windows=((time(22), time(2)),))
    with pytest.raises(ConfigurationError, match="time zone"):
        Price(provider="x", rates=rates, since=datetime(2026, 1, 1), as_of=date(2026, 1, 1))
    with pytest.raises(ConfigurationError, match="or neither"):
        Price(provider="x", rates=rates, peak_rates=rates, since=MONDAY, as_of=date(2026, 1, 1))
    with pytest.raises(InvalidRequestError, match="time zone"):
        cost(at=datetime(2026, 11, 23))


def test_no_two_built_in_prices_hold_at_once() -> None:
    keys = {(model, price.currency) for price in PRICES.prices for model in price.models}
    for model, currency in keys:
        spans = sorted(
            (price.since, price.until or datetime.max.replace(tzinfo=UTC))
            for price in PRICES.prices
            if model in price.models and price.currency == currency
        )
        assert all(first[1] <= second[0] for first, second in pairwise(spans))
