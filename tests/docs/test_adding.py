"""The checklist for a new provider names every file that knows the providers by name, and nothing that does not."""

from __future__ import annotations

import re
from dataclasses import MISSING, fields
from typing import Any

import pytest

from deepseek_v4_sdk.providers import PROVIDER_NAMES, ProviderData, find_provider
from deepseek_v4_sdk.testing.flavors import FLAVOR_NAMES, find_flavor
from tests.support.pages import ROOT

PAGE = (ROOT / "docs" / "providers" / "adding.md").read_text(encoding="utf-8")
READ = ("deepseek_v4_sdk/**/*.py", "docs/**/*.md", "examples/**/*", "*.md", "mkdocs.yml", "Makefile")


def files_under(heading: str) -> list[str]:
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `(\S+/\S+|\S+\.\w+)` \|", section, re.MULTILINE)


def names_it(text: str, name: str) -> bool:
    """Whether a text has the name as a word of its own, and not as a part of a longer one or of a path."""
    return re.search(rf"(?<![\w./-]){name}(?![\w/.-]*[\w/-])", text) is not None


@pytest.mark.parametrize("name", PROVIDER_NAMES)
def test_each_provider_has_the_four_files(name: str) -> None:
    files = files_under("Write four files")
    assert len(files) == 4
    assert [file for file in files if not (ROOT / file.replace("NAME", name)).exists()] == []


@pytest.mark.parametrize("name", PROVIDER_NAMES)
def test_each_list_has_each_provider(name: str) -> None:
    files = files_under("Add its name")
    assert len(files) > 10
    assert [file for file in files if not re.search(rf"\b{name}\b", (ROOT / file).read_text("utf-8"))] == []


def test_no_other_file_lists_the_providers() -> None:
    listed = {*files_under("Add its name"), "CHANGELOG.md"}
    found = {
        file for pattern in READ for file in ROOT.glob(pattern) if file.is_file() and "__pycache__" not in file.parts
    }
    texts = {file.relative_to(ROOT).as_posix(): file.read_text("utf-8", errors="replace") for file in found}
    lists = {name for name, text in texts.items() if all(names_it(text, each) for each in PROVIDER_NAMES)}
    assert len(lists) > 5
    assert lists - listed == set()


def test_there_is_one_list() -> None:
    assert FLAVOR_NAMES is PROVIDER_NAMES
    assert [find_provider(name).data.name for name in PROVIDER_NAMES] == list(PROVIDER_NAMES)
    assert [find_flavor(name).name for name in FLAVOR_NAMES] == list(FLAVOR_NAMES)


def test_the_page_names_only_fields_that_there_are() -> None:
    section = PAGE.partition("| field | read by |")[2].partition("\n\n")[0]
    cells = re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
    named = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
    assert len(named) > 10
    assert named <= {field.name for field in fields(ProviderData)}


def shown(value: Any) -> str:
    """A default as its documentation writes it."""
    if value in ((), {}, frozenset()):
        return "empty"
    if isinstance(value, (str, tuple)):
        return repr(value).replace("'", '"')
    return str(value)


def test_each_field_documents_its_purpose_and_its_default() -> None:
    entries = dict(
        re.findall(r"^ {8}(\w+): (.*?)(?=^ {8}\w+: |\Z)", ProviderData.__doc__ or "", re.MULTILINE | re.DOTALL)
    )
    assert set(entries) == {field.name for field in fields(ProviderData)}
    for field in fields(ProviderData):
        text = " ".join(entries[field.name].split())
        if field.default is MISSING and field.default_factory is MISSING:
            assert "Default" not in text, field.name
            continue
        default = field.default if field.default is not MISSING else field.default_factory()  # type: ignore[misc]
        named = {"grammar": "EITHER", "history": "HistoryRules()"}.get(field.name) or shown(default)
        assert f"Default: {named}" in text, field.name
