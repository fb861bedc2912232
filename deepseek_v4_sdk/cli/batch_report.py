"""The output of `deepseek-v4 batch`: the progress of a run, its summary, and bills."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from deepseek_v4_sdk.cli.batch_files import failed_path
from deepseek_v4_sdk.cli.output import say, say_json

if TYPE_CHECKING:
    from collections import Counter
    from decimal import Decimal
    from pathlib import Path

    from deepseek_v4_sdk import Cost, PriceTable
    from deepseek_v4_sdk.batch import MapProgress, MapResults
    from deepseek_v4_sdk.cli.progress import PassingLine

__all__ = ["RunProgress", "bills_of", "show_cost", "show_found", "summarize"]

_COUNTS = ("rows", "wrong", "prompt_tokens", "repeated_tokens", "most_answer_tokens", "unlimited")


def bills_of(prices: PriceTable, flavor: str, model: str | None, counts: Counter[str]) -> dict[str, tuple[Cost, Cost]]:
    """The highest cost in peak hours and off-peak, where there are such: without the prefix cache, and with it."""
    now, bills = datetime.now(UTC), dict[str, Any]()
    for hour in range(24 * 7):
        dear, cheap = (
            prices.cost(
                flavor,
                model,
                now + timedelta(hours=hour),
                prompt_tokens=counts["prompt_tokens"],
                completion_tokens=counts["most_answer_tokens"],
                cached_tokens=cached,
            )
            for cached in (0, counts["repeated_tokens"])
        )
        if dear is not None and cheap is not None:
            bills.setdefault("peak" if dear.peak else "off-peak", (dear, cheap))
    return dict(sorted(bills.items()))


def show_cost(counts: Counter[str], bills: dict[str, tuple[Cost, Cost]], *, as_json: bool) -> None:
    """Report the counts of a file, and its bills."""
    if as_json:
        costs = {
            name: {"cost": str(dear), "saving": _amount(_saving(dear, cheap))} for name, (dear, cheap) in bills.items()
        }
        say_json({**{name: counts[name] for name in _COUNTS}, "costs": costs})
        return
    say(f"{counts['rows']:,} rows, {counts['prompt_tokens']:,} tokens of prompts (counted)")
    if counts["repeated_tokens"]:
        say(f"about {counts['repeated_tokens']:,} of them repeat the beginning of another row (estimated)")
    if counts["unlimited"]:
        say(f"{counts['unlimited']:,} rows have no max_tokens: their answers are not in the sum")
    say(f"at most {counts['most_answer_tokens']:,} tokens of answers to rows with max_tokens")
    for name, (dear, cheap) in bills.items():
        saving = _saving(dear, cheap)
        less = f", about {_amount(saving)} less with the prefix cache" if saving else ""
        say(f"{name:>9}: at most {_amount(dear.amount)} {dear.currency}{less}, prices as of {dear.as_of}")
    if not bills:
        say("no price of this model is known here")


def _saving(dear: Cost, cheap: Cost) -> Decimal:
    return dear.amount - cheap.amount


def _amount(amount: Decimal) -> str:
    return f"{amount.normalize():f}"


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
        if progress.held_for >= 60:
            parts.append(f"nothing is sent for {progress.held_for / 60:.0f} min")
        self._line.show(f"{', '.join(parts)} ({progress.in_flight} of {progress.concurrency} in flight)")


def _by_kind(errors: Counter[str]) -> str:
    return ", ".join(f"{count:,} {kind}" for kind, count in errors.most_common())


def show_found(results: MapResults) -> None:
    """Report the rows that the journal has, before a run begins."""
    found = results.found
    if found.done or found.failed or found.retryable:
        say(
            f"the journal has {found.done:,} rows that are done, {found.failed:,} that failed, and "
            f"{found.retryable:,} to send again",
            err=True,
        )
    if (seconds := results.progress.held_for) > 0:
        say(f"peak hours: nothing is sent for {seconds / 60:.0f} min", err=True)


def summarize(
    results: MapResults, errors: Counter[str], left: int, output: Path, repeated: float, *, as_json: bool
) -> None:
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
                "cached_tokens": results.usage.cached_tokens,
                "repeated_share": round(repeated, 3),
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
    cached, prompt = results.usage.cached_tokens, results.usage.prompt_tokens
    if repeated >= 0.01 or cached:
        hits = "the server reported no hits" if cached is None else f"{cached:,} of {prompt or 0:,} prompt tokens hit"
        say(f"prefix cache: about {repeated:.0%} of the prompts repeat an earlier row; {hits}")
    if results.changed:
        say(f"{results.changed:,} rows had changed since the journal was written, and were sent again")
    if results.stopped is not None:
        say(f"it was stopped by --{results.stopped}: start it again to go on")
    if failed or left:
        say(f"{failed_path(output)} has the rows that failed or were not sent", err=True)
