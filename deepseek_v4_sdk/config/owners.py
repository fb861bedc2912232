"""The rights to change a file: its owner, its group and its mode. Windows has other rights, which are not checked."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Protocol

__all__ = ["Rights", "is_ones_own", "name_of", "others_may_write", "owner_of", "rights_of", "user"]

_ROOT = 0


class Rights(Protocol):
    """The checked fields of `os.stat_result`."""

    @property
    def st_uid(self) -> int:
        """The owner."""
        ...

    @property
    def st_gid(self) -> int:
        """The group."""
        ...

    @property
    def st_mode(self) -> int:
        """The kind and the mode."""
        ...


def user() -> int | None:
    """The number of the user of this process; None on Windows."""
    return os.geteuid() if hasattr(os, "geteuid") else None


def rights_of(descriptor: int) -> Rights:
    """The rights of an open file: those of a path may be another file's by now."""
    return os.fstat(descriptor)


def owner_of(path: Path) -> int:
    """The owner of a folder, or of a link itself."""
    return path.lstat().st_uid


def is_ones_own(owner: int) -> bool:
    """Whether it belongs to the user, or to root, which could change anything."""
    return user() in (None, owner) or owner == _ROOT


def others_may_write(rights: Rights) -> bool:
    """Whether anybody besides its owner and the user may change it.

    A private group, which many systems give to each user, is the user's own.
    """
    if user() is None:
        return False
    if rights.st_mode & stat.S_IWOTH:
        return True
    return bool(rights.st_mode & stat.S_IWGRP) and rights.st_gid not in (
        _private_group(rights.st_uid),
        _private_group(user()),
    )


def name_of(owner: int) -> str:
    """A user's name, or the number where there is none."""
    import pwd

    try:
        return pwd.getpwuid(owner).pw_name
    except KeyError:
        return f"user {owner}"


def _private_group(owner: int | None) -> int | None:
    """The group with a user's name and no other members."""
    import grp
    import pwd

    try:
        person = pwd.getpwuid(-1 if owner is None else owner)
        group = grp.getgrgid(person.pw_gid)
    except (KeyError, OverflowError):
        return None
    return group.gr_gid if group.gr_name == person.pw_name and set(group.gr_mem) <= {person.pw_name} else None
