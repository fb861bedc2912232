"""Lays out the pages of the documentation site: the repository's own, where they are, so that links hold in both.

Two things are made here: the API reference, from the public names, and `llms.txt`, a list of the pages for language
models.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from types import ModuleType

import deepseek_v4_sdk
from deepseek_v4_sdk import testing

ROOT = Path(__file__).resolve().parents[1]
PAGES = ROOT / "build" / "pages"
TAKEN = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE", "docs", "examples", "benchmarks")
NAV = re.compile(r"^ +- (?P<title>[^:\n]+): (?P<page>\S+\.md)$", re.MULTILINE)


def lay_out() -> None:
    """Copy what the site shows into `build/pages`, and make what is made."""
    shutil.rmtree(PAGES, ignore_errors=True)
    for name in TAKEN:
        source, target = ROOT / name, PAGES / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, target)
    api = PAGES / "docs" / "api.md"
    opening = api.read_text(encoding="utf-8").partition("In the repository")[0]
    api.write_text(opening + "\n".join(reference()), encoding="utf-8")
    (PAGES / "llms.txt").write_text(llms(), encoding="utf-8")


# In which part of the reference the names of a room stand.
PARTS = {
    "client": "Clients",
    "call": "Clients",
    "config": "Clients",
    "chat": "Messages, options, events and replies",
    "tools": "Tools",
    "traffic": "Prices",
    "structured": "Structured output",
    "tokens": "Counting and the window",
    "context": "Counting and the window",
    "catalogue": "Prices",
    "probe": "What a server can do",
    "providers": "Providers",
    "errors": "Errors",
    "testing": "Testing",
}
OTHERS = "Others"


def reference() -> Iterator[str]:
    """The lines of the API reference: every public name, part by part."""
    names = [(part_of(module, name), f"{module.__name__}.{name}") for module in (deepseek_v4_sdk, testing)
             for name in module.__all__ if not name.startswith("__")]  # fmt: skip
    order = [*dict.fromkeys(PARTS.values()), OTHERS]
    names.sort(key=lambda entry: (order.index(entry[0]), ".Async" in entry[1]))
    for part, entries in groupby(names, lambda entry: entry[0]):
        yield f"\n## {part}\n"
        yield from (f"::: {path}\n{options(path)}" for _, path in entries)


def options(path: str) -> str:
    """What the entry of a public class shows beside its own: what it has from bases that are not public themselves."""
    module, _, name = path.rpartition(".")
    thing = getattr(testing if module == testing.__name__ else deepseek_v4_sdk, name)
    if not isinstance(thing, type):
        return ""
    public = {getattr(room, each) for room in (deepseek_v4_sdk, testing) for each in room.__all__}
    hidden = [base for base in thing.__mro__[1:] if is_ours(base.__module__) and base not in public]
    if not hidden or module == testing.__name__:  # what a stand-in has of a provider is for the client alone
        return ""
    members = dict.fromkeys(each for base in hidden for each in vars(base) if not each.startswith("_"))
    return f"    options:\n      show_bases: false\n      inherited_members: [{', '.join(members)}]\n"


def part_of(module: ModuleType, name: str) -> str:
    """The part of the reference in which a name stands."""
    thing = getattr(module, name)
    home = thing.__name__ if isinstance(thing, ModuleType) else getattr(thing, "__module__", None)
    if not is_ours(str(home)):  # an alias: most of them are of the language of chats
        home = module.__name__ if module is testing else "deepseek_v4_sdk.chat"
    return PARTS.get(str(home).split(".")[1], OTHERS)


def is_ours(module: str) -> bool:
    """Whether a module, by its full name, belongs to the package."""
    return module.startswith(f"{deepseek_v4_sdk.__name__}.")


def llms() -> str:
    """The pages for language models: a line for each, with its address and its first sentence (llmstxt.org)."""
    lines = ["# deepseek-v4-sdk", "", f"> {first_sentence(ROOT / 'README.md')}", ""]
    for line in (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("nav:")[2].splitlines():
        if found := NAV.match(line):
            lines.append(f"- [{found['title']}]({address(found['page'])}): {first_sentence(ROOT / found['page'])}")
        elif line.strip().endswith(":"):
            lines += ["", f"## {line.strip(' -:')}", ""]
    return "\n".join(lines) + "\n"


def address(page: str) -> str:
    """Where the site has a page, seen from `llms.txt`."""
    return re.sub(r"(README)?\.md$", "", page) + ("" if page.endswith("README.md") else "/") or "./"


def first_sentence(page: Path) -> str:
    """The first sentence of a page below its title, without marks."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for block in re.split(r"\n\s*\n", text):
        plain = " ".join(re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", block).split())
        if plain and not plain.startswith(("#", "|", "!", "-")):
            return re.split(r"(?<=[.:])\s", plain)[0].rstrip(":")
    raise ValueError(f"{page} has no sentence")


if __name__ == "__main__":
    lay_out()
