"""Running tool loops: the two shells that ask the model and work off its calls, blocking and awaited."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
from collections import deque
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import TYPE_CHECKING, Self

from deepseek_v4_sdk.chat import result_text
from deepseek_v4_sdk.errors import ConfigurationError, DeepSeekV4Error
from deepseek_v4_sdk.tools.loop import Approve, Ask, Round, Step, ToolLoop, ToolResult, ToolRun, Work

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from types import TracebackType

    from deepseek_v4_sdk.chat import Conversation, Reply
    from deepseek_v4_sdk.tools.loop import Job

__all__ = ["AsyncToolRounds", "ToolRounds", "not_awaited"]


class _Rounds:
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

    def _broke(self, job: Job, error: Exception) -> ToolResult:
        if self._loop.limits.raise_tool_errors:
            raise error
        return _failed(job, f"{type(error).__name__}: {error}")


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
        running: dict[Future[object], tuple[int, Job, float | None, float]] = {}
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
                    results[index] = self._result(job, future)
                elif room is not None and now() >= late:
                    results[index] = _late(job, room)
                else:
                    continue
                del running[future]
        return [results[index] for index in range(len(work.jobs))]

    def _result(self, job: Job, future: Future[object]) -> ToolResult:
        try:
            value = future.result()
            if not inspect.isawaitable(value):
                return ToolResult(call=job.call, content=result_text(value))
        except Exception as error:  # noqa: BLE001  # a tool may raise anything; the model is told
            return self._broke(job, error)
        return ToolResult(call=job.call, content=result_text(not_awaited(f"the tool {job.call.name!r}", value)))


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
                        return ToolResult(call=job.call, content=result_text(await _awaited(job)))
                except Exception as error:  # noqa: BLE001  # a tool may raise anything; the model is told
                    return _late(job, room or 0.0) if timer.expired() else self._broke(job, error)

        tasks: list[asyncio.Task[ToolResult]] = []
        raised: Exception | None = None
        try:
            async with asyncio.TaskGroup() as group:
                tasks += [group.create_task(one(job)) for job in work.jobs]
        except ExceptionGroup as failed:
            raised = failed.exceptions[0]
        if raised is not None:
            raise raised
        return [task.result() for task in tasks]


def not_awaited(name: str, value: object) -> object:
    """What a function of the caller's gave, in a blocking client.

    Raises:
        ConfigurationError: It is something to await, which nobody here can.
    """
    if inspect.isawaitable(value):
        if inspect.iscoroutine(value):
            value.close()
        raise ConfigurationError(f"{name} is async: use AsyncDeepSeekV4, or make it a plain function")
    return value


_NO_TIME = "this call was not run: the time for the whole task was over"


def _failed(job: Job, text: str) -> ToolResult:
    return ToolResult(call=job.call, content=f"error: {text}", error=text)


def _late(job: Job, seconds: float) -> ToolResult:
    return _failed(job, f"{job.call.name} did not end within {seconds:g} s")


def _on_a_thread(job: Job) -> Future[object]:
    """Run a function on a thread of its own.

    A thread cannot be ended from outside: one that is late goes on by itself. So it takes no place of others, which a
    pool's would, and does not keep the program from ending.
    """
    future: Future[object] = Future()
    future.set_running_or_notify_cancel()
    context = contextvars.copy_context()

    def run() -> None:
        try:
            value = context.run(lambda: job.tool(**job.tool.bind(job.call)))
        except BaseException as error:  # noqa: BLE001  # whoever waits for the future gets it
            future.set_exception(error)
        else:
            future.set_result(value)

    threading.Thread(target=run, name=f"deepseek-v4-tool-{job.call.name}", daemon=True).start()
    return future


async def _awaited(job: Job) -> object:
    if job.tool.is_async:
        value = job.tool(**job.tool.bind(job.call))
    else:
        value = await asyncio.wrap_future(_on_a_thread(job))
    return await value if inspect.isawaitable(value) else value
