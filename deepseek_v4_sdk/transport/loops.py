"""Objects of event loops: connections are used on the loop that opened them, and end with it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from socket import SHUT_RDWR
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar, cast

from deepseek_v4_sdk.support.forks import new_lock, renewed_in_children

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncGenerator, Callable
    from types import AsyncGeneratorType

__all__ = ["Loops", "OfLoop", "hang_up"]

# Seconds that another loop may take to close its own objects, before it is left to close them later.
_PATIENCE = 1.0


class OfLoop(Protocol):
    """An object of one event loop."""

    async def aclose(self) -> None:
        """Close it, on that loop."""
        ...

    def let_go(self) -> None:
        """Close it where the loop cannot: it sends nothing, and the loop does not know."""
        ...


OfLoopT = TypeVar("OfLoopT", bound=OfLoop)


class Loops(Generic[OfLoopT]):
    """One object for each event loop, made on first use there, and closed when the loop ends.

    It may be used from many threads.

    Args:
        make: Makes an object.
    """

    def __init__(self, make: Callable[[], OfLoopT]) -> None:
        self._make = make
        self._kept: dict[asyncio.AbstractEventLoop, _Kept[OfLoopT]] = {}
        self._lock = new_lock()
        renewed_in_children(self)

    async def here(self) -> OfLoopT:
        """The object of the running loop."""
        loop = asyncio.get_running_loop()
        kept = self._kept.get(loop)
        if kept is None or kept.has_ended:
            with self._lock:
                closed = [self._kept.pop(each) for each in list(self._kept) if each.is_closed()]
                self._kept[loop] = kept = _Kept(self._make())
            for each in closed:
                each.let_go()
            await anext(kept.keeper)
        return kept.thing

    async def aclose(self) -> None:
        """Close all, each on its own loop; where that no longer runs, close the rest of the object."""
        here = asyncio.get_running_loop()
        with self._lock:
            every, self._kept = self._kept, {}
        for loop, kept in every.items():
            if loop is here:
                await kept.keeper.aclose()
            elif loop.is_closed() or (loop.is_running() and not await _closed_there(loop, kept)):
                kept.let_go()
            elif not loop.is_running():
                kept.end()

    def __del__(self) -> None:
        for loop, kept in getattr(self, "_kept", {}).items():
            if loop.is_closed():  # the keeper closes the object of a running one
                kept.let_go()

    def leave_to_parent(self) -> None:
        """Start fresh in a child process."""
        every, self._kept = self._kept, {}
        for kept in every.values():
            kept.let_go()


class _Kept(Generic[OfLoopT]):
    """An object, and its keeper: an asynchronous generator, because a loop closes those when it ends.

    `asyncio.run` does that, like any program that calls `loop.shutdown_asyncgens()`.
    """

    def __init__(self, thing: OfLoopT) -> None:
        self.thing = thing
        self.keeper = cast("AsyncGeneratorType[None]", _keep(thing))

    @property
    def has_ended(self) -> bool:
        """Whether it was closed."""
        return self.keeper.ag_frame is None

    def let_go(self) -> None:
        """Close it without its loop, which is closed, or belongs to the parent."""
        self.thing.let_go()
        self.end()

    def end(self) -> None:
        """Close it from here, while its loop is not running."""
        with suppress(StopIteration, RuntimeError):  # the keeper has ended, or is about to
            self.keeper.aclose().send(None)


def hang_up(transport: asyncio.BaseTransport) -> None:
    """End a connection now: a loop that is not running closes the socket only when it continues."""
    sock: socket.socket | None = transport.get_extra_info("socket")
    if sock is not None:
        with suppress(OSError):
            sock.shutdown(SHUT_RDWR)


async def _keep(thing: OfLoop) -> AsyncGenerator[None]:
    try:
        yield
    finally:
        await thing.aclose()


async def _closed_there(loop: asyncio.AbstractEventLoop, kept: _Kept[OfLoopT]) -> bool:
    """Close an object on its own loop, which runs in another thread. Return False where that no longer runs."""
    here, done = asyncio.get_running_loop(), asyncio.Event()

    def tell(_: asyncio.Task[None]) -> None:
        with suppress(RuntimeError):  # nobody waits any longer
            here.call_soon_threadsafe(done.set)

    async def close() -> None:
        with suppress(RuntimeError):  # the end of the loop is closing it at this moment
            await kept.keeper.aclose()

    def begin() -> None:
        loop.create_task(close()).add_done_callback(tell)

    try:
        loop.call_soon_threadsafe(begin)
    except RuntimeError:
        return False
    with suppress(TimeoutError):
        async with asyncio.timeout(_PATIENCE):
            await done.wait()
    return True
