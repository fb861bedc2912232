"""The table of field failures in docs/reliability.md is whole, and every test that it names exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reliability.md"
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.read_text(encoding="utf-8").splitlines()
    if re.match(r"\| [SYK]\d", line)
]


@cache
def _tests(path: str) -> frozenset[str]:
    """The tests of a file, those of a class behind its name."""
    found: set[str] = set()

    def walk(body: list[ast.stmt], before: str) -> None:
        for node in body:
            if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
                walk(node.body, f"{before}{node.name}::")
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                found.add(before + node.name)

    assert Path(path).name.startswith("test_")
    walk(ast.parse((ROOT / path).read_text(encoding="utf-8")).body, "")
    return frozenset(found)


def test_every_failure_has_one_row() -> None:
    expected = [f"S{n}" for n in range(1, 21)] + [f"Y{n}" for n in range(1, 9)] + [f"K{n}" for n in range(1, 8)]
    assert [row[0] for row in ROWS] == expected


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_row_names_a_test_or_says_why_there_is_none(row: list[str]) -> None:
    _, symptom, remedy, test = row
    assert symptom
    if not test:
        assert remedy.startswith("a client cannot help: ")
        return
    path, _, name = test.strip("`").partition("::")
    assert name in _tests(path)
