"""`deepseek-v4 doctor`: what works on a server, how far the questions are, and what a server's log shows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from deepseek_v4_sdk import ConfigurationError, DeepSeekV4, ProbeReport
from deepseek_v4_sdk.cli.connection import AsJson, NamedServer, names_server
from deepseek_v4_sdk.cli.outcome import ExitCode
from deepseek_v4_sdk.cli.output import Raw, say, say_json
from deepseek_v4_sdk.cli.progress import PassingLine

if TYPE_CHECKING:
    from deepseek_v4_sdk.deploy import LogReport, Trouble

__all__ = ["doctor", "examine"]


@names_server()
def doctor(
    server: NamedServer,
    log: Annotated[
        Path | None, typer.Option("--log", help="A log of the server, read in place of asking it; - is stdin.")
    ] = None,
    raw: Raw = False,
    as_json: AsJson = False,
) -> None:
    """Ask a server a few small things, and print what works, what does not, and which flag would mend it.

    With `--log` the command reads a log in place of asking a server, and looks for known troubles of its engine.

    The key comes from the provider's variable, such as VLLM_API_KEY, or from the profile. The exit code is 0 when
    everything works, 1 when something does not or is not known, 3 when the server could not be reached.
    """
    if log is not None:
        _print_log(_read(log, server.provider), as_json=as_json)
        return
    report = examine(server.connect(), typer.get_text_stream("stderr"))
    troubles = list(_troubles(report))
    if as_json:
        known = [{"number": each.number, "title": each.title, "remedy": remedy} for each, remedy in troubles]
        say_json({**report.to_dict(), "troubles": known})
    else:
        say(report)
        if troubles:
            say("\nReported of such servers:")
        for each, remedy in troubles:
            say(f"{each.number:>2}  {each.title}\n    change: {remedy}")
    if not report.ok:
        raise typer.Exit(ExitCode.FOUND)


_SHORT_WINDOW = 393_216  # thinking at its longest needs as much


def _troubles(report: ProbeReport) -> Iterator[tuple[Trouble, str]]:
    """The known troubles that explain what a probe found, with what mends them in that engine and release."""
    from deepseek_v4_sdk.deploy import troubles_of

    failed = {finding.feature for finding in report.findings if finding.status == "fails"} - {"cached_tokens"}
    window = report.finding("window")
    tokens = re.match(r"[\d,]+", window.detail) if window is not None and window.status == "works" else None
    if tokens is not None and int(tokens[0].replace(",", "")) < _SHORT_WINDOW:
        failed.add("window")
    cached = report.finding("cached_tokens")
    if cached is not None and cached.status == "works" and re.search(r", 0 of ", cached.detail):
        failed.add("cached_tokens")
    if not failed:
        return
    found_version = report.finding("version")
    version = re.search(r"\d+\.\d+[\w.]*", found_version.detail) if found_version is not None else None
    for trouble in troubles_of(report.provider, version and version[0], features=tuple(failed)):
        yield trouble, trouble.remedies[report.provider]


def _read(path: Path, engine: str | None) -> LogReport:
    """Read a log and look for known troubles.

    Raises:
        ConfigurationError: The log cannot be read.
    """
    from deepseek_v4_sdk.deploy import read_log

    named = engine if engine in {"vllm", "sglang", "dynamo"} else None
    if str(path) == "-":
        return read_log(typer.get_text_stream("stdin", errors="replace"), engine=named)
    try:
        with path.open(encoding="utf-8", errors="replace") as lines:
            return read_log(lines, engine=named)
    except OSError as error:
        raise ConfigurationError(f"--log {path} cannot be read: {error.strerror or error}") from None


def _print_log(report: LogReport, *, as_json: bool) -> None:
    if as_json:
        say_json(report.to_dict())
    else:
        say(report)
    if report.findings:
        raise typer.Exit(ExitCode.FOUND)


def examine(client: DeepSeekV4, progress: TextIO) -> ProbeReport:
    """Probe, and show the requests on a terminal.

    Raises:
        DeepSeekV4Error: The server lets nobody in, or does not answer at all.
    """
    line = PassingLine(progress)
    with client:
        try:
            return client.probe(on_question=lambda about: line.show(f"asking for {about} ..."))
        finally:
            line.end()
