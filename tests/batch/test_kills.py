"""The laws of a journal hold whenever a run is killed: a few kills here, 200 with `python -m tests.batch.kills 200`."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.batch import classified
from tests.support.tree import ROOT


@pytest.mark.timeout(400)  # four starts of Python, on a busy machine
def test_the_example_killed_twice_and_started_again() -> None:
    shown = classified.main(45)
    assert "45 done" in shown
    assert " 0 failed" in shown


@pytest.mark.timeout(400)
@pytest.mark.skipif(not hasattr(os, "fork"), reason="the runs are forks")
def test_killed_runs() -> None:
    command = [sys.executable, "-W", "error", "-m", "tests.batch.kills", "6"]  # apart: this process has threads
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("6 kills")
