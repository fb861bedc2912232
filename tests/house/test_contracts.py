"""The import contracts refuse what nobody wrote down: a forbidden import of each kind, and a package that is new."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING

import pytest

from tests.support.tree import PACKAGE, ROOT

if TYPE_CHECKING:
    from pathlib import Path

# Importer, imported: each goes up, or sideways to a package that does not list its importer.
FORBIDDEN = [
    ("exchange.sse", "prompt"),
    ("exchange.sse", "tokens"),
    ("providers.words", "dsml"),
    ("providers.words", "exchange"),
    ("dsml.block", "providers"),
    ("cli.count", "client.calls"),
    ("cli.count", "structured"),
    ("chat.usage", "providers"),
    ("errors", "providers"),
    ("tools.places", "tokens"),
    ("transport.chunks", "call"),
    ("traffic.reservations", "call"),
    ("tokens.runs", "context"),
    ("catalogue.prices", "chat"),
    ("support.files", "config"),
    ("testing.clock", "exchange"),
    ("call.retry", "client"),
]


def _lint(folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as lint; lint()", "--no-cache"],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "PATH": "", "COLUMNS": "200", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    return re.sub(r"\s+", " ", done.stdout + done.stderr)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the linter says of a copy with all the forbidden imports, and a package without a place."""
    folder = tmp_path_factory.mktemp("copy")
    copied = folder / PACKAGE.name
    shutil.copytree(PACKAGE, copied, ignore=shutil.ignore_patterns("__pycache__", "*.json.gz"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    (copied / "annex").mkdir()
    (copied / "annex" / "__init__.py").write_text("", encoding="utf-8")
    for importer, imported in FORBIDDEN:
        file = copied.joinpath(*importer.split(".")).with_suffix(".py")
        file = file if file.exists() else file.with_name("added.py")
        with file.open("a", encoding="utf-8") as end:
            end.write(f"\nimport deepseek_v4_sdk.{imported}\n")
    return _lint(folder)


@pytest.mark.parametrize(("importer", "imported"), FORBIDDEN, ids=lambda name: name)
def test_a_forbidden_import_is_refused(report: str, importer: str, imported: str) -> None:
    room = importer.partition(".")[0]
    shown = rf"deepseek_v4_sdk\.{room}(\.\w+)* -> deepseek_v4_sdk\.{re.escape(imported)}\b"
    assert re.search(shown, report), f"{importer} -> {imported} passed"


def test_a_package_without_a_place_is_refused(report: str) -> None:
    assert "annex" in report


def test_no_permission_is_stale() -> None:
    """Whoever is listed as an importer does import the package."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    unused: list[str] = []
    for contract in (each for each in contracts if each["type"] == "protected"):
        (imported,) = contract["protected_modules"]
        pattern = re.compile(
            rf"\b(from|import) {re.escape(imported)}\b|from deepseek_v4_sdk import .*\b{imported[16:]}\b"
        )
        for importer in contract["allowed_importers"]:
            place = ROOT.joinpath(*importer.split("."))
            files = [*place.rglob("*.py")] if place.is_dir() else [place.with_suffix(".py")]
            if not any(pattern.search(file.read_text(encoding="utf-8")) for file in files):
                unused.append(f"{importer} does not import {imported}")
    assert not unused, "\n".join(unused)
