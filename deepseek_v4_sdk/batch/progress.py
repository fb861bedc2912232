"""The progress of a map, and the sums over its rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from deepseek_v4_sdk._late_types import late_type
from deepseek_v4_sdk.chat import Usage

if TYPE_CHECKING:
    from deepseek_v4_sdk.batch.results import MapResult
    from deepseek_v4_sdk.catalogue.prices import Cost
else:
    Cost = late_type("deepseek_v4_sdk.catalogue.prices", "Cost")

__all__ = ["MapProgress", "Totals"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MapProgress:
    """The progress of a map.

    Attributes:
        done: Rows with an answer, those of the journal included.
        failed: Rows that failed.
        from_journal: Rows of both kinds that were in the journal.
        in_flight: Rows in flight.
        total: Number of rows, where `requests` has a length; else None.
        concurrency: Number of rows that may be in flight.
        held_for: Seconds for which no row is sent: in peak hours, or until a limit of the client has room; else 0.
        usage: The tokens of the requests of this run.
        cost: Their cost, as far as it is known; None where none is.
    """

    done: int
    failed: int
    from_journal: int
    in_flight: int
    total: int | None
    concurrency: int
    held_for: float = 0.0
    usage: Usage
    cost: Cost | None


class Totals:
    """The sums over the rows of a map. Its owner locks it."""

    def __init__(self) -> None:
        self._done = self._failed = self._from_journal = 0
        self._usage = Usage(prompt_tokens=0, completion_tokens=0, total_tokens=0)
        self._cost: Cost | None = None
        self._unpriced = 0

    def add(self, result: MapResult) -> None:
        """Add the tokens and the cost of a row of this run."""
        self._usage += result.usage
        cost = result.cost
        if cost is not None:
            self._cost = cost if self._cost is None else self._cost + cost
        elif any(attempt.may_cost for attempt in result.attempts):
            self._unpriced += 1

    def take(self, result: MapResult) -> None:
        """Count a row whose result is given out."""
        self._done += result.error is None
        self._failed += result.error is not None
        self._from_journal += result.from_journal

    def progress(self, in_flight: int, total: int | None, concurrency: int, held_for: float) -> MapProgress:
        """Return the sums."""
        cost = self._cost
        return MapProgress(
            done=self._done,
            failed=self._failed,
            from_journal=self._from_journal,
            in_flight=in_flight,
            total=total,
            concurrency=concurrency,
            held_for=held_for,
            usage=self._usage,
            cost=None if cost is None else replace(cost, unknown=cost.unknown + self._unpriced),
        )
