"""Both type checkers read the sample programs of this folder: what must be an error is one, and nothing else is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from deepseek_v4_sdk import DeepSeekV4
from tests.typing.chat import fields, messages
from tests.typing.mocks import scripts
from tests.typing.options import by_keyword, chosen, gathered, tools
from tests.typing.streams import failures, sync
from tests.typing.structured import unions, values

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SAMPLES = [str(HERE / f"{name}.py") for name in ("chat", "options", "streams", "mocks", "structured")]


def _run(*command: str) -> str:
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
    """Strict, and an ignore that is not needed is an error: each wrong line must be found."""
    _run("mypy", *SAMPLES)


@pytest.mark.timeout(400)
def test_pyright() -> None:
    """The same with pyright, in its strict mode."""
    summary = _run("pyright", "--pythonpath", sys.executable, "--outputjson", *SAMPLES)
    assert json.loads(summary)["summary"]["filesAnalyzed"] == len(SAMPLES)


def test_samples_run() -> None:
    """What is typed so also runs so, the wrong lines aside."""
    mock = DeepSeekV4("mock")
    messages(mock)
    fields(mock)
    by_keyword(mock)
    tools(mock)
    gathered(mock)
    assert chosen(mock, hard=True)
    assert sync(mock)
    assert failures(mock) is not None
    assert scripts().data.name == "sglang"
    assert values(mock).number
    assert unions(mock) is not None
