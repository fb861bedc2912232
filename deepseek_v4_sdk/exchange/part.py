"""The part of an answer that had arrived when it broke off, and its place in the answer that goes on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deepseek_v4_sdk.chat import ToolCall, Usage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from deepseek_v4_sdk.chat import JsonValue, Reply
    from deepseek_v4_sdk.errors import DeepSeekV4Error

__all__ = ["Earlier", "NotContinuableError", "Part", "ids_in", "part_of"]


class NotContinuableError(ValueError):
    """The model cannot go on with this part: the text names the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The part of an answer that had arrived.

    Attributes:
        reasoning: The reasoning that was handed out.
        text: The text that was handed out.
        calls: The calls that were handed out; all but the last are complete.
        begun: Whether the last call is not complete.
        announced: The number of calls whose end was handed out.
        past_reasoning: Whether text or a call has begun.
        held: The end of the text that arrived and was not handed out.
        raw: All raw output, where it was read as such.
        ids: The tokens of all raw output, where the server gave them; it may have shown less of it by then.
        reply_id: The server's id of the answer.
        started: Time at which the request was sent.
        sent_at: The same moment as date and time.
        first_event: Time of the first event, or None.
        first_token: Time of the first token, or None.
        first_answer: Time of the first token after the reasoning, or None.
    """

    reasoning: str = ""
    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    begun: bool = False
    announced: int = 0
    past_reasoning: bool = False
    held: str = ""
    raw: str | None = None
    ids: tuple[int, ...] = ()
    reply_id: str | None = None
    started: float | None = None
    sent_at: datetime | None = None
    first_event: float | None = None
    first_token: float | None = None
    first_answer: float | None = None


def part_of(reply: Reply, *, drops_begun_call: bool) -> Part:
    """The part that a reply holds, to go on with it in another call.

    Args:
        reply: The reply.
        drops_begun_call: Whether a call that is not complete is begun again.
    """
    begun = () if drops_begun_call else reply.partial_tool_calls[-1:]
    calls = (*reply.tool_calls, *begun)
    # The ids of an answer that went on are those of its end only.
    ids = () if reply.usage.resumed is not None else ids_in(reply.raw)
    return Part(
        reasoning=reply.reasoning or "",
        text=reply.text,
        calls=calls,
        begun=bool(begun),
        announced=len(reply.tool_calls),
        past_reasoning=bool(reply.text or calls),
        ids=ids,
        reply_id=reply.id,
    )


def ids_in(fields: Mapping[str, JsonValue]) -> tuple[int, ...]:
    """The tokens of the output among the other fields of an answer (vLLM's `return_token_ids`)."""
    given = fields.get("choice.token_ids")
    return tuple(each for each in given if isinstance(each, int)) if isinstance(given, list) else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """An answer so far, as the exchange gets it that goes on with it.

    Attributes:
        part: The part of the answer.
        raw: The raw output that follows the prompt.
        tokens: The number of its tokens.
        usage: The tokens of the attempts so far.
        error: The error that broke the answer off, or None.
        saved: The number of tokens of an answer of another call, which are not counted here.
        saved_reasoning: The reasoning of that answer.
        prompt: The number of tokens of the prompt with the part.
        ids: The tokens of the part, where they are the model's own; else empty.
    """

    part: Part
    raw: str
    tokens: int
    prompt: int
    usage: Usage = field(default_factory=Usage)
    error: DeepSeekV4Error | None = None
    saved: int = 0
    saved_reasoning: str = ""
    ids: tuple[int, ...] = ()
