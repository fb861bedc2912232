"""The events of a stream. They are slotted and positional in `match`: `case TextDelta(text): ...`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal, TypeAlias, cast

from deepseek_v4_sdk.chat.model_field import ModelField
from deepseek_v4_sdk.chat.reply import Repair, Reply
from deepseek_v4_sdk.chat.tool_call import ToolCall
from deepseek_v4_sdk.errors import DeepSeekV4Error

__all__ = [
    "ChatEvent",
    "Finished",
    "ReasoningDelta",
    "Repaired",
    "StreamEvent",
    "StreamRestarted",
    "StreamResumed",
    "TextDelta",
    "ToolCallDelta",
    "ToolCallReady",
    "ToolCallStarted",
]

# Not frozen: building a frozen dataclass costs half a microsecond more, and there is one for each token.


class StreamEvent(ModelField):
    """An event of a stream as a mapping, and as a field of models."""

    __slots__ = ()

    def to_dict(self) -> dict[str, object]:
        """Return the event as plain values, ready for JSON: `type` and its parts; an error is its class and text."""
        return _plain(self)


@dataclass(slots=True)
class ReasoningDelta(StreamEvent):
    """A piece of the model's reasoning."""

    type: ClassVar[Literal["reasoning_delta"]] = "reasoning_delta"
    text: str


@dataclass(slots=True)
class TextDelta(StreamEvent):
    """A piece of the answer's text."""

    type: ClassVar[Literal["text_delta"]] = "text_delta"
    text: str


@dataclass(slots=True)
class ToolCallStarted(StreamEvent):
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
class ToolCallDelta(StreamEvent):
    """A piece of a call's arguments, as JSON text."""

    type: ClassVar[Literal["tool_call_delta"]] = "tool_call_delta"
    index: int
    arguments: str


@dataclass(slots=True)
class ToolCallReady(StreamEvent):
    """A call is complete: the server began the next one, or finished."""

    type: ClassVar[Literal["tool_call_ready"]] = "tool_call_ready"
    call: ToolCall


@dataclass(slots=True)
class Repaired(StreamEvent):
    """Something in the answer was put right; it comes before `Finished`."""

    type: ClassVar[Literal["repaired"]] = "repaired"
    repair: Repair


@dataclass(slots=True)
class Finished(StreamEvent):
    """The answer is complete. It is the last event."""

    type: ClassVar[Literal["finished"]] = "finished"
    reply: Reply


@dataclass(slots=True)
class StreamRestarted(StreamEvent):
    """The answer broke off and starts again: forget all events before this one. Only with `on_interrupt="restart"`.

    Attributes:
        error: The error that broke it off; its `partial` has the part that had arrived.
    """

    type: ClassVar[Literal["stream_restarted"]] = "stream_restarted"
    error: DeepSeekV4Error


@dataclass(slots=True)
class StreamResumed(StreamEvent):
    """The answer broke off and goes on here: all events before this one hold. Only with `on_interrupt="resume"`.

    Attributes:
        error: The error that broke it off; its `partial` has the part that had arrived.
        at_tokens: Number of tokens of the part, counted here.
        provider: The provider that goes on with it.
        model: The model that was requested there; None where the server has one model and needs no name.
    """

    type: ClassVar[Literal["stream_resumed"]] = "stream_resumed"
    error: DeepSeekV4Error
    at_tokens: int
    provider: str
    model: str | None = None


ChatEvent: TypeAlias = (
    ReasoningDelta
    | TextDelta
    | ToolCallStarted
    | ToolCallDelta
    | ToolCallReady
    | Repaired
    | StreamRestarted
    | StreamResumed
    | Finished
)
"""Any event of a stream."""


def _plain(event: StreamEvent) -> dict[str, object]:
    match event:
        case ToolCallReady(call):
            return {"type": event.type, "call": call.to_dict()}
        case Finished(reply):
            return {"type": event.type, "reply": reply.to_dict()}
        case StreamRestarted(error):
            return {"type": event.type, "error": {"type": type(error).__name__, "message": str(error)}}
        case StreamResumed(error, tokens, provider, model):
            described = {"type": type(error).__name__, "message": str(error)}
            return {"type": event.type, "error": described, "at_tokens": tokens, "provider": provider, "model": model}
        case _:
            return {"type": vars(type(event))["type"], **asdict(cast("Any", event))}
