"""Names use the field's terms: none contains a word of `words.txt`."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.tree import PACKAGE

if TYPE_CHECKING:
    from collections.abc import Iterator

_LINES = (Path(__file__).parent / "words.txt").read_text(encoding="utf-8").splitlines()
WORDS = dict(line.split(": ", 1) for line in _LINES if line and not line.startswith("#"))
_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def named(source: str) -> Iterator[tuple[int, str]]:
    """Each name that a module gives away or binds: classes, functions, arguments, attributes, and its own variables."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield node.lineno, name
            case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield node.lineno, name


# OpenTelemetry's own names, which its users know.
FOREIGN = frozenset({"meter", "meter_provider"})


def found(name: str) -> list[str]:
    return [] if name in FOREIGN else [word for part in _PART.findall(name) if (word := part.lower()) in WORDS]


def test_names() -> None:
    wrong: list[str] = []
    for file in sorted(PACKAGE.rglob("*.py")):
        where = file.relative_to(PACKAGE)
        wrong += [f"{where}: the module's name has {word!r}: {WORDS[word]}" for word in found(where.stem)]
        for line, name in named(file.read_text(encoding="utf-8")):
            wrong += [f"{where}:{line}: {name} has {word!r}: {WORDS[word]}" for word in found(name)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "source", ["class SyncPump: ...", "def hand(course): ...", "self.rate_gate = 1", "ticket = 1", "def carry(): ..."]
)
def test_a_word_of_the_list_is_found(source: str) -> None:
    assert [word for _, name in named(source) for word in found(name)]


@pytest.mark.parametrize("source", ["class Gateway: ...", "def network(): ...", "parameter = 1"])
def test_other_words_pass(source: str) -> None:
    assert not [word for _, name in named(source) for word in found(name)]
