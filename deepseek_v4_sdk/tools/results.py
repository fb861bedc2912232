"""From what a tool gave or raised to the result of its call."""

from __future__ import annotations

from asyncio import CancelledError
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deepseek_v4_sdk.chat import result_text
from deepseek_v4_sdk.errors import InvalidRequestError
from deepseek_v4_sdk.tools.failure import ends_the_run, reason, warn_of_result
from deepseek_v4_sdk.tools.outcome import ToolError, ToolOutput, ToolProgress
from deepseek_v4_sdk.tools.run import ToolResult

if TYPE_CHECKING:
    from collections.abc import Iterable

    from deepseek_v4_sdk.chat import ToolCall
    from deepseek_v4_sdk.tools.tool import Tool

__all__ = ["Outcome", "ToolJob", "failed", "gathered", "result_of"]

# Raised out of an iteration or a run, these would be read as its end, or as somebody's cancelling it.
_NOT_RAISED = (StopIteration, StopAsyncIteration, CancelledError)
_NOT_AGAIN = "Do not repeat this call."


@dataclass(frozen=True, slots=True)
class ToolJob:
    """One call to run.

    Attributes:
        number: Tells the jobs of a run apart.
        call: The call.
        tool: What runs.
    """

    number: int
    call: ToolCall
    tool: Tool[..., object]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What running a tool gave: a value, or what it raised.

    It travels as a value: a future cannot carry `StopIteration`, and takes some other exceptions for its own.
    """

    value: object = None
    error: BaseException | None = None


def result_of(job: ToolJob, outcome: Outcome, *, raises: bool) -> ToolResult:
    """What the model is told of an outcome; what ends the run is raised.

    Args:
        job: The call.
        outcome: What came of it.
        raises: Whether what a tool raises ends the run.
    """
    error = outcome.error
    if error is None:
        value = outcome.value
        output = value if isinstance(value, ToolOutput) else ToolOutput(value)
        try:
            return ToolResult(call=job.call, content=result_text(output.content), artifact=output.artifact)
        except InvalidRequestError as refused:
            error = refused
            if not raises:
                warn_of_result(job.call.name, job.tool.function, refused)
    if isinstance(error, ToolError):
        return failed(job.call, error.text if error.retry else f"{error.text} {_NOT_AGAIN}".lstrip())
    if ends_the_run(error):
        raise error
    if raises:
        if isinstance(error, _NOT_RAISED):
            raise RuntimeError(f"the tool {job.call.name!r} raised {reason(error)}") from error
        raise error
    return failed(job.call, reason(error))


def failed(call: ToolCall, text: str) -> ToolResult:
    """The result of a call that came to nothing."""
    return ToolResult(call=call, content=f"error: {text}", error=text)


def gathered(items: Iterable[object], returned: object = None) -> object:
    """The value of a generator tool: what it returned, else the list of its items, its progress left aside.

    An async generator cannot return a value: a `ToolOutput` that is its only item is one.
    """
    if returned is not None:
        return returned
    values = [item for item in items if not isinstance(item, ToolProgress)]
    return values[0] if len(values) == 1 and isinstance(values[0], ToolOutput) else values
