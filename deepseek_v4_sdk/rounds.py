"""Running tool loops: the two shells that ask the model and work off its calls, blocking and awaited."""

from __future__ import annotations

import asyncio
import inspect
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import TYPE_CHECKING, Self

from deepseek_v4_sdk.chat import result_text
from deepseek_v4_sdk.errors import ConfigurationError, DeepSeekV4Error
from deepseek_v4_sdk.tools.loop import Ask, Round, ToolLoop, ToolResult, ToolRun, Work

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from types import TracebackType

    from deepseek_v4_sdk.chat import Conversation, Reply
    from deepseek_v4_sdk.tools.loop import Job

__all__ = ["AsyncToolRounds", "ToolRounds"]


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

    def _next(self) -> Ask | Work | Round | None:
        """The next thing to do; None when there is nothing more."""
        answer, error = self._answer, self._error
        self._answer = self._error = None
        try:
            return self._steps.send(answer) if error is None else self._steps.throw(error)
        except StopIteration:
            return None

    def _worked(self, job: Job, value: object) -> ToolResult:
        return ToolResult(call=job.call, content=result_text(value))

    def _broke(self, job: Job, error: Exception) -> ToolResult:
        if self._loop.limits.raise_tool_errors:
            raise error
        text = f"{type(error).__name__}: {error}"
        return ToolResult(call=job.call, content=f"error: {text}", error=text)

    def _late(self, job: Job, seconds: float | None) -> ToolResult:
        text = f"{job.call.name} did not end within {seconds:g} s"
        return ToolResult(call=job.call, content=f"error: {text}", error=text)


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
        while (step := self._next()) is not None:
            if isinstance(step, Round):
                return step
            if isinstance(step, Work):
                self._answer = self._work(step)
                continue
            try:
                self._answer = self._ask(step)
            except DeepSeekV4Error as error:
                self._error = error
        raise StopIteration

    def _work(self, work: Work) -> list[ToolResult]:
        pool = ThreadPoolExecutor(self._loop.limits.parallel, thread_name_prefix="deepseek-v4-tool")
        try:
            running = [pool.submit(_call, job) for job in work.jobs]
            results: list[ToolResult] = []
            for job, future in zip(work.jobs, running, strict=True):
                try:
                    results.append(self._worked(job, future.result(work.seconds)))
                except FutureTimeoutError:
                    results.append(self._late(job, work.seconds))
                except Exception as error:  # noqa: BLE001  # a tool may raise anything; the model is told
                    results.append(self._broke(job, error))
            return results
        finally:
            # A thread cannot be ended from outside; one that is late goes on by itself, and its result is not wanted.
            pool.shutdown(wait=False, cancel_futures=True)


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
        while (step := self._next()) is not None:
            if isinstance(step, Round):
                return step
            if isinstance(step, Work):
                self._answer = await self._work(step)
                continue
            try:
                self._answer = await self._ask(step)
            except DeepSeekV4Error as error:
                self._error = error
        raise StopAsyncIteration

    async def _work(self, work: Work) -> list[ToolResult]:
        room = asyncio.Semaphore(self._loop.limits.parallel)

        async def one(job: Job) -> ToolResult:
            async with room:
                try:
                    async with asyncio.timeout(work.seconds):
                        return self._worked(job, await _acall(job))
                except TimeoutError:
                    return self._late(job, work.seconds)
                except Exception as error:  # noqa: BLE001  # a tool may raise anything; the model is told
                    return self._broke(job, error)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(job)) for job in work.jobs]
        return [task.result() for task in tasks]


def _call(job: Job) -> object:
    return job.tool(**job.tool.bind(job.call))


async def _acall(job: Job) -> object:
    arguments = job.tool.bind(job.call)
    if job.tool.is_async:
        value = job.tool(**arguments)
        return await value if inspect.isawaitable(value) else value
    return await asyncio.to_thread(job.tool, **arguments)
