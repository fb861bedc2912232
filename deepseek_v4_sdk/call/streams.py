"""Streams: what `client.stream()` gives. One form for each kind of client, on the same state."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from deepseek_v4_sdk import errors
from deepseek_v4_sdk.call.chat_call import ChatCall
from deepseek_v4_sdk.call.event_streams import AsyncEventStream, EventStream, StreamState
from deepseek_v4_sdk.chat import ChatEvent, Finished, Reply, TextDelta

__all__ = ["AsyncChatStream", "ChatStream"]


class _Chat(StreamState[ChatEvent, Reply]):
    """What is the chat's own: its reply is known with the last event, before the call has ended."""

    @property
    def partial(self) -> Reply:
        """What has arrived so far, as a reply; readable at any time."""
        return super().partial if self._known is None else self._known

    def _arrived(self, events: list[ChatEvent] | None, result: Reply | None) -> None:
        super()._arrived(events, result if self._known is None else self._known)
        if events and isinstance(events[-1], Finished):
            self._known = events[-1].reply

    def _check_texts_alone(self) -> None:
        if isinstance(self._call, ChatCall) and self._call.may_restart:
            raise errors.InvalidRequestError(
                "text_deltas() cannot tell that an answer was begun anew: iterate over the events, "
                "or leave on_interrupt='restart' out"
            )


class ChatStream(_Chat, EventStream[ChatEvent, Reply]):
    """An answer while it arrives.

    Use it in a `with` block, and iterate over its events. `break` leaves it open, and a second loop goes on;
    leaving the block, `close()` and garbage collection close the connection at once, which also makes the server
    stop.
    """

    def batches(self) -> Iterator[list[ChatEvent]]:
        """The events in lists: those that arrived together. It suits a program that hands many of them on at once.

        Raises:
            StreamInUseError: Another thread's loop has not ended.
        """
        events = self._events
        for first in self:
            batch = [first, *events]
            events.clear()
            yield batch

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
        return self._drained()


class AsyncChatStream(_Chat, AsyncEventStream[ChatEvent, Reply]):
    """An answer while it arrives.

    Use it in an `async with` block, and iterate over its events with `async for`. `break` leaves it open, and a second
    loop goes on; leaving the block, `close()`, cancellation and garbage collection close the connection at once, which
    also makes the server stop.
    """

    async def batches(self) -> AsyncIterator[list[ChatEvent]]:
        """The events in lists: those that arrived together. It suits a program that hands many of them on at once.

        Raises:
            StreamInUseError: Another task's loop has not ended.
        """
        events = self._events
        async for first in self:
            batch = [first, *events]
            events.clear()
            yield batch

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
        return await self._drained()
