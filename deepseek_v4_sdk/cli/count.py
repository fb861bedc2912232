"""`deepseek-v4 count`: finding the files, counting their tokens, and printing them."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, TextIO

import typer

from deepseek_v4_sdk import count_text
from deepseek_v4_sdk.cli.connection import AsJson
from deepseek_v4_sdk.cli.outcome import ExitCode, complain
from deepseek_v4_sdk.cli.output import Raw, in_one_line, say, say_json
from deepseek_v4_sdk.cli.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["WINDOW", "Report", "count", "count_files"]

WINDOW = 1_048_576
"""The context window of V4-Pro and V4-Flash, in tokens; a deployment may have a smaller one."""


def count(
    files: Annotated[
        list[str], typer.Argument(help="Text files in UTF-8, folders, or - for stdin.", show_default=False)
    ],
    raw: Raw = False,
    as_json: AsJson = False,
) -> None:
    """Count the tokens of files exactly, with the vocabulary of V4, on this machine.

    In a folder every file is counted, at any depth, except for names that begin with a dot. A file that is binary or
    cannot be read is named and skipped, and makes the exit code 1.
    """
    report = count_files(files, typer.get_binary_stream("stdin"), typer.get_text_stream("stderr"))
    if as_json:
        say_json(report.to_dict())
    else:
        for line in report.lines():
            say(line)
        for name, reason in report.skipped:
            complain(f"{name} is skipped: {reason}")
    if report.skipped:
        raise typer.Exit(ExitCode.FOUND)


@dataclass(slots=True)
class Report:
    """The counted files.

    Attributes:
        files: Names and tokens, in the order given.
        skipped: Names and reasons.
    """

    files: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    skipped: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    @property
    def total(self) -> int:
        """All tokens."""
        return sum(tokens for _, tokens in self.files)

    def to_dict(self) -> dict[str, object]:
        """The report as JSON."""
        return {
            "files": [{"path": name, "tokens": tokens} for name, tokens in self.files],
            "total": self.total,
            "window": WINDOW,
            "skipped": [{"path": name, "reason": reason} for name, reason in self.skipped],
        }

    def lines(self) -> Iterator[str]:
        """The report as a table: tokens, share of the window, name."""
        width = max(len(f"{self.total:,}"), 6)
        for name, tokens in [*self.files, (f"total, of a window of {WINDOW:,}", self.total)]:
            yield f"{tokens:>{width},}  {tokens / WINDOW:>8.2%}  {in_one_line(name)}"


def count_files(names: Iterable[str], stdin: BinaryIO, progress: TextIO) -> Report:
    """Count files, those in folders, and stdin where a name is `-`.

    Args:
        names: Files and folders. In a folder every regular file is counted, at any depth, in the order of names, except
            for those whose name, or whose folder's, begins with a dot. Links to folders are not followed.
        stdin: The input for `-`.
        progress: A terminal for the progress of a long count.

    Raises:
        ConfigurationError: The vocabulary is not installed.
    """
    report = Report()
    found = list(_found(names, report))
    bar = Progress(progress, len(found), "files")
    # Several files at a time: the tokenizer works outside of Python's lock.
    pool = ThreadPoolExecutor(min(os.cpu_count() or 1, 8), thread_name_prefix="deepseek-v4-count")
    try:
        for name, outcome in zip(found, pool.map(partial(_counted, stdin=stdin), found), strict=True):
            if isinstance(outcome, int):
                report.files.append((_shown(name), outcome))
            else:
                report.skipped.append((_shown(name), outcome))
            bar.step()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        bar.end()
    return report


def _found(names: Iterable[str], report: Report) -> Iterator[str]:
    for name in names:
        if name != "-" and Path(name).is_dir():
            yield from _inside(name, report)
        else:
            yield name


def _inside(folder: str, report: Report) -> Iterator[str]:
    def fail(error: OSError) -> None:
        report.skipped.append((_shown(str(error.filename)), _reason(error)))

    for root, folders, files in os.walk(folder, onerror=fail):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        paths = (Path(root) / name for name in sorted(files) if not name.startswith("."))
        yield from (str(path) for path in paths if path.is_file() or path.is_symlink())


def _counted(name: str, stdin: BinaryIO) -> int | str:
    """The tokens of a file, or the reason why there are none."""
    try:
        content = stdin.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        return _reason(error)
    if b"\0" in content:
        return "binary: it holds a zero byte"
    try:
        return count_text(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        return f"no UTF-8 text: byte {error.start} does not belong there"


def _reason(error: OSError) -> str:
    return f"cannot be read: {error.strerror or error}"


def _shown(name: str) -> str:
    """A name that can be printed: a file's name may be any bytes."""
    return os.fsencode(name).decode("utf-8", "replace")
