"""Documents for a prompt: texts, and files found in folders, in a stable order; and those left out, with reasons."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final, Literal, TypeAlias

from deepseek_v4_sdk.errors import InvalidRequestError

__all__ = ["EXCLUDE", "MAX_BYTES", "Document", "DocumentInput", "Found", "LeftOut", "LeftOutReason", "find_documents"]

LeftOutReason: TypeAlias = Literal[
    "excluded", "link", "no_file", "unreadable", "too_big", "binary", "no_utf8", "twice", "no_room"
]
"""The reason why a document was left out."""

EXCLUDE: Final = (".*", "__pycache__", "node_modules", "*.egg-info", "*.pyc", "*.min.js", "*.map", "*.lock")
"""Names in folders that are skipped by default, with `*`, `?` and `[...]`."""

MAX_BYTES: Final = 16 * 1024 * 1024
"""Larger files are left out unread: at 3 bytes a token they exceed the largest window five times."""


@dataclass(frozen=True, slots=True)
class Document:
    """A text with the name under which the model sees it."""

    name: str
    text: str


DocumentInput: TypeAlias = str | os.PathLike[str] | Document
"""The path of a file or folder, or a text with its name."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A document that is not in the prompt. A skipped folder represents all its files.

    Attributes:
        name: Its name.
        reason: The reason, in a word.
        detail: The reason, in a few words.
        tokens: Its tokens, where they were counted.
    """

    name: str
    reason: LeftOutReason
    detail: str
    tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A document that was found: a text, or a file that is read when its turn comes."""

    name: str
    source: Path | str
    max_bytes: int

    def read(self) -> Document | LeftOut:
        """Return its text, or the reason why there is none."""
        if isinstance(self.source, str):
            return Document(self.name, self.source)
        try:
            with self.source.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                content = file.read(self.max_bytes + 1) if size <= self.max_bytes else b""
        except OSError as error:
            return LeftOut(self.name, "unreadable", error.strerror or str(error))
        if max(size, len(content)) > self.max_bytes:  # some files report no size, and others grow
            return LeftOut(self.name, "too_big", f"{size:,} bytes; more than {self.max_bytes:,} are not read")
        if b"\0" in content:
            return LeftOut(self.name, "binary", "it holds a zero byte")
        try:
            return Document(self.name, content.decode("utf-8"))
        except UnicodeDecodeError as error:
            return LeftOut(self.name, "no_utf8", f"byte {error.start} is not valid in UTF-8")


def find_documents(
    documents: DocumentInput | Iterable[DocumentInput], exclude: Sequence[str], max_bytes: int
) -> Iterator[Found | LeftOut]:
    """Yield the given documents in order; those in a folder by name, at any depth, files before folders.

    Args:
        documents: The documents. A named document is never excluded.
        exclude: Names to skip in folders, with `*`, `?` and `[...]`; with a `/` in it, paths below the folder.
        max_bytes: The largest file to read.

    Raises:
        InvalidRequestError: One of them is not a document.
    """
    given = [documents] if isinstance(documents, str | os.PathLike | Document) else documents
    seen: dict[tuple[int, int], str] = {}
    for index, item in enumerate(given):
        if isinstance(item, Document):
            yield Found(item.name, item.text, max_bytes)
        elif isinstance(item, str | os.PathLike):
            yield from _at(Path(item), tuple(exclude), max_bytes, seen)
        else:
            raise InvalidRequestError(
                f"documents[{index}] is {type(item).__name__}: give a path, or Document(name, text)"
            )


def _at(
    path: Path, exclude: tuple[str, ...], max_bytes: int, seen: dict[tuple[int, int], str]
) -> Iterator[Found | LeftOut]:
    """Yield the documents at a path that was named."""
    local = not path.is_absolute() and ".." not in path.parts
    if path.is_dir():
        # A folder's name separates its files from those of another; the prompt must not show its place on this machine.
        root = path.as_posix() if local else path.resolve().name
        yield from _inside(path, "" if root == "." else _shown(root), exclude, max_bytes, seen)
    else:
        yield _file(path, _shown(path.as_posix() if local else path.name), max_bytes, seen)


def _inside(
    folder: Path, shown: str, exclude: tuple[str, ...], max_bytes: int, seen: dict[tuple[int, int], str]
) -> Iterator[Found | LeftOut]:
    home = folder.resolve()
    todo: list[tuple[Path, str]] = [(folder, "")]
    while todo:
        here, below = todo.pop()
        try:
            entries = sorted(os.scandir(here), key=lambda entry: entry.name)
        except OSError as error:
            yield LeftOut(_joined(shown, below) or ".", "unreadable", error.strerror or str(error))
            continue
        folders: list[tuple[Path, str]] = []
        for entry in entries:
            path, place = Path(entry.path), f"{below}/{entry.name}" if below else entry.name
            name = _joined(shown, _shown(place))
            pattern = next((pattern for pattern in exclude if _matches(pattern, entry.name, place)), None)
            if pattern is not None:
                yield LeftOut(f"{name}/" if entry.is_dir() else name, "excluded", f"by {pattern!r}")
            elif entry.is_symlink() and path.is_dir():
                yield LeftOut(name, "link", "a link to a folder is not followed")
            elif entry.is_symlink() and path.exists() and not path.resolve().is_relative_to(home):
                yield LeftOut(name, "link", "it leads out of the folder")
            elif entry.is_dir():
                folders.append((path, place))
            else:
                yield _file(path, name, max_bytes, seen)
        todo += reversed(folders)


def _file(path: Path, name: str, max_bytes: int, seen: dict[tuple[int, int], str]) -> Found | LeftOut:
    try:
        status = path.stat()
    except OSError as error:
        return LeftOut(name, "unreadable", error.strerror or str(error))
    if not stat.S_ISREG(status.st_mode):
        return LeftOut(name, "no_file", "it is not a regular file")  # reading a pipe or a device may never end
    first = seen.get((status.st_dev, status.st_ino))
    if first is not None:
        return LeftOut(name, "twice", f"it is the same file as {first}")
    seen[status.st_dev, status.st_ino] = name
    return Found(name, path, max_bytes)


def _matches(pattern: str, name: str, place: str) -> bool:
    return fnmatchcase(place if "/" in pattern else name, pattern)


def _joined(shown: str, below: str) -> str:
    return f"{shown}/{below}" if shown and below else shown or below


def _shown(name: str) -> str:
    """A name as text: a file's name may be any bytes."""
    return os.fsencode(name).decode("utf-8", "replace")
