"""Structured answers while they arrive: the streams of `client.stream_parse()` and `client.iter_parse()`."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from deepseek_v4_sdk.call.event_streams import AsyncEventStream, EventStream
from deepseek_v4_sdk.structured.parse_steps import Parsed
from deepseek_v4_sdk.structured.watching import Partial

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deepseek_v4_sdk.call.event_streams import StreamedCall
    from deepseek_v4_sdk.chat import Attempt, Reply
    from deepseek_v4_sdk.errors import DeepSeekV4Error

__all__ = ["Asked", "AsyncItemStream", "AsyncParseStream", "ItemStream", "ParseStream"]

T_co = TypeVar("T_co", covariant=True)
ErrorT = TypeVar("ErrorT", bound="DeepSeekV4Error")


class Asked:
    """The running call, of those that a structured answer may take."""

    def __init__(self) -> None:
        self.call: StreamedCall | None = None
        self._before: list[Attempt] = []  # of the calls that have ended

    def begin(self, call: StreamedCall) -> None:
        """Begin the next call."""
        self._before += [] if self.call is None else self.call.attempts
        self.call = call

    @property
    def attempts(self) -> Sequence[Attempt]:
        """The HTTP requests that have ended, in order."""
        return [*self._before, *(() if self.call is None else self.call.attempts)]

    def partial(self) -> Reply | None:
        """The part of its answer that has arrived."""
        return None if self.call is None else self.call.partial()

    def tell(self, error: ErrorT) -> ErrorT:
        """Add to an error what is known of the call."""
        return error if self.call is None else self.call.tell(error)


class ParseStream(EventStream[Partial, Parsed[T_co]]):
    """A structured answer while it arrives: iterate over its states. The last one is the whole value.

    Use it in a `with` block. `break` leaves it open, and a second loop continues; leaving the block, `close()` and
    garbage collection close the connection at once.
    """

    def parsed(self) -> Parsed[T_co]:
        """Read the rest, and return the checked value; repeated calls return the same.

        Raises:
            SchemaViolationError: The answer does not match.
            IncompleteReplyError: The answer was cut, or is not whole; also after an early close.
            DeepSeekV4Error: The request to the model failed.
        """
        return self._drained()


class ItemStream(EventStream[T_co, Parsed[list[T_co]]]):  # pyright: ignore[reportInvalidTypeArguments]  # a list
    """The items of a list, each as soon as it has closed, checked: iterate over them.

    Use it in a `with` block where you may leave the loop early: leaving the block, `close()` and garbage
    collection close the connection at once.
    """

    def parsed(self) -> Parsed[list[T_co]]:
        """Read the rest, and return the whole list; repeated calls return the same.

        Raises:
            SchemaViolationError: The answer does not match.
            IncompleteReplyError: The answer was cut, or is not whole; also after an early close.
            DeepSeekV4Error: The request to the model failed.
        """
        return self._drained()


class AsyncParseStream(AsyncEventStream[Partial, Parsed[T_co]]):
    """A structured answer while it arrives: iterate over its states with `async for`. The last one is the whole value.

    Use it in an `async with` block. `break` leaves it open, and a second loop continues; leaving the block, `close()`,
    cancellation and garbage collection close the connection at once.
    """

    async def parsed(self) -> Parsed[T_co]:
        """Read the rest, and return the checked value; repeated calls return the same.

        Raises:
            SchemaViolationError: The answer does not match.
            IncompleteReplyError: The answer was cut, or is not whole; also after an early close.
            DeepSeekV4Error: The request to the model failed.
        """
        return await self._drained()


class AsyncItemStream(AsyncEventStream[T_co, Parsed[list[T_co]]]):  # pyright: ignore[reportInvalidTypeArguments]
    """The items of a list, each as soon as it has closed, checked: iterate over them with `async for`.

    Use it in an `async with` block where you may leave the loop early: leaving the block, `close()`, cancellation and
    garbage collection close the connection at once.
    """

    async def parsed(self) -> Parsed[list[T_co]]:
        """Read the rest, and return the whole list; repeated calls return the same.

        Raises:
            SchemaViolationError: The answer does not match.
            IncompleteReplyError: The answer was cut, or is not whole; also after an early close.
            DeepSeekV4Error: The request to the model failed.
        """
        return await self._drained()
