"""Tables of the documentation hold what the code holds: no option, key, error or event is missing or made up."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from dataclasses import fields
from datetime import UTC, datetime
from decimal import Decimal
from typing import get_args

import deepseek_v4_sdk
from deepseek_v4_sdk.catalogue.prices import PRICES
from deepseek_v4_sdk.chat import OPTION_NAMES, AskOptions, ChatEvent
from deepseek_v4_sdk.client.base import ClientArguments
from deepseek_v4_sdk.context.documents import LeftOutReason
from deepseek_v4_sdk.providers import PROVIDER_NAMES, find_provider
from deepseek_v4_sdk.tools.loop_options import LoopLimits, LoopOptions
from deepseek_v4_sdk.tools.run import Stopped, ToolRun
from tests.support.pages import ROOT


def _section(page: str, heading: str) -> str:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return text.partition(f"{heading}\n")[2].partition("\n## ")[0]


def _first_cells(table: str) -> set[str]:
    """The names in code style in the first column."""
    rows = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    return {name for cell in rows for name in re.findall(r"`(\w+)`", cell)}


def test_arguments() -> None:
    assert _first_cells(_section("configuration.md", "# Configuration")) == set(ClientArguments.__annotations__)


def test_extras() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    table = _section("install.md", "## Extras")
    shown = {
        name for cell in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`([\w-]+)`", cell)
    }
    assert shown == set(project["optional-dependencies"]) - {"dev", "docs"}  # those two are for work on the project


def test_options() -> None:
    assert _first_cells(_section("configuration.md", "## Options of a call")) == OPTION_NAMES


def test_keys() -> None:
    table = _section("configuration.md", "## Keys")
    assert _first_cells(table) == set(PROVIDER_NAMES)
    for name in PROVIDER_NAMES:
        row = next(line for line in table.splitlines() if line.startswith(f"| `{name}` |"))
        assert tuple(re.findall(r"`([A-Z_]+)`", row)) == find_provider(name).data.key_variables


def test_events() -> None:
    page = (ROOT / "docs" / "streaming.md").read_text(encoding="utf-8").partition("```")[0]
    assert _first_cells(page) == {event.__name__ for event in ChatEvent.__args__}


def test_errors() -> None:
    tree = _section("errors.md", "# Errors").partition("```\n")[2].partition("```")[0]
    public = {name for name in deepseek_v4_sdk.__all__ if name.endswith("Error")} - {"ToolError"}  # raised by tools
    assert set(re.findall(r"\w+Error\b", tree)) == public


def test_options_of_a_tool_loop() -> None:
    table = _section("tools.md", "## Limits and approval")
    assert _first_cells(table) == LoopOptions.__annotations__.keys() - AskOptions.__annotations__.keys()
    limits = LoopLimits()
    for name, shown in re.findall(r"^\| `(\w+)` \| (\w+) \|", table, re.MULTILINE):
        value = getattr(limits, name, None)
        assert shown == ("none" if value is None else str(value))


def test_why_a_tool_loop_stopped() -> None:
    table = _section("tools.md", "## The run")
    shown = set(re.findall(r'^\| `"(\w+)"` \|', table, re.MULTILINE))
    assert shown == set(get_args(Stopped))
    rows = re.findall(r"^\| (`run\..*?) \|", table, re.MULTILINE)
    parts = {name for row in rows for name in re.findall(r"`run\.(\w+)(?:\(\))?`", row)}
    assert parts == {field.name for field in fields(ToolRun)} | {"text", "usage", "cost"}


def test_prices() -> None:
    table = _section("costs.md", "## The prices")
    models = re.findall(r"`([\w-]+)`", table.partition("\n|---")[0].rpartition("\n")[2])
    rows = [line.strip("| ").split(" | ")[1:] for line in re.findall(r"^\| (?:prompt|answer).*", table, re.MULTILINE)]
    now = datetime(2026, 11, 15, tzinfo=UTC)
    for model, shown in zip(models, zip(*rows, strict=True), strict=True):
        price = PRICES.find("deepseek", model, now)
        assert price is not None
        assert tuple(map(Decimal, shown)) == (price.rates.hit, price.rates.miss, price.rates.output)
        assert f"as of {price.as_of:%-d %B %Y}" in table


def test_why_a_document_was_left_out() -> None:
    table = _section("packing.md", "## Documents that do not fit")
    assert _first_cells(table) == set(get_args(LeftOutReason))


def test_the_comparison_names_the_versions_that_its_script_takes() -> None:
    spec = importlib.util.spec_from_file_location("peers_behaviour", ROOT / "benchmarks" / "peers_behaviour.py")
    assert spec is not None
    assert spec.loader is not None
    peers = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(peers)
    table = (ROOT / "docs" / "comparison.md").read_text("utf-8").split(peers.BEGIN)[1].split(peers.END)[0]
    head, _, *rows = table.strip().splitlines()
    versions = [f"{peer} {requirement.partition('==')[2]}" for peer, requirement in peers.PEERS.items()]
    assert head.strip("| ").split(" | ") == ["the server sends", peers.OURS, *versions]
    assert [row.strip("| ").split(" | ")[0] for row in rows] == [case[0] for case in peers.CASES.values()]
    assert [row.strip("| ").split(" | ")[1] for row in rows] == [peers.cells(peers.OURS)[case] for case in peers.CASES]
