"""The steps of a tool loop: what a shell does for it, and what it is told in return."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import Conversation, Thinking, ToolCall
    from deepseek_v4_sdk.tools.events import RunEvent
    from deepseek_v4_sdk.tools.outcome import ToolProgress
    from deepseek_v4_sdk.tools.results import Outcome, ToolJob

__all__ = ["AskApproval", "AskModel", "LoopStep", "Start", "Stop", "Told", "Wait"]


@dataclass(frozen=True, slots=True)
class AskModel:
    """Ask the model, and hand its events over; the answer is its `Reply`.

    Attributes:
        messages: The conversation.
        thinking: Another level than the caller's, or None.
        seconds: How long it may take, or None.
    """

    messages: Conversation
    thinking: Thinking | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class AskApproval:
    """Ask whether a call may run; the answer is what `approve` said.

    Attributes:
        call: The call.
        ask: Whom to ask.
    """

    call: ToolCall
    ask: Callable[[ToolCall], object]


@dataclass(frozen=True, slots=True)
class Start:
    """Begin to run a call, and do not wait for it."""

    job: ToolJob


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait until a call tells something; the answer is what was `Told`, or None when the time is over.

    Attributes:
        seconds: How long, or None. What was told before counts first, whatever the time.
    """

    seconds: float | None


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop a call that is late, as far as that can be; the answer is the outcome it had after all, or None."""

    job: ToolJob


@dataclass(frozen=True, slots=True)
class Told:
    """What a running call tells: how far it is, or what came of it.

    Attributes:
        job: The call.
        what: What it tells.
        at: When, on the loop's clock.
    """

    job: ToolJob
    what: ToolProgress | Outcome
    at: float


LoopStep: TypeAlias = "AskModel | AskApproval | Start | Wait | Stop | RunEvent"
"""One thing to do, or an event to hand out."""
