"""Both type checkers see the signature of the function through the tool."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from deepseek_v4_sdk import DeepSeekV4, ToolCall
from deepseek_v4_sdk.testing import MockProvider, script
from tests.tools.typed_sample import right
from tests.typing.checkers import ROOT, check

SAMPLE = Path(__file__).with_name("typed_sample.py")


@pytest.mark.timeout(400)
def test_mypy() -> None:
    check("mypy", str(SAMPLE))


@pytest.mark.timeout(400)
def test_pyright(tmp_path: Path) -> None:
    """With a project of its own: here `type: ignore` is for mypy alone."""
    rules = {
        "typeCheckingMode": "strict",
        "pythonVersion": "3.11",
        "include": [os.path.relpath(SAMPLE, tmp_path)],
        "extraPaths": [os.path.relpath(ROOT, tmp_path)],
        "enableTypeIgnoreComments": False,
        "reportUnnecessaryTypeIgnoreComment": True,
    }
    project = tmp_path / "pyrightconfig.json"
    project.write_text(json.dumps(rules), encoding="utf-8")
    summary = json.loads(check("pyright", "--pythonpath", sys.executable, "--outputjson", "-p", str(project)))
    assert summary["summary"]["filesAnalyzed"] == 1


def test_it_runs() -> None:
    right(DeepSeekV4(MockProvider(script.text("Hello"))), ToolCall("c", "weather", '{"city": "Paris"}'))
