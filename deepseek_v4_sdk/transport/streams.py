"""Streams: what `client.stream()` gives. One form for each kind of client, on the same state."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Self

from deepseek_v4_sdk import errors
from deepseek_v4_sdk.chat import Finished, Reply, Shared, TextDelta

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from types import TracebackType

    from deepseek_v4_sdk.chat import ChatEvent
    from deepseek_v4_sdk.transport.chat_course import ChatCourse
    from deepseek_v4_sdk.transport.pumps import AsyncPump, Pump

__all__ = ["AsyncChatStream", "ChatStream"]


class _State(Shared):
    """What both forms keep: events that wait, and how the stream ended."""

    def __init__(self, course: ChatCourse) -> None:
        self._course = course
        self._events: deque[ChatEvent] = deque()
        self._entered = False
        self._turn = threading.Lock()  # of who reads; a child does not get so far
        self._over = False  # nothing more will be read
        self._reply: Reply | None = None
        self._error: errors.DeepSeekV4Error | None = None

    @property
    def partial(self) -> Reply:
        """What has arrived so far, as a reply; readable at any time."""
        if self._reply is not None:
            return self._reply
        return self._course.partial() or Reply()

    def _begin(self, check: Callable[[], None]) -> None:
        """Begin to read, unless somebody else does.

        Raises:
            ConfigurationError: An async stream, and this is not asyncio.
            StreamInUseError: Somebody does, or only another event loop or process may.
        """
        check()
        if not self._turn.acquire(blocking=False):
            raise errors.StreamInUseError(
                "another thread or task reads this stream at the moment: read it in one place, and hand its events on"
            )
        self._entered = True

    def _arrived(self, events: list[ChatEvent] | None) -> None:
        if events is None:
            self._over = True
            return
        self._events.extend(events)
        if events and isinstance(events[-1], Finished):
            self._reply = events[-1].reply

    def _failed(self, error: errors.DeepSeekV4Error) -> None:
        self._over = True
        self._error = error

    def _closed(self) -> None:
        self._over = True
        if self._reply is None and self._error is None:
            self._events.clear()
            error = errors.StreamClosedError("the stream was closed before it had ended")
            self._error = self._course.tell(error.about(partial=self.partial))

    def _abandoned(self, error: BaseException) -> None:
        """Reading ended by what is no error of an answer: cancellation, or a close while it was going on.

        Raises:
            StreamClosedError: Another thread or task has closed the stream.
        """
        if self._over and self._error is not None and isinstance(error, Exception):
            raise self._error from None
        self._closed()

    def _check_texts_alone(self) -> None:
        if self._course.may_restart:
            raise errors.InvalidRequestError(
                "text_deltas() cannot tell that an answer was begun anew: iterate over the events, "
                "or leave on_interrupt='restart' out"
            )

    def _result(self) -> Reply:
        if self._reply is not None:
            return self._reply
        raise self._error or errors.StreamClosedError("the stream was closed before it had begun")


class ChatStream(_State):
    """An answer while it arrives.

    Use it in a `with` block, and iterate over its events. `break` leaves it open, and a second loop goes on;
    leaving the block, `close()` and garbage collection close the connection at once, which also makes the server
    stop.
    """

    def __init__(self, course: ChatCourse, pump: Pump[Reply]) -> None:
        super().__init__(course)
        self._pump = pump

    def __enter__(self) -> Self:
        """Send the request and wait until the server accepts it.

        Raises:
            DeepSeekV4Error: It does not.
        """
        if not self._entered:
            self._pull()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[ChatEvent]:
        return self

    def __next__(self) -> ChatEvent:
        """The next event.

        Raises:
            DeepSeekV4Error: The answer broke off or is not whole; its `partial` has what arrived.
        """
        events = self._events
        while not events:
            if self._over:
                if self._error is not None:
                    raise self._error
                raise StopIteration
            self._pull()
        return events.popleft()

    def text_deltas(self) -> Iterator[str]:
        """The pieces of the text alone.

        Raises:
            InvalidRequestError: With `on_interrupt="restart"`, for the pieces could not tell of a new beginning.
        """
        self._check_texts_alone()
        for event in self:
            if isinstance(event, TextDelta):
                yield event.text

    def reply(self) -> Reply:
        """Read what is left, and give the whole answer; again and again the same.

        Raises:
            StreamClosedError: The stream was closed before it had ended.
            DeepSeekV4Error: The answer broke off or is not whole.
        """
        if not self._over:
            self._begin(self._pump.check)
            try:
                while not self._over:
                    self._read()
            finally:
                self._turn.release()
        return self._result()

    def close(self) -> None:
        """Close the connection at once."""
        if not self._over:
            self._pump.stop()
            self._closed()

    def __del__(self) -> None:
        if not getattr(self, "_over", True):
            self._pump.stop()

    def _pull(self) -> None:
        self._begin(self._pump.check)
        try:
            self._read()
        finally:
            self._turn.release()

    def _read(self) -> None:
        try:
            self._arrived(self._pump.pull())
        except errors.DeepSeekV4Error as error:
            self._failed(error)
            raise
        except BaseException as error:
            self._abandoned(error)
            raise


class AsyncChatStream(_State):
    """An answer while it arrives.

    Use it in an `async with` block, and iterate over its events with `async for`. `break` leaves it open, and a second
    loop goes on; leaving the block, `close()`, cancellation and garbage collection close the connection at once, which
    also makes the server stop.
    """

    def __init__(self, course: ChatCourse, pump: AsyncPump[Reply]) -> None:
        super().__init__(course)
        self._pump = pump

    async def __aenter__(self) -> Self:
        """Send the request and wait until the server accepts it.

        Raises:
            DeepSeekV4Error: It does not.
        """
        if not self._entered:
            await self._pull()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __aiter__(self) -> AsyncIterator[ChatEvent]:
        return self

    async def __anext__(self) -> ChatEvent:
        """The next event.

        Raises:
            DeepSeekV4Error: The answer broke off or is not whole; its `partial` has what arrived.
        """
        events = self._events
        while not events:
            if self._over:
                if self._error is not None:
                    raise self._error
                raise StopAsyncIteration
            await self._pull()
        return events.popleft()

    async def text_deltas(self) -> AsyncIterator[str]:
        """The pieces of the text alone.

        Raises:
            InvalidRequestError: With `on_interrupt="restart"`, for the pieces could not tell of a new beginning.
        """
        self._check_texts_alone()
        async for event in self:
            if isinstance(event, TextDelta):
                yield event.text

    async def reply(self) -> Reply:
        """Read what is left, and give the whole answer; again and again the same.

        Raises:
            StreamClosedError: The stream was closed before it had ended.
            DeepSeekV4Error: The answer broke off or is not whole.
        """
        if not self._over:
            self._begin(self._pump.check)
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
            self._pump.check_end()
            await self._pump.stop()
            self._closed()

    def __del__(self) -> None:
        if not getattr(self, "_over", True):
            self._pump.abandon()

    async def _pull(self) -> None:
        self._begin(self._pump.check)
        try:
            await self._read()
        finally:
            self._turn.release()

    async def _read(self) -> None:
        try:
            self._arrived(await self._pump.pull())
        except errors.DeepSeekV4Error as error:
            self._failed(error)
            raise
        except BaseException as error:
            self._abandoned(error)
            raise
