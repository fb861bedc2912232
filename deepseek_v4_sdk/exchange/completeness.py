"""The completeness check of an answer that has ended: a whole reply, or the error that says what is missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from pydantic_core import from_json

from deepseek_v4_sdk import errors
from deepseek_v4_sdk.providers.words import BROKEN_OFF

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deepseek_v4_sdk.chat import FinishReason, ToolCall
    from deepseek_v4_sdk.exchange.open_call import OpenCall

__all__ = ["End", "Fault", "check_completeness", "finish_reason", "split_calls"]

_REASONS: Mapping[str, FinishReason] = {
    "stop": "stop",
    "eos": "stop",
    "length": "length",
    "max_tokens": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "repetition": "repetition",  # vLLM's repetition detection
    **dict.fromkeys(BROKEN_OFF, "abort"),
}

Fault: TypeAlias = tuple[type[errors.IncompleteReplyError], str]
"""The fault of an answer: the error, and its text."""


@dataclass(frozen=True, slots=True)
class End:
    """The end of an answer.

    Attributes:
        raw_reason: The server's finish reason.
        stop: The stop text that ended it, where the server reports it.
        stops: The requested stop texts.
        at_limit: Whether the answer has as many tokens as it was allowed.
    """

    raw_reason: str | None
    stop: str | None = None
    stops: Sequence[str] = ()
    at_limit: bool = False

    @property
    def cuts(self) -> bool:
        """Whether a limit or a stop text ended it, and not the model."""
        return self.stop is not None or _reason(self.raw_reason or "") == "length"

    @property
    def stopped_by(self) -> str:
        """The stop text that ended the answer, for a sentence; the possible ones where it is not reported."""
        if self.stop is not None:
            return f"the stop text {self.stop!r}"
        listed = ", ".join(map(repr, self.stops))
        return f"one of the stop texts {listed}" if len(self.stops) > 1 else f"the stop text {listed}"


def finish_reason(raw: str | None, *, has_calls: bool) -> FinishReason | None:
    """The server's finish reason in the common vocabulary.

    With calls, "stop" means "tool_calls": vLLM sends "stop" after a named tool, older SGLang after any.
    """
    if raw is None:
        return None
    reason = _reason(raw) or "other"
    return "tool_calls" if reason == "stop" and has_calls else reason


def _reason(raw: str) -> FinishReason | None:
    return _REASONS.get(raw.lower())


def split_calls(
    calls: Sequence[OpenCall], end: End, *, closes_cut: bool, broken: bool = False
) -> tuple[list[OpenCall], list[OpenCall]]:
    """Split the calls into complete and cut ones.

    Only the last call can have been cut, and only when something other than the model ended the answer. It was cut when
    its arguments are not a whole JSON object, or none have arrived; and in any case where the server says that it broke
    the answer off, or closes cut calls.

    A stop text inside a call leaves the finish reason of a complete one. SGLang's plain answers (0.5.23) do not even
    report the stop text: only the open JSON shows it.

    Args:
        calls: All calls, in order.
        end: The end of the answer.
        closes_cut: Whether the server writes a cut call as a whole one, with the parameters that had arrived. vLLM 0.32
            does, also in a stream where a stop text falls between two parameters; its plain answers then even say
            "tool_calls", and only the number of tokens or the stop text shows the cut.
        broken: Whether markup broke, which cuts the call it belongs to.
    """
    if not calls:
        return [], []
    reason = None if end.raw_reason is None else _reason(end.raw_reason)
    stopped = end.stop is not None
    unsure = reason == "abort" or (closes_cut and (end.at_limit or stopped or reason == "length"))
    place = len(calls) - 1
    if broken:  # in addition to the server's own calls, one from the text is not always the last
        place = next((at for at in range(place, -1, -1) if not _is_whole(calls[at].as_call())), place)
    last, call = calls[place], calls[place].as_call()
    is_cut = unsure and not last.ready
    if broken or stopped or unsure or reason not in {"stop", "tool_calls"}:
        is_cut = is_cut or not _is_whole(call)
    elif end.stops:
        is_cut = call.error is not None and _begins_an_object(call.arguments)
    return ([*calls[:place], *calls[place + 1 :]], [last]) if is_cut else (list(calls), [])


def _is_whole(call: ToolCall) -> bool:
    return bool(call.arguments.strip()) and call.error is None


def _begins_an_object(text: str) -> bool:
    try:
        return isinstance(from_json(text, allow_partial=True), dict)
    except ValueError:
        return False


def check_completeness(
    *,
    end: End,
    whole: Sequence[OpenCall],
    cut: Sequence[OpenCall],
    spoke: bool,
    has_reasoning: bool,
    lost: str = "",
) -> Fault | None:
    """Find the fault of an answer that has ended, or None when it is complete.

    Args:
        end: Its end.
        whole: The complete calls.
        cut: The cut calls.
        spoke: Whether it has text other than blanks.
        has_reasoning: Whether it has reasoning.
        lost: Markup of a call that could not be read.
    """
    raw_reason, stopped = end.raw_reason, end.stop is not None
    reason = finish_reason(raw_reason, has_calls=bool(whole))
    if reason is None:
        return errors.StreamInterruptedError, "the answer broke off: it ended without a finish reason"
    if reason == "abort":
        return errors.StreamInterruptedError, f"the server broke the answer off (finish reason {raw_reason!r})"
    if cut and (stopped or (not lost and reason in {"stop", "tool_calls"} and not end.at_limit)):
        return (
            errors.TruncatedToolCallError,
            f"{end.stopped_by} cut off the call of {cut[0].name!r}: take a stop text that no argument holds",
        )
    if cut and not (lost and reason != "length"):
        return (
            errors.TruncatedToolCallError,
            f"the call of {cut[0].name!r} was cut off at the limit (finish reason {raw_reason!r}): raise max_tokens",
        )
    if lost and stopped:
        return (
            errors.TruncatedToolCallError,
            f"{end.stopped_by} ended inside the markup of a tool call: take a stop text that no call holds",
        )
    if lost and reason == "length":
        return errors.TruncatedToolCallError, "max_tokens ended inside the markup of a tool call: raise max_tokens"
    if lost:
        return errors.LostToolCallError, "a tool call was left in the text as markup, and is not whole"
    if any(not call.name for call in whole):
        return errors.LostToolCallError, "the server sent a tool call without a name"
    if reason == "tool_calls" and not whole:
        return errors.LostToolCallError, "the server says that the model called a tool, but sent no call"
    if whole or spoke:
        return None
    if reason == "length" and has_reasoning:
        return (
            errors.ReasoningExhaustedError,
            "max_tokens ended inside reasoning, before any answer: raise max_tokens, or lower thinking",
        )
    if reason == "length":
        return (
            errors.EmptyTurnError,
            "max_tokens ended before any text, perhaps inside the markup of a tool call: raise max_tokens",
        )
    if stopped:
        where = "inside the reasoning" if has_reasoning else "at its beginning"
        text = f"{end.stopped_by} ended the answer {where}: take one that the model does not write there"
        return errors.EmptyTurnError, text
    hint = f"; {end.stopped_by} may have ended it" if end.stops else ""
    return (
        errors.EmptyTurnError,
        f"the model ended its turn with neither text nor a call (finish reason {raw_reason!r}){hint}",
    )
