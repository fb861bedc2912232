"""A pytest plugin that prints at the end what became of the runs under chaos."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

__all__ = ["FAULTS", "PROPERTY", "pytest_terminal_summary"]

PROPERTY = "chaos"
"""The property of a test's report that holds its counts, as JSON."""
FAULTS = "chaos-faults"
"""The property that holds how often each fault was drawn, as JSON."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Add the counts of all tests together."""
    counts: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if name == PROPERTY and getattr(report, "when", "") == "call":
                    counts.update(json.loads(value))
                if name == FAULTS and getattr(report, "when", "") == "call":
                    faults.update(json.loads(value))
    if counts:
        terminalreporter.section("chaos")
        for what, count in counts.most_common():
            terminalreporter.write_line(f"{count:6d}  {what}")
        terminalreporter.write_line(f"{counts.total():6d}  runs")
        terminalreporter.write_line("faults: " + ", ".join(f"{what} {count}" for what, count in faults.most_common()))
