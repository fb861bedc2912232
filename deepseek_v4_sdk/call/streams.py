"""The streams of `client.stream()`: one form for each kind of client, on the same state."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from deepseek_v4_sdk import errors
from deepseek_v4_sdk.call.chat_call import ChatCall
from deepseek_v4_sdk.call.event_streams import AsyncEventStream, EventStream, StreamState
from deepseek_v4_sdk.chat import ChatEvent, Finished, Reply, TextDelta

__all__ = ["AsyncChatStream", "ChatStream"]


class _Chat(StreamState[ChatEvent, Reply]):
    """A chat's stream: its reply is known with the last event, before the call has ended."""

    @property
    def partial(self) -> Reply:
        """The part that has arrived so far, as a reply; readable at any time."""
        return super().partial if self._known is None else self._known

    def _arrived(self, events: list[ChatEvent] | None, result: Reply | None) -> None:
        super()._arrived(events, result if self._known is None else self._known)
        if events and isinstance(events[-1], Finished):
            self._known = events[-1].reply

    def _check_texts_alone(self) -> None:
        if isinstance(self._call, ChatCall) and self._call.may_restart:
            raise errors.InvalidRequestError(
                "text_deltas() cannot show that an answer was restarted: iterate over the events, "
                "or leave on_interrupt='restart' out"
            )


class ChatStream(_Chat, EventStream[ChatEvent, Reply]):
    """An answer while it arrives.

    Use it in a `with` block, and iterate over its events. `break` leaves it open, and a second loop continues; leaving
    the block, `close()` and garbage collection close the connection at once, which also makes the server stop.
    """

    def batches(self) -> Iterator[list[ChatEvent]]:
        """Yield the events in lists: those that arrived together. It suits a program that forwards many of them.

        Raises:
            StreamInUseError: Another thread's loop has not ended.
        """
        events = self._events
        for first in self:
            batch = [first, *events]
            events.clear()
            yield batch

    def text_deltas(self) -> Iterator[str]:
        """Yield only the pieces of the text.

        Raises:
            InvalidRequestError: With `on_interrupt="restart"`, because the pieces cannot show a restart.
        """
        self._check_texts_alone()
        for event in self:
            if isinstance(event, TextDelta):
                yield event.text

    def reply(self) -> Reply:
        """Read the rest, and return the whole answer; repeated calls return the same.

        Raises:
            StreamClosedError: The stream was closed before it had ended.
            DeepSeekV4Error: The answer broke off or is not whole.
        """
        return self._drained()


class AsyncChatStream(_Chat, AsyncEventStream[ChatEvent, Reply]):
    """An answer while it arrives.

    Use it in an `async with` block, and iterate over its events with `async for`. `break` leaves it open, and a second
    loop continues; leaving the block, `close()`, cancellation and garbage collection close the connection at once,
    which also makes the server stop.
    """

    async def batches(self) -> AsyncIterator[list[ChatEvent]]:
        """Yield the events in lists: those that arrived together. It suits a program that forwards many of them.

        Raises:
            StreamInUseError: Another task's loop has not ended.
        """
        events = self._events
        async for first in self:
            batch = [first, *events]
            events.clear()
            yield batch

    async def text_deltas(self) -> AsyncIterator[str]:
        """Yield only the pieces of the text.

        Raises:
            InvalidRequestError: With `on_interrupt="restart"`, because the pieces cannot show a restart.
        """
        self._check_texts_alone()
        async for event in self:
            if isinstance(event, TextDelta):
                yield event.text

    async def reply(self) -> Reply:
        """Read the rest, and return the whole answer; repeated calls return the same.

        Raises:
            StreamClosedError: The stream was closed before it had ended.
            DeepSeekV4Error: The answer broke off or is not whole.
        """
        return await self._drained()
