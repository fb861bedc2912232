"""Running tool loops: the two shells that ask the model and work off its calls, blocking and awaited."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
from collections import deque
from collections.abc import AsyncIterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, cast

from deepseek_v4_sdk.chat import Shared, result_text
from deepseek_v4_sdk.errors import ConfigurationError, DeepSeekV4Error, InvalidRequestError
from deepseek_v4_sdk.tools.failure import ends_the_run, reason, warn_of_result
from deepseek_v4_sdk.tools.loop import Approve, Ask, Round, Step, ToolLoop, ToolResult, ToolRun, Work

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from types import TracebackType

    from deepseek_v4_sdk.chat import Conversation, Reply
    from deepseek_v4_sdk.tools.loop import Job

__all__ = ["AsyncToolRounds", "ToolRounds", "not_awaited"]


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What running a tool gave: a value, or what it raised.

    It travels as a value: a future cannot carry `StopIteration`, and takes some other exceptions for its own.
    """

    value: object = None
    error: BaseException | None = None


class _EndsRunError(Exception):
    """Carries what ends the run out of the task of a call: no event loop lets `SystemExit` pass as it is."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error


class _Rounds(Shared):
    """What both forms share."""

    def __init__(self, loop: ToolLoop) -> None:
        self._loop = loop
        self._steps = loop.steps()
        self._answer: object = None
        self._error: DeepSeekV4Error | None = None

    @property
    def messages(self) -> Conversation:
        """The conversation; it may be changed between rounds, and is valid whenever the loop ends."""
        return self._loop.messages

    @property
    def run(self) -> ToolRun:
        """The loop as it ended.

        Raises:
            ConfigurationError: It has not.
        """
        return self._loop.run()

    def _next(self) -> Step | None:
        """The next thing to do; None when there is nothing more."""
        answer, error = self._answer, self._error
        self._answer = self._error = None
        try:
            return self._steps.send(answer) if error is None else self._steps.throw(error)
        except StopIteration:
            return None

    def _settle(self, job: Job, outcome: _Outcome) -> ToolResult:
        """What the model is told of an outcome; what ends the run is raised."""
        error = outcome.error
        if error is None:
            try:
                return ToolResult(call=job.call, content=result_text(outcome.value))
            except InvalidRequestError as refused:
                error = refused
                if not self._loop.limits.raise_tool_errors:
                    warn_of_result(job.call.name, job.tool.function, refused)
        if ends_the_run(error):
            raise error
        if self._loop.limits.raise_tool_errors:
            if isinstance(error, _NOT_RAISED):
                raise RuntimeError(f"the tool {job.call.name!r} raised {reason(error)}") from error
            raise error
        return _failed(job, reason(error))


class ToolRounds(_Rounds):
    """A tool loop, round by round. Use it in a `with` block, and iterate.

    Args:
        loop: The loop.
        ask: Asks the model.
    """

    def __init__(self, loop: ToolLoop, ask: Callable[[Ask], Reply]) -> None:
        super().__init__(loop)
        self._ask = ask
        for tool in loop.tools.values():
            if tool.runs and tool.is_async:
                raise ConfigurationError(
                    f"the tool {tool.name!r} is async: use AsyncDeepSeekV4, or make it a plain function"
                )
        if inspect.iscoroutinefunction(loop.limits.approve):
            raise ConfigurationError("approve is async: use AsyncDeepSeekV4, or make it a plain function")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._steps.close()

    def __iter__(self) -> Iterator[Round]:
        return self

    def __next__(self) -> Round:
        """The next round.

        Raises:
            DeepSeekV4Error: The model could not be asked; `messages` is valid all the same.
        """
        try:
            while (step := self._next()) is not None:
                if isinstance(step, Round):
                    return step
                self._do(step)
        except StopIteration as error:  # of a function of the caller's: here it would end the iteration in silence
            self._steps.close()
            raise RuntimeError(f"a function that the loop called raised {reason(error)}") from error
        except BaseException:
            self._steps.close()  # nothing goes on behind what was raised
            raise
        raise StopIteration

    def _do(self, step: Ask | Approve | Work) -> None:
        if isinstance(step, Work):
            self._answer = self._work(step)
        elif isinstance(step, Approve):
            self._answer = not_awaited("approve", step.ask(step.call))
        else:
            try:
                self._answer = self._ask(step)
            except DeepSeekV4Error as error:
                self._error = error

    def _work(self, work: Work) -> list[ToolResult]:
        now = self._loop.now
        waiting = deque(enumerate(work.jobs))
        running: dict[Future[_Outcome], tuple[int, Job, float | None, float]] = {}
        results: dict[int, ToolResult] = {}
        while waiting or running:
            while waiting and len(running) < self._loop.limits.parallel:
                index, job = waiting.popleft()
                room = work.room(now())
                if room == 0:
                    results[index] = _failed(job, _NO_TIME)
                else:
                    late = float("inf") if room is None else now() + room
                    running[_on_a_thread(job)] = (index, job, room, late)
            if not running:
                continue
            first = min(late for *_, late in running.values())
            wait(running, None if first == float("inf") else max(0.0, first - now()), FIRST_COMPLETED)
            for future, (index, job, room, late) in list(running.items()):
                if future.done():
                    results[index] = self._settle(job, self._plain(job, future.result()))
                elif room is not None and now() >= late:
                    results[index] = _late(job, room)
                else:
                    continue
                del running[future]
        return [results[index] for index in range(len(work.jobs))]

    def _plain(self, job: Job, outcome: _Outcome) -> _Outcome:
        not_awaited(f"the tool {job.call.name!r}", outcome.value)
        return outcome


class AsyncToolRounds(_Rounds):
    """A tool loop, round by round. Use it in an `async with` block, and iterate with `async for`.

    Args:
        loop: The loop.
        ask: Asks the model.
    """

    def __init__(self, loop: ToolLoop, ask: Callable[[Ask], Awaitable[Reply]]) -> None:
        super().__init__(loop)
        self._ask = ask

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._steps.close()

    def __aiter__(self) -> AsyncIterator[Round]:
        return self

    async def __anext__(self) -> Round:
        """The next round.

        Raises:
            DeepSeekV4Error: The model could not be asked; `messages` is valid all the same.
        """
        try:
            while (step := self._next()) is not None:
                if isinstance(step, Round):
                    return step
                await self._do(step)
        except StopAsyncIteration as error:  # of a function of the caller's: see `ToolRounds`
            self._steps.close()
            raise RuntimeError(f"a function that the loop called raised {reason(error)}") from error
        except BaseException:
            self._steps.close()  # nothing goes on behind what was raised
            raise
        raise StopAsyncIteration

    async def _do(self, step: Ask | Approve | Work) -> None:
        if isinstance(step, Work):
            self._answer = await self._work(step)
        elif isinstance(step, Approve):
            verdict = step.ask(step.call)
            self._answer = await verdict if inspect.isawaitable(verdict) else verdict
        else:
            try:
                self._answer = await self._ask(step)
            except DeepSeekV4Error as error:
                self._error = error

    async def _work(self, work: Work) -> list[ToolResult]:
        free = asyncio.Semaphore(self._loop.limits.parallel)

        async def one(job: Job) -> ToolResult:
            async with free:
                room = work.room(self._loop.now())
                if room == 0:
                    return _failed(job, _NO_TIME)
                timer = asyncio.timeout(room)
                try:
                    async with timer:
                        outcome = await _awaited(job)
                except TimeoutError as error:
                    outcome = _Outcome(error=error)
                if isinstance(outcome.error, Exception) and timer.expired():
                    return _late(job, room or 0.0)
                try:
                    return self._settle(job, outcome)
                except BaseException as error:  # noqa: BLE001  # it is raised again, outside of the task
                    raise _EndsRunError(error) from None

        tasks: list[asyncio.Task[ToolResult]] = []
        raised: BaseException | None = None
        try:
            async with asyncio.TaskGroup() as group:
                tasks += [group.create_task(one(job)) for job in work.jobs]
        except BaseExceptionGroup as failed:
            first = failed.exceptions[0]
            raised = first.error if isinstance(first, _EndsRunError) else first
        if raised is not None:
            raise raised
        # A cancellation of the run has been raised by now. What else was cancelled was cancelled inside of its tool.
        return [
            self._settle(job, _Outcome(error=_cancelled(task))) if task.cancelled() else task.result()
            for job, task in zip(work.jobs, tasks, strict=True)
        ]


def not_awaited(name: str, value: object) -> object:
    """What a function of the caller's gave, in a blocking client.

    Raises:
        ConfigurationError: It is something to await, which nobody here can.
    """
    if inspect.iscoroutine(value):
        value.close()
    if inspect.isawaitable(value) or isinstance(value, AsyncIterable):
        raise ConfigurationError(f"{name} is async: use AsyncDeepSeekV4, or make it a plain function")
    return value


# Raised out of an iteration or a run, these would be read as its end, or as somebody's cancelling it.
_NOT_RAISED = (StopIteration, StopAsyncIteration, asyncio.CancelledError)
_NO_TIME = "this call was not run: the time for the whole task was over"


def _failed(job: Job, text: str) -> ToolResult:
    return ToolResult(call=job.call, content=f"error: {text}", error=text)


def _late(job: Job, seconds: float) -> ToolResult:
    return _failed(job, f"{job.call.name} did not end within {seconds:g} s")


def _on_a_thread(job: Job) -> Future[_Outcome]:
    """Run a function on a thread of its own.

    A thread cannot be ended from outside: one that is late goes on by itself. So it takes no place of others, which a
    pool's would, and does not keep the program from ending.
    """
    future: Future[_Outcome] = Future()
    future.set_running_or_notify_cancel()
    context = contextvars.copy_context()

    def call() -> object:
        value = job.tool(**job.tool.bind(job.call))
        return list(cast("Iterator[object]", value)) if isinstance(value, Iterator) else value

    def run() -> None:
        try:
            outcome = _Outcome(context.run(call))
        except BaseException as error:  # noqa: BLE001  # whoever waits for the future gets it
            outcome = _Outcome(error=error)
        future.set_result(outcome)

    threading.Thread(target=run, name=f"deepseek-v4-tool-{job.call.name}", daemon=True).start()
    return future


async def _awaited(job: Job) -> _Outcome:
    """What a tool gave, on its thread or here. A cancellation passes: whose it is, is seen where the task ends."""
    try:
        if job.tool.is_async:
            value = job.tool(**job.tool.bind(job.call))
        else:
            outcome = await asyncio.wrap_future(_on_a_thread(job))
            if outcome.error is not None:
                return outcome
            value = outcome.value
        if inspect.isawaitable(value):
            value = await value
        if isinstance(value, AsyncIterable):
            value = [item async for item in cast("AsyncIterable[object]", value)]
    except (asyncio.CancelledError, GeneratorExit):
        raise
    except BaseException as error:  # noqa: BLE001  # what a tool raises may be anything
        return _Outcome(error=error)
    return _Outcome(value)


def _cancelled(task: asyncio.Task[ToolResult]) -> BaseException:
    """The `CancelledError` of a task that ended with one."""
    try:
        task.result()
    except asyncio.CancelledError as error:
        return error
    raise AssertionError(task)
