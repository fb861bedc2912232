"""The documentation and the examples use public names only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pytest_examples import find_examples

from tests.house.border import border
from tests.support.pages import PAGES, ROOT, name_of

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = sorted(ROOT.glob("examples/**/*.py"))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_snippets_import_public_names(page: Path) -> None:
    inner = {
        f"line {snippet.start_line}: {name}"
        for snippet in find_examples(str(page))
        for name in border().inner_names(snippet.source)
    }
    assert sorted(inner) == []


@pytest.mark.parametrize("example", EXAMPLES, ids=name_of)
def test_examples_import_public_names(example: Path) -> None:
    assert list(border().inner_names(example.read_text(encoding="utf-8"))) == []
