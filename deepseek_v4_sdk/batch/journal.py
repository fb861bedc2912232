"""Journals: files of finished rows, one line each, from which a second start takes what is done."""

from __future__ import annotations

import logging
import os
import socket
import sys
from bisect import bisect_right
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deepseek_v4_sdk.batch.id_index import IdIndex, hash_of
from deepseek_v4_sdk.batch.records import Record
from deepseek_v4_sdk.chat import read_json
from deepseek_v4_sdk.errors import ConfigurationError
from deepseek_v4_sdk.support.files import expanded, open_to_append
from deepseek_v4_sdk.support.forks import new_lock

if TYPE_CHECKING:
    import io

__all__ = ["Journal", "JournalFound", "read_journal"]

log = logging.getLogger("deepseek_v4_sdk.batch")

_SEEN = 3
_DONE, _FAILED, _AGAIN = 0, 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalFound:
    """The rows that a journal held when it was opened.

    Attributes:
        done: Rows with an answer.
        failed: Rows that failed, and would fail again.
        retryable: Rows that failed for a cause that may have gone: they are sent again.
        broken: Lines that could not be read, and a torn last one: their rows are sent again.
    """

    done: int = 0
    failed: int = 0
    retryable: int = 0
    broken: int = 0


class Journal:
    """An append-only file of JSON lines, or a folder of such files. One process at a time writes a file.

    A line is with the system before `write` returns: killing the process loses none. It is not written through to the
    disk, which a failing machine may lose.

    Several maps of a process may share one: give it to each as `journal`. Before a map begins, it reads the lines that
    the other writers of the folder have added. Close it when they have ended.

    Args:
        path: The file, or an existing folder, in which a new file is made. All files `*.jsonl` of a folder are read.
        only_read: Whether nothing is to be written; another process may then write the file.

    Attributes:
        found: The rows that it held.

    Raises:
        ConfigurationError: It cannot be opened, or another process writes it.
    """

    def __init__(self, path: str | os.PathLike[str], *, only_read: bool = False) -> None:
        self._lock = new_lock()
        self._index = IdIndex()
        self._parts: list[tuple[int, int, io.FileIO]] = []  # beginnings in the sequence of all, and in their files
        self._others: dict[Path, tuple[io.FileIO, int]] = {}  # files of other writers, and how far they were read
        self._end = self._own_end = 0
        self._folder: Path | None = None
        self._own: Path | None = None
        self._file: io.FileIO | None = None
        given = expanded(path, "journal")
        reads_own = only_read and not given.is_dir()
        try:
            own = given
            if given.is_dir():
                own = given / f"rows-{socket.gethostname()}-{os.getpid()}-{os.urandom(4).hex()}.jsonl"
                self._folder = given
            broken = self._read_others()
            if reads_own:
                self._file = own.open("rb", buffering=0)
                broken += self._read(self._file, 0)[0]
            self.found = JournalFound()
            if only_read:
                self._count(broken)
                return
            self._file = open_to_append(own)
            _lock(self._file, own)
            if hasattr(os, "fchmod"):
                os.fchmod(self._file.fileno(), 0o600)
            self._own = own
            broken += _mend(self._file)
            unread, self._own_end = self._read(self._file, 0)
            broken += unread
            self._begin_own()
        except OSError as error:
            self.close()
            raise ConfigurationError(
                f"the journal {given} cannot be opened: {error.strerror or error}; give a file that you can write, or "
                "a folder"
            ) from None
        except ConfigurationError:
            self.close()
            raise
        self._count(broken)

    def refresh(self) -> None:
        """Read the lines that the other writers of a folder have added."""
        with self._lock:
            self._read_others()

    def _read_others(self) -> int:
        broken, end = 0, self._end
        for path in [] if self._folder is None else sorted(self._folder.glob("*.jsonl")):
            if path == self._own or not path.is_file():
                continue
            if path not in self._others:
                self._others[path] = path.open("rb", buffering=0), 0
            file, begin = self._others[path]
            if path.stat().st_size > begin:
                unread, begin = self._read(file, begin)
                broken += unread
                self._others[path] = file, begin
        if self._end > end:
            self._begin_own()
        return broken

    def _begin_own(self) -> None:
        """Note that the next own line comes after all that was read."""
        if self._file is not None:
            self._parts.append((self._end, self._own_end, self._file))

    def errors(self) -> dict[str, int]:
        """Count the rows that failed by the class of their error."""
        kinds: Counter[str] = Counter()
        for value in self._index.values():
            if value & 3 in {_FAILED, _AGAIN}:
                kinds[Record(read_json(self._line(value >> 2))).error_type or ""] += 1
        return dict(kinds.most_common())

    def _count(self, broken: int) -> None:
        states = [0, 0, 0, 0]
        for value in self._index.values():
            states[value & 3] += 1
        self.found = JournalFound(done=states[_DONE], failed=states[_FAILED], retryable=states[_AGAIN], broken=broken)

    def look_up(self, row_id: str) -> tuple[Record | None, bool]:
        """Find the last line of a row, and whether the row was met in this run."""
        with self._lock:
            value = self._index.get(hash_of(row_id)[0])
            if value is None:
                return None, False
            line = self._line(value >> 2)
        try:
            record = Record(read_json(line))
        except ValueError:  # somebody else changed the file
            return None, False
        if record.id != row_id:  # two ids with one hash
            return None, False
        return record, value & 3 == _SEEN

    def meet(self, row_id: str) -> None:
        """Note that a row, whose line is here, is given out in this run."""
        key, _ = hash_of(row_id)
        with self._lock:
            value = self._index.get(key)
            if value is not None:
                self._index.put(key, value | _SEEN)

    def write(self, row_id: str, line: bytes) -> None:
        """Append the line of a finished row.

        Raises:
            ConfigurationError: The journal is only read.
            OSError: It cannot be written; the file is as before.
        """
        file = self._file
        if file is None or self._own is None:
            raise ConfigurationError("the journal is only read: open it without only_read=True to write rows")
        with self._lock:
            begin, left = self._end, memoryview(line)
            try:
                while left:
                    left = left[file.write(left) or 0 :]
            except OSError:
                with suppress(OSError):
                    file.truncate(self._own_end)
                raise
            self._end += len(line)
            self._own_end += len(line)
            self._index.put(hash_of(row_id)[0], begin << 2 | _SEEN)

    def close(self) -> None:
        """Close the files, and let another process write."""
        for file, _ in self._others.values():
            file.close()
        if self._file is not None:
            self._file.close()

    def __del__(self) -> None:
        if hasattr(self, "_file"):  # a class of a user may raise before it is made
            self.close()

    def _read(self, file: io.FileIO, begin: int) -> tuple[int, int]:
        """Read a file from a place on into the index.

        Returns:
            The number of lines that could not be read, and the place up to which it was read: before a last line that
            is torn, or not yet written whole.
        """
        broken, start, end = 0, self._end, begin
        with open(file.fileno(), "rb", closefd=False) as lines:
            lines.seek(begin)
            for line in lines:
                try:
                    record = Record(read_json(line))
                except ValueError:
                    broken += 1
                    if not line.endswith(b"\n"):
                        break
                else:
                    state = _AGAIN if record.retryable else _FAILED if record.failed else _DONE
                    self._index.put(hash_of(record.id)[0], self._end << 2 | state)
                self._end += len(line)
                end += len(line)
        if self._end > start:
            self._parts.append((start, begin, file))
        return broken, end

    def _line(self, place: int) -> bytes:
        begin, offset, file = self._parts[bisect_right(self._parts, place, key=lambda part: part[0]) - 1]
        with open(file.fileno(), "rb", closefd=False) as lines:
            lines.seek(place - begin + offset)
            return lines.readline()


def read_journal(path: str | os.PathLike[str]) -> tuple[JournalFound, dict[str, int]]:
    """Count the rows that a journal holds, also while a map writes it.

    Args:
        path: The file, or a folder of them.

    Returns:
        The rows that are done and that failed, and those that failed by the class of their error.

    Raises:
        ConfigurationError: It cannot be opened.
    """
    journal = Journal(path, only_read=True)
    try:
        return journal.found, journal.errors()
    finally:
        journal.close()


def _mend(file: io.FileIO) -> int:
    """Cut off a last line that a kill has torn, or end it where only its end is missing; return the number cut."""
    size = end = file.seek(0, os.SEEK_END)
    tail = b""
    while end and b"\n" not in tail:
        begin = max(0, end - 65_536)
        file.seek(begin)
        tail, end = file.read(end - begin) + tail, begin
    torn = tail[tail.rfind(b"\n") + 1 :]
    if not torn:
        return 0
    try:
        Record(read_json(torn))
    except ValueError:
        file.truncate(size - len(torn))
        log.warning("the last line of the journal was torn, and was cut off: its row is sent again")
        return 1
    file.write(b"\n")
    return 0


def _lock(file: io.FileIO, path: Path) -> None:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise ConfigurationError(
            f"another run writes the journal {path}: wait for its end, or give a folder, in which each run has its "
            "own file"
        ) from None
