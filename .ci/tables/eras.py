"""Many releases in one table: each fact with the first and the last release that has it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import date

from wheel import Surface

NAMED = ("tool_parsers", "reasoning_parsers", "env")


def order(version: str) -> tuple[int, ...]:
    """Versions in the order of their numbers."""
    return tuple(map(int, re.findall(r"\d+", version)))


def eras(facts: Iterable[object]) -> list[tuple[int, int, object]]:
    """Runs of the same fact, as first and last index; where there is none, there is no run."""
    found: list[tuple[int, int, object]] = []
    for index, fact in enumerate(facts):
        if fact is None:
            continue
        if found and found[-1][1] == index - 1 and found[-1][2] == fact:
            found[-1] = found[-1][0], index, fact
        else:
            found.append((index, index, fact))
    return found


def _rows(versions: list[str], values: Mapping[str, Mapping[str, object]]) -> dict[str, list[list[object]]]:
    """Name to its runs. The last version is null where it is the newest that was read."""
    names = sorted({name for each in values.values() for name in each})
    rows: dict[str, list[list[object]]] = {}
    for name in names:
        rows[name] = [
            [versions[first], None if last == len(versions) - 1 else versions[last], *([fact] if fact else [])]
            for first, last, fact in eras(values[version].get(name) for version in versions)
        ]
    return rows


def pack(engine: str, surfaces: Mapping[str, Surface], as_of: date) -> dict[str, object]:
    """The table of an engine."""
    versions = sorted(surfaces, key=order)
    keys = {
        version: {f"{owner}.{key}": info for owner, keys in surface.nested.items() for key, info in keys.items()}
        for version, surface in surfaces.items()
    }
    table: dict[str, object] = {"engine": engine, "as_of": str(as_of), "versions": versions}
    table["pins"] = {version: surfaces[version].pins for version in versions if surfaces[version].pins}
    table["flags"] = _rows(versions, {version: surface.flags for version, surface in surfaces.items()})
    table["nested"] = _rows(versions, keys)
    for name in NAMED:
        table[name] = _rows(versions, {each: dict.fromkeys(getattr(surfaces[each], name), "") for each in versions})
    return table


def unpack(table: Mapping[str, object]) -> dict[str, Surface]:
    """The releases of a table, as `pack` took them."""
    versions: list[str] = list(table["versions"])  # type: ignore[call-overload]
    surfaces = {version: Surface(pins=dict(table["pins"].get(version, {}))) for version in versions}  # type: ignore[attr-defined]

    def facts(part: str) -> Iterable[tuple[Surface, str, dict[str, object]]]:
        for name, runs in table[part].items():  # type: ignore[attr-defined]
            for first, last, *fact in runs:
                for version in versions[versions.index(first) : versions.index(last or versions[-1]) + 1]:
                    yield surfaces[version], name, fact[0] if fact else {}

    for surface, name, fact in facts("flags"):
        surface.flags[name] = fact
    for surface, name, fact in facts("nested"):
        owner, _, key = name.partition(".")
        surface.nested.setdefault(owner, {})[key] = fact
    for part in NAMED:
        for surface, name, _ in facts(part):
            getattr(surface, part).append(name)
    return surfaces


def text(table: Mapping[str, object]) -> str:
    """A table as JSON with one row a line, so that a difference between two of them can be read."""
    lines = []
    for key, value in table.items():
        if isinstance(value, dict) and value and key != "pins":
            rows = ",\n".join(f"{json.dumps(name)}:{_compact(row)}" for name, row in value.items())
            lines.append(f"{json.dumps(key)}:{{\n{rows}}}")
        else:
            lines.append(f"{json.dumps(key)}:{_compact(value)}")
    return "{" + ",\n".join(lines) + "}\n"


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
