"""The tables of field failures are whole, and every test that they name exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = {"field-failures.md": "RTOCNDAGWF", "reliability.md": "SYK", "costs.md": "M"}
"""The pages with a table, and the letters of the failures in it."""
MOST = {
    "R": 25,
    "T": 25,
    "O": 7,
    "C": 15,
    "N": 3,
    "D": 13,
    "A": 8,
    "G": 13,
    "W": 23,
    "F": 14,
    "S": 20,
    "Y": 8,
    "K": 7,
    "M": 5,
}


def _rows(page: str) -> list[list[str]]:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if re.match(rf"\| [{PAGES[page]}]\d", line)
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


@pytest.mark.parametrize("page", PAGES)
def test_every_failure_has_one_row(page: str) -> None:
    expected = [f"{letter}{number}" for letter in PAGES[page] for number in range(1, MOST[letter] + 1)]
    assert [row[0] for row in _rows(page)] == expected


@pytest.mark.parametrize("row", [row for page in PAGES for row in _rows(page)], ids=lambda row: row[0])
def test_a_row_names_a_test_or_says_why_there_is_none(row: list[str]) -> None:
    _, symptom, remedy, test, *report = row
    assert symptom
    assert all(re.fullmatch(r"[\w.-]+/[\w.-]+#\d+", each) for each in report)
    if not test:
        assert remedy.startswith("a client cannot help: ")
        return
    path, _, name = test.strip("`").partition("::")
    assert name in _tests(path)
