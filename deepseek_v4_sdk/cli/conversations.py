"""Conversations saved between two runs of `deepseek-v4 chat`: by name in a store, by path in a file of JSON."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from deepseek_v4_sdk import ConfigurationError, Conversation, InvalidRequestError
from deepseek_v4_sdk.support.files import expanded, own_folder, write_private

if TYPE_CHECKING:
    from deepseek_v4_sdk.store import ConversationStore

__all__ = ["SavedConversation", "delete", "is_saved", "last", "load", "save", "saved"]


@dataclass(frozen=True, slots=True)
class SavedConversation:
    """A conversation in a list of the saved ones.

    Attributes:
        name: Its name.
        updated: When it was written last, in local time.
        messages: Its number of messages.
    """

    name: str
    updated: datetime
    messages: int


def is_saved(name: str) -> bool:
    """Whether a conversation of this name exists; asked before anything is sent.

    Raises:
        ConfigurationError: It is not a name, or nothing could be saved under it.
    """
    if (file := _file(name)) is not None:
        return _writable(file).is_file()
    store = _store()
    return (store is not None and store.load(name)[1] > 0) or _old_file(name).is_file()


def saved() -> list[SavedConversation]:
    """The saved conversations, the last one first; those of the files of earlier versions at the end.

    Raises:
        StoreError: The store cannot be read.
    """
    store = _store()
    found = [
        SavedConversation(each.id, each.updated.astimezone(), each.messages)
        for each in (store.list() if store is not None else ())
    ]
    names = {each.name for each in found}
    files = sorted(_old_folder().glob("*.json"), key=lambda file: file.stat().st_mtime, reverse=True)
    for file in files:
        if file.stem not in names:
            updated = datetime.fromtimestamp(file.stat().st_mtime).astimezone()
            found.append(SavedConversation(file.stem, updated, len(_read(file, file.stem))))
    return found


def last() -> str:
    """The name of the conversation that was saved last.

    Raises:
        ConfigurationError: None was saved.
    """
    if not (found := saved()):
        raise ConfigurationError(
            "no conversation is saved: --save NAME saves one, and --continue goes on with the last"
        )
    return found[0].name


def delete(name: str) -> None:
    """Delete a saved conversation.

    Raises:
        ConfigurationError: There is none of that name, or it is a file of the user's.
        StoreError: The store cannot be written.
    """
    if (file := _file(name)) is not None:
        raise ConfigurationError(f"{file} is a file of yours: delete it yourself")
    if not is_saved(name):
        raise _missing(name)
    if (store := _store()) is not None:
        store.delete(name)
    _old_file(name).unlink(missing_ok=True)


def load(name: str) -> Conversation:
    """Read a conversation.

    Raises:
        ConfigurationError: There is none of that name, or it is not a conversation.
        StoreError: The store cannot be read.
    """
    file = _file(name)
    if file is None:
        store = _store()
        conversation, version = store.load(name) if store is not None else (Conversation(), 0)
        if version:
            return conversation
        file = _old_file(name)
    return _read(file, name)


def _read(file: Path, name: str) -> Conversation:
    try:
        return Conversation.from_json(file.read_bytes())
    except FileNotFoundError:
        raise _missing(name) from None
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror or error}") from None
    except InvalidRequestError as error:
        raise ConfigurationError(f"{file} holds no conversation: {error}") from None


def _missing(name: str) -> ConfigurationError:
    file = _file(name)
    names = ", ".join(each.name for each in saved()[:8]) or "nothing"
    where = "" if file is None else f" ({file})"
    return ConfigurationError(f"there is no conversation {name!r}{where}; saved is: {names}")


def save(name: str, conversation: Conversation, known: Conversation | None = None) -> None:
    """Save a conversation; the file is complete at any time, and only its owner can read it.

    Args:
        name: Its name.
        conversation: The conversation.
        known: The state in which it was saved or loaded last: that may be replaced, and not only continued.

    Raises:
        ConfigurationError: It cannot be written, or another process has continued it.
        StoreError: The store cannot be written.
    """
    if (file := _file(name)) is None:
        _append(name, conversation, known)
        return
    try:
        write_private(_writable(file), f"{conversation.to_json()}\n".encode())
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be written: {error.strerror or error}") from None


def _append(name: str, conversation: Conversation, known: Conversation | None) -> None:
    store = _made_store()
    before, version = store.load(name)
    if conversation[: len(before)] != before:
        if before != known:
            raise ConfigurationError(
                f"the conversation {name!r} was continued elsewhere, in another terminal for instance: "
                "save yours under another name with /save NAME or --save NAME"
            )
        store.delete(name)
        before, version = Conversation(), 0
    store.append(name, conversation[len(before) :], version)


def _file(name: str) -> Path | None:
    """The path that a name is: it has a separator, or ends with `.json`. None for the name of a conversation.

    Raises:
        ConfigurationError: It is neither.
    """
    if name.endswith(".json") or "/" in name or os.sep in name:
        return expanded(name, "the conversation")
    if not re.fullmatch(r"[\w-][\w .-]{,249}", name):
        raise ConfigurationError(
            f"{name[:60]!r} is not a name for a conversation: give up to 250 letters and digits, or a path"
        )
    return None


def _writable(file: Path) -> Path:
    """A file that can be written, with the folder for it.

    Raises:
        ConfigurationError: It cannot.
    """
    try:
        _make_folder(file.parent)
        is_folder = file.is_dir()
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be written: {error.strerror or error}") from None
    if is_folder or not os.access(file.parent, os.W_OK):
        raise ConfigurationError(f"{file} cannot be written: {'it is a folder' if is_folder else 'no permission'}")
    return file


def _make_folder(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _store() -> ConversationStore | None:
    """The store; None where there is none yet."""
    return _made_store() if _place().is_file() else None


def _made_store() -> ConversationStore:
    from deepseek_v4_sdk.store import ConversationStore  # with sqlite3, which few commands need

    return ConversationStore(f"sqlite:///{_writable(_place())}")


def _place() -> Path:
    return _folder() / "conversations.db"


def _old_file(name: str) -> Path:
    """The file in which earlier versions saved the conversation of a name. It is read, and never written."""
    return _old_folder() / f"{name}.json"


def _old_folder() -> Path:
    return _folder() / "conversations"


def _folder() -> Path:
    if (folder := own_folder("data")) is None:
        raise ConfigurationError("there is no home folder for conversations: set HOME, or give a path")
    return folder
