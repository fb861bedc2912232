"""Every point of every server is shown by tests that are there, or named in the docs as not modelled."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.fidelity.compare import EXCEPTIONS, OTHER_TEXT, compared, refusals
from tests.fidelity.points import POINTS, Point

TESTS = Path(__file__).parents[1]
DOCS = TESTS.parent / "docs" / "mock-servers.md"
SIZES = {"vLLM": 15, "SGLang": 14, "build.nvidia.com": 12, "NIM": 8, "Dynamo": 11, "DeepSeek's API": 28}
ALL = [
    pytest.param(point, id=f"{server}-{place}") for server in POINTS for place, point in enumerate(POINTS[server], 1)
]


@cache
def those_in(file: str) -> frozenset[str]:
    """The tests of a file, those of a class behind its name."""
    found: set[str] = set()
    for node in ast.parse((TESTS / file).read_text("utf-8")).body:
        inner = node.body if isinstance(node, ast.ClassDef) else [node]
        prefix = f"{node.name}::" if isinstance(node, ast.ClassDef) else ""
        found |= {prefix + each.name for each in inner if isinstance(each, ast.FunctionDef)}
    return frozenset(found)


@cache
def cases() -> frozenset[str]:
    """The recordings and odd requests that the mock answers as the real server did."""
    same = {f"{each.server}-{each.name}" for each in compared() if (each.server, each.name) not in EXCEPTIONS}
    for server, others in OTHER_TEXT.items():
        same |= {f"{server}-{case['name']}" for case in refusals(server) if case["name"] not in others.split()}
    return frozenset(same)


@cache
def not_modelled() -> str:
    listed = DOCS.read_text("utf-8").partition("The mock does not model:")[2].partition("\n## ")[0]
    return " ".join(listed.split())


def test_no_point_is_forgotten() -> None:
    assert {server: len(points) for server, points in POINTS.items()} == SIZES


@pytest.mark.parametrize("point", ALL)
def test_a_point_is_shown_or_named(point: Point) -> None:
    assert point.tests or point.named
    for node in point.tests:
        name, _, case = node.partition("[")
        file, _, test = name.partition("::")
        assert test in those_in(file), f"there is no test {name}"
        assert not case or case.removesuffix("]") in cases(), f"the mock is not the same there: {node}"
    for words in point.named:
        assert words in not_modelled(), f"docs/mock-servers.md does not name it: {words}"
