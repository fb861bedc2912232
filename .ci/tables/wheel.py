"""A wheel as source text: nothing of it is imported or run."""

from __future__ import annotations

import ast
import re
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

NAME = re.compile(r"^(?P<name>[A-Za-z0-9_]+)-(?P<version>[0-9][^-]*)-")


@dataclass
class Wheel:
    """One wheel file.

    Attributes:
        engine: The distribution's name.
        version: Its version.
        names: The files in it.
    """

    engine: str
    version: str
    archive: zipfile.ZipFile
    names: frozenset[str] = field(init=False)
    _trees: dict[str, ast.Module] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.names = frozenset(self.archive.namelist())

    @classmethod
    def open(cls, path: Path) -> Wheel:
        """Open a wheel; its name says what it is."""
        found = NAME.match(path.name)
        if found is None:
            raise SystemExit(f"{path} does not have the name of a wheel")
        return cls(found["name"].replace("_", "-").lower(), found["version"], zipfile.ZipFile(path))

    def tree(self, name: str) -> ast.Module:
        """The syntax tree of a file; an empty one where the wheel has no such file."""
        if name not in self._trees:
            self._trees[name] = ast.parse(self.archive.read(name)) if name in self.names else ast.Module([], [])
        return self._trees[name]

    def under(self, *prefixes: str) -> list[str]:
        """The Python files below some folders."""
        return sorted(name for name in self.names if name.startswith(prefixes) and name.endswith(".py"))

    def first(self, *names: str) -> ast.Module:
        """The first of these files that is there; releases move them."""
        return self.tree(next((name for name in names if name in self.names), ""))


@dataclass
class Surface:
    """The surface of a release of an engine.

    Attributes:
        flags: Name of a flag to what is known of it (see docs/deploy-tables.md).
        nested: Class of a JSON flag to its keys.
        tool_parsers: Names for the tool parser.
        reasoning_parsers: Names for the reasoning parser.
        env: Names of environment variables that it reads.
        pins: Versions of other engines that it asks for.
    """

    flags: dict[str, dict[str, object]] = field(default_factory=dict)
    nested: dict[str, dict[str, dict[str, object]]] = field(default_factory=dict)
    tool_parsers: list[str] = field(default_factory=list)
    reasoning_parsers: list[str] = field(default_factory=list)
    env: list[str] = field(default_factory=list)
    pins: dict[str, str] = field(default_factory=dict)
