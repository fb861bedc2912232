"""The steps of a tool loop: the work of a driver for it, and the answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import Conversation, Thinking, ToolCall
    from deepseek_v4_sdk.tools.events import RunEvent
    from deepseek_v4_sdk.tools.outcome import ToolProgress
    from deepseek_v4_sdk.tools.results import Outcome, ToolJob

__all__ = ["AskApproval", "AskModel", "JobMessage", "LoopStep", "Start", "Stop", "Wait"]


@dataclass(frozen=True, slots=True)
class AskModel:
    """Call the model, and hand its events over; the answer is its `Reply`.

    Attributes:
        messages: The conversation.
        thinking: Another level than the caller's, or None.
        seconds: Seconds that it may take, or None.
    """

    messages: Conversation
    thinking: Thinking | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class AskApproval:
    """Get the decision whether a call may run; the answer is the result of `approve`.

    Attributes:
        call: The call.
        ask: The callback that decides.
    """

    call: ToolCall
    ask: Callable[[ToolCall], object]


@dataclass(frozen=True, slots=True)
class Start:
    """Begin to run a call, and do not wait for it."""

    job: ToolJob


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait for a message of a call; the answer is a `JobMessage`, or None when the time is over.

    Attributes:
        seconds: Most seconds, or None. An earlier message counts first, whatever the time.
    """

    seconds: float | None


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop a call that is late, as far as possible; the answer is its outcome if it had one after all, or None."""

    job: ToolJob


@dataclass(frozen=True, slots=True)
class JobMessage:
    """A message of a running call: its progress, or its outcome.

    Attributes:
        job: The call.
        what: The message.
        at: The time, on the loop's clock.
    """

    job: ToolJob
    what: ToolProgress | Outcome
    at: float


LoopStep: TypeAlias = "AskModel | AskApproval | Start | Wait | Stop | RunEvent"
"""One thing to do, or an event to hand out."""
