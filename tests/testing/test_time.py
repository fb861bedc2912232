"""Time on the mock: in process each exchange has its own, which costs none of ours; on a socket it is real."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4, PhaseTimeoutError, Timeouts
from deepseek_v4_sdk.testing import MockProvider, faults, script
from deepseek_v4_sdk.testing.server import MockServer
from tests.testing.cases import TEXT, TURN
from tests.testing.places import FLAVORS, MODELS

_MINUTES = 600.0
_NO_TIME = 5.0  # seconds that a slow machine may need for what takes none


@pytest.mark.parametrize("flavor", FLAVORS)
def test_ten_minutes_take_no_time(flavor: str) -> None:
    began = time.monotonic()
    mock = MockProvider(TURN | faults.stall(after=3, seconds=_MINUTES), flavor=flavor)
    reply = DeepSeekV4(mock, model=MODELS[flavor], timeout=Timeouts(idle=900)).chat("Hi")
    assert time.monotonic() - began < _NO_TIME
    assert reply.text == TEXT
    assert reply.timing.total == pytest.approx(_MINUTES)
    assert reply.timing.first_event == pytest.approx(0)


def test_waits_between_attempts_take_no_time() -> None:
    began = time.monotonic()
    busy = script.error(503, headers={"retry-after": "100"})
    reply = DeepSeekV4(MockProvider(busy, busy, TURN)).chat("Hi")
    assert time.monotonic() - began < _NO_TIME
    assert [attempt.waited for attempt in reply.attempts] == [0, 100, 100]


def _slow_and_fast() -> MockProvider:
    def answer(request: object) -> script.Step:
        slow = "slow" in getattr(request, "text", "")
        return TURN | faults.stall(after=3, seconds=_MINUTES) if slow else TURN

    return MockProvider(default=script.from_function(answer))


def test_a_neighbour_of_a_silent_exchange_is_not_timed_out() -> None:
    """Both streams are open at once; only the silent one runs into its timers."""
    mock = _slow_and_fast()
    with (
        DeepSeekV4(mock, timeout=Timeouts(first_event=30, idle=30, total=60)) as client,
        client.stream("fast") as fast,
        client.stream("slow") as slow,
    ):
        beginning = next(iter(fast))
        with pytest.raises(PhaseTimeoutError) as caught:
            list(slow)
        assert (caught.value.phase, caught.value.seconds) == ("idle", 30)
        assert next(iter(fast)) != beginning
        reply = fast.reply()
    assert (reply.text, reply.timing.total) == (TEXT, 0)


def test_neighbours_in_one_loop() -> None:
    mock = _slow_and_fast()

    async def run() -> list[object]:
        async with AsyncDeepSeekV4(mock, timeout=Timeouts(idle=30)) as client:
            asked = [client.chat("slow" if number % 2 else "fast") for number in range(10)]
            return await asyncio.gather(*asked, return_exceptions=True)

    began = time.monotonic()
    got = asyncio.run(run())
    assert time.monotonic() - began < _NO_TIME
    assert [isinstance(item, PhaseTimeoutError) for item in got] == [bool(number % 2) for number in range(10)]


def test_the_total_timer_runs_too() -> None:
    mock = MockProvider(TURN | faults.stall(after=3, seconds=_MINUTES) | faults.keepalive(every=10))
    with pytest.raises(PhaseTimeoutError) as caught:
        DeepSeekV4(mock, timeout=Timeouts(idle=30, total=300)).chat("Hi")
    assert (caught.value.phase, caught.value.seconds) == ("total", 300)


def _silence(client: DeepSeekV4) -> PhaseTimeoutError | None:
    try:
        assert client.chat("Hi").text == TEXT
    except PhaseTimeoutError as error:
        return error
    return None


def _in_process(mock: MockProvider, timers: Timeouts) -> PhaseTimeoutError | None:
    return _silence(DeepSeekV4(mock, timeout=timers))


def _on_a_socket(mock: MockProvider, timers: Timeouts) -> PhaseTimeoutError | None:
    with MockServer(mock) as server:
        given = {"base_url": server.url, "model": MODELS["vllm"], "timeout": timers}
        with DeepSeekV4("vllm", **given) as client:  # type: ignore[arg-type]
            return _silence(client)


@pytest.mark.parametrize(("run", "unit"), [(_in_process, 60.0), (_on_a_socket, 0.1)])
def test_comments_are_no_silence(run: Callable[..., PhaseTimeoutError | None], unit: float) -> None:
    """A silence of eight units with a comment each unit: an idle timer of five is never reached."""
    step = TURN | faults.stall(after=3, seconds=8 * unit) | faults.keepalive(every=unit)
    assert run(MockProvider(step), Timeouts(first_event=100 * unit, idle=5 * unit)) is None
    error = run(MockProvider(TURN | faults.stall(after=3, seconds=800 * unit)), Timeouts(idle=5 * unit))
    assert error is not None
    assert error.phase == "idle"


@pytest.mark.parametrize(("run", "unit"), [(_in_process, 60.0), (_on_a_socket, 0.1)])
def test_comments_are_no_event(run: Callable[..., PhaseTimeoutError | None], unit: float) -> None:
    """Before the first event they do not count: its timer runs on."""
    step = TURN | faults.slow_prefill(800 * unit) | faults.keepalive(every=unit)
    error = run(MockProvider(step), Timeouts(first_event=5 * unit, idle=3 * unit))
    assert error is not None
    assert (error.phase, error.seconds) == ("first_event", pytest.approx(5 * unit))
    enough = TURN | faults.slow_prefill(8 * unit) | faults.keepalive(every=unit)
    assert run(MockProvider(enough), Timeouts(first_event=200 * unit, idle=5 * unit)) is None


def test_time_on_a_socket_is_real() -> None:
    with MockServer(MockProvider(TURN | faults.stall(after=3, seconds=0.4))) as server:
        began = time.monotonic()
        reply = DeepSeekV4("vllm", base_url=server.url, model=MODELS["vllm"]).chat("Hi")
        assert 0.4 <= time.monotonic() - began < 0.4 + _NO_TIME
    assert reply.timing.total is not None
    assert reply.timing.total >= 0.4


@pytest.mark.parametrize("flavor", FLAVORS)
def test_an_open_connection_after_the_end_delays_no_reply(flavor: str) -> None:
    began = time.monotonic()
    mock = MockProvider(TURN | faults.hang_after_done(3600), flavor=flavor)
    reply = DeepSeekV4(mock, model=MODELS[flavor]).chat("Hi")
    assert (reply.text, reply.timing.total) == (TEXT, 0)
    with MockServer(MockProvider(TURN | faults.hang_after_done(3600), flavor=flavor)) as server:
        given = {"base_url": server.url, "model": MODELS[flavor], "api_key": "key-of-a-test"}
        with DeepSeekV4(flavor, **given) as client:  # type: ignore[arg-type]
            assert client.chat("Hi").text == TEXT
    assert time.monotonic() - began < 2 * _NO_TIME
