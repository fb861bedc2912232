"""The documentation site: each page has a place in it, the reference has each public name, `llms.txt` lists all."""

from __future__ import annotations

import importlib.util
import re
from typing import TYPE_CHECKING

import pytest

from tests.house.border import border
from tests.support.pages import PAGES, ROOT, name_of

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """docs/site.py, laying out into a folder of the test."""
    spec = importlib.util.spec_from_file_location("site_of_docs", ROOT / "docs" / "site.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "PAGES", tmp_path / "pages")
    return module


def test_every_page_is_in_the_navigation() -> None:
    listed = re.findall(r"^ +- [^:\n]+: (\S+\.md)$", (ROOT / "mkdocs.yml").read_text("utf-8"), re.MULTILINE)
    assert len(listed) == len(set(listed))
    pages = {name_of(page) for page in PAGES}
    assert pages - set(listed) == set(), "add these pages to nav in mkdocs.yml"
    assert set(listed) <= pages


def test_links_hold_where_the_site_lays_its_pages(site: ModuleType) -> None:
    site.lay_out()
    for page in PAGES:
        assert (site.PAGES / name_of(page)).is_file(), name_of(page)
    for page in site.PAGES.rglob("*.md"):
        for link in re.findall(r"\]\(([^)\s#]+)", page.read_text("utf-8")):
            if "://" not in link:
                assert (page.parent / link).exists(), f"{page.relative_to(site.PAGES)} links to {link}"


def test_the_reference_has_every_public_name_once(site: ModuleType) -> None:
    site.lay_out()
    text = (site.PAGES / "docs" / "api.md").read_text("utf-8")
    shown = re.findall(r"^::: (\S+)$", text, re.MULTILINE)
    assert len(shown) == len(set(shown))
    assert sorted(shown) == sorted(site.named(public, path) for path, public in border().public.items())
    assert {"deepseek_v4_sdk.DeepSeekV4", "deepseek_v4_sdk.deploy.planning.plan"} <= set(shown)
    for heading, name in {"Errors": "APIError", "Clients": "Fallback", "Testing": "testing.script.text"}.items():
        assert f"::: deepseek_v4_sdk.{name}\n" in text.partition(f"## {heading}\n")[2].partition("\n## ")[0]


def test_the_reference_opens_with_the_names_that_a_user_meets_first(site: ModuleType) -> None:
    lines = [*site.reference()]
    parts = [line.strip("\n# ") for line in lines if line.startswith("\n## ")]
    assert parts[:6] == ["Clients", "Replies", "Events", "Errors", "Tools", "Testing"]
    shown = [line.split()[1].removeprefix("deepseek_v4_sdk.") for line in lines if line.startswith(":::")]
    assert shown[:5] == ["DeepSeekV4", "AsyncDeepSeekV4", "ChatOptions", "ChatStream", "AsyncChatStream"]
    table = [line for line in lines[: lines.index("\n## Clients\n")] if line.startswith("| [")]
    rows = [re.fullmatch(r"\| \[`(\w+)`\]\(#([\w.]+)\) \| (.+\.) \|", line) for line in table]
    assert [row[1] for row in rows if row] == list(site.FIRST)
    assert {row[2] for row in rows if row} <= {line.split()[1] for line in lines if line.startswith(":::")}


def test_a_name_without_a_part_is_refused(site: ModuleType) -> None:
    with pytest.raises(ValueError, match="add elsewhere to PARTS"):
        site.part_of("deepseek_v4_sdk.elsewhere.Name", "deepseek_v4_sdk.Name")


def test_llms_txt_lists_every_page_with_a_sentence(site: ModuleType) -> None:
    text = site.llms()
    assert text.startswith("# deepseek-v4-sdk\n\n> A typed Python client for DeepSeek-V4-Pro and V4-Flash")
    listed = dict(re.findall(r"^- \[[^\]]+\]\((\S+)\): (.+)$", text, re.MULTILINE))
    assert set(listed) == {site.address(name_of(page)) for page in PAGES}
    assert {"./", "docs/providers/", "docs/tools/", "CHANGELOG/"} <= set(listed)  # folders, as the site has them
    assert all(len(sentence) > 10 for sentence in listed.values())


def test_each_page_has_a_description_of_its_own(site: ModuleType) -> None:
    site.lay_out()
    heads = [(site.PAGES / name_of(page)).read_text("utf-8") for page in PAGES]
    found = [site.HEAD.match(head) for head in heads]
    assert [name_of(page) for page, head in zip(PAGES, found, strict=True) if head is None] == []
    descriptions = [head["description"] for head in found if head is not None]
    assert len(set(descriptions)) == len(descriptions)
    assert all(30 <= len(text) <= 160 and text.endswith(".") for text in descriptions), descriptions


def test_the_reference_shows_what_a_class_has_from_bases_of_no_promise(site: ModuleType) -> None:
    site.lay_out()
    text = (site.PAGES / "docs" / "api.md").read_text("utf-8")
    entry = text.partition("::: deepseek_v4_sdk.DeepSeekV4\n")[2].partition(":::")[0]
    assert "show_bases: false" in entry
    assert {"from_profile", "with_options", "explain"} <= set(re.findall(r"\w+", entry))
    assert "options:" not in text.partition("::: deepseek_v4_sdk.APIError\n")[2].partition(":::")[0]
    assert "merge_init_into_class: false" in text.partition("::: deepseek_v4_sdk.ChatStream\n")[2].partition(":::")[0]


def test_the_site_asks_no_other_host_and_its_navigation_has_every_page() -> None:
    theme = (ROOT / "mkdocs.yml").read_text("utf-8").partition("plugins:")[0]
    assert "font: false" in theme, "the theme would load fonts from another host"
    assert "navigation.indexes" not in theme, "README.md pages would hide behind the titles of their sections"
