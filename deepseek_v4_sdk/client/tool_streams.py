"""Tool runs while they happen: the two drivers that call the model and run its tool calls, blocking and awaited."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Self

from deepseek_v4_sdk.call.notifier import Notifier
from deepseek_v4_sdk.call.streams import AsyncChatStream, ChatStream
from deepseek_v4_sdk.client.tool_jobs import awaited, not_awaited, on_a_thread
from deepseek_v4_sdk.client.tool_run_state import RunState
from deepseek_v4_sdk.errors import ConfigurationError, DeepSeekV4Error, StreamClosedError
from deepseek_v4_sdk.tools.failure import reason
from deepseek_v4_sdk.tools.loop import ToolLoop
from deepseek_v4_sdk.tools.loop_steps import AskApproval, AskModel, JobMessage, Start, Stop, Wait
from deepseek_v4_sdk.tools.outcome import ToolProgress
from deepseek_v4_sdk.tools.results import Outcome

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from concurrent.futures import Future
    from types import TracebackType

    from deepseek_v4_sdk.chat import ChatEvent
    from deepseek_v4_sdk.tools.events import RunEvent
    from deepseek_v4_sdk.tools.results import ToolJob

__all__ = ["AsyncToolStream", "ToolStream"]


class ToolStream(RunState):
    """A tool run while it happens: iterate over its events, in a `with` block.

    Leaving the block, or `close()`, ends the answer at once. Functions that run then cannot be ended: they continue,
    and nobody waits for their results. `client.stream_tools()` makes it.
    """

    def __init__(self, _loop: ToolLoop, _ask: Callable[[AskModel], ChatStream], _watch: Notifier) -> None:
        for tool in _loop.tools.values():
            if tool.runs and tool.is_async:
                raise ConfigurationError(
                    f"the tool {tool.name!r} is async: use AsyncDeepSeekV4, or make it a plain function"
                )
        if inspect.iscoroutinefunction(_loop.limits.approve):
            raise ConfigurationError("approve is async: use AsyncDeepSeekV4, or make it a plain function")
        super().__init__(_loop, _watch)
        self._ask = _ask
        self._answering: ChatStream | None = None
        self._listening: Iterator[ChatEvent] | None = None
        self._job_messages: SimpleQueue[JobMessage | None] = SimpleQueue()
        self._dropped: set[int] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[RunEvent]:
        return self

    def __next__(self) -> RunEvent:
        """The next event.

        Raises:
            StreamClosedError: The run was closed.
            StreamInUseError: Another thread reads it.
            DeepSeekV4Error: The request to the model failed; `run` has the part up to then, and `messages` is valid.
        """
        self._begin()
        try:
            while not self._events:
                if self._over:
                    raise self._rest() or StopIteration
                self._advance()
            return self._events.popleft()
        except BaseException as error:
            if not self._over:
                self.end_with(error)
            raise
        finally:
            self._turn.release()

    def close(self) -> None:
        """End the run at once."""
        if self._over:
            return
        self._closing = True
        self._limit.wake()
        if self._answering is not None:
            self._answering.close()
        self._job_messages.put(None)  # wakes the waiting reader
        if self._turn.acquire(blocking=False):
            try:
                self.end_with(StreamClosedError("the run was closed before it had ended"))
            finally:
                self._turn.release()

    def end_with(self, error: BaseException) -> None:
        """End the run with an error, which then carries it."""
        if self._answering is not None:
            self._answering.close()
            self._loop.asked(self._answering.attempts)
            self._answering = self._listening = None
        self._ended(error)

    def _advance(self) -> None:
        self._check_open()
        if self._answering is not None:
            self._listen(self._answering)
            return
        step = self._next()
        match step:
            case None:
                self._over, self._run = True, self._loop.run()
            case AskModel():
                try:
                    self._answering = self._ask(step)
                    self._listening = iter(self._answering)
                except DeepSeekV4Error as error:
                    self._thrown = error
            case AskApproval(call, ask):
                try:
                    self._answer = not_awaited("approve", ask(call))
                except StopIteration as error:  # here it would silently end the iteration
                    raise RuntimeError(f"a function that the loop called raised {reason(error)}") from error
            case Start(job):
                on_a_thread(job, lambda progress: self._report(job, progress), self._watch).add_done_callback(
                    lambda future: self._finished(job, future)
                )
            case Wait(seconds):
                self._answer = self._wait(seconds)
            case Stop(job):
                self._dropped.add(job.number)
                self._limit.wake()
            case event:
                self._events.append(event)

    def _listen(self, answering: ChatStream) -> None:
        try:
            if self._listening is not None and (event := next(self._listening, None)) is not None:
                self._events.append(event)
                return
            self._answer = answering.reply()
        except DeepSeekV4Error as error:
            self._thrown = error
        self._answering = self._listening = None

    def _wait(self, seconds: float | None) -> JobMessage | None:
        try:
            message = self._job_messages.get(timeout=seconds)
        except Empty:
            return None
        if message is None:
            self._check_open()
        elif isinstance(message.what, Outcome):
            not_awaited(f"the tool {message.job.call.name!r}", message.what.value)
        else:
            self._limit.read(of_thread=True)
        return message

    def _has_ended(self, job: ToolJob) -> bool:
        return self._over or self._closing or job.number in self._dropped

    def _report(self, job: ToolJob, progress: ToolProgress) -> bool:
        if not self._limit.wait(lambda: self._has_ended(job)):
            return False
        self._job_messages.put(JobMessage(job, progress, self._loop.now()))
        return not self._has_ended(job)

    def _finished(self, job: ToolJob, future: Future[Outcome]) -> None:
        self._job_messages.put(JobMessage(job, future.result(), self._loop.now()))


class AsyncToolStream(RunState):
    """A tool run while it happens: iterate over its events with `async for`, in an `async with` block.

    Leaving the block, `close()` or cancellation ends the answer at once, and cancels and awaits async tools. Plain
    functions that run then cannot be ended: they continue, and nobody waits for their results. `client.stream_tools()`
    makes it.
    """

    def __init__(self, _loop: ToolLoop, _ask: Callable[[AskModel], AsyncChatStream], _watch: Notifier) -> None:
        super().__init__(_loop, _watch)
        self._ask = _ask
        self._answering: AsyncChatStream | None = None
        self._listening: AsyncIterator[ChatEvent] | None = None
        self._job_messages: asyncio.Queue[JobMessage | None] = asyncio.Queue()
        self._tasks: dict[int, asyncio.Task[Outcome]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __aiter__(self) -> AsyncIterator[RunEvent]:
        return self

    async def __anext__(self) -> RunEvent:
        """The next event.

        Raises:
            StreamClosedError: The run was closed.
            StreamInUseError: Another task reads it.
            DeepSeekV4Error: The request to the model failed; `run` has the part up to then, and `messages` is valid.
        """
        self._begin()
        try:
            while not self._events:
                if self._over:
                    raise self._rest() or StopAsyncIteration
                await self._advance()
            return self._events.popleft()
        except BaseException as error:
            if not self._over:
                await self.end_with(error)
            raise
        finally:
            self._turn.release()

    async def close(self) -> None:
        """End the run at once."""
        if self._over:
            return
        self._closing = True
        if self._answering is not None:
            await self._answering.close()
        self._job_messages.put_nowait(None)  # wakes the waiting reader
        if self._turn.acquire(blocking=False):
            try:
                await self.end_with(StreamClosedError("the run was closed before it had ended"))
            finally:
                self._turn.release()

    async def end_with(self, error: BaseException) -> None:
        """End the run with an error, which then carries it."""
        self._over = True
        try:
            await _stopped(list(self._tasks.values()))
            if self._answering is not None:
                await self._answering.close()
        finally:
            if self._answering is not None:
                self._loop.asked(self._answering.attempts)
            self._answering = self._listening = None
            self._tasks.clear()
            self._ended(error)

    async def _advance(self) -> None:
        self._check_open()
        if self._answering is not None:
            await self._listen(self._answering)
            return
        step = self._next()
        match step:
            case None:
                self._over, self._run = True, self._loop.run()
            case AskModel():
                try:
                    self._answering = self._ask(step)
                    self._listening = aiter(self._answering)
                except DeepSeekV4Error as error:
                    self._thrown = error
            case AskApproval(call, ask):
                try:
                    decision = ask(call)
                    self._answer = await decision if inspect.isawaitable(decision) else decision
                except StopAsyncIteration as error:  # here it would silently end the iteration
                    raise RuntimeError(f"a function that the loop called raised {reason(error)}") from error
            case Start(job):
                self._tasks[job.number] = asyncio.create_task(self._work(job))
            case Wait(seconds):
                self._answer = await self._wait(seconds)
            case Stop(job):
                task = self._tasks.pop(job.number)
                self._limit.wake()
                await _stopped([task])
                self._answer = None if task.cancelled() else task.result()
            case event:
                self._events.append(event)

    async def _listen(self, answering: AsyncChatStream) -> None:
        try:
            if self._listening is not None:
                async for event in self._listening:
                    self._events.append(event)
                    return
            self._answer = await answering.reply()
        except DeepSeekV4Error as error:
            self._thrown = error
        self._answering = self._listening = None

    async def _wait(self, seconds: float | None) -> JobMessage | None:
        if not self._job_messages.empty():
            message = self._job_messages.get_nowait()
        else:
            try:
                async with asyncio.timeout(seconds):
                    message = await self._job_messages.get()
            except TimeoutError:
                return None
        if message is None:
            self._check_open()
        elif isinstance(message.what, Outcome):
            self._tasks.pop(message.job.number, None)
        else:
            self._limit.read(of_thread=not message.job.tool.is_async)
        return message

    async def _work(self, job: ToolJob) -> Outcome:
        running = asyncio.get_running_loop()

        def tell(what: ToolProgress | Outcome) -> None:
            self._job_messages.put_nowait(JobMessage(job, what, self._loop.now()))

        async def report(progress: ToolProgress) -> None:
            await self._limit.suspend()
            tell(progress)

        def report_from_thread(progress: ToolProgress) -> bool:
            if not self._limit.wait(lambda: job.number not in self._tasks):
                return False
            with suppress(RuntimeError):  # the loop is closed
                running.call_soon_threadsafe(tell, progress)
            return job.number in self._tasks

        outcome = await awaited(job, report, report_from_thread, self._watch)
        tell(outcome)
        return outcome


async def _stopped(tasks: list[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait for their ends, even if this waiting is cancelled; that is raised at the end."""
    cancelled: asyncio.CancelledError | None = None
    waiting: set[asyncio.Task[Any]] = {task for task in tasks if not task.done()}
    for task in waiting:
        task.cancel()
    while waiting:
        try:
            _, waiting = await asyncio.wait(waiting)
        except asyncio.CancelledError as error:
            cancelled = error
            waiting = {task for task in waiting if not task.done()}
    if cancelled is not None:
        raise cancelled
