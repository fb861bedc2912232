"""Time in a chat: the limits that a caller sets, and the times at which an answer arrived."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, TypeAlias

from deepseek_v4_sdk.chat.usage import Usage
from deepseek_v4_sdk.errors import InvalidRequestError

__all__ = ["Phase", "Timeouts", "Timing", "as_timeouts"]

Phase: TypeAlias = Literal["connect", "first_event", "idle", "total"]
"""The timers of a request, by name."""

# A prompt of a million tokens takes minutes to read: about 146 s to the first token for 1,033,872 tokens on 16 H200
# (NVIDIA Dynamo's recipe for V4-Pro). One second for each 3,000 bytes adds about 20 minutes for such a request.
_BYTES_PER_SECOND = 3_000
_LONGEST = 1e9  # about thirty years; beyond it a sum of times loses its fractions, or overflows


@dataclass(frozen=True, slots=True)
class Timeouts:
    """The timers of one request, in seconds; None keeps the default.

    Attributes:
        connect: Opening the connection, and waiting for a free one. Default 10.
        first_event: From sending until the first event of the answer; comments do not count.
            Default 600 and one second more for each 3,000 bytes of request.
        idle: Time without bytes of the answer. Default 120; while a tool call streams 900, because vLLM holds long
            string arguments back until they are complete.
        total: The whole call, with retries and the waits between them. Default six hours.
    """

    connect: float | None = None
    first_event: float | None = None
    idle: float | None = None
    total: float | None = None

    def __post_init__(self) -> None:
        for name in ("connect", "first_event", "idle", "total"):
            value = getattr(self, name)
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= _LONGEST:
                shown = "too large" if isinstance(value, int) and value > _LONGEST else repr(value)
                raise InvalidRequestError(f"timeout.{name} is {shown}: give seconds above 0, or None for the default")

    def over(self, other: Timeouts) -> Timeouts:
        """These timers, with the gaps filled from another set."""
        names = ("connect", "first_event", "idle", "total")
        given = {name: value for name in names if (value := getattr(self, name)) is not None}
        return replace(other, **given) if given else other

    @property
    def connect_seconds(self) -> float:
        """The connect timer with its default."""
        return 10.0 if self.connect is None else self.connect

    @property
    def total_seconds(self) -> float:
        """The total timer with its default."""
        return 6 * 3600.0 if self.total is None else self.total

    def first_event_seconds(self, request_bytes: int) -> float:
        """The first-event timer for a request of that size."""
        return 600.0 + request_bytes / _BYTES_PER_SECOND if self.first_event is None else self.first_event

    def idle_seconds(self, *, in_tool_call: bool) -> float:
        """The idle timer, which is longer while a tool call streams."""
        if self.idle is None:
            return 900.0 if in_tool_call else 120.0
        return self.idle


def as_timeouts(value: object) -> Timeouts:
    """Read a `timeout` of a caller: None, total seconds, or `Timeouts`.

    Raises:
        InvalidRequestError: It is none of these.
    """
    if value is None:
        return Timeouts()
    if isinstance(value, Timeouts):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Timeouts(total=value)
    raise InvalidRequestError(f"timeout is {type(value).__name__}: give total seconds or Timeouts(...)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """The times at which the parts of an answer arrived: seconds since the successful attempt was sent.

    These are the times at which bytes arrived, not those at which the program read them.

    Attributes:
        sent_at: The date and time, in UTC, at which the successful attempt was sent; None on a reply made by hand.
        first_event: The first event of any kind, or None if there was none.
        first_token: The first piece of reasoning, text or a tool call ("time to first token").
        first_answer_token: The first piece of text or a tool call.
        last_token: The last piece.
        total: The end of the answer.
        inter_token_latency: Seconds per token after the first, `(last_token - first_token) / (completion_tokens - 1)`;
            None where the server did not count or there was only one token.
        tokens_per_second: The inverse of it.
    """

    sent_at: datetime | None = None
    first_event: float | None = None
    first_token: float | None = None
    first_answer_token: float | None = None
    last_token: float | None = None
    total: float = 0.0
    inter_token_latency: float | None = None
    tokens_per_second: float | None = None

    @classmethod
    def of(
        cls,
        *,
        sent_at: datetime | None,
        first_event: float | None,
        first_token: float | None,
        first_answer_token: float | None,
        last_token: float | None,
        total: float,
        usage: Usage,
    ) -> Timing:
        """Compute the two rates from the times and the server's count."""
        latency = None
        if first_token is not None and last_token is not None and (usage.completion_tokens or 0) > 1:
            latency = (last_token - first_token) / ((usage.completion_tokens or 0) - 1)
        return cls(
            sent_at=sent_at,
            first_event=first_event,
            first_token=first_token,
            first_answer_token=first_answer_token,
            last_token=last_token,
            total=total,
            inter_token_latency=latency,
            tokens_per_second=1 / latency if latency else None,
        )
