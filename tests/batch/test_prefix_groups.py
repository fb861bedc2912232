"""Rows that begin alike: one of them is sent first, and the order in which a file's rows come."""

from __future__ import annotations

import threading

import pytest

from deepseek_v4_sdk.batch import MapRequest, MapResults
from deepseek_v4_sdk.batch.results import Answer
from deepseek_v4_sdk.batch.settings import MapSettings
from deepseek_v4_sdk.batch.state import MapState
from deepseek_v4_sdk.cli.batch_prefixes import PrefixOrder
from tests.batch.maps import Rows, answered


def _row(text: str, group: str | None) -> MapRequest:
    return MapRequest(text, id=text, prefix_group=group)


def test_the_first_row_of_a_group_ends_before_the_others_are_sent() -> None:
    lock, under_way, begun = threading.Lock(), set[str](), list[str]()

    def ask(request: MapRequest) -> Answer:
        text = str(request.messages)
        with lock:
            begun.append(text)
            if text[1] != "0":
                assert f"{text[0]}0" not in under_way
            under_way.add(text)
        with lock:
            under_way.discard(text)
        return answered(text)

    rows = [_row(f"{name}{number}", name) for name in "abc" for number in range(20)]
    with MapResults(Rows(ask), MapSettings(concurrency=8), rows) as results:
        assert sorted(result.id for result in results) == sorted(str(row.id) for row in rows)
    assert len(begun) == 60


@pytest.mark.parametrize("failed", [False, True])
def test_rows_of_a_group_wait_and_count_as_left(failed: bool) -> None:
    state = MapState(Rows(lambda _: answered()), MapSettings(concurrency=2, order="input"), 5)
    first = state.admit(_row("a0", "a"))
    assert first is not None
    state.begin(first)
    assert [state.admit(_row(f"a{number}", "a")) for number in (1, 2)] == [None, None]
    assert state.may_ask()
    assert state.left == 2 + 2
    other = state.admit(_row("x", None))
    assert other is not None
    state.begin(other)
    assert not state.may_ask()  # four rows are in flight or wait: twice the concurrency
    state.finish(first, ValueError("no") if failed else answered())
    assert [row and row.id for row in (state.held(), state.held(), state.held())] == ["a1", "a2", None]
    later = state.admit(_row("a3", "a"))
    assert later is not None


def test_rows_of_a_group_that_is_stopped_are_left() -> None:
    now = [0.0]
    state = MapState(Rows(lambda _: answered()), MapSettings(concurrency=4, deadline=5.0), 3, lambda: now[0])
    first = state.admit(_row("a0", "a"))
    assert first is not None
    state.begin(first)
    assert state.admit(_row("a1", "a")) is None
    now[0] = 6.0
    assert not state.may_ask()
    state.finish(first, answered())
    assert state.take() is not None
    assert (state.stopped, state.left, state.is_over) == ("deadline", 2, True)


def _ordered(*texts: str) -> list[tuple[str, str | None]]:
    rows = PrefixOrder()(MapRequest(text) for text in texts)
    return [(str(row.messages)[-2:], row.prefix_group) for row in rows]


def test_groups_stand_where_their_first_row_stood() -> None:
    one, other = "1" * 2_000, "2" * 2_000
    assert _ordered(one + "a0", "short", other + "b0", one + "a1", other + "b1", one + "a2") == [
        ("a0", "1"), ("a1", "1"), ("a2", "1"), ("rt", None), ("b0", "2"), ("b1", "2"),
    ]  # fmt: skip


def test_a_group_in_a_group_has_a_first_row_of_its_own() -> None:
    """All have one long instruction in common, and two of them a document, too."""
    head, document = "h" * 2_000, "d" * 3_000
    assert _ordered(head + "a0", head + "b0", head + document + "x0", head + document + "x1", head + "c0") == [
        ("a0", "1"), ("b0", "1"), ("c0", "1"), ("x0", "2"), ("x1", "2"),
    ]  # fmt: skip


def test_short_beginnings_do_not_count() -> None:
    order = PrefixOrder()
    assert [row.prefix_group for row in order([MapRequest("x" * 1_000 + end) for end in "ab"])] == [None, None]
    assert order.share == 0


def test_rows_are_read_as_far_as_they_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deepseek_v4_sdk.cli.batch_prefixes._ROWS", 10)
    read: list[int] = []

    def rows() -> object:
        for number in range(1_000):
            read.append(number)
            yield MapRequest(str(number))

    order = PrefixOrder()(rows())  # type: ignore[arg-type]
    assert [next(order).messages for _ in range(10)] == list(map(str, range(10)))
    assert len(read) == 10
