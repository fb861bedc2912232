"""Measuring: CPU time of this process, contenders taken in turn, and the table at the end."""

from __future__ import annotations

import gc
import resource
import statistics
from collections.abc import Callable, Mapping
from importlib import metadata


def cpu() -> float:
    """Seconds of CPU, user and system, that this process has taken."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def in_turn(contenders: Mapping[str, Callable[[], None]], *, rounds: int, units: int) -> dict[str, float]:
    """The microseconds of CPU per unit for each contender: the median of rounds in which each one has its turn."""
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for run in contenders.values():  # warm up: imports, connections, caches
        run()
    for _ in range(rounds):
        for name, run in contenders.items():
            gc.collect()
            started = cpu()
            run()
            taken[name].append((cpu() - started) / units * 1e6)
    return {name: statistics.median(values) for name, values in taken.items()}


def table(title: str, unit: str, results: Mapping[str, float], against: str) -> None:
    """Print results and their ratio to one of them."""
    base = results.get(against)
    print(f"\n{title}")
    print(f"  {'':<34} {unit:>12} {f'to {against}' if base else '':>22}")
    for name, value in sorted(results.items(), key=lambda item: item[1]):
        print(f"  {name:<34} {value:>12.1f} {f'{value / base:.3f}' if base else '':>22}")


def versions(*packages: str) -> str:
    """The versions of packages that are installed."""
    found: list[str] = []
    for package in packages:
        try:
            found.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            found.append(f"{package} not installed")
    return ", ".join(found)
