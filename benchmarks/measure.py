"""Measuring: CPU time of this process, contenders in turn, ratios within each round, and their goals."""

from __future__ import annotations

import asyncio
import gc
import json
import math
import os
import resource
import statistics
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from importlib import metadata


def cpu() -> float:
    """Seconds of CPU, user and system, that this process has taken."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


@dataclass(frozen=True)
class Goal:
    """The goal for one contender's cost compared with another's.

    Attributes:
        name: The contender.
        against: The one it is measured by; empty where the figure itself is the goal.
        most: The goal: at most so much; at least, where `more` is set.
        stretch: An even better ratio.
        more: Whether more is better.
    """

    name: str
    against: str
    most: float
    stretch: float | None = None
    more: bool = False


@dataclass
class Result:
    """The figures of one benchmark: for each contender one figure a round.

    Attributes:
        key: A short name.
        title: The measured work.
        unit: Of the figures.
        rounds: The figures of each contender.
        goals: The goals of the figures.
    """

    key: str
    title: str
    unit: str
    rounds: dict[str, list[float]]
    goals: list[Goal] = field(default_factory=list)
    against: str = ""

    def value(self, name: str) -> float:
        """A contender's figure: the median of its rounds."""
        return statistics.median(self.rounds[name])

    def ratio(self, name: str, against: str) -> float:
        """The median of the ratios within the rounds."""
        if not against:
            return self.value(name)
        pairs = zip(self.rounds[name], self.rounds[against], strict=True)
        return statistics.median(a / b if b else math.nan for a, b in pairs)

    def reached(self) -> list[tuple[Goal, float]]:
        """Each goal whose contenders ran, with its figure."""
        return [
            (goal, self.ratio(goal.name, goal.against))
            for goal in self.goals
            if goal.name in self.rounds and (not goal.against or goal.against in self.rounds)
        ]

    def table(self) -> str:
        """The figures and the goals, as Markdown."""
        base = self.against if self.against in self.rounds else ""
        lines = [f"### {self.title}", "", f"| | {self.unit} |" + (f" to {base} |" if base else "")]
        lines.append("|---|---:|" + ("---:|" if base else ""))
        for name in sorted(self.rounds, key=self.value):
            ratio = f" {self.ratio(name, base):.3f} |" if base else ""
            lines.append(f"| {name} | {_short(self.value(name))} |{ratio}")
        if reached := self.reached():
            lines += ["", "| goal | wanted | stretch | measured | |", "|---|---:|---:|---:|---|"]
        for goal, found in reached:
            sign = "≥" if goal.more else "≤"
            met = found >= goal.most if goal.more else found <= goal.most
            what = f"{goal.name}, to {goal.against}" if goal.against else goal.name
            stretch = "" if goal.stretch is None else f"{sign} {goal.stretch:g}"
            verdict = "not measured" if math.isnan(found) else "met" if met else "missed"
            lines.append(f"| {what} | {sign} {goal.most:g} | {stretch} | {_short(found)} | {verdict} |")
        return "\n".join(lines)


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.3f}"


def in_turn(contenders: Mapping[str, Callable[[], object]], *, rounds: int, units: int) -> dict[str, list[float]]:
    """The microseconds of CPU per unit for each contender, in rounds in which each one has its turn."""
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for run in contenders.values():  # warm up: imports, connections, caches
        run()
    for _ in range(rounds):
        for name, run in contenders.items():
            gc.collect()
            started = cpu()
            run()
            taken[name].append((cpu() - started) / units * 1e6)
    return taken


def on_loop(loop: asyncio.Runner, call: Callable[[], Awaitable[object]]) -> Callable[[], object]:
    """A contender that is awaited."""

    async def run() -> object:
        return await call()

    return lambda: loop.run(run())


def in_processes(programs: Mapping[str, list[str]], *, rounds: int) -> dict[str, dict[str, list[float]]]:
    """Run programs in turn, each in its own process; a program prints its figures as JSON, or the missing package."""
    figures: dict[str, dict[str, list[float]]] = {}
    for _ in range(rounds):
        for name, arguments in list(programs.items()):
            done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, env=clean_environment())
            if done.returncode:
                raise RuntimeError(f"{name}: {done.stderr[-2000:]}")
            for what, value in json.loads(done.stdout).items():
                figures.setdefault(what, {}).setdefault(name, []).append(value)
    return figures


def clean_environment() -> dict[str, str]:
    """The environment, with byte-code written and no key of the user's."""
    dropped = ("PYTHONDONTWRITEBYTECODE",)
    kept = {name: value for name, value in os.environ.items() if name not in dropped and not name.endswith("_API_KEY")}
    return {**kept, "OPENAI_API_KEY": "none", "NVIDIA_API_KEY": "nvapi-none"}


def versions(*packages: str) -> str:
    """The versions of packages that are installed."""
    found: list[str] = []
    for package in packages:
        try:
            found.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            found.append(f"{package} not installed")
    return ", ".join(found)
