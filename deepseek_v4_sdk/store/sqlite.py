"""Conversations in a SQLite file: each message is a row of JSON text, which is written once."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from deepseek_v4_sdk.chat import Conversation, MessagesInput, Reply, Shared
from deepseek_v4_sdk.chat.json_value import check_text
from deepseek_v4_sdk.errors import ConfigurationError, InvalidRequestError
from deepseek_v4_sdk.store.protocol import ConflictError, KeptConversation, StoreError
from deepseek_v4_sdk.support.files import expanded, make_private
from deepseek_v4_sdk.support.forks import new_lock
from deepseek_v4_sdk.support.redaction import never_raises

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ConversationStore"]

_FORM = 1
"""The form of the tables, kept in the file as its `user_version`."""
_MARK = 0x64735634  # "dsV4": the file's `application_id`
_TABLES = """
CREATE TABLE conversations (id TEXT PRIMARY KEY, version INTEGER NOT NULL, updated REAL NOT NULL);
CREATE TABLE messages (
    conversation TEXT NOT NULL, place INTEGER NOT NULL, message TEXT NOT NULL, PRIMARY KEY (conversation, place)
) WITHOUT ROWID;
CREATE TABLE versions (last INTEGER NOT NULL);
INSERT INTO versions VALUES (0);
"""
_LONGEST_WAIT = 30.0
"""Seconds that a writer waits for another."""


class ConversationStore(Shared):
    """Conversations in SQLite. It may be used from several threads and processes at once; see `Store`.

    Only its owner can read the file (mode 0600); the mode of an existing file is changed to that.

    Args:
        url: `sqlite:///chats.db` is a file in the working directory, `sqlite:////var/lib/app/chats.db` one by its whole
            path, `sqlite:///~/chats.db` one in the home folder, `sqlite:///:memory:` lives in this object only.

    Raises:
        ConfigurationError: The URL is not one of SQLite's, or the file is not a store of conversations.
        StoreError: The file cannot be opened.
    """

    def __init__(self, url: str) -> None:
        self._memory: sqlite3.Connection | None = None
        self._file: Path | None = None
        self._lock = new_lock()
        place = _place(url)
        if place == ":memory:":
            self._memory = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        else:
            self._file = expanded(place, "the url of the store").absolute()
            try:
                make_private(self._file)
            except OSError as error:
                raise StoreError(f"{self._file} cannot be opened: {error.strerror or error}") from None
        with self._writing() as connection:
            self._make_tables(connection)

    def load(self, id: str) -> tuple[Conversation, int]:
        """A conversation and its version; an empty one and 0 where there is none of this id.

        Raises:
            StoreError: It cannot be read.
        """
        with self._reading() as connection:
            version = _version(connection, id)
            rows = connection.execute("SELECT message FROM messages WHERE conversation = ? ORDER BY place", (id,))
            written = ",".join(row[0] for row in rows)
        try:
            return Conversation.from_json(f"[{written}]"), version
        except InvalidRequestError as error:
            raise StoreError(f"the conversation {id!r} in {self._name} cannot be read: {error}") from None

    def append(self, id: str, messages: MessagesInput | Reply, version: int) -> int:
        """Add messages at the end of a conversation, all or none.

        Args:
            id: The conversation.
            messages: The messages to add, in any form that `chat` takes, or a reply.
            version: The version that was loaded; 0 begins a conversation.

        Returns:
            The new version; the same where there was nothing to add.

        Raises:
            ConflictError: The conversation has another version by now.
            InvalidRequestError: The id or one of the messages is wrong.
            StoreError: It cannot be written.
        """
        _check_id(id)
        added = Conversation().add(messages) if isinstance(messages, Reply) else Conversation(messages)
        written = [added[index : index + 1].to_json()[1:-1] for index in range(len(added))]
        with self._writing() as connection:
            found = _version(connection, id)
            if found != version:
                raise ConflictError(
                    f"the conversation {id!r} has version {found}, and {version} was given: "
                    + ("it was deleted" if found == 0 else "somebody else has gone on with it")
                    + "; load it again",
                    id=id,
                    expected=version,
                    found=found,
                )
            if not written:
                return version
            (new,) = connection.execute("UPDATE versions SET last = last + 1 RETURNING last").fetchone()
            (first,) = connection.execute("SELECT count(*) FROM messages WHERE conversation = ?", (id,)).fetchone()
            rows = [(id, place, message) for place, message in enumerate(written, first)]
            connection.executemany("INSERT INTO messages VALUES (?, ?, ?)", rows)
            now = datetime.now(UTC).timestamp()
            connection.execute("INSERT OR REPLACE INTO conversations VALUES (?, ?, ?)", (id, new, now))
            return int(new)

    def list(self) -> Sequence[KeptConversation]:
        """All conversations, the one written last first.

        Raises:
            StoreError: They cannot be read.
        """
        query = (
            "SELECT id, version, updated, (SELECT count(*) FROM messages WHERE conversation = id) "
            "FROM conversations ORDER BY version DESC"
        )
        with self._reading() as connection:
            return [
                KeptConversation(id=name, version=version, messages=count, updated=datetime.fromtimestamp(at, UTC))
                for name, version, at, count in connection.execute(query)
            ]

    def delete(self, id: str) -> None:
        """Remove a conversation, if there is one of this id.

        Raises:
            StoreError: It cannot be written.
        """
        with self._writing() as connection:
            connection.execute("DELETE FROM messages WHERE conversation = ?", (id,))
            connection.execute("DELETE FROM conversations WHERE id = ?", (id,))

    @never_raises
    def __repr__(self) -> str:
        return f"ConversationStore({self._name!r})"

    @property
    def _name(self) -> str:
        return ":memory:" if self._file is None else str(self._file)

    @contextmanager
    def _connected(self) -> Generator[sqlite3.Connection]:
        """A connection, for one operation: none is shared between threads, or inherited by a child process."""
        try:
            if self._memory is not None:
                with self._lock:
                    yield self._memory
                return
            with closing(sqlite3.connect(self._name, timeout=_LONGEST_WAIT, isolation_level=None)) as connection:
                yield connection
        except sqlite3.Error as error:
            raise StoreError(f"{self._name} cannot be used: {error}") from None

    @contextmanager
    def _reading(self) -> Generator[sqlite3.Connection]:
        """One state of the file, whatever is written meanwhile."""
        with self._connected() as connection:
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    @contextmanager
    def _writing(self) -> Generator[sqlite3.Connection]:
        """A transaction that sees nobody else's writes until it ends."""
        with self._connected() as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.DatabaseError as error:
                if not isinstance(error, sqlite3.OperationalError):
                    raise ConfigurationError(f"{self._name} is not a store of conversations: {error}") from None
                raise
            try:
                yield connection
            except BaseException:
                if connection.in_transaction:  # SQLite ends it when a disk is full
                    connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def _make_tables(self, connection: sqlite3.Connection) -> None:
        """Make the tables, in a file that is new.

        Raises:
            ConfigurationError: The file is another program's, or a newer version's.
        """
        (mark,) = connection.execute("PRAGMA application_id").fetchone()
        (form,) = connection.execute("PRAGMA user_version").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if (mark, form) == (_MARK, _FORM):
            return
        if mark == _MARK:
            raise ConfigurationError(
                f"{self._name} has form {form}, and this version reads {_FORM}: update the package"
            )
        if tables or mark or form:
            raise ConfigurationError(f"{self._name} is another program's database: choose another file")
        for statement in _TABLES.split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {_MARK}")
        connection.execute(f"PRAGMA user_version = {_FORM}")


def _check_id(given: object) -> None:
    if not isinstance(given, str) or not given:
        raise InvalidRequestError(f"the id of a conversation is {given!r}: give a text")
    check_text(given, "the id of a conversation")


def _version(connection: sqlite3.Connection, id: str) -> int:
    row = connection.execute("SELECT version FROM conversations WHERE id = ?", (id,)).fetchone()
    return 0 if row is None else int(row[0])


def _place(url: str) -> str:
    """The path in a URL."""
    scheme, mark, _ = str(url).partition("://")
    place = str(url).removeprefix("sqlite:///")
    if scheme == "sqlite" and place and place != url:
        return place
    if mark and scheme != "sqlite":  # its other parts may hold a password
        raise ConfigurationError(
            f"the url of the store begins with {scheme}://, and this class knows only SQLite: write 'sqlite:///path', "
            "or implement the protocol deepseek_v4_sdk.store.Store for another database"
        )
    raise ConfigurationError(f"the url of the store is {url!r}: write 'sqlite:///path'")
