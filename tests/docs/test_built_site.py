"""The built site: its search finds what people look for, and no link inside it is dead.

The test builds it without the API reference, which takes most of the time; tests/docs/test_site.py holds that.
"""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pytest

from tests.support.pages import ROOT

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the built site."""
    folder = tmp_path_factory.mktemp("site")
    spec = importlib.util.spec_from_file_location("site_of_docs", ROOT / "docs" / "site.py")
    assert spec is not None
    assert spec.loader is not None
    site = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(site)
    site.PAGES = folder / "pages"
    site.lay_out()
    api = site.PAGES / "docs" / "api.md"
    entries = re.sub(r"^::: (.*)\n(?: +.*\n)*", r'<p id="\1"></p>\n', api.read_text("utf-8"), flags=re.MULTILINE)
    api.write_text(entries, encoding="utf-8")
    settings = (ROOT / "mkdocs.yml").read_text("utf-8").replace("docs_dir: build/pages", "docs_dir: pages")
    settings = re.sub(r"^  - mkdocstrings:\n(?:   .*\n)+", "", settings, flags=re.MULTILINE)
    (folder / "mkdocs.yml").write_text(settings, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--clean", "--strict"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "site"


SEARCHES = {
    "rate limit": "docs/scaling/#rate-limits",
    "retry": "docs/reliability/#retry-rules",
    "ChatOpenAI": "docs/migrating/#from-langchain-openai-chatopenai",
    "timeout": "docs/reliability/#timeouts",
    "Claude Code": "docs/gateway/claude-code/",
    "Celery": "docs/recipes/jobs/#celery",
    "approval": "docs/recipes/approvals/",
    "Jupyter": "docs/recipes/jupyter/",
}
"""What people type, and the section whose title must have each word of it, or a word that begins with it."""


@pytest.mark.parametrize(("typed", "place"), SEARCHES.items(), ids=SEARCHES)
def test_the_search_finds(built: Path, typed: str, place: str) -> None:
    items = json.loads((built / "search.json").read_text("utf-8"))["items"]
    titles = {item["location"]: re.sub(r"<[^>]+>", "", item["title"]).lower() for item in items}
    assert place in titles, [location for location in titles if location.startswith(place.partition("#")[0])]
    words = re.findall(r"\w+", titles[place])
    for word in typed.lower().split():  # the search compares beginnings of words, and knows no other forms
        assert any(each.startswith(word) for each in words), f"{titles[place]!r} has no {word!r}"


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids = {""}
        self.description = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.ids.add(named.get("id") or "")
        if tag in {"a", "img", "link", "script"} and (link := named.get("href") or named.get("src")):
            self.links.append(link)
        if tag == "meta" and named.get("name") == "description":
            self.description = named.get("content") or ""


def test_no_link_is_dead_and_each_page_has_its_description(built: Path) -> None:
    pages = {path: _Page(path.read_text("utf-8")) for path in built.rglob("index.html")}
    dead: list[str] = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            if not target.is_file():
                dead.append(f"{path.relative_to(built)}: {link}")
            elif target in pages and unquote(parts.fragment) not in pages[target].ids:
                dead.append(f"{path.relative_to(built)}: {link} has no such place")
    assert len(pages) > 50
    assert dead == []
    described = {page.description: path for path, page in pages.items()}
    assert described.get("") is None
    assert len(described) == len(pages)
