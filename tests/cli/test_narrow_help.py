"""The help on a narrow terminal: no word is broken, and no line is longer than the terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

RUN = "from deepseek_v4_sdk.cli import main; main()"
# The help of each command that is named, in one process: it looks at its terminal when it starts.
EACH = """
import contextlib, io, json, sys
from deepseek_v4_sdk.cli import main
shown = {}
for command in sys.argv[1:]:
    sys.argv = ["deepseek-v4", *command.split(), "--help"]
    with contextlib.redirect_stdout(io.StringIO()) as printed, contextlib.suppress(SystemExit):
        main()
    shown[command] = printed.getvalue()
print(json.dumps(shown))
"""
COMMANDS = ("", "chat", "deploy", "config init", "gateway")


def shown(columns: int) -> dict[str, str]:
    """The help of each command on a terminal of so many columns."""
    line = [sys.executable, "-c", EACH, *COMMANDS]
    done = subprocess.run(line, env={**os.environ, "COLUMNS": str(columns)}, capture_output=True, text=True, check=True)
    pages: dict[str, str] = json.loads(done.stdout)
    return pages


@pytest.fixture(scope="module")
def narrow() -> dict[str, str]:
    return shown(40)


@pytest.fixture(scope="module")
def wider() -> dict[str, str]:
    return shown(59)


@pytest.mark.parametrize("command", COMMANDS)
def test_no_word_is_broken(command: str, narrow: dict[str, str], wider: dict[str, str]) -> None:
    assert "Usage: deepseek-v4" in narrow[command]
    assert max(map(len, narrow[command].splitlines())) <= 40
    assert narrow[command].split() == wider[command].split()


def test_no_style_where_none_is_wanted() -> None:
    done = subprocess.run(
        [sys.executable, "-c", RUN, "chat", "--help"],
        env={**os.environ, "NO_COLOR": "1", "FORCE_COLOR": "1", "COLUMNS": "80"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "\x1b" not in done.stdout
