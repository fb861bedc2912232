"""Conversations that are kept between two runs of `deepseek-v4 chat`: a name or a path each, as messages in JSON."""

from __future__ import annotations

import os
import re
from pathlib import Path

from deepseek_v4_sdk import ConfigurationError, Conversation, InvalidRequestError
from deepseek_v4_sdk.files import expanded, own_folder, write_private

__all__ = ["kept", "load", "path_of", "place", "save"]


def path_of(name: str) -> Path:
    """Where the conversation of a name is kept. What has a separator or ends with `.json` is a path itself.

    Raises:
        ConfigurationError: It is neither.
    """
    if name.endswith(".json") or "/" in name or os.sep in name:
        return expanded(name, "the conversation")
    if not re.fullmatch(r"[\w-][\w .-]*", name):
        raise ConfigurationError(f"{name!r} is no name for a conversation: give letters and digits, or a path")
    return _folder() / f"{name}.json"


def place(name: str) -> Path:
    """Where a conversation will be kept, with the folder for it: told before anything is sent.

    Raises:
        ConfigurationError: It could not be written there.
    """
    file = path_of(name)
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        is_folder = file.is_dir()
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be written: {error.strerror or error}") from None
    if is_folder or not os.access(file.parent, os.W_OK):
        raise ConfigurationError(f"{file} cannot be written: {'it is a folder' if is_folder else 'no permission'}")
    return file


def kept() -> list[str]:
    """The names of what is kept, the last one first."""
    files = sorted(_folder().glob("*.json"), key=lambda file: file.stat().st_mtime, reverse=True)
    return [file.stem for file in files]


def load(name: str) -> Conversation:
    """Read a conversation.

    Raises:
        ConfigurationError: There is none of that name, or it is no conversation.
    """
    file = path_of(name)
    try:
        return Conversation.from_json(file.read_bytes())
    except FileNotFoundError:
        names = ", ".join(kept()[:8]) or "nothing"
        raise ConfigurationError(f"there is no conversation {name!r} ({file}); kept is: {names}") from None
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror or error}") from None
    except InvalidRequestError as error:
        raise ConfigurationError(f"{file} holds no conversation: {error}") from None


def save(name: str, conversation: Conversation) -> Path:
    """Keep a conversation; the file is whole at any time, and only its owner can read it.

    Raises:
        ConfigurationError: It cannot be written.
    """
    file = place(name)
    try:
        write_private(file, f"{conversation.to_json()}\n".encode())
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be written: {error.strerror or error}") from None
    return file


def _folder() -> Path:
    if (folder := own_folder("data")) is None:
        raise ConfigurationError("there is no home folder to keep conversations in: set HOME, or give a path")
    return folder / "conversations"
