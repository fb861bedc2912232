"""The file of profiles: its place, its possible authors, its content, and its lines."""

from __future__ import annotations

import os
import shlex
import stat
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from deepseek_v4_sdk.config import owners
from deepseek_v4_sdk.config.lines import KeyPath, is_too_deep, lines_of
from deepseek_v4_sdk.config.trust import Trusted, command_for, digest_of, keep, kept
from deepseek_v4_sdk.errors import ConfigurationError
from deepseek_v4_sdk.support.decoding import decoded
from deepseek_v4_sdk.support.files import expanded, own_folder, working_folder

__all__ = ["FILE_NAME", "FILE_VARIABLE", "ProfileFile", "find_file", "find_near", "user_file"]

FILE_VARIABLE = "DEEPSEEK_V4_CONFIG"
FILE_NAME = "deepseek_v4.toml"
"""The name of a file of profiles, in a working directory or above it."""

_HERE = "working directory"
_ABOVE = "above the working directory"
_OWN = "user's directory"
_ROOTS = (".git", ".hg", ".svn")  # the marks of a repository's root


@dataclass(frozen=True)
class ProfileFile:
    """A file of profiles, after reading.

    Attributes:
        path: Its place.
        found: The way in which it was found, in a few words.
        content: Its content.
        text: Its text.
        owner: Its owner, where that was checked: for a file that was found, on systems other than Windows.
    """

    path: Path
    found: str
    content: Mapping[str, object]
    text: str
    owner: int | None = None

    @classmethod
    def read(cls, path: str | os.PathLike[str] | None) -> ProfileFile:
        """Find the file and read it.

        Raises:
            ConfigurationError: There is none, it is not TOML, or it was found and others may have written it.
        """
        file, found = find_file(path)
        return cls._read(file, found, strangers=False)

    @classmethod
    def read_to_trust(cls, path: Path | None) -> ProfileFile:
        """Read a found file for inspection, also that of another user.

        Raises:
            ConfigurationError: There is none, it is not TOML, or everybody can write into it.
        """
        file, found = (path, _HERE) if path is not None else find_near() or find_file()
        return cls._read(file, found, strangers=True)

    @classmethod
    def _read(cls, file: Path, found: str, *, strangers: bool) -> ProfileFile:
        try:
            if found in (_HERE, _ABOVE):
                owner, text = _read_found(file, strangers=strangers)
            else:
                owner, text = None, decoded(file.read_bytes())
            if is_too_deep(text):
                raise RecursionError
            return cls(file, found, tomllib.loads(text), text, owner)
        except OSError as error:
            raise ConfigurationError(f"{file} cannot be read: {error.strerror or error}") from None
        except UnicodeDecodeError as error:
            raise ConfigurationError(
                f"{file} cannot be read: it is not UTF-8 text (byte {error.start}); write it as plain text"
            ) from None
        except tomllib.TOMLDecodeError as error:
            raise ConfigurationError(f"{file} is not valid TOML: {error}") from None
        except RecursionError:
            raise ConfigurationError(f"{file} is nested too deeply: write profiles as in [profiles.dev]") from None

    @property
    def is_named(self) -> bool:
        """Whether the caller named it, or it is in the user's own folder: such a file may set everything."""
        return self.found not in (_HERE, _ABOVE)

    @property
    def is_trusted(self) -> bool:
        """Whether the user trusts its current settings.

        Raises:
            ConfigurationError: The stored trust cannot be read.
        """
        return kept(self.path) == self._as_it_is

    def trust(self) -> None:
        """Trust it from now on, until a setting that needs trust changes.

        Raises:
            ConfigurationError: Trust cannot be stored.
        """
        keep(self.path, self._as_it_is)

    @property
    def _as_it_is(self) -> Trusted:
        return Trusted(self.owner, digest_of(self.content))

    def place(self, *path: str | int) -> str:
        """The file and the line where a setting begins, or the table around it."""
        for length in range(len(path), 0, -1):
            if (number := self._lines.get(path[:length])) is not None:
                return f"{self.path}:{number}"
        return str(self.path)

    def others_can_read(self) -> bool:
        """Whether other users of the machine may read it."""
        return sys.platform != "win32" and bool(self.path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))

    @cached_property
    def _lines(self) -> Mapping[KeyPath, int]:
        return lines_of(self.text)


def user_file() -> Path:
    """The file of profiles in the user's own directory for settings.

    Raises:
        ConfigurationError: There is no home folder.
    """
    if (folder := own_folder("config")) is None:
        raise ConfigurationError("there is no home folder for settings: set HOME, or give a path")
    return folder / FILE_NAME


def find_file(path: str | os.PathLike[str] | None = None) -> tuple[Path, str]:
    """Find the file of profiles, and return how it was found.

    It is `path`, else the value of `DEEPSEEK_V4_CONFIG`, else `deepseek_v4.toml` in the working directory, in those
    above it, or in the user's directory for settings. The search above ends at the root of the repository or the home
    folder, and skips folders of another owner.

    Raises:
        ConfigurationError: There is none.
    """
    named = os.environ.get(FILE_VARIABLE)
    if given := path or named:
        origin = "path" if path else FILE_VARIABLE
        file = expanded(given, origin)
        if not file.is_file():
            raise ConfigurationError(f"{origin} names {file}: there is no such file")
        return file, origin
    if near := find_near():
        return near
    folder = own_folder("config")
    if folder is not None and (own := folder / FILE_NAME).is_file():
        return own, _OWN
    here = working_folder()
    places = "in the working directory, which was deleted" if here is None else f"in {here} or above"
    places += f", nor {folder / FILE_NAME}" if folder is not None else ", and there is no home folder (HOME is not set)"
    raise ConfigurationError(
        f"there is no {FILE_NAME} {places}: write one (deepseek-v4 config init), give path, or set {FILE_VARIABLE}"
    )


def find_near() -> tuple[Path, str] | None:
    """Find the file in the working directory or above, up to the end of the same project."""
    here = working_folder()
    if here is None:
        return None
    home = os.path.realpath(os.path.expanduser("~"))  # noqa: PTH111  # there may be none
    owner = owners.owner_of(here)
    for folder in (here, *here.parents):
        if owners.owner_of(folder) != owner:
            break
        if os.path.isfile(file := folder / FILE_NAME):  # noqa: PTH113  # one that may not be read counts as missing
            return file, _HERE if folder == here else _ABOVE
        if str(folder) == home or any(os.path.lexists(folder / mark) for mark in _ROOTS):
            break
    return None


def _read_found(file: Path, *, strangers: bool) -> tuple[int | None, str]:
    """Return the owner and the text of a file that nobody named. Both come from one open file."""
    with _opened(file) as opened:
        rights = owners.rights_of(opened.fileno())
        if not stat.S_ISREG(rights.st_mode):
            raise ConfigurationError(f"{file} is not a plain file: remove it")
        if owners.user() is None:
            return None, decoded(opened.read())
        shown = shlex.quote(str(file))
        if owners.others_may_write(rights):
            if owners.is_ones_own(rights.st_uid):
                remedy = f"read it, then run: chmod go-w {shown}"
            else:
                owner = owners.name_of(rights.st_uid)
                remedy = f"it belongs to {owner}, so copy it to your own folder: cp {shown} ."
            raise ConfigurationError(f"{file} was found, and others can write into it: {remedy}")
        if file.is_symlink() and not owners.is_ones_own(owners.owner_of(file)):  # it shows which file is meant
            raise ConfigurationError(f"{file} was found, and is a link of another user: remove it: rm {shown}")
        if not owners.is_ones_own(rights.st_uid) and not strangers:
            trusted = kept(file)
            if trusted is None or trusted.owner != rights.st_uid:
                raise ConfigurationError(
                    f"{file} was found, and belongs to {owners.name_of(rights.st_uid)}: read it, and if you want it, "
                    f"run: {command_for(file)}"
                )
        return rights.st_uid, decoded(opened.read())


def _opened(file: Path) -> BinaryIO:
    # Otherwise a pipe would block.
    descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    return os.fdopen(descriptor, "rb")
