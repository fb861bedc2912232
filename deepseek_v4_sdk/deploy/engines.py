"""The flags of one release of an engine, and the releases that had what it does not have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, cast

from deepseek_v4_sdk.deploy.tables import ENGINES, read_json, version_key
from deepseek_v4_sdk.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["EngineTable", "Flag", "Times", "find_engine", "known_versions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """A flag of a release.

    Attributes:
        name: Its main name.
        kind: How its value is read: "flag" and "bool" take none; then "int", "float", "human", "human-or-auto",
            "str", "choice", "choice-or-str", "bool-or-str", "list" and "json".
        choices: The words that it takes; of "choice-or-str", those that are known.
        aliases: Its other names.
        off: The names that switch it off.
        nested: The class of its JSON value.
        nargs: Number of values that it takes, as argparse has it.
        deprecated: Whether the release warns of it.
        instead: The replacement that the release names.
        refused: Whether the release knows it only to refuse it.
        front: Whether it belongs to the HTTP server and not to the engine.
        parts: The programs of the release that take it, where it has several.
    """

    name: str
    kind: str
    choices: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    off: tuple[str, ...] = ()
    nested: str = ""
    nargs: str | int | None = None
    deprecated: bool = False
    instead: str = ""
    refused: bool = False
    front: bool = False
    parts: tuple[str, ...] = ()

    @property
    def takes_value(self) -> bool:
        """Whether a value follows it."""
        return self.kind not in {"flag", "bool"}


@dataclass(frozen=True, slots=True)
class Times:
    """The releases that have something.

    Attributes:
        since: The first one that was read and has it.
        last: The last one, or None where the newest has it too.
    """

    since: str
    last: str | None


_Run = Sequence[object]


class EngineTable:
    """One release of an engine.

    Attributes:
        engine: The engine.
        version: The release.
        as_of: The day of the table.
        versions: All releases of the table, oldest first.
        without: Flags that are not there where another server runs the engine, with the reason.
    """

    def __init__(self, table: Mapping[str, object], version: str) -> None:
        self.engine = str(table["engine"])
        self.version = version
        self.as_of = date.fromisoformat(str(table["as_of"]))
        self.versions = tuple(cast("list[str]", table["versions"]))
        self.without: Mapping[str, str] = {}
        self._at = self.versions.index(version)
        self._table = table
        self.flags = {name: _flag(name, fact) for name, fact in self._now("flags")}
        self._names = _names_of(self.flags)
        self.nested: dict[str, dict[str, Flag]] = {}
        for path, fact in self._now("nested"):
            owner, _, key = path.partition(".")
            self.nested.setdefault(owner, {})[key] = _flag(key, fact)

    @property
    def pins(self) -> Mapping[str, str]:
        """The releases of other engines that it contains."""
        pins = cast("dict[str, dict[str, str]]", self._table.get("pins", {}))
        return pins.get(self.version, {})

    @property
    def names(self) -> Iterable[str]:
        """Every name that it takes."""
        return self._names

    def at_least(self, version: str) -> bool:
        """Whether this release is that one or newer."""
        return version_key(self.version) >= version_key(version)

    def find(self, name: str) -> tuple[Flag, bool] | None:
        """The flag of a name, and whether the name switches it on."""
        found = self._names.get(name)
        return None if found is None else (self.flags[found[0]], found[1])

    def take_over(self, runner: EngineTable) -> None:
        """Become what the engine understands inside another server: its flags too, and none of the HTTP server."""
        reason = f"belongs to the HTTP server of {self.engine}, and Dynamo has its own"
        self.without = {name: reason for name, flag in self.flags.items() if flag.front}
        own = {name: flag for name, flag in runner.flags.items() if {"common", self.engine} & set(flag.parts)}
        self.flags = {**own, **{name: flag for name, flag in self.flags.items() if not flag.front}}
        self._names = _names_of(self.flags)

    def words(self, part: str) -> list[str]:
        """The names of a part: "tool_parsers", "reasoning_parsers" or "env"."""
        return [name for name, _ in self._now(part)]

    def has_env(self, name: str) -> bool:
        """Whether it reads an environment variable."""
        return self._run(cast("dict[str, list[_Run]]", self._table["env"]).get(name, [])) is not None

    def times(self, part: str, name: str) -> Times | None:
        """The releases that have something, also where this one does not."""
        runs = cast("dict[str, list[_Run]]", self._table[part]).get(name)
        if not runs and part == "flags":
            every = cast("dict[str, list[_Run]]", self._table[part])
            runs = next((with_it for rows in every.values() if (with_it := _named(name, rows))), None)
        if not runs:
            return None
        last = runs[-1][1]
        return Times(str(runs[0][0]), None if last is None else str(last))

    def near(self, name: str, names: Iterable[str] | None = None) -> str:
        """The name most like another one, or an empty text."""
        found = get_close_matches(name, list(self.names if names is None else names), 1, 0.7)
        return found[0] if found else ""

    def _now(self, part: str) -> Iterable[tuple[str, Mapping[str, object]]]:
        for name, runs in cast("dict[str, list[_Run]]", self._table[part]).items():
            if (run := self._run(runs)) is not None:
                yield name, cast("Mapping[str, object]", run[2]) if len(run) > 2 else {}

    def _run(self, runs: Iterable[_Run]) -> _Run | None:
        for run in runs:
            last = self.versions[-1] if run[1] is None else str(run[1])
            if self.versions.index(str(run[0])) <= self._at <= self.versions.index(last):
                return run
        return None


def _names_of(flags: Mapping[str, Flag]) -> dict[str, tuple[str, bool]]:
    """Every name to its flag, and whether it switches that on."""
    names = {name: (name, True) for name in flags}
    for name, flag in flags.items():
        for alias in flag.aliases:
            names.setdefault(alias, (name, True))
        for off in flag.off:
            names.setdefault(off, (name, False))
    return names


def _named(name: str, runs: Iterable[_Run]) -> list[_Run]:
    """The runs in which a flag has another name."""

    def others(run: _Run) -> Iterable[str]:
        fact = cast("Mapping[str, list[str]]", run[2] if len(run) > 2 else {})
        return (*fact.get("aliases", ()), *fact.get("off", ()))

    return [run for run in runs if name in others(run)]


def _flag(name: str, fact: Mapping[str, object]) -> Flag:
    lists = {key: tuple(cast("list[str]", fact.get(key, []))) for key in ("choices", "aliases", "off", "parts")}
    nargs = fact.get("nargs")
    return Flag(
        name=name,
        kind=str(fact.get("kind", "str")),
        nested=str(fact.get("nested", "")),
        nargs=nargs if isinstance(nargs, str | int) else None,
        deprecated=bool(fact.get("deprecated")),
        instead=str(fact.get("instead", "")),
        refused=bool(fact.get("refused")),
        front=bool(fact.get("front")),
        **lists,
    )


@cache
def _load(engine: str, folder: Path | None) -> Mapping[str, object]:
    return read_json(f"{engine}.json", folder)


@cache
def _table(engine: str, version: str, folder: Path | None) -> EngineTable:
    return EngineTable(_load(engine, folder), version)


def known_versions(engine: str, folder: Path | None = None) -> tuple[str, ...]:
    """The releases of an engine that the tables have, oldest first.

    Raises:
        ConfigurationError: The engine is not known.
    """
    if engine not in ENGINES:
        raise ConfigurationError(f"engine {engine!r} is not known: give {', '.join(ENGINES)}")
    own = folder is not None and (folder / f"{engine}.json").is_file()
    return tuple(cast("list[str]", _load(engine, folder if own else None)["versions"]))


def find_engine(engine: str, version: str, folder: Path | None = None) -> EngineTable:
    """Find the table of a release.

    Raises:
        ConfigurationError: The engine or the version is not in the tables; the text names the nearest.
    """
    versions = known_versions(engine, folder)
    asked = version.strip().removeprefix("v")
    if asked not in versions:
        if not re.match(r"\d+(\.\d+)+", asked):
            raise ConfigurationError(f"engine_version {version!r} is not a version: give one such as {versions[-1]!r}")
        raise ConfigurationError(
            f"{engine} {asked} is not in the tables; the nearest is {_nearest(asked, versions)} (known: "
            f"{', '.join(versions)}). The engine may refuse a text for another version: read that release with "
            f"`make tables VERSION={'ai-dynamo' if engine == 'dynamo' else engine}=={asked}`"
        )
    own = folder is not None and (folder / f"{engine}.json").is_file()
    return _table(engine, asked, folder if own else None)


def _nearest(version: str, versions: Iterable[str]) -> str:
    def distance(other: str) -> tuple[int, ...]:
        pairs = zip((*version_key(version), 0, 0), (*version_key(other), 0, 0), strict=False)
        return tuple(abs(ours - theirs) for ours, theirs in pairs)

    return min(versions, key=distance)
