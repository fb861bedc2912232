"""Scripts: what the mock answers, one step for each request, in terms of meaning and not of any server's wire."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

__all__ = [
    "Accepted",
    "Error",
    "Raw",
    "ScriptedCall",
    "Step",
    "Turn",
    "accepted",
    "error",
    "raw",
    "text",
    "think",
    "tool_call",
]


@dataclass(frozen=True, slots=True)
class ScriptedCall:
    """A tool call that the scripted model makes."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Turn:
    """What the scripted model says in one turn. Turns add up: `think("...") + text("...") + tool_call(...)`.

    Attributes:
        reasoning: Its thinking; a server sends it only when the request has thinking on.
        text: Its text.
        calls: Its tool calls.
        finish_reason: Why it stops; None lets the server say what it says in such a case.
    """

    reasoning: str = ""
    text: str = ""
    calls: tuple[ScriptedCall, ...] = ()
    finish_reason: str | None = None

    def __add__(self, other: Turn) -> Turn:
        return Turn(
            self.reasoning + other.reasoning,
            self.text + other.text,
            self.calls + other.calls,
            other.finish_reason or self.finish_reason,
        )


@dataclass(frozen=True, slots=True)
class Error:
    """An answer with an error status, in the flavor's own shape.

    Attributes:
        status: The HTTP status.
        message: The server's text.
        headers: Further headers, such as `retry-after`.
    """

    status: int
    message: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Raw:
    """An answer byte for byte.

    Attributes:
        blocks: The body, in the blocks in which it arrives.
        status: The HTTP status.
        headers: The headers.
    """

    blocks: tuple[bytes, ...]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Accepted:
    """An answer that is not ready at once: status 202, and so many times again when it is asked for.

    Attributes:
        then: The answer.
        polls: How often it is asked for in vain.
    """

    then: Turn | Error | Raw
    polls: int = 1


Step: TypeAlias = Turn | Error | Raw | Accepted
"""What answers one request."""


def text(content: str, *, finish_reason: str | None = None) -> Turn:
    """The model says a text."""
    return Turn(text=content, finish_reason=finish_reason)


def think(reasoning: str) -> Turn:
    """The model thinks; add what it says then."""
    return Turn(reasoning=reasoning)


def tool_call(name: str, arguments: Mapping[str, object] | str | None = None, /, **more: object) -> Turn:
    """The model calls a tool.

    Args:
        name: The tool.
        arguments: Its arguments, or JSON text that is sent as it is.
        more: Arguments by name.
    """
    if isinstance(arguments, str):
        return Turn(calls=(ScriptedCall(name, arguments),))
    # Both servers write arguments with a blank after colon and comma, and leave other scripts unescaped.
    return Turn(calls=(ScriptedCall(name, json.dumps({**(arguments or {}), **more}, ensure_ascii=False)),))


def error(status: int, message: str = "scripted", *, headers: Mapping[str, str] | None = None) -> Error:
    """The server answers with an error."""
    return Error(status, message, headers or {})


def accepted(then: Turn | Error | Raw, *, polls: int = 1) -> Accepted:
    """The server accepts, and has the answer only later (NVIDIA's status 202)."""
    return Accepted(then, polls)


def raw(
    *blocks: bytes | str,
    status: int = 200,
    content_type: str = "text/event-stream; charset=utf-8",
    headers: Mapping[str, str] | None = None,
) -> Raw:
    """The server answers with these bytes, in these blocks."""
    encoded = tuple(block.encode() if isinstance(block, str) else block for block in blocks)
    return Raw(encoded, status, {"content-type": content_type, **(headers or {})})
