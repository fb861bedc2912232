"""What a tool, or whoever approves its calls, may answer beyond a plain value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from deepseek_v4_sdk.chat import ToolCall

__all__ = ["Postpone", "ToolError", "ToolOutput", "ToolProgress"]


class ToolError(Exception):
    """Raise it in a tool to tell the model, in your own words, why a call failed. The run goes on in any case.

    Args:
        text: What the model reads.
        retry: Whether it may try again; with False it is asked not to repeat the call.
    """

    def __init__(self, text: str, retry: bool = True) -> None:  # `ToolError("gone", False)` reads well
        super().__init__(text)
        self.text = text
        self.retry = retry

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.text, self.retry)


@dataclass(frozen=True, slots=True)
class ToolOutput:
    """Return it from a tool to give your program something that the model does not read.

    Attributes:
        content: What the model reads: a text as it is, anything else as JSON.
        artifact: What is on the `ToolResult`, and neither sent nor kept in the conversation.
    """

    content: object
    artifact: object = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class Postpone:
    """Return it from `approve` to decide about a call later: the run ends, and the call waits.

    Attributes:
        reason: Why; it is in `run.reasons`.
    """

    reason: str = ""


@dataclass(slots=True)
class ToolProgress:
    """How far a tool is. A generator tool yields it, and whoever listens to the run gets it as an event.

    Attributes:
        value: Anything.
        call: The call; the loop fills it in.
    """

    type: ClassVar[Literal["tool_progress"]] = "tool_progress"
    value: object
    call: ToolCall | None = None
