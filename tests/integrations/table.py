"""The two tables of the page on frameworks: each case through the adapters, and by the frameworks' own paths.

`python -m tests.integrations.table` measures the rows of the frameworks of this environment, and compares them with the
page; `--write` puts them there. The rows of other environments stay.
"""

from __future__ import annotations

import logging
import re
import sys
import warnings
from pathlib import Path

from tests.integrations.cases import CASES, verdict
from tests.integrations.model import FLAVORS
from tests.integrations.paths import FRAMEWORKS, here

__all__ = ["ADAPTERS", "OWN", "cells", "main", "measured", "written"]

PAGE = Path(__file__).resolve().parents[2] / "docs" / "integrations" / "README.md"
ADAPTERS, OWN = "adapters", "own path"

_Cells = dict[tuple[str, str], list[str]]
"""The cells of each framework and server."""


def _found(text: str, name: str) -> re.Match[str]:
    found = re.search(rf"(?<=<!-- {name} -->\n).*?(?=\n<!-- end -->)", text, re.DOTALL)
    assert found is not None, f"{PAGE.name} has no table <!-- {name} -->"
    return found


def cells(name: str) -> _Cells:
    """The cells that the page shows, by framework and server.

    Args:
        name: `ADAPTERS` or `OWN`.
    """
    head, _, *lines = (
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in _found(PAGE.read_text(encoding="utf-8"), name)[0].splitlines()
    )
    assert head[2:] == list(CASES)
    return {(row[0], flavor): row[2:] for row in lines for flavor in row[1].split(", ")}


def measured(name: str) -> _Cells:
    """The cells that the frameworks of this environment give now."""
    return {
        (framework, flavor): [verdict(case, framework, flavor, ours=name == ADAPTERS) for case in CASES]
        for framework in here()
        for flavor in FLAVORS
    }


def written(values: _Cells) -> str:
    """A table of cells; servers with the same cells share a row."""
    lines = [f"| framework | server | {' | '.join(CASES)} |", "|---|---|" + "---|" * len(CASES)]
    for framework in FRAMEWORKS:
        rows: dict[str, list[str]] = {}
        for flavor in FLAVORS:
            if (found := values.get((framework, flavor))) is not None:
                rows.setdefault(" | ".join(found), []).append(flavor)
        lines += [f"| {framework} | {', '.join(flavors)} | {row} |" for row, flavors in rows.items()]
    return "\n".join(lines)


def _again(place: tuple[str, str], row: list[str], shown: list[str]) -> list[str]:
    """A row. Cells that differ from the page are measured once more: on a busy machine a leaving program is late."""
    return [
        found if found == page else verdict(case, *place, ours=False)
        for case, found, page in zip(CASES, row, shown, strict=True)
    ]


def main(how: str) -> int:
    """Measure; write the rows into the page, or compare them with it."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)  # the other paths leave connections open behind their loop
    differ = False
    for name in (ADAPTERS, OWN):
        values, shown = measured(name), cells(name)
        print(f"{name}\n{written(values)}")
        for place, row in values.items():
            if name == OWN and place in shown and how != "--write":
                row[:] = _again(place, row, shown[place])
            if shown.get(place) != row:
                differ = True
                print(f"on the page: {place} {shown.get(place)}", file=sys.stderr)
        if how == "--write":
            text, table = PAGE.read_text(encoding="utf-8"), written({**shown, **values})
            start, end = _found(text, name).span()
            PAGE.write_text(text[:start] + table + text[end:], encoding="utf-8")
    if differ and how != "--write":
        print(f"{PAGE.name} has other rows: write them with WRITE=1", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[-1]))
