"""What a stream yields. Events are slotted and positional in `match`: `case TextDelta(text): ...`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat.reply import Repair, Reply
    from deepseek_v4_sdk.chat.tool_call import ToolCall
    from deepseek_v4_sdk.errors import DeepSeekV4Error

__all__ = [
    "ChatEvent",
    "Finished",
    "ReasoningDelta",
    "Repaired",
    "StreamRestarted",
    "TextDelta",
    "ToolCallDelta",
    "ToolCallReady",
    "ToolCallStarted",
]

# Not frozen: building a frozen dataclass costs half a microsecond more, and there is one for each token.


@dataclass(slots=True)
class ReasoningDelta:
    """A piece of the model's reasoning."""

    type: ClassVar[Literal["reasoning_delta"]] = "reasoning_delta"
    text: str


@dataclass(slots=True)
class TextDelta:
    """A piece of the answer's text."""

    type: ClassVar[Literal["text_delta"]] = "text_delta"
    text: str


@dataclass(slots=True)
class ToolCallStarted:
    """The model began a call.

    Attributes:
        index: The call's place among the calls of this reply, from 0.
        id: Its id.
        name: The tool's name.
    """

    type: ClassVar[Literal["tool_call_started"]] = "tool_call_started"
    index: int
    id: str
    name: str


@dataclass(slots=True)
class ToolCallDelta:
    """A piece of a call's arguments, as JSON text."""

    type: ClassVar[Literal["tool_call_delta"]] = "tool_call_delta"
    index: int
    arguments: str


@dataclass(slots=True)
class ToolCallReady:
    """A call is complete: the server began the next one, or finished."""

    type: ClassVar[Literal["tool_call_ready"]] = "tool_call_ready"
    call: ToolCall


@dataclass(slots=True)
class Repaired:
    """Something in the answer was put right; it comes before `Finished`."""

    type: ClassVar[Literal["repaired"]] = "repaired"
    repair: Repair


@dataclass(slots=True)
class Finished:
    """The answer is complete. It is the last event."""

    type: ClassVar[Literal["finished"]] = "finished"
    reply: Reply


@dataclass(slots=True)
class StreamRestarted:
    """The answer broke off and is begun anew: forget all events before this one. Only with `on_interrupt="restart"`.

    Attributes:
        error: What broke it off; its `partial` has what had arrived.
    """

    type: ClassVar[Literal["stream_restarted"]] = "stream_restarted"
    error: DeepSeekV4Error


ChatEvent: TypeAlias = (
    ReasoningDelta | TextDelta | ToolCallStarted | ToolCallDelta | ToolCallReady | Repaired | StreamRestarted | Finished
)
"""Any event of a stream."""
