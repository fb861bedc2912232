"""Questions to the system about a socket: whether it can be read or written now, and its unread bytes."""

from __future__ import annotations

import math
import select
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    import socket

__all__ = ["is_readable", "unread", "wait_for"]

_AT_ONCE = 64 * 1024
_READ, _WRITE = 1, 4  # POLLIN and POLLOUT, which some systems lack


def wait_for(sock: socket.socket, *, read: bool, write: bool, seconds: float | None) -> tuple[bool, bool]:
    """Wait until a socket can be read or written, and return which; neither when the time is over."""
    number = sock.fileno()
    if not hasattr(select, "poll"):
        readable, writable, _ = select.select([number] * read, [number] * write, [], seconds)
        return bool(readable), bool(writable)
    poll = select.poll()  # select.select fails above descriptor 1023
    poll.register(number, _READ * read | _WRITE * write)
    found = poll.poll(None if seconds is None else math.ceil(seconds * 1000))
    events = found[0][1] if found else 0
    broken = bool(events & ~(_READ | _WRITE))
    return read and (broken or bool(events & _READ)), write and (broken or bool(events & _WRITE))


def is_readable(sock: socket.socket | None) -> bool:
    """Whether bytes arrived, or the end; true of a closed socket."""
    if sock is None or sock.fileno() < 0:
        return True
    return wait_for(sock, read=True, write=False, seconds=0)[0]


def unread(transport: asyncio.BaseTransport) -> list[bytes]:
    """The unread bytes of a connection that a failed write has ended.

    asyncio drops a connection when a write fails, with all that had arrived: such as the refusal of a server that did
    not read the whole request. Encrypted bytes are not read here.
    """
    blocks: list[bytes] = []
    sock = transport.get_extra_info("socket")
    if sock is None or transport.get_extra_info("sslcontext") is not None:
        return blocks
    with suppress(OSError), sock.dup() as copy:
        copy.setblocking(False)
        while block := copy.recv(_AT_ONCE):
            blocks.append(block)
    return blocks
