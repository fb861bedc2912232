"""The file of profiles: where it is looked for, what it holds, and on which line each thing stands."""

from __future__ import annotations

import os
import stat
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from deepseek_v4_sdk.chat import is_mapping
from deepseek_v4_sdk.errors import ConfigurationError

__all__ = ["FILE_NAME", "FILE_VARIABLE", "ProfileFile", "find_file", "user_file"]

FILE_VARIABLE = "DEEPSEEK_V4_CONFIG"
FILE_NAME = "deepseek_v4.toml"

_Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class ProfileFile:
    """A file of profiles, read.

    Attributes:
        path: Where it is.
        found: How it was found, in a few words.
        content: What it holds.
        text: The same as it was written.
    """

    path: Path
    found: str
    content: Mapping[str, object]
    text: str

    @classmethod
    def read(cls, path: str | os.PathLike[str] | None) -> ProfileFile:
        """Find the file and read it.

        Raises:
            ConfigurationError: There is none, or it is no TOML.
        """
        file, found = find_file(path)
        try:
            text = file.read_text(encoding="utf-8")
            return cls(file, found, tomllib.loads(text), text)
        except OSError as error:
            raise ConfigurationError(f"{file} cannot be read: {error.strerror or error}") from None
        except UnicodeDecodeError as error:
            raise ConfigurationError(
                f"{file} cannot be read: it is no UTF-8 text (byte {error.start}); write it as plain text"
            ) from None
        except tomllib.TOMLDecodeError as error:
            raise ConfigurationError(f"{file} is no TOML: {error}") from None

    def place(self, *path: str | int) -> str:
        """The file and the line where something in it begins, or the table around it."""
        places = list(_places(self.text))
        for length in range(len(path), 0, -1):
            for found, number in places:
                if found[:length] == path[:length]:
                    return f"{self.path}:{number}"
        return str(self.path)

    def others_can_read(self) -> bool:
        """Whether other users of the machine may read it."""
        return sys.platform != "win32" and bool(self.path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))


def user_file() -> Path:
    """The file of profiles in the user's own directory for settings."""
    import platformdirs  # loaded when no file is nearer

    return platformdirs.user_config_path("deepseek-v4", appauthor=False) / FILE_NAME


def find_file(path: str | os.PathLike[str] | None = None) -> tuple[Path, str]:
    """The file of profiles, and how it was found.

    It is `path`, else what `DEEPSEEK_V4_CONFIG` names, else `deepseek_v4.toml` in the working directory, in those
    above it, or in the user's directory for settings.

    Raises:
        ConfigurationError: There is none.
    """
    named = os.environ.get(FILE_VARIABLE)
    if given := path or named:
        file = Path(given).expanduser()
        origin = "path" if path else FILE_VARIABLE
        if not file.is_file():
            raise ConfigurationError(f"{origin} names {file}: there is no such file")
        return file, origin
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (file := folder / FILE_NAME).is_file():
            return file, "working directory" if folder == here else "above the working directory"
    own = user_file()
    if own.is_file():
        return own, "user's directory"
    raise ConfigurationError(
        f"there is no {FILE_NAME} in {here} or above, nor {own}: "
        f"write one (deepseek-v4 config init), give path, or set {FILE_VARIABLE}"
    )


def _places(text: str) -> Iterator[tuple[_Path, int]]:
    """Each key and table of a TOML text that is known to be right, with the line on which it begins.

    A statement is the fewest lines that are TOML by themselves, so that no grammar is needed here.
    """
    table: _Path = ()
    counts: dict[_Path, int] = {}
    began, pending = 1, ""
    for number, line in enumerate(text.split("\n"), 1):
        pending = f"{pending}\n{line}" if pending else line
        try:
            found = tomllib.loads(pending)
        except tomllib.TOMLDecodeError:
            continue
        if found and pending.lstrip().startswith("["):
            table = _header(found)
            if table[-1:] == (0,):  # one of a list of tables
                counts[table] = counts.get(table, -1) + 1
                table = (*table[:-1], counts[table])
            yield table, began
        else:
            yield from ((table + path, began) for path in _keys(found))
        began, pending = number + 1, ""


def _header(found: object) -> _Path:
    """The path of a table's header, from what it is alone."""
    path: _Path = ()
    while found:
        if is_mapping(found):
            key, found = next(iter(found.items()))
            path += (key,)
        else:
            return (*path, 0)
    return path


def _keys(found: Mapping[str, object]) -> Iterator[_Path]:
    for key, value in found.items():
        yield (key,)
        if is_mapping(value):
            yield from ((key, *path) for path in _keys(value))
