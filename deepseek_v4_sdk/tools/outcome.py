"""The results of a tool, and of the approval of its calls, other than a plain value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from deepseek_v4_sdk.chat import ToolCall

__all__ = ["Postpone", "ToolError", "ToolOutput", "ToolProgress"]


class ToolError(Exception):
    """Raise it in a tool to show the model, in your own words, why a call failed. The run continues in any case.

    Args:
        text: The text for the model.
        retry: Whether the model may try again; with False the text says not to repeat the call.
    """

    def __init__(self, text: str, retry: bool = True) -> None:  # `ToolError("gone", False)` reads well
        super().__init__(text)
        self.text = text
        self.retry = retry

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.text, self.retry)


@dataclass(frozen=True, slots=True)
class ToolOutput:
    """Return it from a tool to give your program a value that the model does not read.

    Attributes:
        content: The result for the model: a text unchanged, anything else as JSON.
        artifact: The value on the `ToolResult`, which is neither sent nor kept in the conversation.
    """

    content: object
    artifact: object = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class Postpone:
    """Return it from `approve` to decide about a call later: the run ends, and the call waits.

    Attributes:
        reason: The reason; it is in `run.reasons`.
    """

    reason: str = ""


@dataclass(slots=True)
class ToolProgress:
    """The progress of a tool. A generator tool yields it, and the listeners of the run get it as an event.

    Attributes:
        value: Anything.
        call: The call; the loop fills it in.
    """

    type: ClassVar[Literal["tool_progress"]] = "tool_progress"
    value: object
    call: ToolCall | None = None
