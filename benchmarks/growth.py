"""What becomes of the cost when the input doubles? CPU time at 1x, 2x, 4x and 8x of every public function with a size.

`--write` puts the table into docs/performance.md; `--tiny` takes an eighth of each size; names choose some rows.
"""

from __future__ import annotations

import gc
import logging
import os
import platform
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

from growth_local import ROWS
from growth_rows import Run
from measure import cpu

PAGE = Path(__file__).resolve().parent.parent / "docs/performance.md"
BEGIN, END = "<!-- growth: written by benchmarks/growth.py -->", "<!-- end of growth -->"
TIMES = (1, 2, 4, 8)
MOST = 12.0
"""Eight times the input may cost so many times as much: 8 is linear, 8 log 8 nearer to 11; quadratic work takes 64."""


def taken(run: Run, rounds: int = 3) -> float:
    """The least CPU of some runs, in milliseconds."""
    figures: list[float] = []
    for _ in range(rounds):
        gc.collect()
        started = cpu()
        run()
        figures.append((cpu() - started) * 1e3)
        if figures[-1] > 400:
            break
    return min(figures)


def peak(run: Run) -> float:
    """The most memory that a run holds in addition to its input, in megabytes."""
    gc.collect()
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


def short(value: float) -> str:
    """A figure of three digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def main() -> int:
    """Measure, print the table, and say which rows grow faster than their input."""
    names = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
    part = 8 if "--tiny" in sys.argv else 1
    sizes = " | ".join(f"{times}x" for times in TIMES)
    lines = [f"| what | grows | 1x is | {sizes} | 8x to 1x | MB, 1x | 8x |", "|---|---|" + "---:|" * 8]
    logging.getLogger("deepseek_v4_sdk").setLevel(logging.ERROR)  # fallbacks are expected here
    os.environ.pop("DEEPSEEK_V4_CONFIG", None)  # files are found where the rows put them
    faster: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for row in ROWS:
            if names and not any(name in row.name for name in names):
                continue
            size = max(row.size // part, 1)
            runs = [row.make(size * times, Path(folder)) for times in TIMES]
            taken(runs[0], 1)  # load everything that is loaded once
            figures = [taken(run) for run in runs]
            if part == 1 and figures[-1] > MOST * figures[0]:  # again: the machine may have been busy
                figures = [min(first, taken(run)) for first, run in zip(figures, runs, strict=True)]
            ratio = figures[-1] / max(figures[0], 1e-3)
            held = [peak(runs[0]), peak(runs[-1])]
            if ratio > MOST and row.linear:
                faster.append(f"{row.name}, {row.grows}: {ratio:.1f}")
            cells = (row.name, row.grows, f"{size:,}", *map(short, figures), f"{ratio:.1f}", *map(short, held))
            lines.append(f"| {' | '.join(cells)} |")
            print(lines[-1], flush=True)
    if "--tiny" in sys.argv:
        return 0
    if "--write" in sys.argv and not names:
        said = f"CPython {platform.python_version()}, {time.strftime('%Y-%m-%d')}. CPU in ms, peak of memory in MB."
        page = PAGE.read_text("utf-8")
        before, behind = page.partition(BEGIN)[0], page.partition(END)[2]
        table = "\n".join(lines)
        PAGE.write_text(f"{before}{BEGIN}\n\n{said}\n\n{table}\n\n{END}{behind}", "utf-8")
    print("\n".join(["faster than linear:", *faster]) if faster else "nothing grows faster than its input")
    return 1 if faster else 0


if __name__ == "__main__":
    sys.exit(main())
