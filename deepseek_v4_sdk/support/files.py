"""Files: expanding a path, and writing them whole or not at all, readable only by their owner."""

from __future__ import annotations

import io
import os
from contextlib import suppress
from pathlib import Path
from tempfile import mkstemp
from typing import Literal, TextIO

from deepseek_v4_sdk.errors import ConfigurationError

__all__ = [
    "expanded",
    "make_private",
    "open_private",
    "open_to_append",
    "own_folder",
    "working_folder",
    "write_private",
]


def expanded(path: str | os.PathLike[str], what: str) -> Path:
    """Expand a path, with the home folder for `~`.

    Args:
        path: The path.
        what: The setting that names it, for the error.

    Raises:
        ConfigurationError: There is no home folder.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:  # no HOME, and a user that the system does not know, as in many containers
        raise ConfigurationError(
            f"{what} names {os.fspath(path)}, and there is no home folder: set HOME, or give the whole path"
        ) from None


def own_folder(kind: Literal["config", "data", "state"]) -> Path | None:
    """The user's folder for this package's files of a kind; None without a home folder: it would not be private."""
    import platformdirs  # loaded when it is needed

    find = {
        "config": platformdirs.user_config_path,
        "data": platformdirs.user_data_path,
        "state": platformdirs.user_state_path,
    }
    try:
        folder = find[kind]("deepseek-v4", appauthor=False)
    except RuntimeError:
        return None
    return folder if folder.is_absolute() else None


def working_folder() -> Path | None:
    """The working directory; None if it was deleted."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return None


def write_private(path: Path, content: bytes, *, replace: bool = True) -> None:
    """Write a file that only its owner can read.

    It writes the file next to its place under an unpredictable name, which then takes the place at once: a reader sees
    the old file or the new one, and a link in that place is replaced and not followed.

    Args:
        path: The file. Its folder must exist.
        content: Its new content.
        replace: Whether to replace an existing file.

    Raises:
        FileExistsError: The file exists, and is not to be replaced.
        OSError: It cannot be written.
    """
    descriptor, name = mkstemp(prefix=".deepseek-v4.", dir=path.parent)  # made with mode 0600, and never over another
    beside = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(content)
        if replace:
            beside.replace(path)
        else:
            _take_free_place(beside, path)
    finally:
        with suppress(FileNotFoundError):
            beside.unlink()


def make_private(path: Path) -> None:
    """Make a file that only its owner can read, or take other users' rights from an existing one.

    Raises:
        OSError: It cannot be made or opened, or is a link.
    """
    with open_to_append(path) as opened:
        if hasattr(os, "fchmod"):
            os.fchmod(opened.fileno(), 0o600)


def open_to_append(path: Path) -> io.FileIO:
    """Open a file to read and to append to, or make one that only its owner can read. It is not buffered.

    Raises:
        OSError: It cannot be opened, or is a link.
    """
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    return io.FileIO(os.open(path, flags | getattr(os, "O_BINARY", 0), 0o600), "ab+")


def open_private(path: Path) -> TextIO:
    """Open an empty text file that only its owner can read, in place of an existing one.

    Raises:
        OSError: It cannot be opened, or is a link.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    return os.fdopen(os.open(path, flags, 0o600), "w", encoding="utf-8", newline="")


def _take_free_place(beside: Path, path: Path) -> None:
    try:
        path.hardlink_to(beside)  # only this fails when the file exists
    except FileExistsError:
        raise
    except OSError:  # a file system without such links
        if os.path.lexists(path):
            raise FileExistsError(f"{path} is there") from None
        beside.replace(path)
