"""docs/migrating.md: each name on our side of its tables is public, and each promised client is on the page."""

from __future__ import annotations

import re

import griffe

from deepseek_v4_sdk.chat import OPTION_NAMES
from deepseek_v4_sdk.client.base import ClientArguments
from deepseek_v4_sdk.providers import PROVIDER_NAMES
from tests.house.border import border
from tests.support.pages import ROOT

PAGE = (ROOT / "docs" / "migrating.md").read_text(encoding="utf-8")
_TABLE = re.compile(r"^\| (?P<head>.+) \|\n\|---\|---\|\n(?P<rows>(?:\|.+\n)+)", re.MULTILINE)
_SPAN = re.compile(r"`([^`]+)`")
_NAME = re.compile(r"[A-Za-z_]\w*")
# Names that a table makes up: types and values of the reader's own, results of calls, and words of Python.
_OWN = {
    *("Model", "Order", "Schema", "True", "None", "with", "id", "url", "limit", "reason", "requests", "gateway", "v4"),
    *(
        "client",
        "reply",
        "run",
        "call",
        "error",
        "parsed",
        "partial",
        "store",
        "stream",
        "usage",
        "message",
        "deepseek",
    ),
}


def _public() -> set[str]:
    """All names that a program may write: of the package, of its classes, and of the arguments of its functions."""
    names = set(OPTION_NAMES) | set(ClientArguments.__annotations__) | set(PROVIDER_NAMES)
    for path, public in border().public.items():
        names.add(public.rpartition(".")[2])
        thing = border().thing(path)
        functions = [thing]
        if isinstance(thing, griffe.Class):
            members = {**thing.inherited_members, **thing.members}
            names |= {name for name in members if not name.startswith("_")}
            functions += [member.final_target if member.is_alias else member for member in members.values()]  # type: ignore[union-attr]
        for each in functions:
            if isinstance(each, griffe.Function):
                names |= {parameter.name for parameter in each.parameters}
    return names


def _ours() -> list[tuple[str, str]]:
    """The code of our side of each table, with its row."""
    found: list[tuple[str, str]] = []
    for table in _TABLE.finditer(PAGE):
        for row in table["rows"].splitlines():
            ours = row.rpartition(" | ")[2]
            found += [(span, row) for span in _SPAN.findall(ours)]
    return found


def test_our_side_of_each_table_has_public_names() -> None:
    public, ours = _public() | _OWN, _ours()
    assert len(ours) > 100
    for span, row in ours:
        code = re.sub(r'"[^"]*"', "", span)  # texts are no names
        unknown = [name for name in _NAME.findall(code) if name not in public]
        assert not unknown, f"{unknown} in {row}"


def test_a_made_up_name_would_be_found() -> None:
    assert not {"chat_completions", "StreamBrokenError", "retry_count"} & (_public() | _OWN)


def test_each_promised_client_has_methods_options_and_errors() -> None:
    sections = dict(re.findall(r"^## From `?([\w-]+).*?\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
    promised = {"openai", "langchain-openai", "langchain-nvidia-ai-endpoints", "LangGraph", "instructor", "litellm"}
    assert set(sections) == promised
    for name, text in sections.items():
        assert "```python" in text, f"{name} has no program of ours"
        ours = " ".join(
            row.rpartition(" | ")[2] for table in _TABLE.finditer(text) for row in table["rows"].splitlines()
        )
        assert "client." in ours, name
        assert "Error`" in ours, name
