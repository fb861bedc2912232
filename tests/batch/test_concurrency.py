"""The rule of `concurrency="auto"`, as a table: no server and no clock."""

from __future__ import annotations

import pytest

from deepseek_v4_sdk.batch.concurrency import AutoConcurrency, FixedConcurrency


def _limits(rule: AutoConcurrency, rounds: list[float | str]) -> list[int]:
    """The limit after each round: all of its answers with that time to the first token, or one refusal."""
    limits = [rule.limit]
    for result in rounds:
        began = rule.round
        if result == "refused":
            rule.refused(began)
        else:
            for _ in range(rule.limit):
                rule.answered(float(result), began)
        limits.append(rule.limit)
    return limits


@pytest.mark.parametrize(
    ("rounds", "limits"),
    [
        ([0.2, 0.2, 0.2, 0.2, 0.2], [4, 6, 9, 14, 21, 32]),
        ([0.2] * 12, [4, 6, 9, 14, 21, 32, 48, 72, 108, 162, 243, 256, 256]),
        ([0.2, "refused", 0.2, 0.2], [4, 6, 4, 6, 9]),
        (["refused", "refused", "refused", "refused"], [4, 2, 1, 1, 1]),
        (["refused", "refused", "refused", 0.2, 0.2, 0.2], [4, 2, 1, 1, 2, 3, 5]),
        ([0.2, 0.39, 0.41, 0.2], [4, 6, 9, 6, 9]),
        ([0.3, 0.15, 0.35], [4, 6, 9, 6]),  # the floor falls
        ([0.001, 0.01, 0.19, 0.21], [4, 6, 9, 14, 9]),  # below 0.1 s times differ by chance
    ],
)
def test_the_limit_after_each_round(rounds: list[float | str], limits: list[int]) -> None:
    assert _limits(AutoConcurrency(256), rounds) == limits


def test_one_slow_answer_among_many_is_chance() -> None:
    rule = AutoConcurrency(256)
    _limits(rule, [0.2, 0.2])
    began = rule.round
    for seconds in (9.0, *[0.2] * 8):
        rule.answered(seconds, began)
    assert rule.limit == 14


def test_many_refusals_of_one_moment_shrink_it_once() -> None:
    rule = AutoConcurrency(256)
    _limits(rule, [0.2] * 5)
    began = rule.round
    for _ in range(20):
        rule.refused(began)
    assert rule.limit == 22


def test_answers_to_rows_of_an_earlier_round_do_not_count() -> None:
    rule = AutoConcurrency(256)
    before = rule.round
    rule.refused(before)
    for _ in range(50):
        rule.answered(0.2, before)
    assert rule.limit == 2


def test_answers_without_a_time_count() -> None:
    rule = AutoConcurrency(256)
    for _ in range(4):
        rule.answered(None, rule.round)
    assert rule.limit == 6


@pytest.mark.parametrize(("most", "limits"), [(1, [1, 1, 1]), (3, [3, 3, 3]), (5, [4, 5, 5])])
def test_it_stays_below_its_most(most: int, limits: list[int]) -> None:
    assert _limits(AutoConcurrency(most), [0.2, 0.2]) == limits


def test_a_fixed_one_stays() -> None:
    rule = FixedConcurrency(7)
    rule.refused(0)
    for _ in range(50):
        rule.answered(0.2, 0)
    assert (rule.limit, rule.round) == (7, 0)
