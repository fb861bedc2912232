"""The end of a command: one line on stderr for expected errors, and an exit code for their kind."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from enum import IntEnum
from typing import Any

import typer
from typer.core import TyperGroup

from deepseek_v4_sdk import (
    APIError,
    ConnectionFailedError,
    DeepSeekV4Error,
    IncompleteReplyError,
    PhaseTimeoutError,
    SchemaViolationError,
)
from deepseek_v4_sdk.cli.narrow_help import is_narrow
from deepseek_v4_sdk.cli.output import choose_raw, say_paragraph

__all__ = ["EXIT_CODES", "Commands", "ExitCode", "code_of", "complain"]


class ExitCode(IntEnum):
    """The meaning of an exit code."""

    DONE = 0
    FOUND = 1
    WRONG = 2
    REFUSED = 3
    BROKEN = 4
    STOPPED = 130


EXIT_CODES: Mapping[ExitCode, str] = {
    ExitCode.DONE: "done",
    ExitCode.FOUND: "done, and something was found wrong or skipped",
    ExitCode.WRONG: "wrong command line, file, profile or request: nothing was sent",
    ExitCode.REFUSED: "the server refused, failed, or could not be reached",
    ExitCode.BROKEN: "the answer is not whole",
    ExitCode.STOPPED: "stopped by Ctrl-C",
}
"""Every exit code, in words."""


def code_of(error: DeepSeekV4Error) -> ExitCode:
    """The exit code of an error."""
    if isinstance(error, IncompleteReplyError | SchemaViolationError):
        return ExitCode.BROKEN
    if isinstance(error, APIError | ConnectionFailedError | PhaseTimeoutError):
        return ExitCode.REFUSED
    return ExitCode.WRONG


def complain(text: object) -> None:
    """Say something on stderr, in one line."""
    say_paragraph(f"deepseek-v4: {' '.join(str(text).split())}", err=True)


class Commands(TyperGroup):
    """The commands. Expected errors end in one line and an exit code, and never in a traceback."""

    def main(self, args: Sequence[str] | None = None, *rest: Any, **settings: Any) -> Any:
        """Run the command line, and end the process with its exit code."""
        choose_raw(False)
        with _warnings_in_one_line():
            sys.exit(self._code(args, *rest, **settings))

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List the commands in the help; on a narrow terminal each text has separate lines, and is whole."""
        if not is_narrow():
            return super().format_commands(ctx, formatter)
        panels: dict[str, list[tuple[str, str]]] = {}
        for name in self.list_commands(ctx):
            panel: Any = getattr(self.commands[name], "rich_help_panel", None)
            rows = panels.setdefault(panel if isinstance(panel, str) else "Commands", [])
            rows.append((name, self.commands[name].get_short_help_str(200)))
        for panel, rows in panels.items():
            with formatter.section(panel):
                formatter.write_dl(rows)
        return None

    def _code(self, *arguments: Any, **settings: Any) -> int:
        try:
            code = super().main(*arguments, **{**settings, "standalone_mode": False})
        except DeepSeekV4Error as error:
            complain(error)
            return code_of(error)
        except (KeyboardInterrupt, typer.Abort):
            return ExitCode.STOPPED
        except Exception as error:
            if not hasattr(error, "format_message"):  # the parser's own; its class is not public
                raise
            return _misread(error)
        return code if isinstance(code, int) else ExitCode.DONE


def _misread(error: Any) -> ExitCode:
    """A command line that cannot be read."""
    context = error.ctx
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
        return ExitCode.WRONG
    path = "deepseek-v4" if context is None else context.command_path
    message = error.format_message().rstrip(".").replace("Value error, ", "")  # pydantic's own beginning
    end = "" if message.endswith("?") else "."
    complain(f"{message[:1].lower()}{message[1:]}{end} See {path} --help")
    return ExitCode.WRONG


@contextmanager
def _warnings_in_one_line() -> Generator[None]:
    def show(message: Warning | str, *_: object, **__: object) -> None:
        complain(f"warning: {message}")

    with warnings.catch_warnings():
        warnings.filterwarnings("always", category=UserWarning, module="deepseek_v4_sdk")
        warnings.showwarning = show
        yield
