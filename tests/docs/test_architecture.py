"""docs/architecture.md names the packages, layers, files and dependencies that the tree has."""

from __future__ import annotations

import re
import tomllib

from tests.support.pages import ROOT

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PACKAGE = ROOT / "deepseek_v4_sdk"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def section(heading: str) -> str:
    _, found, text = PAGE.partition(f"\n## {heading}\n")
    assert found, heading
    return text.partition("\n## ")[0]


def test_each_package_has_a_row() -> None:
    rows = re.findall(r"^\| `(\w+)/` \| \S", section("Packages"), re.MULTILINE)
    packages = {
        folder.parent.name for folder in PACKAGE.glob("*/__init__.py") if not folder.parent.name.startswith("_")
    }
    assert sorted(rows) == sorted(packages)


def test_each_named_file_exists() -> None:
    named = set(re.findall(r"`((?:\w+/)+(?:\w+\.py)?)`", PAGE))
    missing = [name for name in named if not (PACKAGE / name).exists() and not (ROOT / name).exists()]
    assert len(named) > 30
    assert missing == []


def test_each_class_named_before_a_file_is_defined_there() -> None:
    """As in "a `ReplicaSet` (…) (`traffic/replicas.py`)": the last class in front of a file in brackets."""
    pairs = re.findall(r"`([A-Z]\w+)`[^`]*\(`(\w+/\w+\.py)`", PAGE)
    assert len(pairs) > 3
    for name, file in pairs:
        assert re.search(rf"^class {name}\b", (PACKAGE / file).read_text(encoding="utf-8"), re.MULTILINE), (name, file)


def test_the_layers_are_those_of_the_contract() -> None:
    contracts = PROJECT["tool"]["importlinter"]["contracts"]
    (layers,) = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    assert section("Layers").partition("```text\n")[2].partition("\n```")[0].splitlines() == layers


def test_each_dependency_has_a_reason() -> None:
    rows = re.findall(r"^\| `([\w-]+)` \| \S", section("Dependencies"), re.MULTILINE)
    required = [re.split(r"[<>=~!\[ ]", line)[0] for line in PROJECT["project"]["dependencies"]]
    assert sorted(rows) == sorted(required)


def test_the_glossary_has_ten_words_in_order() -> None:
    words = re.findall(r"^\| ([a-z]+) \| \S", section("Glossary"), re.MULTILINE)[1:]
    assert len(words) == 10
    assert words == sorted(words)
