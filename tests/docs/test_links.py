"""Links between pages lead somewhere, and every page can be reached from the README."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.support.pages import PAGES, ROOT, name_of

if TYPE_CHECKING:
    from pathlib import Path

_LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def _links(page: Path) -> list[tuple[Path, str]]:
    found: list[tuple[Path, str]] = []
    for link in _LINK.findall(page.read_text(encoding="utf-8")):
        if not link.startswith(("http://", "https://", "mailto:")):
            path, _, anchor = link.partition("#")
            found.append(((page.parent / path).resolve() if path else page, anchor))
    return found


def _anchors(page: Path) -> set[str]:
    headings = _HEADING.findall(page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links(page: Path) -> None:
    for target, anchor in _links(page):
        assert target.is_relative_to(ROOT), target
        assert target.exists(), f"{name_of(page)} links to {target.name}, which does not exist"
        if anchor:
            assert anchor in _anchors(target), f"{name_of(page)} links to #{anchor}, which {target.name} does not have"


def test_every_page_is_linked() -> None:
    reached, open_pages = set[str](), [ROOT / "README.md"]
    while open_pages:
        page = open_pages.pop()
        if name_of(page) not in reached:
            reached.add(name_of(page))
            open_pages += [target for target, _ in _links(page) if target.suffix == ".md"]
    assert reached == {name_of(page) for page in PAGES}
