"""Both type checkers see the signature of the function through the tool."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from deepseek_v4_sdk import DeepSeekV4, ToolCall
from deepseek_v4_sdk.testing import MockProvider, script
from tests.tools.typed_sample import right

SAMPLE = Path(__file__).with_name("typed_sample.py")
ROOT = SAMPLE.parents[2]


def run(*command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env={**os.environ, "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.timeout(400)
def test_mypy() -> None:
    run("mypy", str(SAMPLE))


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
    summary = json.loads(run("pyright", "--pythonpath", sys.executable, "--outputjson", "-p", str(project)))
    assert summary["summary"]["filesAnalyzed"] == 1


def test_it_runs() -> None:
    right(DeepSeekV4(MockProvider(script.text("Hello"))), ToolCall("c", "weather", '{"city": "Paris"}'))
