"""Faults at random."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from deepseek_v4_sdk.testing.faults.breaks import cut, garbage, reset, split
from deepseek_v4_sdk.testing.faults.endings import error_event, no_done, no_usage
from deepseek_v4_sdk.testing.faults.fault import Fault, dice
from deepseek_v4_sdk.testing.faults.outputs import empty_turn
from deepseek_v4_sdk.testing.faults.refusals import html_502, rate_limited, status
from deepseek_v4_sdk.testing.faults.silences import hang_after_done, slow_prefill, stall

__all__ = ["ALL", "Chaos"]


ALL: tuple[Fault, ...] = (
    status(500),
    status(503),
    rate_limited(),
    html_502(),
    stall(after=2),
    slow_prefill(30.0),
    cut(after_bytes=700),
    reset(),
    reset(after_bytes=700),
    error_event(),
    error_event(503, "overloaded", after=0),
    no_done(),
    no_usage(),
    split(every=1),
    garbage(after=2),
    hang_after_done(),
    empty_turn(),
)
"""The default faults of `Chaos`."""


@dataclass(frozen=True, slots=True)
class Chaos:
    """Faults at random, the same ones for the same seed: request n meets the same fault however often it is run.

    Attributes:
        seed: Which random faults.
        rate: How many of the requests meet one, from 0 to 1.
        faults: The faults to draw from.
    """

    seed: int
    rate: float
    faults: Sequence[Fault] = ALL

    def __post_init__(self) -> None:
        if not 0 <= self.rate <= 1:
            raise ValueError(f"rate is {self.rate!r}: give a share from 0 to 1")
        if not self.faults:
            raise ValueError("faults is empty: give what to draw from")

    def draw(self, number: int) -> tuple[Fault, ...]:
        """The fault that the request of that number meets, if it meets one."""
        die = dice(f"{self.seed}:{number}")
        return (die.choice(self.faults),) if die.random() < self.rate else ()
