"""A pytest plugin: with `--cost`, the suite prints the seconds of CPU and of clock that each folder took.

`--cost=file` and `--cost=test` look closer. The CPU seconds are those of the process and of the children it waited
for, so a busy machine changes them little; work in a child that outlives its test counts for the test that ends it.
"""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["CostReport", "budgets", "pytest_addoption", "pytest_configure"]

LINES = 40
"""Lines that a report of files or tests has at most."""
BEFORE = "(imports, collection)"
"""The row for what happens before the first test of a process and between tests."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--cost`."""
    depths = ("folder", "file", "test")
    parser.addoption("--cost", nargs="?", const="folder", choices=depths, help="print what each folder costs")


def pytest_configure(config: pytest.Config) -> None:
    """Measure only where it was asked for."""
    if config.getoption("--cost"):
        config.pluginmanager.register(CostReport(config), "cost-report")


def budgets(root: Path) -> dict[str, int]:
    """Return the CPU seconds that CONTRIBUTING.md allows each folder."""
    page = (root / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = page.partition("| folder | CPU seconds |")[2].partition("\n\n")[0]
    return {f"tests/{name}": int(most) for name, most in re.findall(r"^\| `(\w+)` \| (\d+) \|", table, re.MULTILINE)}


def row_of(nodeid: str, depth: str) -> str:
    """Return the row that a test counts for: its folder below `tests`, its file, or itself."""
    path = nodeid.partition("::")[0]
    if depth == "test":
        return nodeid
    if depth == "file":
        return path
    return "/".join(path.split("/")[:2]) if path.count("/") > 1 else path


class CostReport:
    """The seconds of each row, measured in each process and added up in the one that prints."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.depth: str = config.getoption("--cost")
        self.cpu: Counter[str] = Counter()
        self.wall: Counter[str] = Counter()
        self.tests: Counter[str] = Counter()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Measure a test with its fixtures."""
        row = row_of(item.nodeid, self.depth)
        cpu, wall = _cpu(), time.perf_counter()
        try:
            return (yield)
        finally:
            self.cpu[row] += _cpu() - cpu
            self.wall[row] += time.perf_counter() - wall
            self.tests[row] += 1

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Hand the sums of a worker of xdist over."""
        mine = self.sums()
        if hasattr(self.config, "workeroutput"):
            self.config.workeroutput["cost"] = mine

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Add the sums of a worker of xdist."""
        self.add(node.workeroutput.get("cost", ()))

    def sums(self) -> tuple[dict[str, float], dict[str, float], dict[str, int]]:
        """Return the sums of this process."""
        self.cpu[BEFORE] += _cpu() - self.cpu.total()
        return dict(self.cpu), dict(self.wall), dict(self.tests)

    def add(self, theirs: Sequence[Mapping[str, Any]]) -> None:
        """Add the sums of another process."""
        for mine, other in zip((self.cpu, self.wall, self.tests), theirs, strict=False):
            mine.update(other)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the table, the dearest first."""
        terminalreporter.section(f"cost of each {self.depth}")
        terminalreporter.write_line("   CPU s  clock s   tests")
        rows = self.cpu.most_common()
        allowed = budgets(self.config.rootpath) if self.depth == "folder" else {}
        for row, cpu in rows if self.depth == "folder" else rows[:LINES]:
            over = f", over its {allowed[row]} s" if row in allowed and cpu > allowed[row] else ""
            terminalreporter.write_line(f"{cpu:8.1f} {self.wall[row]:8.1f} {self.tests[row]:7d}  {row}{over}")
        terminalreporter.write_line(f"{self.cpu.total():8.1f} {self.wall.total():8.1f} {self.tests.total():7d}  all")


def _cpu() -> float:
    """CPU seconds of this process and of its children that ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
