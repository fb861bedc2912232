"""Running one call of a tool: on its own thread, or awaited."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Generator, Iterator
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeAlias, cast

from deepseek_v4_sdk.errors import ConfigurationError
from deepseek_v4_sdk.tools.outcome import ToolProgress
from deepseek_v4_sdk.tools.results import Outcome, gathered

if TYPE_CHECKING:
    from deepseek_v4_sdk.call.notifier import Notifier
    from deepseek_v4_sdk.tools.results import ToolJob

__all__ = ["AsyncListen", "Listen", "awaited", "not_awaited", "on_a_thread"]

Listen: TypeAlias = Callable[[ToolProgress], bool]
"""Receives the progress of a call, and returns whether anybody still waits for it; it blocks while much is unread."""

AsyncListen: TypeAlias = Callable[[ToolProgress], Awaitable[None]]
"""The same for a call that is awaited: it suspends the call, and a cancellation ends it."""


def on_a_thread(job: ToolJob, listen: Listen, watch: Notifier) -> Future[Outcome]:
    """Run a function on its own thread.

    A thread cannot be ended from outside: a late one continues. It takes no place in a pool, and does not keep the
    program from ending. A generator ends at its next item.
    """
    future: Future[Outcome] = Future()
    future.set_running_or_notify_cancel()
    context = contextvars.copy_context()

    def call() -> object:
        value = job.tool(**job.tool.bind(job.call))
        return _drained(cast("Iterator[object]", value), listen) if isinstance(value, Iterator) else value

    def reported() -> Outcome:
        watch.tool_start(job.call, job.tool.description)
        try:
            outcome = Outcome(call())
        except BaseException as error:  # noqa: BLE001  # the waiting caller gets it from the future
            outcome = Outcome(error=error)
        watch.tool_end(job.call, outcome.value, outcome.error)
        return outcome

    def run() -> None:
        future.set_result(context.run(reported))

    threading.Thread(target=run, name=f"deepseek-v4-tool-{job.call.name}", daemon=True).start()
    return future


async def awaited(job: ToolJob, listen: AsyncListen, listen_from_threads: Listen, watch: Notifier) -> Outcome:
    """Run a tool on its thread or here, and return its result; a cancellation inside of it is an outcome, too."""
    if not job.tool.is_async:  # the tool's thread reports it
        return await _awaited(job, listen, listen_from_threads, watch)
    watch.tool_start(job.call, job.tool.description)
    outcome = await _awaited(job, listen, listen_from_threads, watch)
    watch.tool_end(job.call, outcome.value, outcome.error)
    return outcome


async def _awaited(job: ToolJob, listen: AsyncListen, listen_from_threads: Listen, watch: Notifier) -> Outcome:
    try:
        if job.tool.is_async:
            value = job.tool(**job.tool.bind(job.call))
        else:
            outcome = await asyncio.wrap_future(on_a_thread(job, listen_from_threads, watch))
            if outcome.error is not None:
                return outcome
            value = outcome.value
        if inspect.isawaitable(value):
            value = await value
        if isinstance(value, AsyncIterable):
            value = await _gathered(cast("AsyncIterable[object]", value), listen)
    except BaseException as error:  # noqa: BLE001  # a tool may raise anything
        return Outcome(error=error)
    return Outcome(value)


async def _gathered(items: AsyncIterable[object], listen: AsyncListen) -> object:
    """Return the result of an async iterator, and report its progress."""
    found: list[object] = []
    try:
        async for item in items:
            if isinstance(item, ToolProgress):
                await listen(item)
            else:
                found.append(item)
    finally:
        if isinstance(items, AsyncGenerator):  # it may be cancelled while it waits for the reader
            await cast("AsyncGenerator[object]", items).aclose()
    return gathered(found)


def not_awaited(name: str, value: object) -> object:
    """Return the result of a caller's function, in a blocking client.

    Raises:
        ConfigurationError: It is an awaitable, and a blocking client cannot await it.
    """
    if inspect.iscoroutine(value):
        value.close()
    if inspect.isawaitable(value) or isinstance(value, AsyncIterable):
        raise ConfigurationError(f"{name} is async: use AsyncDeepSeekV4, or make it a plain function")
    return value


def _drained(items: Iterator[object], listen: Listen) -> object:
    """Return the result of an iterator, and report its progress."""
    found: list[object] = []
    while True:
        try:
            item = next(items)
        except StopIteration as end:
            return gathered(found, end.value if isinstance(items, Generator) else None)
        if not isinstance(item, ToolProgress):
            found.append(item)
        elif not listen(item) and isinstance(items, Generator):
            cast("Generator[object]", items).close()
            return None
