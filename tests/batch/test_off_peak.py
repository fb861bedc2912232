"""Peak hours: rows are held back, rows in flight go on, and the map goes on when the hours end."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from deepseek_v4_sdk import ConfigurationError, PeakHours, Price, PriceTable, Rates
from deepseek_v4_sdk.batch.off_peak import OffPeak
from deepseek_v4_sdk.batch.settings import MapSettings
from deepseek_v4_sdk.batch.state import MapState
from deepseek_v4_sdk.testing import MockProvider, script
from tests.batch.maps import Rows, answered, mapped
from tests.support.modes import in_both_modes

if TYPE_CHECKING:
    from tests.support.replay import Mode

MODEL = "deepseek-v4-pro"


@pytest.mark.parametrize(
    ("at", "minutes"),
    [
        (datetime(2026, 11, 30, 0, 59, tzinfo=UTC), 0),
        (datetime(2026, 11, 30, 1, 0, tzinfo=UTC), 180),
        (datetime(2026, 11, 30, 9, 58, 30, tzinfo=UTC), 1.5),
        (datetime(2026, 11, 30, 10, 0, tzinfo=UTC), 0),
        (datetime(2026, 11, 29, 2, 0, tzinfo=UTC), 0),  # a Sunday
    ],
)
def test_the_wait_for_off_peak_hours(at: datetime, minutes: float) -> None:
    assert OffPeak("deepseek", MODEL, None, lambda: at).seconds_left() == minutes * 60


def test_prices_of_the_client_come_first() -> None:
    from datetime import date, time

    at, rates = datetime(2026, 11, 30, 20, 30, tzinfo=UTC), Rates(Decimal(1), Decimal(2), Decimal(4))
    evening = PeakHours(windows=((time(20), time(21)),))
    price = Price(
        provider="deepseek", rates=rates, peak_rates=rates, peak_hours=evening, since=at - timedelta(1), as_of=date.min
    )
    assert OffPeak("deepseek", "my-own", PriceTable([price]), lambda: at).seconds_left() == 1_800


@in_both_modes
@pytest.mark.parametrize(
    ("flavor", "model", "message"),
    [("vllm", MODEL, "vllm has no peak hours"), ("nvidia", MODEL, "nvidia"), ("deepseek", "my-own", "no price of")],
)
def test_elsewhere_it_is_an_error(mode: Mode, flavor: Any, model: str, message: str) -> None:
    mock = MockProvider(flavor=flavor)
    with pytest.raises(ConfigurationError, match=message):
        mapped(mode, mock, ["a"], client={"model": model}, off_peak=True)
    assert mock.requests == []


def _held(now: list[datetime], **arguments: Any) -> MapState:
    """A map of three rows whose clock is the time of day."""
    settings = MapSettings(concurrency=2, off_peak=OffPeak("deepseek", MODEL, None, lambda: now[0]), **arguments)
    return MapState(Rows(lambda _: answered()), settings, 3, lambda: now[0].timestamp())


def test_rows_in_flight_go_on_and_the_others_wait() -> None:
    now = [datetime(2026, 11, 30, 0, 59, 30, tzinfo=UTC)]
    state = _held(now)
    first = state.admit("a")
    assert first is not None
    assert state.may_ask()
    state.begin(first)
    now[0] += timedelta(minutes=1)
    assert not state.may_ask()
    assert state.progress.held_for == 3 * 3_600 - 30
    assert state.pause() == 60.0  # looks again each minute: the time of day may be set
    state.finish(first, answered("whole"))
    result = state.take()
    assert result is not None
    assert (result.text, state.is_over) == ("whole", False)
    now[0] += timedelta(hours=3)
    assert state.may_ask()
    assert state.progress.held_for == 0


def test_a_time_that_comes_while_the_map_looks_is_not_missed() -> None:
    now = [datetime(2026, 11, 30, 3, 59, 59, 999_000, tzinfo=UTC)]
    state = _held(now)
    assert not state.may_ask()
    now[0] += timedelta(seconds=1)
    assert state.pause() == 0.0


def test_a_deadline_ends_the_wait() -> None:
    now = [datetime(2026, 11, 30, 1, 0, tzinfo=UTC)]
    state = _held(now, deadline=45.0)
    assert (state.may_ask(), state.pause()) == (False, 45.0)
    now[0] += timedelta(seconds=45)
    assert not state.may_ask()
    assert (state.stopped, state.left, state.is_over) == ("deadline", 3, True)


@in_both_modes
def test_a_map_goes_on_when_the_hours_end(mode: Mode, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hours begin while the first row is streaming: it ends, and the others are sent when the hours are over."""
    peak, looked = threading.Event(), [0]

    def answer(request: Any) -> Any:
        peak.set()
        return script.text("Hi")

    def seconds_left(self: OffPeak) -> float:
        looked[0] += peak.is_set()
        return 600.0 if peak.is_set() and looked[0] < 40 else 0.0

    monkeypatch.setattr(OffPeak, "seconds_left", seconds_left)
    monkeypatch.setattr("deepseek_v4_sdk.batch.state._LONGEST_WAIT", 0.001)
    mock = MockProvider(default=script.from_function(answer), flavor="deepseek")
    done = mapped(mode, mock, ["a", "b", "c"], client={"model": MODEL}, off_peak=True, concurrency=1)
    assert (len(done.results), done.errors) == (3, {})
    assert looked[0] >= 40
