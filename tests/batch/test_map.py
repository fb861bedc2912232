"""The flow of a map: how many rows are read and in flight, in which order results come, and how it ends."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

from deepseek_v4_sdk import (
    AsyncDeepSeekV4,
    Attempt,
    CircuitOpenError,
    Conversation,
    DeepSeekV4,
    RateLimits,
    Spend,
    Timeouts,
    ToolRun,
)
from deepseek_v4_sdk.batch import AsyncMapResults, MapProgress, MapRequest, MapResult, MapResults
from deepseek_v4_sdk.batch.settings import MapSettings
from deepseek_v4_sdk.batch.state import MapState
from deepseek_v4_sdk.testing import MockProvider, faults, script
from tests.batch.maps import Rows, answered, mapped
from tests.support.modes import in_both_modes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from deepseek_v4_sdk.batch.results import Answer
    from tests.support.replay import Mode


def _rows(count: int, read: list[int]) -> Iterator[str]:
    for number in range(count):
        read.append(number)
        yield f"row {number}"


@in_both_modes
def test_an_iterator_without_end_is_read_as_far_as_results_are_taken(mode: Mode) -> None:
    read: list[int] = []
    mock = MockProvider(default=script.text("Hi"))
    if mode == "sync":
        with DeepSeekV4(mock) as client, client.map(_rows(10**9, read), concurrency=3) as results:
            for count, _ in enumerate(results, 1):
                assert len(read) <= count + 2 * 3
                if count == 15:
                    break
    else:

        async def run() -> None:
            async with AsyncDeepSeekV4(mock) as waiting, waiting.map(_rows(10**9, read), concurrency=3) as results:
                count = 0
                async for _ in results:
                    count += 1
                    await asyncio.sleep(0)
                    assert len(read) <= count + 2 * 3
                    if count == 15:
                        break

        asyncio.run(run())
    assert len(mock.requests) <= 21


@in_both_modes
def test_results_wait_unread_up_to_twice_the_rows_in_flight(mode: Mode) -> None:
    """The first result is not taken for long: the map goes on until six rows wait, and then stops asking."""
    mock = MockProvider(default=script.text("Hi"))

    async def run() -> None:
        async with AsyncDeepSeekV4(mock) as waiting, waiting.map(map(str, range(50)), concurrency=3) as results:
            for _ in range(3_000):
                await asyncio.sleep(0)
            assert len(mock.requests) == 6
            assert len([result async for result in results]) == 50

    if mode == "async":
        asyncio.run(run())
        return
    with DeepSeekV4(mock) as client, client.map(map(str, range(50)), concurrency=3) as results:
        next(results)
        assert len(mock.requests) <= 7
        assert len(list(results)) == 49


@in_both_modes
def test_order_input(mode: Mode) -> None:
    """Later rows end first: the first one is answered only after four others were."""
    others = threading.Semaphore(0)

    def answer(request: Any) -> Any:
        text = request.body["messages"][0]["content"]
        if text != "0":
            others.release()
        return script.text(text)

    mock = MockProvider(default=script.from_function(answer))
    done = mapped(mode, mock, [str(number) for number in range(20)], order="input", concurrency=5)
    assert [result.text for result in done.results] == [str(number) for number in range(20)]
    assert [result.position for result in done.results] == list(range(20))


def test_order_input_holds_a_bounded_number() -> None:
    """The first row hangs: the rows after it are asked until twice the concurrency is read, and no further."""
    go = threading.Event()
    asked: list[str] = []

    def ask(request: MapRequest) -> Answer:
        asked.append(str(request.messages))
        if request.messages == "0":
            assert go.wait(30)
        return answered()

    rows = (str(number) for number in range(100))
    with MapResults(Rows(ask), MapSettings(concurrency=3, order="input"), rows) as results:
        taken: list[MapResult] = []
        reader = threading.Thread(target=lambda: taken.extend(results))
        reader.start()
        with results._state.changed:
            assert results._state.changed.wait_for(lambda: len(results._state._early) == 5, 30)
        assert (sorted(asked, key=int), taken) == ([str(number) for number in range(6)], [])
        go.set()
        reader.join(60)
    assert [result.id for result in taken] == [str(number) for number in range(100)]


def test_only_the_thread_that_iterates_reads_rows_and_hears_results() -> None:
    here, threads = threading.get_ident(), set[int]()

    def rows() -> Iterator[str]:
        for number in range(30):
            threads.add(threading.get_ident())
            yield str(number)

    def received(result: MapResult) -> None:
        threads.add(threading.get_ident())

    def reported(progress: MapProgress) -> None:
        threads.add(threading.get_ident())

    mapped("sync", MockProvider(default=script.text("x")), rows(), concurrency=4, on_result=received, progress=reported)
    assert threads == {here}


@in_both_modes
def test_callbacks_hear_of_each_result(mode: Mode) -> None:
    received: list[str] = []
    reported: list[MapProgress] = []
    mock = MockProvider(default=script.text("x"))

    async def awaited(result: MapResult) -> None:
        received.append(result.id)

    def plain(result: MapResult) -> None:
        received.append(result.id)

    done = mapped(mode, mock, ["a", 5, "c"], on_result=plain if mode == "sync" else awaited, progress=reported.append)
    assert received == [result.id for result in done.results]
    assert [(each.done + each.failed, each.total) for each in reported] == [(1, 3), (2, 3), (3, 3)]
    assert (reported[-1].done, reported[-1].failed, reported[-1].usage) == (2, 1, done.of.usage)
    assert (done.of.done, done.of.failed, done.of.left, done.of.stopped) == (2, 1, 0, None)


def test_an_async_callback_needs_the_async_client() -> None:
    async def received(result: MapResult) -> None: ...

    with pytest.raises(Exception, match="on_result is async"):
        mapped("sync", "mock", ["a"], on_result=received)


@in_both_modes
def test_a_callback_or_an_iterator_that_raises_ends_the_map(mode: Mode) -> None:
    def rows() -> Iterator[str]:
        yield "a"
        raise LookupError("no more files")

    def received(result: MapResult) -> None:
        raise LookupError("no room")

    mock = MockProvider(default=script.text("x"))
    with pytest.raises(LookupError, match="no more files"):
        mapped(mode, mock, rows())
    with pytest.raises(LookupError, match="no room"):
        mapped(mode, mock, ["a"], on_result=received)


@in_both_modes
def test_failures_are_results(mode: Mode) -> None:
    def answer(request: Any) -> Any:
        number = int(request.body["messages"][0]["content"])
        return script.error(400, "bad") if number % 2 else script.text("ok")

    done = mapped(mode, MockProvider(default=script.from_function(answer)), map(str, range(20)))
    assert done.errors == {str(number): "BadRequestError" for number in range(1, 20, 2)}
    error = done["1"].error
    assert error is not None
    assert (error.status_code, error.retryable, len(done["1"].attempts)) == (400, False, 1)


@in_both_modes
def test_what_can_be_repeated_later(mode: Mode) -> None:
    steps = [
        script.error(503),
        script.error(401),
        script.text("cut", finish_reason="length"),
        script.text("broken") | faults.cut(after_bytes=600),
    ]
    found = []
    for step in steps:
        done = mapped(mode, MockProvider(step), ["a"], client={"max_retries": 0})
        error = done["0"].error
        found.append(error and (error.type, error.retryable, error.partial is not None))
    assert found == [
        ("OverloadedError", True, False),
        ("AuthenticationError", True, False),
        None,
        ("StreamInterruptedError", True, True),
    ]


@in_both_modes
def test_spend_used_up_ends_it_and_tells_what_is_left(mode: Mode) -> None:
    mock = MockProvider(default=script.text("Hi"))
    spend = Spend(1_000, unit="tokens")
    done = mapped(mode, mock, [f"row {number}" for number in range(100)], spend=spend, max_tokens=20)
    assert done.of.stopped == "spend"
    assert not done.errors
    assert 5 <= len(done.results) < 20
    assert done.of.left == 100 - len(done.results)
    assert len(mock.requests) == len(done.results)
    assert spend.spent <= 1_000
    assert spend.reserved == 0


@in_both_modes
def test_what_rows_in_flight_have_reserved_comes_back(mode: Mode) -> None:
    """Each row reserves most of the limit, and uses little of it: all are asked, one after the other at times."""
    mock = MockProvider(default=script.text("Hi"))
    done = mapped(mode, mock, list(map(str, range(8))), spend=Spend(2_000, unit="tokens"), max_tokens=900)
    assert (done.of.stopped, len(done.results), done.errors) == (None, 8, {})


@in_both_modes
def test_a_limit_of_each_run_fails_its_row_only(mode: Mode) -> None:
    rows = [{"messages": "a"}, {"messages": "b " * 500}, {"messages": "c"}]
    spend = Spend(300, unit="tokens", per="run")
    done = mapped(mode, MockProvider(default=script.text("Hi")), rows, spend=spend, max_tokens=100)
    assert (done.errors, done.of.stopped) == ({"1": "SpendLimitError"}, None)


@in_both_modes
def test_the_deadline_asks_no_more_and_lets_rows_end(mode: Mode, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]

    def answer(request: Any) -> Any:
        now[0] += 1.0
        return script.text("Hi")

    monkeypatch.setattr(MapState.__init__, "__defaults__", (lambda: now[0],))
    mock = MockProvider(default=script.from_function(answer))
    done = mapped(mode, mock, list(map(str, range(100))), deadline=9.5, concurrency=2)
    assert done.of.stopped == "deadline"
    assert len(done.results) == len(mock.requests) in {10, 11}
    assert done.of.left == 100 - len(done.results)
    assert not done.errors


@in_both_modes
def test_left_of_an_iterator_is_not_known(mode: Mode) -> None:
    done = mapped(mode, MockProvider(default=script.text("Hi")), iter(["a"] * 50), spend=Spend(300, unit="tokens"))
    assert (done.of.stopped, done.of.left) == ("spend", None)


@in_both_modes
def test_refusals_of_its_own_probing_open_no_circuit(mode: Mode) -> None:
    mock = MockProvider(*[script.error(429)] * 12, default=script.text("Hi"))
    limits = RateLimits(refusals=2)
    done = mapped(mode, mock, list(map(str, range(30))), client={"limits": limits, "max_retries": 5})
    assert "CircuitOpenError" not in done.errors.values()
    assert mapped(mode, mock, ["a"], client={"limits": limits}, concurrency=1).texts == {"0": "Hi"}


def test_an_open_circuit_holds_rows_back_and_fails_none() -> None:
    """With a concurrency of the caller's a circuit opens; a row that was not sent is asked when it has closed."""
    now = [0.0]
    state = MapState(Rows(lambda _: answered()), MapSettings(concurrency=2), 2, lambda: now[0])
    first, second = state.admit("a"), state.admit("b")
    assert first is not None
    assert second is not None
    state.read_all()
    state.begin(first)
    state.begin(second)
    state.finish(first, CircuitOpenError("closed", retry_after=30.0))
    assert not state.may_ask()
    assert state.pause() == 30.0
    state.finish(second, answered())
    assert (state.take().id, state.take(), state.is_over) == ("1", None, False)  # type: ignore[union-attr]
    now[0] = 30.0
    assert state.may_ask()
    assert state.held() is first


def test_a_run_that_has_cost_something_is_not_begun_anew() -> None:
    """A limit ends a tool run after its first round: the row has failed, and nothing is paid twice."""
    state = MapState(Rows(lambda _: answered()), MapSettings(concurrency=2), 1)
    row = state.admit("a")
    assert row is not None
    state.begin(row)
    error = CircuitOpenError("closed", retry_after=30.0)
    attempts = (Attempt(number=1, status=200),)
    error.run = ToolRun(reply=None, messages=Conversation(), rounds=(), stopped="failed", attempts=attempts)
    state.finish(row, error)
    result = state.take()
    assert result is not None
    assert (result.error and result.error.type, result.attempts) == ("CircuitOpenError", attempts)
    assert state.held() is None


@in_both_modes
def test_auto_follows_the_refusals_of_a_server(mode: Mode) -> None:
    """The server takes eight at once: the limit rises above it and comes back, and no row fails."""
    fast: list[int] = []
    mock = MockProvider(default=script.text("Hi"))
    done = mapped(mode, mock, map(str, range(100)), progress=lambda progress: fast.append(progress.concurrency))
    assert not done.errors
    assert max(fast) > 20
    shrunk = MockProvider(
        default=script.from_function(
            lambda request: script.error(429) if len(shrunk.requests) % 7 == 0 else script.text("Hi")
        )
    )
    slow: list[int] = []
    mapped(
        mode, shrunk, map(str, range(60)), progress=lambda progress: slow.append(progress.concurrency),
        client={"max_retries": 4},
    )  # fmt: skip
    assert max(slow) < max(fast)


def test_leaving_cancels_what_is_in_flight(tmp_path: Path) -> None:
    journal = tmp_path / "rows.jsonl"
    ended: list[str] = []

    async def run() -> None:
        four = asyncio.Semaphore(0)

        async def ask(request: MapRequest) -> Answer:
            four.release()
            try:
                await asyncio.Event().wait()
            finally:
                ended.append(str(request.messages))
            return answered()

        settings = MapSettings(concurrency=4, journal=journal)
        async with AsyncMapResults(Rows(ask), settings, map(str, range(50))) as results:
            for _ in range(4):
                await four.acquire()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        with pytest.raises(StopAsyncIteration):
            await anext(results)

    asyncio.run(run())
    assert sorted(ended) == ["0", "1", "2", "3"]
    assert journal.read_text() == ""


def test_leaving_lets_rows_end_and_journals_them(tmp_path: Path) -> None:
    journal, begun, go = tmp_path / "rows.jsonl", threading.Semaphore(0), threading.Event()
    asked: list[str] = []

    def ask(request: MapRequest) -> Answer:
        asked.append(str(request.messages))
        begun.release()
        if request.messages != "0":
            assert go.wait(30)
        return answered()

    settings = MapSettings(concurrency=4, journal=journal)
    with MapResults(Rows(ask), settings, map(str, range(50))) as results:
        assert next(results).id == "0"
        for _ in range(4):
            assert begun.acquire(timeout=30)
        assert len(journal.read_text().splitlines()) == 1
        threading.Timer(0, go.set).start()
    assert sorted(json.loads(line)["id"] for line in journal.read_text().splitlines()) == sorted(asked)
    assert len(asked) in {4, 5}
    assert sorted(result.id for result in results) == sorted(asked)[1:]


@in_both_modes
def test_a_map_of_nothing(mode: Mode) -> None:
    assert mapped(mode, "mock", []).results == []


@in_both_modes
def test_timeouts_of_a_row(mode: Mode) -> None:
    mock = MockProvider(default=script.text("Hi") | faults.stall(seconds=50))
    done = mapped(mode, mock, ["a"], timeout=Timeouts(first_event=5, idle=5), client={"max_retries": 0})
    assert done.errors == {"0": "PhaseTimeoutError"}


def test_an_async_iterator_may_wait() -> None:
    async def rows() -> AsyncIterator[str]:
        for number in range(20):
            await asyncio.sleep(0)
            yield str(number)

    done = mapped("async", MockProvider(default=script.text("Hi")), rows(), order="input")
    assert [result.id for result in done.results] == [str(number) for number in range(20)]
