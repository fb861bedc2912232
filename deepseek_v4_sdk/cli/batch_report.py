"""The output of `deepseek-v4 batch`: the progress of a run, its summary, and bills."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from deepseek_v4_sdk import Cost, PriceTable
from deepseek_v4_sdk.cli.batch_files import failed_path
from deepseek_v4_sdk.cli.output import say, say_json

if TYPE_CHECKING:
    from collections import Counter
    from pathlib import Path

    from deepseek_v4_sdk.batch import MapProgress, MapResults
    from deepseek_v4_sdk.cli.progress import PassingLine

__all__ = ["COUNTS", "RunProgress", "bills_of", "greet", "summarize"]

COUNTS = ("rows", "wrong", "prompt_tokens", "most_answer_tokens", "unlimited")
"""The counts of a file, in the order in which they are shown."""


def bills_of(flavor: str, model: str | None, prompt: int, answer: int) -> dict[str, Cost]:
    """The highest cost now, and off-peak and in peak hours where there are such."""
    table, now, bills = PriceTable.built_in(), datetime.now(UTC), dict[str, Cost]()
    for hour in range(24 * 7):
        bill = table.cost(
            flavor, model, now + timedelta(hours=hour), prompt_tokens=prompt, completion_tokens=answer, cached_tokens=0
        )
        if bill is not None:
            bills.setdefault("peak" if bill.peak else "off-peak", bill)
    return dict(sorted(bills.items()))


class RunProgress:
    """The progress of a run, in a line."""

    def __init__(self, line: PassingLine, total: int, began: float, errors: Counter[str]) -> None:
        self._line = line
        self._total = total
        self._began = began
        self._errors = errors
        self._shown = 0.0

    def step(self, progress: MapProgress) -> None:
        """Show the progress, a few times a second."""
        now = time.monotonic()
        if not self._line.is_seen or now - self._shown < 0.2:
            return
        self._shown = now
        ended = progress.done + progress.failed
        rate = (ended - progress.from_journal) / max(now - self._began, 0.001)
        parts = [f"{ended:,} of {self._total:,}", f"{rate:.1f}/s", f"{progress.usage.total_tokens or 0:,} tokens"]
        if progress.cost is not None:
            parts.append(str(progress.cost))
        if rate > 0:
            parts.append(f"{(self._total - ended) / rate / 60:.0f} min left")
        if self._errors:
            parts.append(f"{self._errors.total():,} failed ({_by_kind(self._errors)})")
        self._line.show(f"{', '.join(parts)} ({progress.in_flight} of {progress.concurrency} in flight)")


def _by_kind(errors: Counter[str]) -> str:
    return ", ".join(f"{count:,} {kind}" for kind, count in errors.most_common())


def greet(results: MapResults) -> None:
    """Report the rows that the journal has, before a run begins."""
    found = results.found
    if found.done or found.failed or found.retryable:
        say(
            f"the journal has {found.done:,} rows that are done, {found.failed:,} that failed, and "
            f"{found.retryable:,} to send again",
            err=True,
        )


def summarize(results: MapResults, errors: Counter[str], left: int, output: Path, *, as_json: bool) -> None:
    """Report the sums of a run that has ended."""
    progress, failed = results.progress, errors.total()
    if as_json:
        say_json(
            {
                "answered": results.done,
                "from_journal": progress.from_journal,
                "changed": results.changed,
                "failed": failed,
                "errors": dict(errors.most_common()),
                "not_sent": left,
                "stopped": results.stopped,
                "tokens": results.usage.total_tokens,
                "cost": None if results.cost is None else str(results.cost),
            }
        )
        return
    spent = f", {results.cost}" if results.cost is not None else ""
    known = f" ({progress.from_journal:,} were in the journal)" if progress.from_journal else ""
    say(f"{results.done:,} answered{known}, {failed:,} failed, {left:,} not sent")
    if errors:
        say(f"failed: {_by_kind(errors)}")
    say(f"this run: {results.usage.total_tokens or 0:,} tokens{spent}")
    if results.changed:
        say(f"{results.changed:,} rows had changed since the journal was written, and were sent again")
    if results.stopped is not None:
        say(f"it was stopped by --{results.stopped}: start it again to go on")
    if failed or left:
        say(f"{failed_path(output)} has the rows that failed or were not sent", err=True)
