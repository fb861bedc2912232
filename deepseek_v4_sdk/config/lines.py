"""The line of a TOML text on which each key and table begins."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import TypeAlias

from deepseek_v4_sdk.chat import is_mapping

__all__ = ["KeyPath", "is_too_deep", "lines_of"]

KeyPath: TypeAlias = tuple[str | int, ...]
"""The place of a value in a file: names of tables and keys, and numbers in lists."""

_DEEPEST = 6  # no setting of a profile is deeper, and a hostile text may be endless

# The parts of a statement that matter for its end: brackets in texts and comments do not count.
_PART = re.compile(
    r'''"""[^"\\]*(?:(?:\\.|"{1,2}(?!"))[^"\\]*)*"{3,5}'''
    r"""|'''[^']*(?:'{1,2}(?!')[^']*)*'{3,5}"""
    r"""|"[^"\\\n]*(?:\\.[^"\\\n]*)*"|'[^'\n]*'|\#[^\n]*|[\[\]{}\n]""",
    re.DOTALL,
)

# A key of so many parts is never a profile's, and tomllib takes time that grows with their square.
_DEEP_KEY = re.compile(r"""(?<![\w"'.\-])(?:[\w"'\-]+[ \t]*\.[ \t]*){100}""")


def is_too_deep(text: str) -> bool:
    """Whether a text has a key of a hundred parts or more."""
    return _DEEP_KEY.search(text) is not None


def lines_of(text: str) -> dict[KeyPath, int]:
    """Find the line of each key and table of a valid TOML text, in time that grows with its length."""
    lines: dict[KeyPath, int] = {}
    table: KeyPath = ()
    counts: dict[KeyPath, int] = {}
    for statement, number in _statements(text.replace("\r\n", "\n")):
        found = tomllib.loads(statement)
        if statement.lstrip().startswith("["):
            table = _header(found)
            if table[-1:] == (0,):  # one of a list of tables
                counts[table] = counts.get(table, -1) + 1
                table = (*table[:-1], counts[table])
            paths = iter([table])
        else:
            paths = (table + path for path in _keys(found, _DEEPEST - len(table)))
        for path in paths:
            for length in range(1, len(path) + 1):
                lines.setdefault(path[:length], number)
    return lines


def _statements(text: str) -> Iterator[tuple[str, int]]:
    """Yield each key with its value, and each header of a table, with its line."""
    start = depth = 0
    number = 1
    for part in _PART.finditer(text + "\n"):
        match part[0]:
            case "[" | "{":
                depth += 1
            case "]" | "}":
                depth -= 1
            case "\n" if depth == 0:
                if statement := text[start : part.start()]:
                    yield statement, number
                number += statement.count("\n") + 1
                start = part.end()
            case _:
                pass


def _header(found: object) -> KeyPath:
    """Return the path of a table's header."""
    path: KeyPath = ()
    while found and len(path) < _DEEPEST:
        if is_mapping(found):
            key, found = next(iter(found.items()))
            path += (key,)
        else:
            return (*path, 0)
    return path


def _keys(found: Mapping[str, object], depth: int) -> Iterator[KeyPath]:
    if depth <= 0:
        return
    for key, value in found.items():
        yield (key,)
        if is_mapping(value):
            yield from ((key, *path) for path in _keys(value, depth - 1))
