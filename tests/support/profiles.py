"""How much the tests try: a small profile for each run of the suite, and a large one for the night.

`TEST_PROFILE=nightly` (`make nightly`) draws other examples in each run, and `TEST_TIMES` times as many of them. It
also plays every case of the products that `sampled` and `paired` thin out.
"""

from __future__ import annotations

import os
from itertools import product
from typing import TYPE_CHECKING, Any, TypeVar

from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["NIGHTLY", "examples", "paired", "sampled"]

_Case = TypeVar("_Case")

NIGHTLY = os.environ.get("TEST_PROFILE", "suite") == "nightly"
TIMES = int(os.environ.get("TEST_TIMES", "20"))
"""Examples of the night for each one of the suite."""


def examples(count: int, **others: Any) -> settings:
    """Return settings that try `count` examples in the suite, the same in each run, and `TIMES` as many at night."""
    return settings(
        max_examples=count * TIMES if NIGHTLY else count,
        deadline=None,
        derandomize=not NIGHTLY,
        print_blob=NIGHTLY,
        database=None,
        **others,
    )


def sampled(cases: Iterable[_Case], every: int) -> list[_Case]:
    """Return all cases at night, and in the suite every `every`th, always the same ones.

    Take an `every` that shares no factor with the lengths of the inner axes of a product: each value of an axis comes.
    """
    return list(cases)[:: 1 if NIGHTLY else every]


def paired(*axes: Iterable[Any]) -> list[tuple[Any, ...]]:
    """Return the product of all axes at night, and in the suite each value of each axis, beside others."""
    values = [list(axis) for axis in axes]
    if NIGHTLY:
        return list(product(*values))
    return [tuple(axis[at % len(axis)] for axis in values) for at in range(max(map(len, values)))]
