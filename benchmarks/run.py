"""All benchmarks, one after another, with their goals.

`make bench` prints; `--write` also puts the tables and the picture into docs/performance.md and keeps the ratios for
`--check`, which fails where one has become worse by more than 15 %; `--tiny` is a quick look; names choose some.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from measure import Result, versions
from peers import missing

HERE = Path(__file__).resolve().parent
DOCS = HERE.parent / "docs"
PAGE, PICTURE, RECORDED = DOCS / "performance.md", DOCS / "images/performance.svg", HERE / "recorded.json"
BEGIN, END = "<!-- figures: written by make bench -->", "<!-- end of figures -->"
WORSE = 1.15
TINY: dict[str, dict[str, Any]] = {
    "stream": {"chunks": 500, "rounds": 1},
    "rooms": {"chunks": 500, "rounds": 1},
    "many": {"streams": 20, "rounds": 1},
    "paced": {"seconds": 0.5, "highest": 16},
    "wakeup": {"events": 200, "rounds": 1},
    "plain": {"calls": 20, "rounds": 1},
    "tool_calls": {"fragments": 512, "rounds": 1},
    "large": {"size": 100_000, "rounds": 1},
    "imports": {"rounds": 1},
    "first": {"rounds": 1},
    "steady": {"replies": 200},
    "gateway": {"callers": 4, "chunks": 100, "rounds": 1},
}
# These are separate: they print their own tables, with their goals.
ALONE = ("count", "context", "mock", "growth")


def main() -> int:
    """Run the chosen benchmarks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"one of {', '.join((*TINY, *ALONE))}; all without")
    parser.add_argument("--tiny", action="store_true", help="a small run that shows only that they work")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md and keep the ratios")
    parser.add_argument("--check", action="store_true", help="compare with the ratios that were kept")
    arguments = parser.parse_args()
    machine = (
        f"CPython {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start, "
        f"{time.strftime('%Y-%m-%d')}. "
        + versions("deepseek-v4-sdk", "httpx", "httpcore", "h11", "aiohttp", "pydantic-core", "orjson", "openai")
        + "."
    )
    print(machine)
    if absent := missing():
        print(f"not installed here, and left out: {', '.join(absent)}")
    results: list[Result] = []
    for name, small in TINY.items():
        if not arguments.names or name in arguments.names:
            for result in _run(name, small if arguments.tiny else {}):
                print(f"\n{result.table()}", flush=True)
                results.append(result)
    for name in ALONE:
        if (name in arguments.names or not arguments.names) and not arguments.check:
            print(f"\n{name}.py", flush=True)
            given = [option for option in ("--tiny", "--write") if option in sys.argv[1:]]
            subprocess.run([sys.executable, HERE / f"{name}.py", *given], check=True)
    if arguments.tiny:
        print("\nA run this small shows that the benchmarks work. Its figures mean nothing.")
        return 0
    if arguments.write and results:
        _write(machine, results)
    return _check(results) if arguments.check else 0


def _run(name: str, options: dict[str, Any]) -> list[Result]:
    run: Callable[..., list[Result]] = import_module(name).main
    return run(**options)


def _write(machine: str, results: list[Result]) -> None:
    kept = json.loads(RECORDED.read_text("utf-8")) if RECORDED.exists() else {}
    kept.update({result.key: {"table": result.table(), "ratios": _ratios(result)} for result in results})
    kept = {key: kept[key] for key in sorted(kept)}
    RECORDED.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", "utf-8")
    page = PAGE.read_text("utf-8")
    before, after = page.partition(BEGIN)[0], page.partition(END)[2]
    order = [key for key in _ORDER if key in kept]
    tables = "\n\n".join(kept[key]["table"] for key in order)
    PAGE.write_text(f"{before}{BEGIN}\n\n{machine}\n\n{tables}\n\n{END}{after}", "utf-8")
    print(f"\nwritten: {PAGE}, {RECORDED}")
    _draw([result for result in results if result.against])


_ORDER = (
    *("stream", "rooms", "many", "paced", "paced_cpu", "wakeup", "plain", "tool_calls"),
    *("large_1", "large_memory", "large_1000", "imports", "first", "steady"),
)


def _ratios(result: Result) -> dict[str, float]:
    return {
        f"{goal.name} to {goal.against}": round(found, 4)
        for goal, found in result.reached()
        if goal.against and not math.isnan(found)
    }


def _check(results: list[Result]) -> int:
    kept = json.loads(RECORDED.read_text("utf-8"))
    worse = 0
    for result in results:
        for goal, found in result.reached():
            before = kept.get(result.key, {}).get("ratios", {}).get(f"{goal.name} to {goal.against}")
            if not before or not goal.against:
                continue
            change = before / found if goal.more else found / before
            if change > WORSE:
                worse += 1
                print(f"worse: {result.title}: {goal.name} to {goal.against} is {found:.3f}, and was {before:.3f}")
    print(f"{worse} ratios are worse by more than {WORSE - 1:.0%}")
    return 1 if worse else 0


def _draw(results: list[Result]) -> None:
    """A small picture of the ratios, where matplotlib is installed."""
    shown = [result for result in results if result.key in {"stream", "many", "plain"}]
    if not find_spec("matplotlib") or not shown:
        return
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "fixed"
    from matplotlib import pyplot as plt

    figure, places = plt.subplots(len(shown), 1, figsize=(7, 0.6 + 2.3 * len(shown)), layout="constrained")
    for place, result in zip([places] if len(shown) == 1 else places, shown, strict=True):
        names = sorted(result.rounds, key=result.value, reverse=True)
        colours = ["#2a6f97" if name.startswith("deepseek") else "#b8b8b8" for name in names]
        place.barh(names, [result.value(name) for name in names], color=colours)
        place.set_title(f"{result.title}, {result.unit}", fontsize=8, loc="left")
        place.tick_params(labelsize=7)
        place.spines[["top", "right"]].set_visible(False)
    figure.savefig(PICTURE, metadata={"Date": None})
    print(f"written: {PICTURE}")


if __name__ == "__main__":
    sys.exit(main())
