"""Lays out the pages of the documentation site: the repository's own, where they are, so that links hold in both.

Two things are made here: the API reference, from the public names (`tests/house/public_places.txt` lists their places),
and `llms.txt`, a list of the pages for language models. Run it as `python -m docs.site`.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from griffe import Alias, Class, Function, Module

from tests.house.border import border

PACKAGE = "deepseek_v4_sdk"
ROOT = Path(__file__).resolve().parents[1]
PAGES = ROOT / "build" / "pages"
TAKEN = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE", "docs", "examples", "benchmarks")
DESCRIPTIONS = {
    "README.md": "A typed Python client for DeepSeek-V4-Pro and V4-Flash, with one program for every server.",
    "CHANGELOG.md": "The changes of each version of deepseek-v4-sdk.",
    "CONTRIBUTING.md": "How to work on deepseek-v4-sdk, with its tests, its checks and its real servers.",
    "SECURITY.md": "How to report a weakness, and what the client does for keys, prompts and hostile texts.",
    "examples/README.md": "Programs that answer one question each, and run without a server.",
    "benchmarks/README.md": "How we measure this client and others, and how to repeat them.",
}
"""Descriptions of pages that people read elsewhere too; a page of docs/ has its own at its head."""
HEAD = re.compile(r"---\ndescription: (?P<description>.+)\n---\n")
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
    for name in DESCRIPTIONS:
        page = PAGES / name
        page.write_text(f"---\ndescription: {description(name)}\n---\n\n{page.read_text('utf-8')}", encoding="utf-8")
    api = PAGES / "docs" / "api.md"
    opening = api.read_text(encoding="utf-8").partition("In the repository")[0]
    api.write_text(opening + "\n".join(reference()), encoding="utf-8")
    (PAGES / "llms.txt").write_text(llms(), encoding="utf-8")


# The parts of the reference, in the order in which a reader meets them, with the modules of their names: the longest
# match decides. A name at the top level counts by the module that defines it, any other by its place.
PARTS = {
    "Clients": (
        "client",
        "call",
        "chat.options",
        "chat.timing.Timeouts",
        "config.settings",
        "transport",
        "chat.bounds",
    ),
    "Replies": ("chat.reply", "chat.usage", "chat.timing", "chat.attempt", "chat.tool_call", "chat.json_value"),
    "Events": ("chat.events",),
    "Errors": ("errors",),
    "Tools": ("tools", "chat.tool_spec", "chat.checked"),
    "Testing": ("testing",),
    "Messages": ("chat",),
    "Structured output": ("structured",),
    "Counting and the window": ("tokens", "context"),
    "Prices and limits": ("catalogue", "traffic", "chat.rate_limits", "chat.ledger", "limits"),
    "Hooks": ("chat.hooks",),
    "Many requests": ("batch",),
    "Features of a server": ("probe", "chat.served"),
    "Conversations that last": ("store",),
    "Configuration": ("config",),
    "Prompts": ("prompt",),
    "Providers": ("providers",),
    "Your own servers": ("deploy",),
    "Gateway": ("gateway",),
    "Frameworks": ("integrations",),
}
FIRST = (
    "DeepSeekV4",
    "AsyncDeepSeekV4",
    "ChatOptions",
    "ChatStream",
    "AsyncChatStream",
    "Timeouts",
    "Reply",
    "TextDelta",
    "ReasoningDelta",
    "ToolCallReady",
    "Finished",
    "DeepSeekV4Error",
    "tool",
    "ToolRun",
    "MockProvider",
    "Conversation",
    "Parsed",
    "count_text",
    "ContextBudget",
    "RateLimits",
)
"""The names that a user meets first: they open the page as a table, and each of them opens its part."""


def reference() -> Iterator[str]:
    """The lines of the API reference: every public name once, part by part, and in a part place by place."""
    names = [
        (part_of(path, public), public.rpartition(".")[0], public, path) for path, public in border().public.items()
    ]
    parts, places = [*PARTS], [*border().places]

    def order(entry: tuple[str, str, str, str]) -> tuple[int, int, int, str]:
        part, place, public, _ = entry
        name = public.rpartition(".")[2]
        first = FIRST.index(name) if name in FIRST else len(FIRST)
        return parts.index(part), places.index(place), first, name.removeprefix("Async").lower()

    names.sort(key=order)
    yield "| name | purpose |\n|---|---|"
    for name in FIRST:
        public, path = next((each[2], each[3]) for each in names if each[2].rpartition(".")[2] == name)
        docstring = border().thing(path).docstring
        said = docstring.value.partition("\n\n")[0].replace("\n", " ") if docstring else ""
        yield f"| [`{name}`](#{named(public, path)}) | {said} |"
    for part, entries in groupby(names, lambda entry: entry[0]):
        yield f"\n## {part}\n"
        for place, within in groupby(entries, lambda entry: entry[1]):
            yield f"\nFrom `{place}`:\n"
            yield from (f"::: {named(public, path)}\n{options(path)}" for *_, public, path in within)


def named(public: str, path: str) -> str:
    """The name by which an entry is found: the definition's where a module has the name too, as in `deploy.plan`."""
    place, _, name = public.rpartition(".")
    return path if isinstance(border().places[place].get_member(name), Module) else public


def options(path: str) -> str:
    """The options of a class's entry: it shows the members of inner bases, and no constructor that is private."""
    thing = border().thing(path)
    if not isinstance(thing, Class):
        return ""
    lines = ["    options:"]
    inner = [base for base in thing.mro() if base.path.startswith(f"{PACKAGE}.") and base.path not in border().public]
    of_mock = path.startswith(f"{PACKAGE}.testing.")  # the members that it has of a provider are for the client
    if inner and not of_mock:
        members = dict.fromkeys(each for base in inner for each in base.members if not each.startswith("_"))
        lines += ["      show_bases: false", f"      inherited_members: [{', '.join(members)}]"]
    made = thing.all_members.get("__init__")
    if isinstance(made, Function | Alias) and any(each.name.startswith("_") for each in made.parameters):
        lines.append("      merge_init_into_class: false")
    return "\n".join([*lines, ""]) if len(lines) > 1 else ""


def part_of(path: str, public: str) -> str:
    """The part of the reference for a name."""
    is_at_the_top = public.rpartition(".")[0] == PACKAGE
    key = (path if is_at_the_top else public).removeprefix(f"{PACKAGE}.")
    prefixes = [(prefix, part) for part, of_part in PARTS.items() for prefix in of_part]
    found = [(prefix, part) for prefix, part in prefixes if f"{key}.".startswith(f"{prefix}.")]
    if not found:
        module = key.rpartition(".")[0]
        raise ValueError(f"{public} belongs to no part of the reference: add {module} to PARTS in docs/site.py")
    return max(found, key=lambda each: len(each[0]))[1]


def llms() -> str:
    """The pages for language models: a line for each, with its address and its description (llmstxt.org)."""
    lines = ["# deepseek-v4-sdk", "", f"> {description('README.md')}", ""]
    for line in (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("nav:")[2].splitlines():
        if found := NAV.match(line):
            lines.append(f"- [{found['title']}]({address(found['page'])}): {description(found['page'])}")
        elif line.strip().endswith(":"):
            lines += ["", f"## {line.strip(' -:')}", ""]
    return "\n".join(lines) + "\n"


def address(page: str) -> str:
    """The address of a page of the site, relative to `llms.txt`."""
    return re.sub(r"(README)?\.md$", "", page) + ("" if page.endswith("README.md") else "/") or "./"


def description(page: str) -> str:
    """The description of a page: the one at its head, or that in `DESCRIPTIONS`."""
    if page in DESCRIPTIONS:
        return DESCRIPTIONS[page]
    found = HEAD.match((ROOT / page).read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(f"{page} has no description: begin it with the lines ---, description: …, ---")
    return found["description"]


if __name__ == "__main__":
    lay_out()
