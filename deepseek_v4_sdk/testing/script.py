"""Scripts: what the mock answers, one step for each request, in terms of meaning and not of any server's wire."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from deepseek_v4_sdk._late_types import late_type
from deepseek_v4_sdk.chat import MessagesInput
from deepseek_v4_sdk.support.redaction import never_raises

if TYPE_CHECKING:
    from deepseek_v4_sdk.testing.faults import Fault
    from deepseek_v4_sdk.testing.requests import MockRequest
else:
    Fault = late_type("deepseek_v4_sdk.testing.faults", "Fault")
    MockRequest = late_type("deepseek_v4_sdk.testing.requests", "MockRequest")

__all__ = [
    "Error",
    "Expected",
    "Faulty",
    "Function",
    "ModelOutput",
    "Raw",
    "ScriptedCall",
    "Step",
    "Turn",
    "error",
    "from_conversation",
    "from_function",
    "raw",
    "raw_model_output",
    "reply_to",
    "text",
    "think",
    "tool_call",
    "turn",
]


class _Step:
    """The base of all steps: they take faults, as in `script.text("Hello") | faults.stall(seconds=300)`."""

    __slots__: tuple[str, ...] = ()

    @never_raises
    def __repr__(self) -> str:
        given = [f"{name}={value!r}" for name in self.__slots__ if (value := getattr(self, name))]
        return f"{type(self).__name__}({', '.join(given)})"

    def __or__(self, fault: Fault) -> Faulty:
        return Faulty(self, (fault,))  # type: ignore[arg-type]  # every subclass is a Step


@dataclass(frozen=True, slots=True)
class ScriptedCall:
    """A tool call that the scripted model makes."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True, repr=False)
class Turn(_Step):
    """The scripted model's output in one turn. Turns add up: `think("...") + text("...") + tool_call(...)`.

    Attributes:
        reasoning: Its thinking; a server sends it only when the request has thinking on.
        text: Its text.
        calls: Its tool calls.
        finish_reason: Why it stops; None lets the server decide.
        cuts: The lengths of the pieces in which it streams, used over and over; empty for pieces of a word each.
    """

    reasoning: str = ""
    text: str = ""
    calls: tuple[ScriptedCall, ...] = ()
    finish_reason: str | None = None
    cuts: tuple[int, ...] = ()

    def __add__(self, other: Turn) -> Turn:
        return Turn(
            self.reasoning + other.reasoning,
            self.text + other.text,
            self.calls + other.calls,
            other.finish_reason or self.finish_reason,
            other.cuts or self.cuts,
        )

    def without_reasoning(self) -> Turn:
        """The same turn of a model that does not think."""
        return replace(self, reasoning="")


@dataclass(frozen=True, slots=True, repr=False)
class ModelOutput(_Step):
    """The model's raw output with its markup; the flavor's server reads it as its parser does.

    Attributes:
        output: The text: `reasoning</think>answer`, with tool calls as DSML.
        finish_reason: Why it stops; None lets the server decide.
        cuts: The lengths of the pieces in which it streams.
    """

    output: str
    finish_reason: str | None = None
    cuts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class Error(_Step):
    """An answer with an error status, in the flavor's own shape.

    Attributes:
        status: The HTTP status.
        message: The server's text.
        headers: Further headers, such as `retry-after`.
    """

    status: int
    message: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True, repr=False)
class Raw(_Step):
    """An answer byte for byte.

    Attributes:
        blocks: The body, in the blocks in which it arrives.
        status: The HTTP status.
        headers: The headers.
    """

    blocks: tuple[bytes, ...]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True, repr=False)
class Function(_Step):
    """An answer that depends on the request.

    Attributes:
        function: Makes a step of the request.
    """

    function: Callable[[MockRequest], Step]


@dataclass(frozen=True, slots=True, repr=False)
class Expected(_Step):
    """An answer to a request of a certain kind; any other request there is an error of the test.

    Attributes:
        predicate: The expected request: a text that its last user message holds, a mapping whose items its body
            has, or a function.
        then: The answer.
    """

    predicate: str | Mapping[str, object] | Callable[[MockRequest], bool]
    then: Step


@dataclass(frozen=True, slots=True, repr=False)
class Faulty(_Step):
    """A step with things that go wrong.

    Attributes:
        step: The step without faults.
        faults: The faults, applied in order.
    """

    step: Step
    faults: tuple[Fault, ...]

    @never_raises
    def __repr__(self) -> str:
        return " | ".join(map(repr, (self.step, *self.faults)))

    def __or__(self, fault: Fault) -> Faulty:
        return Faulty(self.step, (*self.faults, fault))


Step: TypeAlias = Turn | ModelOutput | Error | Raw | Function | Expected | Faulty
"""An answer to one request."""


def text(content: str, *, finish_reason: str | None = None) -> Turn:
    """The model writes a text."""
    return Turn(text=content, finish_reason=finish_reason)


def think(reasoning: str) -> Turn:
    """The model reasons; add the output that follows."""
    return Turn(reasoning=reasoning)


def tool_call(name: str, arguments: Mapping[str, object] | str | None = None, /, **more: object) -> Turn:
    """The model calls a tool.

    Args:
        name: The tool.
        arguments: Its arguments, or JSON text that is sent unchanged.
        more: Arguments by name.
    """
    if isinstance(arguments, str):
        return Turn(calls=(ScriptedCall(name, arguments),))
    # The servers write arguments with a blank after colon and comma, and leave other scripts unescaped.
    return Turn(calls=(ScriptedCall(name, json.dumps({**(arguments or {}), **more}, ensure_ascii=False)),))


def turn(*parts: Turn, finish_reason: str | None = None, cuts: int | tuple[int, ...] = ()) -> Turn:
    """Several parts as one turn: `turn(think("..."), text("..."), tool_call(...), tool_call(...))`.

    Args:
        parts: The parts, in the order of the model's output.
        finish_reason: Why it stops; None lets the server decide.
        cuts: The length of the pieces in which it streams, or several lengths used over and over.
    """
    whole = Turn()
    for part in parts:
        whole += part
    return whole + Turn(finish_reason=finish_reason, cuts=_cuts(cuts))


def raw_model_output(output: str, *, finish_reason: str | None = None, cuts: int | tuple[int, ...] = ()) -> ModelOutput:
    """The model writes this, markup and all; the server makes of it what its own parser makes of it.

    Args:
        output: With thinking on it begins inside the thinking: `reasoning</think>answer`.
        finish_reason: Why it stops; None lets the server decide.
        cuts: The length of the pieces in which it streams, or several lengths used over and over.
    """
    return ModelOutput(output, finish_reason, _cuts(cuts))


def reply_to(predicate: str | Mapping[str, object] | Callable[[MockRequest], bool], then: Step) -> Expected:
    """Answer only a request of a certain kind; another one in its place fails the test.

    Args:
        predicate: A text that the last user message holds, a mapping whose items the body has, or a function.
        then: The answer.
    """
    return Expected(predicate, then)


def from_function(function: Callable[[MockRequest], Step]) -> Function:
    """Answer with what a function makes of the request. As `default=` it answers every one."""
    return Function(function)


def from_conversation(source: MessagesInput | str | os.PathLike[str], *, strict: bool = True) -> list[Step]:
    """The answers of a whole conversation, one step for each turn of the model.

    Args:
        source: A `Conversation`, messages, or the path of a file of them in JSON, as `Conversation.to_json` writes it.
        strict: Whether each answer wants the user's text, or the result of a tool, before it.

    Raises:
        ConfigurationError: There is no such file, it is not a conversation, or nothing in it is of the model.
    """
    from deepseek_v4_sdk.testing.conversations import steps_of

    return steps_of(source, strict=strict)


def error(status: int, message: str = "scripted", *, headers: Mapping[str, str] | None = None) -> Error:
    """The server answers with an error."""
    return Error(status, message, headers or {})


def raw(
    *blocks: bytes | str,
    status: int = 200,
    content_type: str = "text/event-stream; charset=utf-8",
    headers: Mapping[str, str] | None = None,
) -> Raw:
    """The server answers with these bytes, in these blocks."""
    encoded = tuple(block.encode() if isinstance(block, str) else block for block in blocks)
    return Raw(encoded, status, {"content-type": content_type, **(headers or {})})


def _cuts(cuts: int | tuple[int, ...]) -> tuple[int, ...]:
    lengths = (cuts,) if isinstance(cuts, int) else tuple(cuts)
    if any(length < 1 for length in lengths):
        raise ValueError(f"cuts is {cuts!r}: give lengths of 1 character or more")
    return lengths
