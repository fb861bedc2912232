"""A tool run while it happens: the state that the blocking and the awaited driver share."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress

from deepseek_v4_sdk.call.notifier import Notifier
from deepseek_v4_sdk.chat import Conversation, Shared
from deepseek_v4_sdk.client.progress_limit import ProgressLimit
from deepseek_v4_sdk.errors import DeepSeekV4Error, StreamClosedError, StreamInUseError
from deepseek_v4_sdk.support.forks import new_lock
from deepseek_v4_sdk.tools.events import RunEvent
from deepseek_v4_sdk.tools.loop import ToolLoop
from deepseek_v4_sdk.tools.loop_steps import LoopStep
from deepseek_v4_sdk.tools.run import ToolRun

__all__ = ["RunState"]


class RunState(Shared):
    """The state of both forms: waiting events, the answer to a step, and how the run ended."""

    def __init__(self, loop: ToolLoop, watch: Notifier) -> None:
        self._loop = loop
        self._watch = watch
        self._steps = loop.steps()
        self._events: deque[RunEvent] = deque()
        self._answer: object = None
        self._thrown: DeepSeekV4Error | None = None
        self._turn = new_lock()  # of the reader
        self._closing = False
        self._over = False  # nothing more will be done
        self._error: BaseException | None = None
        self._run: ToolRun | None = None
        self._limit = ProgressLimit()

    @property
    def messages(self) -> Conversation:
        """The conversation; it may be changed after a `RoundFinished`, and is valid whenever the run ends."""
        return self._loop.messages

    @property
    def run(self) -> ToolRun:
        """The run as it ended; one that was closed early is `"cancelled"`.

        Raises:
            ConfigurationError: It has not ended.
        """
        return self._run or self._loop.run()

    def _next(self) -> LoopStep | None:
        """The next thing to do; None when there is nothing more."""
        answer, error = self._answer, self._thrown
        self._answer = self._thrown = None
        try:
            return self._steps.send(answer) if error is None else self._steps.throw(error)
        except StopIteration:
            return None

    def _begin(self) -> None:
        """Begin to read, unless somebody else does."""
        if not self._turn.acquire(blocking=False):
            raise StreamInUseError("another thread or task reads this run at the moment: read it in one place")

    def _check_open(self) -> None:
        if self._closing:
            raise StreamClosedError("the run was closed before it had ended")

    def _ended(self, error: BaseException) -> None:
        """Record the error that ended the run, with the run up to then."""
        self._over, self._error = True, error
        self._limit.wake()
        self._steps.close()
        left = isinstance(error, asyncio.CancelledError | StreamClosedError)
        self._run = self._loop.run("cancelled" if left else "failed")
        self._events.clear()
        with suppress(Exception):  # a tool may raise any exception, and not each takes an attribute
            error.run = self._run  # type: ignore[attr-defined]

    def _rest(self) -> BaseException | None:
        """The error that reading on raises once the run is over; None when it ended normally."""
        return self._error if isinstance(self._error, DeepSeekV4Error) else None
