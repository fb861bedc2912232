"""The help on a narrow terminal: no word is broken, and no line is longer than the terminal."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

RUN = "from deepseek_v4_sdk.cli import main; main()"
COMMANDS = ("", "chat", "deploy", "config init", "gateway")


def shown(command: str, columns: int) -> str:
    """The help of a command in a process of its own, which looks at its terminal when it starts."""
    line = [sys.executable, "-c", RUN, *command.split(), "--help"]
    done = subprocess.run(line, env={**os.environ, "COLUMNS": str(columns)}, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_no_word_is_broken(command: str) -> None:
    narrow = shown(command, 40)
    assert max(map(len, narrow.splitlines())) <= 40
    assert narrow.split() == shown(command, 59).split()


def test_no_style_where_none_is_wanted() -> None:
    done = subprocess.run(
        [sys.executable, "-c", RUN, "chat", "--help"],
        env={**os.environ, "NO_COLOR": "1", "FORCE_COLOR": "1", "COLUMNS": "80"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "\x1b" not in done.stdout
