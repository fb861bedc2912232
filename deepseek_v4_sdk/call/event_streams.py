"""Streams of events with a result: the base of `client.stream()` and others, in a sync and an async form."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeVar
from weakref import ref

from deepseek_v4_sdk import errors
from deepseek_v4_sdk.call.drivers import AsyncDriver, SyncDriver, running_task
from deepseek_v4_sdk.chat import Attempt, Reply, Shared
from deepseek_v4_sdk.support.forks import new_lock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
    from types import TracebackType

__all__ = ["AsyncEventStream", "EventStream", "StreamState", "StreamedCall"]

T_co = TypeVar("T_co", covariant=True)
EventT = TypeVar("EventT")
EventT_co = TypeVar("EventT_co", covariant=True)
ErrorT = TypeVar("ErrorT", bound=errors.DeepSeekV4Error)

_CLAIMS = new_lock()


class StreamedCall(Protocol):
    """The call of a stream."""

    @property
    def attempts(self) -> Sequence[Attempt]:
        """The HTTP requests that have ended, in order."""
        ...

    def partial(self) -> Reply | None:
        """The part of an answer that has arrived."""

    def tell(self, error: ErrorT) -> ErrorT:
        """Add to an error what is known of the call."""
        ...


class StreamState(Shared, Generic[EventT_co, T_co]):
    """The state of both forms: waiting events, and how the stream ended. The result is set when it is known."""

    def __init__(self, call: StreamedCall) -> None:
        self._call = call
        self._events: deque[EventT_co] = deque()
        self._entered = False
        self._turn = threading.Lock()  # of the reader; a child process does not get so far
        self._loop: Callable[[], object] = lambda: None  # the loop over the events that has not ended, while it lives
        self._looping: object = None  # its thread or task
        self._over = False  # nothing more will be read
        self._known: T_co | None = None  # the result
        self._error: errors.DeepSeekV4Error | None = None

    @property
    def partial(self) -> Reply:
        """The part that has arrived so far, as a reply; readable at any time."""
        return self._call.partial() or Reply()

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """The HTTP requests that have ended so far, in order."""
        return tuple(self._call.attempts)

    def _begin(self, check: Callable[[], None]) -> None:
        """Begin to read, unless another reader does.

        Raises:
            ConfigurationError: The stream is async, and the running loop is not asyncio's.
            StreamInUseError: Another thread or task reads it, or only another event loop or process may.
        """
        check()
        if not self._turn.acquire(blocking=False):
            raise self._in_use()
        self._entered = True

    def _claim(self, loop: object, who: object) -> None:
        """Begin a loop over the events; a second thread's or task's loop would take events away from it.

        Raises:
            StreamInUseError: There is another loop.
        """
        with _CLAIMS:
            self._check_loop(who)
            self._loop, self._looping = ref(loop), who

    def _check_loop(self, who: object) -> None:
        if self._looping != who and self._loop() is not None and (self._events or not self._over):
            raise self._in_use()

    def _in_use(self) -> errors.StreamInUseError:
        return errors.StreamInUseError(
            "another thread or task reads this stream at the moment: read it in one place, and hand its events on"
        )

    def _arrived(self, events: list[Any] | None, result: Any) -> None:
        if events is None:
            self._over, self._known = True, result
            return
        self._events.extend(events)

    def _failed(self, error: errors.DeepSeekV4Error) -> None:
        self._over = True
        self._error = error

    def _closed(self) -> None:
        self._over = True
        if self._known is None and self._error is None:
            self._events.clear()
            error = errors.StreamClosedError("the stream was closed before it had ended")
            self._error = self._call.tell(error.about(partial=self.partial))

    def _abandoned(self, error: BaseException) -> None:
        """Close the stream, because something other than an error of the answer ended it, such as cancellation.

        Raises:
            StreamClosedError: Another thread or task has closed the stream.
        """
        if self._over and self._error is not None and isinstance(error, Exception):
            raise self._error from None
        self._closed()

    def _result(self) -> T_co:
        if self._known is not None:
            return self._known
        raise self._error or errors.StreamClosedError("the stream was closed before it had begun")


class EventStream(StreamState[EventT_co, T_co]):
    """Events that arrive with blocking I/O, and a result."""

    def __init__(self, _call: StreamedCall, _driver: SyncDriver[T_co]) -> None:
        super().__init__(_call)
        self._driver = _driver

    def __enter__(self) -> Self:
        """Send the request and wait until the server accepts it.

        Raises:
            DeepSeekV4Error: The server does not accept it.
        """
        if not self._entered:
            self._next_events()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[EventT_co]:
        """Return a loop over the remaining events.

        Raises:
            StreamInUseError: Another thread's loop has not ended.
        """
        loop = _Loop(self._events, self._more)
        self._claim(loop, threading.get_ident())
        return loop

    def __next__(self) -> EventT_co:
        """The next event.

        A thread may call `next` and hand the stream to another one between two calls: each event goes to one of them.
        Only calls that overlap raise an error.

        Raises:
            StreamInUseError: Another thread's loop has not ended, or it reads the stream at this moment.
            DeepSeekV4Error: The answer broke off or is not whole; its `partial` has what arrived.
        """
        self._check_loop(threading.get_ident())
        return _Loop(self._events, self._more).__next__()

    def _drained(self) -> T_co:
        """Read the rest, and return the result."""
        if not self._over:
            self._begin(self._driver.check)
            try:
                while not self._over:
                    self._read()
            finally:
                self._turn.release()
        return self._result()

    def close(self) -> None:
        """Close the connection at once."""
        if not self._over:
            self._driver.abort()
            self._closed()

    def __del__(self) -> None:
        if not getattr(self, "_over", True):
            self._driver.abort()

    def _more(self) -> None:
        """Read until there are events, unless the stream has ended."""
        if self._over:
            raise self._error or StopIteration
        self._next_events()

    def _next_events(self) -> None:
        self._begin(self._driver.check)
        try:
            self._read()
        finally:
            self._turn.release()

    def _read(self) -> None:
        try:
            self._arrived(self._driver.next_events(), self._driver.result)
        except errors.DeepSeekV4Error as error:
            self._failed(error)
            raise
        except BaseException as error:
            self._abandoned(error)
            raise


class AsyncEventStream(StreamState[EventT_co, T_co]):
    """Events that arrive with awaited I/O, and a result."""

    def __init__(self, _call: StreamedCall, _driver: AsyncDriver[T_co]) -> None:
        super().__init__(_call)
        self._driver = _driver

    async def __aenter__(self) -> Self:
        """Send the request and wait until the server accepts it.

        Raises:
            DeepSeekV4Error: The server does not accept it.
        """
        if not self._entered:
            await self._next_events()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __aiter__(self) -> AsyncIterator[EventT_co]:
        """Return a loop over the remaining events.

        Raises:
            StreamInUseError: Another task's loop has not ended.
        """
        loop = _AsyncLoop(self._events, self._more)
        self._claim(loop, running_task())
        return loop

    async def __anext__(self) -> EventT_co:
        """The next event.

        Raises:
            StreamInUseError: Another task's loop has not ended.
            DeepSeekV4Error: The answer broke off or is not whole; its `partial` has what arrived.
        """
        self._check_loop(running_task())
        return await _AsyncLoop(self._events, self._more).__anext__()

    async def _drained(self) -> T_co:
        """Read the rest, and return the result."""
        if not self._over:
            self._begin(self._driver.check)
            try:
                while not self._over:
                    await self._read()
            finally:
                self._turn.release()
        return self._result()

    async def close(self) -> None:
        """Close the connection at once.

        Raises:
            StreamInUseError: It belongs to another event loop, which still runs.
        """
        if not self._over:
            self._driver.check_end()
            await self._driver.abort()
            self._closed()

    def __del__(self) -> None:
        if not getattr(self, "_over", True):
            self._driver.abandon()

    def _more(self) -> Awaitable[None]:
        """Read until there are events, unless the stream has ended."""
        if self._over:
            raise self._error or StopAsyncIteration
        return self._next_events()

    async def _next_events(self) -> None:
        self._begin(self._driver.check)
        try:
            await self._read()
        finally:
            self._turn.release()

    async def _read(self) -> None:
        try:
            self._arrived(await self._driver.next_events(), self._driver.result)
        except errors.DeepSeekV4Error as error:
            self._failed(error)
            raise
        except BaseException as error:
            self._abandoned(error)
            raise


class _Loop(Generic[EventT]):
    """A loop over the events of a stream: it lives as long as a `for` runs, which `break` ends."""

    __slots__ = ("__weakref__", "_events", "_more")

    def __init__(self, events: deque[EventT], more: Callable[[], object]) -> None:
        self._events = events
        self._more = more  # it keeps the stream, too

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> EventT:
        events = self._events
        while not events:
            self._more()
        return events.popleft()


class _AsyncLoop(Generic[EventT]):
    """The async form of `_Loop`."""

    __slots__ = ("__weakref__", "_events", "_more")

    def __init__(self, events: deque[EventT], more: Callable[[], Awaitable[object]]) -> None:
        self._events = events
        self._more = more

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> EventT:
        events = self._events
        while not events:
            await self._more()
        return events.popleft()
