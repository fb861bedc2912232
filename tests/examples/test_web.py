"""The web application of the examples passes its own tests, and is as small as it says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

WEB = Path(__file__).resolve().parents[2] / "examples" / "web"


def test_its_own_tests_pass() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-W",
            "error",
            "--rootdir",
            str(WEB),
            str(WEB),
        ],
        cwd=WEB,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


def test_it_and_its_tests_are_small() -> None:
    assert sum(len(file.read_text("utf-8").splitlines()) for file in WEB.glob("*.py")) < 150
