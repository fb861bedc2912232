"""Running `deepseek-v4` in the process of the test, as a pipe sees it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from typer import testing
from typer.main import get_command
from typer.testing import CliRunner

from deepseek_v4_sdk.cli.app import app

if TYPE_CHECKING:
    from click.testing import Result

__all__ = ["CliRunner", "complaint", "run"]

# Each call of a runner makes all commands from their functions again, which takes most of its time.
testing._get_command = cache(get_command)


def run(*arguments: str, stdin: str | bytes | None = None, code: int = 0) -> Result:
    """Run a command; it must end with that exit code and without a traceback."""
    result = CliRunner().invoke(app, list(arguments), input=stdin)
    told = result.stdout + result.stderr
    assert result.exit_code == code, told
    assert isinstance(result.exception, SystemExit | None), result.exception
    assert "Traceback" not in told
    return result


def complaint(*arguments: str, stdin: str | bytes | None = None, code: int = 2) -> str:
    """The one line that a command says on stderr."""
    result = run(*arguments, stdin=stdin, code=code)
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("deepseek-v4: ")
    return line.removeprefix("deepseek-v4: ")
