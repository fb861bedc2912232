"""Writing files: whole or not at all, readable only by their owner, and through no link that somebody has laid."""

from __future__ import annotations

import io
import os
from contextlib import suppress
from pathlib import Path
from tempfile import mkstemp

__all__ = ["open_to_append", "write_private"]


def write_private(path: Path, content: bytes, *, replace: bool = True) -> None:
    """Write a file that only its owner can read.

    It is written beside its place under a name that nobody can know, and then takes the place at once: a reader sees
    the old file or the new one, and a link that stands there is replaced and not followed.

    Args:
        path: The file. Its folder must be there.
        content: What it will hold.
        replace: Whether a file that is there is replaced.

    Raises:
        FileExistsError: There is one, and it is not to be replaced.
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


def open_to_append(path: Path) -> io.FileIO:
    """Open a file to read and to append to, or make one that only its owner can read. It is not buffered.

    Raises:
        OSError: It cannot be opened, or a link stands there.
    """
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    return io.FileIO(os.open(path, flags | getattr(os, "O_BINARY", 0), 0o600), "ab+")


def _take_free_place(beside: Path, path: Path) -> None:
    try:
        path.hardlink_to(beside)  # this alone fails when something is there
    except FileExistsError:
        raise
    except OSError:  # a file system without such links
        if os.path.lexists(path):
            raise FileExistsError(f"{path} is there") from None
        beside.replace(path)
