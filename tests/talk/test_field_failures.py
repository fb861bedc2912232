"""The table of field failures is whole, and every test that it names exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "field-failures.md"
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.read_text(encoding="utf-8").splitlines()
    if re.match(r"\| [RTON]\d", line)
]


@cache
def _tests(path: str) -> frozenset[str]:
    """The tests of a file, those of a class behind its name; what pytest would not collect is none."""
    file = ROOT / path
    assert file.name.startswith("test_"), path
    found: set[str] = set()

    def walk(body: list[ast.stmt], before: str) -> None:
        for node in body:
            if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
                walk(node.body, f"{before}{node.name}::")
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                found.add(before + node.name)

    walk(ast.parse(file.read_text(encoding="utf-8")).body, "")
    return frozenset(found)


def test_every_failure_has_one_row() -> None:
    counts = {"R": 25, "T": 25, "O": 7, "N": 3}
    expected = [f"{letter}{number}" for letter, count in counts.items() for number in range(1, count + 1)]
    assert [row[0] for row in ROWS] == expected


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_row_names_a_test_or_says_why_there_is_none(row: list[str]) -> None:
    _, symptom, remedy, test, report = row
    assert symptom
    assert re.fullmatch(r"[\w.-]+/[\w.-]+#\d+", report)
    if not test:
        assert remedy.startswith("a client cannot help: ")
        return
    path, _, name = test.strip("`").partition("::")
    assert name in _tests(path)
