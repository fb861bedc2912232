"""Reads releases of engines into the tables of `deepseek_v4_sdk/deploy/tables`, and shows what a new one changes.

    python .ci/tables vllm==0.34.0          downloads that wheel with pip, and removes it again
    python .ci/tables path/to/engine.whl    reads one that is here

No engine is installed, imported or run: the wheel's sources are parsed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import date
from difflib import get_close_matches
from pathlib import Path

import dynamo
import sglang
import vllm
from eras import order, pack, text, unpack
from wheel import Surface, Wheel

ROOT = Path(__file__).resolve().parents[2]
TABLES = ROOT / "deepseek_v4_sdk" / "deploy" / "tables"
READERS = {"vllm": ("vllm", vllm.read), "sglang": ("sglang", sglang.read), "ai-dynamo": ("dynamo", dynamo.read)}


def opened(names: list[str], folder: Path) -> Iterator[Wheel]:
    """Each wheel in turn; one that was downloaded is removed after it was read, for they are large."""
    for name in names:
        if name.endswith(".whl"):
            yield Wheel.open(Path(name))
            continue
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-cache-dir"]
        subprocess.run([*command, "--only-binary", ":all:", "-d", folder, name], check=True)
        (path,) = folder.glob("*.whl")
        yield Wheel.open(path)
        path.unlink()


def changes(before: Surface, after: Surface) -> Iterator[str]:
    """The differences of a release: flags that are new, gone or renamed, and other choices."""
    gone, new = sorted(before.flags.keys() - after.flags.keys()), sorted(after.flags.keys() - before.flags.keys())
    keys = ({f"{owner}.{key}" for owner, row in each.nested.items() for key in row} for each in (before, after))
    keys_before, keys_after = keys
    for name in gone:
        near = get_close_matches(name, new, 1, 0.75)
        yield f"- {name}" + (f"   (renamed to {near[0]}?)" if near else "")
    yield from (f"+ {name}" for name in new)
    yield from (f"- {name}" for name in sorted(keys_before - keys_after))
    yield from (f"+ {name}" for name in sorted(keys_after - keys_before))
    for name in sorted(before.flags.keys() & after.flags.keys()):
        old, now = before.flags[name].get("choices", []), after.flags[name].get("choices", [])
        if old != now and isinstance(old, list) and isinstance(now, list):
            words = [f"-{each}" for each in old if each not in now] + [f"+{each}" for each in now if each not in old]
            yield f"~ {name}: {' '.join(words) or 'in another order'}"
    yield from (f"- {name} (environment)" for name in sorted(set(before.env) - set(after.env)))


def broken_recipes(engine: str, version: str) -> Iterator[str]:
    """The recipes that this release refuses."""
    from deepseek_v4_sdk.deploy.recipes import refusals
    from deepseek_v4_sdk.deploy.tables import read_tables

    yield from refusals(read_tables(), engine, version)


def main() -> None:
    """Read the wheels that are named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheels", nargs="+", help="name==version, or a wheel file")
    parser.add_argument("--as-of", type=date.fromisoformat, default=date.today(), help="the day of the table")
    asked = parser.parse_args()
    read: dict[str, dict[str, Surface]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for wheel in opened(asked.wheels, Path(folder)):
            if wheel.engine not in READERS:
                raise SystemExit(f"{wheel.engine} is not an engine that is known here: {', '.join(READERS)}")
            name, reader = READERS[wheel.engine]
            read.setdefault(name, {})[wheel.version] = reader(wheel)
    for name, surfaces in read.items():
        path = TABLES / f"{name}.json"
        known = unpack(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}
        path.write_text(text(pack(name, known | surfaces, asked.as_of)), encoding="utf-8")
        for version, surface in sorted(surfaces.items(), key=lambda each: order(each[0])):
            older = [each for each in known | surfaces if order(each) < order(version)]
            print(f"{name} {version}: {len(surface.flags)} flags, {len(surface.env)} variables")
            if older and len(asked.wheels) < 3:
                last = max(older, key=order)
                print(f"since {last}:", *changes((known | surfaces)[last], surface), sep="\n  ")
                print("recipes that it refuses:", *(list(broken_recipes(name, version)) or ["none"]), sep="\n  ")


if __name__ == "__main__":
    main()
