"""An HTTP answer as the mock's server makes it: blocks, silences, and ends inside the body."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from deepseek_v4_sdk.chat import JsonValue, write_json

__all__ = ["Break", "Part", "ServerAnswer", "Wait", "accepted_answer", "json_answer"]


@dataclass(frozen=True, slots=True)
class Wait:
    """The server is silent for so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Break:
    """The connection ends here.

    Attributes:
        kind: "cut" closes it in the middle of the body, "reset" resets it.
    """

    kind: Literal["cut", "reset"]


Part: TypeAlias = bytes | Wait | Break | Exception
"""A block of a body, silence before the next, the end of the connection, or the error that the reader gets."""


@dataclass(frozen=True, slots=True)
class ServerAnswer:
    """An HTTP answer.

    Attributes:
        status: Its status; 0 where the connection fails before there is one, with the exception that ends the parts.
        headers: Its headers.
        parts: Its body. Of a stream, each block is one event.
        ended: The transport calls it when the answer has been sent or is abandoned.
    """

    status: int
    headers: Mapping[str, str]
    parts: tuple[Part, ...] = ()
    ended: Callable[[], None] | None = field(default=None, repr=False, compare=False)

    @property
    def streams(self) -> bool:
        """Whether it is an event stream."""
        return self.headers.get("content-type", "").startswith("text/event-stream")

    def end(self) -> None:
        """Tell its server that it is over."""
        if self.ended is not None:
            self.ended()

    def within_length(self) -> ServerAnswer:
        """The same answer, cut at the length that its head declares: no client waits for more."""
        length = self.headers.get("content-length", "")
        if not length.isdecimal():
            return self
        parts: list[Part] = []
        left = int(length)
        for part in self.parts:
            if left <= 0:
                break
            parts.append(part)
            left -= len(part) if isinstance(part, bytes) else 0
        return self if len(parts) == len(self.parts) else replace(self, parts=tuple(parts))


def json_answer(status: int, value: JsonValue) -> ServerAnswer:
    """An answer with a JSON body."""
    body = write_json(value)
    return ServerAnswer(status, {"content-type": "application/json", "content-length": str(len(body))}, (body,))


def accepted_answer(request_id: str) -> ServerAnswer:
    """Make the answer to a request whose result is not ready: the client polls for it."""
    return ServerAnswer(202, {"nvcf-reqid": request_id, "nvcf-status": "pending-evaluation", "content-length": "0"})
