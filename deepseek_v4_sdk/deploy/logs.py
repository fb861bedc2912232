"""A start-up log of a server: which engine it is, which of the known troubles it shows, and what mends them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from itertools import islice

from deepseek_v4_sdk.deploy.engines import EngineTable, known_versions
from deepseek_v4_sdk.deploy.tables import ENGINES, read_tables
from deepseek_v4_sdk.deploy.troubles import TROUBLES
from deepseek_v4_sdk.errors import one_line

__all__ = ["LogFinding", "LogReport", "read_log"]

_LONGEST = 40_000  # characters of a line that are looked at; SGLang writes all its settings in one of 20,000
_SHOWN = 200
_VERSIONS = {
    "vllm": re.compile(r"(?:vllm (?:api server |engine )?version:? |LLM engine \()v?(\d+\.\d+[\w.]*)", re.IGNORECASE),
    "sglang": re.compile(r"sglang(?: version|==|-)[:= ]*v?(\d+\.\d+[\w.]*)", re.IGNORECASE),
    "dynamo": re.compile(r"(?:ai-)?dynamo(?: version|==)[:= ]*v?(\d+\.\d+[\w.]*)", re.IGNORECASE),
}
_NAMES = {
    "dynamo": re.compile(r"\bdynamo\.(vllm|sglang|frontend)\b"),
    "sglang": re.compile(r"\bsglang\b|server_args=(?:ServerArgs\(|\{)", re.IGNORECASE),
    "vllm": re.compile(r"\bvllm\b|\bLLM engine \(v\d", re.IGNORECASE),
}
_UNKNOWN = re.compile(r"unrecognized arguments?: (.+)$")
_INVALID = re.compile(r"argument (?P<flag>--[\w-]+)[^:]*: invalid (?:choice|\w+ value): '?(?P<value>[^' ]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFinding:
    """Something that a log shows.

    Attributes:
        line: The line, counted from 1.
        text: The line, cut.
        trouble: The number of the known trouble, or None for a flag that the release refuses.
        title: Its meaning.
        remedy: The change that ends it.
        times: Number of lines that show it.
    """

    line: int
    text: str
    trouble: int | None
    title: str
    remedy: str
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LogReport:
    """The troubles that a log shows.

    Attributes:
        engine: The engine, where the log names it.
        version: Its release, where the log names it.
        lines: Number of lines that were read.
        findings: The findings, in the order of the log.
    """

    engine: str | None
    version: str | None
    lines: int
    findings: tuple[LogFinding, ...]

    def to_dict(self) -> dict[str, object]:
        """Everything as plain values, ready for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        name = f"{self.engine or 'an engine that the log does not name'} {self.version or ''}".strip()
        lines = [f"{name}, {self.lines:,} lines"]
        for each in self.findings:
            number = "flag" if each.trouble is None else f"trouble {each.trouble}"
            often = f" ({each.times} times)" if each.times > 1 else ""
            lines += [
                "",
                f"line {each.line}{often}: {each.text}",
                f"  {number}: {each.title}",
                f"  mend with: {each.remedy}",
            ]
        if not self.findings:
            lines.append("none of the known troubles")
        return "\n".join(lines)


def read_log(lines: Iterable[str], *, engine: str | None = None, version: str | None = None) -> LogReport:
    """Look for the known troubles in a log.

    Args:
        lines: The lines, as a file gives them.
        engine: The engine, where the log may not name it.
        version: Its release, likewise.
    """
    kept = [one_line(line[:_LONGEST].rstrip("\r\n")) for line in islice(lines, 2_000_000)]
    if engine is None:
        engine = _engine(kept)
    if version is None and engine is not None:
        version = _version(kept, engine)
    found: dict[object, LogFinding] = {}
    table = _table(engine, version)
    for number, line in enumerate(kept, 1):
        for key, finding in _look(number, line, engine, table):
            before = found.get(key)
            if before is None:
                found[key] = finding
            else:
                found[key] = replace(before, times=before.times + 1)
    confirmed = (each for each in found.values() if _confirmed(each, kept, engine))
    return LogReport(engine=engine, version=version, lines=len(kept), findings=tuple(confirmed))


def _confirmed(finding: LogFinding, lines: list[str], engine: str | None) -> bool:
    trouble = next((each for each in TROUBLES if each.number == finding.trouble), None)
    return trouble is None or trouble.confirmed_by(lines, finding.times, engine)


def _engine(lines: list[str]) -> str | None:
    """The engine whose name comes first; Dynamo before the engine inside."""
    for line in lines:
        for engine, pattern in _NAMES.items():
            if pattern.search(line):
                return engine
    return None


def _version(lines: list[str], engine: str) -> str | None:
    for line in lines:
        if found := _VERSIONS[engine].search(line):
            return found[1].rstrip(".")
    return None


def _table(engine: str | None, version: str | None) -> EngineTable | None:
    if engine not in ENGINES or version not in known_versions(engine):
        return None
    return read_tables().engine(engine, version)


def _look(number: int, line: str, engine: str | None, table: EngineTable | None) -> Iterator[tuple[object, LogFinding]]:
    short = line if len(line) <= _SHOWN else line[: _SHOWN - 3] + "..."
    for trouble in TROUBLES:
        if trouble.shown_by(line, engine) and (engine is None or engine in trouble.remedies or engine == "dynamo"):
            remedy = trouble.remedies.get(engine or "") or "; ".join(
                f"{name}: {text}" for name, text in trouble.remedies.items()
            )
            yield (
                trouble.number,
                LogFinding(line=number, text=short, trouble=trouble.number, title=trouble.title, remedy=remedy),
            )
    if table is None:
        return
    if found := _UNKNOWN.search(line):
        for word in found[1].split():
            if word.startswith("--"):
                yield from _refused(number, short, word, table)
    if found := _INVALID.search(line):
        flag = table.flags.get(found["flag"])
        near = table.near(found["value"], flag.choices) if flag is not None else ""
        remedy = f"use {found['flag']} {near}" if near else f"give {found['flag']} another value"
        title = f"{table.engine} {table.version} does not take {found['value']!r} for {found['flag']}"
        yield found["flag"], LogFinding(line=number, text=short, trouble=None, title=title, remedy=remedy)


def _refused(number: int, short: str, word: str, table: EngineTable) -> Iterator[tuple[object, LogFinding]]:
    from deepseek_v4_sdk.deploy.command_line import read_command

    for problem in read_command(table, [word]).problems:
        yield (
            word,
            LogFinding(line=number, text=short, trouble=None, title=f"{word}: {problem.text}", remedy=problem.remedy),
        )
