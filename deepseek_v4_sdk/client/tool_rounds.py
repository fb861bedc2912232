"""Tool runs round by round: the rounds among the events of a run."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Self, TypeGuard

from deepseek_v4_sdk._late_types import late_type
from deepseek_v4_sdk.chat import ChatEvent, Conversation, Shared
from deepseek_v4_sdk.client.tool_jobs import not_awaited
from deepseek_v4_sdk.errors import ConfigurationError
from deepseek_v4_sdk.tools.events import RoundFinished, RunFinished, ToolFinished, ToolRunning
from deepseek_v4_sdk.tools.failure import reason
from deepseek_v4_sdk.tools.outcome import ToolProgress
from deepseek_v4_sdk.tools.run import ToolRun

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from types import TracebackType

    from deepseek_v4_sdk.client.tool_streams import AsyncToolStream, ToolStream
    from deepseek_v4_sdk.tools.events import RunEvent
    from deepseek_v4_sdk.tools.run import Round
else:
    AsyncToolStream = late_type("deepseek_v4_sdk.client.tool_streams", "AsyncToolStream")
    ToolStream = late_type("deepseek_v4_sdk.client.tool_streams", "ToolStream")

__all__ = ["AsyncToolRounds", "ToolRounds"]

_OF_THE_RUN = (ToolRunning, ToolProgress, ToolFinished, RoundFinished, RunFinished)


def _is_of_chat(event: RunEvent) -> TypeGuard[ChatEvent]:
    return not isinstance(event, _OF_THE_RUN)


class ToolRounds(Shared):
    """A tool loop, round by round. Use it in a `with` block, and iterate.

    Args:
        stream: The run.
        on_event: A callback for the events of each turn, or None.
    """

    def __init__(self, stream: ToolStream, on_event: Callable[[ChatEvent], object] | None = None) -> None:
        if inspect.iscoroutinefunction(on_event):
            raise ConfigurationError("on_event is async: use AsyncDeepSeekV4, or make it a plain function")
        self._stream = stream
        self._on_event = on_event

    @property
    def messages(self) -> Conversation:
        """The conversation; it may be changed between rounds, and is valid whenever the loop ends."""
        return self._stream.messages

    @property
    def run(self) -> ToolRun:
        """The loop as it ended; one that was left early is `"cancelled"`.

        Raises:
            ConfigurationError: The loop has not ended.
        """
        return self._stream.run

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()

    def __iter__(self) -> Iterator[Round]:
        return self

    def __next__(self) -> Round:
        """The next round.

        Raises:
            DeepSeekV4Error: The request to the model failed; `messages` is still valid.
        """
        for event in self._stream:
            if isinstance(event, RoundFinished):
                return event.round
            if self._on_event is not None and _is_of_chat(event):
                self._tell(self._on_event, event)
        raise StopIteration

    def _tell(self, on_event: Callable[[ChatEvent], object], event: ChatEvent) -> None:
        try:
            not_awaited("on_event", on_event(event))
        except StopIteration as error:  # here it would silently end the iteration
            failure = RuntimeError(f"a function that the loop called raised {reason(error)}")
            self._stream.end_with(failure)
            raise failure from error
        except BaseException as error:
            self._stream.end_with(error)
            raise


class AsyncToolRounds(Shared):
    """A tool loop, round by round. Use it in an `async with` block, and iterate with `async for`.

    Args:
        stream: The run.
        on_event: A callback for the events of each turn, or None; it may be async.
    """

    def __init__(self, stream: AsyncToolStream, on_event: Callable[[ChatEvent], object] | None = None) -> None:
        self._stream = stream
        self._on_event = on_event

    @property
    def messages(self) -> Conversation:
        """The conversation; it may be changed between rounds, and is valid whenever the loop ends."""
        return self._stream.messages

    @property
    def run(self) -> ToolRun:
        """The loop as it ended; one that was left early is `"cancelled"`.

        Raises:
            ConfigurationError: The loop has not ended.
        """
        return self._stream.run

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stream.close()

    def __aiter__(self) -> AsyncIterator[Round]:
        return self

    async def __anext__(self) -> Round:
        """The next round.

        Raises:
            DeepSeekV4Error: The request to the model failed; `messages` is still valid.
        """
        async for event in self._stream:
            if isinstance(event, RoundFinished):
                return event.round
            if self._on_event is not None and _is_of_chat(event):
                await self._tell(self._on_event, event)
        raise StopAsyncIteration

    async def _tell(self, on_event: Callable[[ChatEvent], object], event: ChatEvent) -> None:
        try:
            returned = on_event(event)
            if inspect.isawaitable(returned):
                await returned
        except StopAsyncIteration as error:  # here it would silently end the iteration
            failure = RuntimeError(f"a function that the loop called raised {reason(error)}")
            await self._stream.end_with(failure)
            raise failure from error
        except BaseException as error:
            await self._stream.end_with(error)
            raise
