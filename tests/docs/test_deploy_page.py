"""The pages about your servers: each command runs as it is written, and each row of a table can be used."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from typing import TYPE_CHECKING

import pytest

from deepseek_v4_sdk.deploy import ages, plan
from deepseek_v4_sdk.deploy.tables import read_tables
from tests.support.commands import run
from tests.support.pages import ROOT

if TYPE_CHECKING:
    from pathlib import Path

PAGE, TABLES = ((ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("deploy.md", "deploy-tables.md"))
BLOCKS = re.findall(r"^```(?:sh|console)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
LINES = [line.removeprefix("$ ").partition("  #")[0].strip() for block in BLOCKS for line in block.splitlines()]
COMMANDS = [line for line in LINES if line.startswith("deepseek-v4 deploy")]
FOUND = {"check": 1}  # what is checked on the page has errors


@pytest.mark.parametrize("line", [line for line in COMMANDS if " -f " not in line])
def test_each_command_runs(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = shlex.split(line)[1:]
    shown = run(*words, code=FOUND.get(words[1], 0)).stdout
    assert shown
    if "-o" in words:
        profile = tomllib.loads((tmp_path / "server" / "deepseek_v4.toml").read_text(encoding="utf-8"))
        script = (tmp_path / "server" / "command.sh").read_text(encoding="utf-8")
        for name in re.findall(r"command\.sh (\S+)", PAGE.partition(line)[2].partition("```")[0]):
            assert f"{name})" in script
        assert profile["default"] == "planned"


def test_the_page_has_what_newcomers_ask_for() -> None:
    asked = " ".join(COMMANDS)
    assert all(words in asked for words in ("pro h200 8", "pro gb200 8", "flash rtxpro6000 4"))


def test_the_picture_on_the_page_is_the_one_that_is_printed() -> None:
    (block,) = (block for block in BLOCKS if block.startswith("$ deepseek-v4 deploy capacity"))
    first, _, shown = block.partition("\n")
    assert run(*shlex.split(first)[2:]).stdout == shown


def test_rows_of_the_tables_page_can_be_used(tmp_path: Path) -> None:
    _, recipe, gpu = re.findall(r"^```json\n(.*?)^```", TABLES, re.MULTILINE | re.DOTALL)
    (tmp_path / "recipes.json").write_text(f'{{"as_of": "2026-11-30", "recipes": [{recipe}]}}', encoding="utf-8")
    (tmp_path / "gpus.json").write_text(gpu, encoding="utf-8")
    found = plan("flash", "mybox", engine="vllm", engine_version="0.33.0", tables=tmp_path)
    assert found.gpus == 4
    assert '"method":"mtp"' in " ".join(found.argv)


def test_the_ages_on_the_page_are_those_of_the_tables() -> None:
    rows = dict(re.findall(r"^\| `(\w+)\.json` \|.*\| (\d{4}-\d\d-\d\d) \|$", TABLES, re.MULTILINE))
    assert rows == {name: str(day) for name, day in ages().items()}
    known = read_tables()
    assert json.dumps(sorted(known.as_of)) == '["gpus", "models", "recipes"]'
