"""From the return value or exception of a tool to the result of its call."""

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

# Raised out of an iteration or a run, these would look like its end, or like a cancellation.
_NOT_RAISED = (StopIteration, StopAsyncIteration, CancelledError)
_NOT_AGAIN = "Do not repeat this call."


@dataclass(frozen=True, slots=True)
class ToolJob:
    """One call to run.

    Attributes:
        number: Number of the job in its run.
        call: The call.
        tool: The tool to run.
    """

    number: int
    call: ToolCall
    tool: Tool[..., object]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a tool: a value, or an exception.

    It is passed as a value: a future cannot hold `StopIteration`, and gives some other exceptions a special meaning.
    """

    value: object = None
    error: BaseException | None = None


def result_of(job: ToolJob, outcome: Outcome, *, raises: bool) -> ToolResult:
    """Make the model's result of an outcome; raise an exception that ends the run.

    Args:
        job: The call.
        outcome: Its outcome.
        raises: Whether an exception of a tool ends the run.
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
    """Make the result of a failed call."""
    return ToolResult(call=call, content=f"error: {text}", error=text)


def gathered(items: Iterable[object], returned: object = None) -> object:
    """The value of a generator tool: its return value, else the list of its items, without its progress.

    An async generator cannot return a value: a `ToolOutput` that is its only item is one.
    """
    if returned is not None:
        return returned
    values = [item for item in items if not isinstance(item, ToolProgress)]
    return values[0] if len(values) == 1 and isinstance(values[0], ToolOutput) else values
