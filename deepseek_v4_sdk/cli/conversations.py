"""Conversations kept between two runs of `deepseek-v4 chat`: by name in a store, by path in a file of JSON."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from deepseek_v4_sdk import ConfigurationError, Conversation, InvalidRequestError
from deepseek_v4_sdk.support.files import expanded, own_folder, write_private

if TYPE_CHECKING:
    from deepseek_v4_sdk.store import ConversationStore

__all__ = ["is_kept", "kept", "load", "save"]


def is_kept(name: str) -> bool:
    """Whether a conversation of this name exists; asked before anything is sent.

    Raises:
        ConfigurationError: It is not a name, or nothing could be kept under it.
    """
    if (file := _file(name)) is not None:
        return _writable(file).is_file()
    store = _store()
    return (store is not None and store.load(name)[1] > 0) or _old_file(name).is_file()


def kept() -> list[str]:
    """The names of the kept conversations, the last one first; those of the files of earlier versions at the end."""
    store = _store()
    names = [conversation.id for conversation in store.list()] if store is not None else []
    files = sorted(_old_folder().glob("*.json"), key=lambda file: file.stat().st_mtime, reverse=True)
    return list(dict.fromkeys([*names, *(file.stem for file in files)]))


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
    try:
        return Conversation.from_json(file.read_bytes())
    except FileNotFoundError:
        names = ", ".join(kept()[:8]) or "nothing"
        where = "" if _file(name) is None else f" ({file})"
        raise ConfigurationError(f"there is no conversation {name!r}{where}; kept is: {names}") from None
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror or error}") from None
    except InvalidRequestError as error:
        raise ConfigurationError(f"{file} holds no conversation: {error}") from None


def save(name: str, conversation: Conversation) -> None:
    """Keep a conversation; the file is complete at any time, and only its owner can read it.

    Raises:
        ConfigurationError: It cannot be written, or another process has continued it.
        StoreError: The store cannot be written.
    """
    if (file := _file(name)) is None:
        _append(name, conversation)
        return
    try:
        write_private(_writable(file), f"{conversation.to_json()}\n".encode())
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be written: {error.strerror or error}") from None


def _append(name: str, conversation: Conversation) -> None:
    store = _made_store()
    before, version = store.load(name)
    if conversation[: len(before)] != before:
        raise ConfigurationError(
            f"the conversation {name!r} was gone on with elsewhere, in another terminal for instance: "
            "keep yours under another name with /save NAME or --save NAME"
        )
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
    """The file in which earlier versions kept the conversation of a name. It is read, and never written."""
    return _old_folder() / f"{name}.json"


def _old_folder() -> Path:
    return _folder() / "conversations"


def _folder() -> Path:
    if (folder := own_folder("data")) is None:
        raise ConfigurationError("there is no home folder to keep conversations in: set HOME, or give a path")
    return folder
