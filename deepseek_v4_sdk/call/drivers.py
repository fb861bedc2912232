"""Drivers run the steps of a call: one for sync clients, one for async ones; neither knows the meaning of a call."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

from deepseek_v4_sdk.call.steps import Accepted, Ask, Compute, Deliver, Drain, Drop, Read, Sleep, Step, Steps
from deepseek_v4_sdk.errors import ConfigurationError, StreamInUseError
from deepseek_v4_sdk.support.forks import PROCESS
from deepseek_v4_sdk.support.redaction import forget_variables
from deepseek_v4_sdk.transport.failures import as_failure
from deepseek_v4_sdk.transport.request import Open

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Task
    from collections.abc import Callable, Coroutine

    from deepseek_v4_sdk.exchange import TransportFailure
    from deepseek_v4_sdk.transport.clock import Clock
    from deepseek_v4_sdk.transport.connection import AsyncResponseStream, ResponseStream

__all__ = ["AsyncDriver", "SyncDriver", "close_from_here", "on_a_thread", "running_loop", "running_task"]

P = ParamSpec("P")
T = TypeVar("T")


class _Ended(Exception):  # noqa: N818  # it never leaves this module
    """The steps have returned."""


class _Steps(Generic[T]):
    """The steps of a call, the result they returned, and the answer to the last step."""

    __slots__ = ("_failure", "_process", "_steps", "_value", "result")

    def __init__(self, steps: Steps[T]) -> None:
        self._steps = steps
        self._process: int | None = None  # the process that runs them
        self._value: object = None
        self._failure: TransportFailure | None = None
        self.result: T | None = None

    def check(self) -> None:
        """Begin to run them, or check that they may continue here.

        Raises:
            StreamInUseError: Another process has begun to run them.
        """
        if self._process is None:
            self._process = PROCESS.generation
        elif self._process != PROCESS.generation:
            raise StreamInUseError("a stream cannot be read in another process than the one that began it")

    def next(self) -> Step:
        """The next step.

        Raises:
            _Ended: There is no next step; the result is set.
        """
        value, failure = self._value, self._failure
        self._value = self._failure = None
        try:
            return self._steps.send(value) if failure is None else self._steps.throw(failure)
        except StopIteration as stop:
            self.result = stop.value
            raise _Ended from None

    def answer(self, value: object) -> None:
        """Set the result of the last step."""
        self._value = value

    def fail(self, error: Exception) -> None:
        """Fail the last step. An error that no HTTP library raises is a bug in this package, and is raised."""
        self._failure = as_failure(error)
        if self._failure is None:
            raise error

    def close(self) -> None:
        """Close the steps, so that none runs any more."""
        self._steps.close()


class SyncDriver(_Steps[T]):
    """Runs steps with blocking I/O."""

    __slots__ = ("_clock", "_stream")

    def __init__(self, steps: Steps[T], stream: ResponseStream, clock: Clock) -> None:
        super().__init__(steps)
        self._stream = stream
        self._clock = clock

    def next_events(self) -> list[Any] | None:
        """Run until there are events to deliver, none when the server has accepted; None when the call has ended.

        Raises:
            DeepSeekV4Error: The call failed. Everything is closed.
        """
        try:
            while True:
                step = self.next()
                if type(step) is Deliver:
                    return step.events
                if type(step) is Accepted:
                    return []
                self._perform(step)
        except _Ended:
            self._stream.close()
            return None
        except BaseException as error:
            self.abort()
            forget_variables(error)  # a server may repeat a key
            raise

    def run(self) -> T:
        """Run to the end, and return the result."""
        while self.next_events() is not None:
            pass
        return self.result  # type: ignore[return-value]  # set by now

    def abort(self) -> None:
        """Close the connection at once; nothing more will arrive."""
        self._stream.close()
        self.close()

    def _perform(self, step: Step) -> None:
        try:
            if type(step) is Read:
                self.answer(self._stream.read())
            elif isinstance(step, Open):
                self.answer(self._stream.open(step))
            elif isinstance(step, Sleep):
                self._stream.close()
                if step.wakeup is None:
                    self._clock.sleep(step.seconds)
                else:
                    step.wakeup.wait(self._clock, step.seconds)
            elif isinstance(step, Drop):
                self._stream.close()
            elif isinstance(step, Drain):
                self._drain()
            elif isinstance(step, Compute):
                self.answer(step.function())
            elif isinstance(step, Ask):
                self.answer(step.question.limiter.ledger.ask(step.question))
        except Exception as error:  # noqa: BLE001  # sorted by meaning
            self.fail(error)

    def _drain(self) -> None:
        try:
            self._stream.drain()
        except Exception as error:  # the answer is complete: a connection that hangs now is only not kept
            if as_failure(error) is None:
                raise


class AsyncDriver(_Steps[T]):
    """Runs steps with awaited I/O."""

    __slots__ = ("_clock", "_loop", "_running", "_stream")

    def __init__(self, steps: Steps[T], stream: AsyncResponseStream, clock: Clock) -> None:
        super().__init__(steps)
        self._stream = stream
        self._clock = clock
        self._loop: AbstractEventLoop | None = None  # the loop that runs them
        self._running: Callable[[], AbstractEventLoop | None] = running_loop

    def check(self) -> None:
        """Begin to run them, or check that they may continue here.

        Raises:
            ConfigurationError: The running loop is not asyncio's.
            StreamInUseError: Another event loop, or another process, has begun to run them.
        """
        super().check()
        if self._loop is None:
            import asyncio  # a sync program does without

            self._loop, self._running = running_loop(), asyncio._get_running_loop
        elif self._running() is not self._loop:
            raise StreamInUseError("a stream cannot be used on another event loop than the one on which it began")

    def check_end(self) -> None:
        """Check that the connection may be closed here.

        Raises:
            StreamInUseError: It belongs to another event loop, which may use it.
        """
        if self._loop is not None and not self._loop.is_closed() and self._process == PROCESS.generation:
            self.check()

    async def next_events(self) -> list[Any] | None:
        """Run until there are events to deliver, none when the server has accepted; None when the call has ended.

        Raises:
            DeepSeekV4Error: The call failed. Everything is closed.
        """
        try:
            while True:
                step = self.next()
                if type(step) is Deliver:
                    return step.events
                if type(step) is Accepted:
                    return []
                await self._perform(step)
        except _Ended:
            await self._stream.close()
            return None
        except BaseException as error:
            await self.abort()
            forget_variables(error)
            raise

    async def run(self) -> T:
        """Run to the end, and return the result.

        Raises:
            ConfigurationError: The running loop is not asyncio's.
        """
        self.check()
        while await self.next_events() is not None:
            pass
        return self.result  # type: ignore[return-value]  # set by now

    async def abort(self) -> None:
        """Close the connection at once; nothing more will arrive."""
        await self._stream.close()
        self.close()

    def abandon(self) -> None:
        """Close the connection from any thread, on the loop that owns it."""
        loop = self._loop
        if loop is None or loop.is_closed() or self._process != PROCESS.generation:
            return  # nothing is open, or the loop closed it, or it belongs to the parent
        with suppress(RuntimeError):  # the loop may be closed meanwhile
            loop.call_soon_threadsafe(_stop, loop, self)

    async def _perform(self, step: Step) -> None:
        try:
            if type(step) is Read:
                self.answer(await self._stream.read())
            elif isinstance(step, Open):
                self.answer(await self._stream.open(step))
            elif isinstance(step, Sleep):
                await self._stream.close()
                if step.wakeup is None:
                    await self._clock.asleep(step.seconds)
                else:
                    await step.wakeup.await_(self._clock, step.seconds)
            elif isinstance(step, Drop):
                await self._stream.close()
            elif isinstance(step, Drain):
                await self._drain()
            elif isinstance(step, Compute):
                self.answer(await on_a_thread(step.function) if step.long else step.function())
            elif isinstance(step, Ask):
                self.answer(await step.question.limiter.ledger.aask(step.question))
        except Exception as error:  # noqa: BLE001  # sorted by meaning
            self.fail(error)

    async def _drain(self) -> None:
        try:
            await self._stream.drain()
        except Exception as error:  # the answer is complete: a connection that hangs now is only not kept
            if as_failure(error) is None:
                raise


_STOPPING: set[Task[None]] = set()  # the loop holds tasks weakly


def _stop(loop: AbstractEventLoop, driver: AsyncDriver[Any]) -> None:
    task = loop.create_task(driver.abort())
    _STOPPING.add(task)
    task.add_done_callback(_STOPPING.discard)


def close_from_here(close: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Close what is of event loops, from code that does not await: each connection on its own loop, as far as it runs.

    On the thread of a running loop nobody may wait: that loop closes it when it comes to it.
    """
    import asyncio

    running = asyncio._get_running_loop()
    if running is None:
        asyncio.run(close())
        return
    task = running.create_task(close())
    _STOPPING.add(task)
    task.add_done_callback(_STOPPING.discard)


def running_loop() -> AbstractEventLoop:
    """Return the event loop that runs here.

    Raises:
        ConfigurationError: No event loop of asyncio runs here.
    """
    import asyncio  # a sync program does without

    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise ConfigurationError(
            "AsyncDeepSeekV4 runs on asyncio, and no event loop of asyncio runs here: start it with asyncio.run(); "
            "in a program on trio, call DeepSeekV4 through trio.to_thread.run_sync"
        ) from None


async def on_a_thread(function: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
    """Run a function that would block the loop on a thread, and return its result.

    Raises:
        ConfigurationError: The running loop is not asyncio's.
    """
    import asyncio

    running_loop()
    return await asyncio.to_thread(function, *args, **options)


def running_task() -> Task[Any] | None:
    """Return the task that runs here.

    Raises:
        ConfigurationError: No event loop of asyncio runs here.
    """
    import asyncio

    return asyncio.current_task(running_loop())
