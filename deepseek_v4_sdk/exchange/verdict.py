"""The judgement on an answer that has ended: a whole reply, or the error that says what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from deepseek_v4_sdk import errors
from deepseek_v4_sdk.providers.words import BROKEN_OFF

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from deepseek_v4_sdk.chat import FinishReason
    from deepseek_v4_sdk.exchange.assemble import OpenCall

__all__ = ["Fault", "finish_reason", "judge", "split_calls"]

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
"""What is wrong with an answer: the error, and its text."""


def finish_reason(raw: str | None, *, has_calls: bool) -> FinishReason | None:
    """The server's word in the common vocabulary.

    With calls, "stop" means "tool_calls": vLLM says "stop" after a named tool, older SGLang after any.
    """
    if raw is None:
        return None
    reason = _reason(raw) or "other"
    return "tool_calls" if reason == "stop" and has_calls else reason


def _reason(raw: str) -> FinishReason | None:
    return _REASONS.get(raw.lower())


def split_calls(
    calls: Sequence[OpenCall], raw_reason: str | None, *, at_limit: bool, closes_cut: bool, broken: bool = False
) -> tuple[list[OpenCall], list[OpenCall]]:
    """The calls that are whole, and those that were cut.

    Only the last call can have been cut, and only when the answer did not end by itself. It was, when its arguments
    are no whole JSON object, or none have come; and whatever they are, where the server says that it broke the answer
    off, or closes what was cut.

    Args:
        calls: The calls, in order.
        raw_reason: The server's finish reason.
        at_limit: Whether the answer has as many tokens as it was allowed.
        closes_cut: Whether the server writes a cut call as a whole one, with the parameters that had come. vLLM 0.32
            does; its plain answers then even say "tool_calls", and the number of tokens alone tells.
        broken: Whether markup broke, which cuts the call it belongs to.
    """
    reason = None if raw_reason is None else _reason(raw_reason)
    unsure = reason == "abort" or (closes_cut and (at_limit or reason == "length"))
    if reason in {"stop", "tool_calls"} and not broken and not unsure:
        return list(calls), []
    whole = list(calls)
    cut: list[OpenCall] = []
    if whole:
        last = whole[-1]
        call = last.as_call()
        if not call.arguments.strip() or call.error is not None or (unsure and not last.ready):
            cut.append(whole.pop())
    return whole, cut


def judge(
    *,
    raw_reason: str | None,
    whole: Sequence[OpenCall],
    cut: Sequence[OpenCall],
    spoke: bool,
    thought: bool,
    lost: str = "",
) -> Fault | None:
    """What is wrong with an answer that has ended, or None when it is whole.

    Args:
        raw_reason: The server's finish reason.
        whole: The calls that are whole.
        cut: Those that were cut.
        spoke: Whether there is text in it, beside blanks.
        thought: Whether there is reasoning in it.
        lost: Markup of a call that could not be read.
    """
    reason = finish_reason(raw_reason, has_calls=bool(whole))
    if reason is None:
        return errors.StreamInterruptedError, "the answer broke off: it ended without a finish reason"
    if reason == "abort":
        return errors.StreamInterruptedError, f"the server broke the answer off (finish reason {raw_reason!r})"
    if cut and not (lost and reason != "length"):
        return (
            errors.TruncatedToolCallError,
            f"the call of {cut[0].name!r} was cut off at the limit (finish reason {raw_reason!r}): raise max_tokens",
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
    if reason == "length" and thought:
        return (
            errors.ReasoningExhaustedError,
            "max_tokens ended inside reasoning, before any answer: raise max_tokens, or lower thinking",
        )
    return (
        errors.EmptyTurnError,
        f"the model ended its turn with neither text nor a call (finish reason {raw_reason!r})",
    )
