"""A structured answer: request it, find the JSON, check it, and request it again with the error. No I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from deepseek_v4_sdk.call.steps import Deliver
from deepseek_v4_sdk.chat import AssistantMessage, JsonValue, Repair, Reply, read_json, write_json
from deepseek_v4_sdk.errors import EmptyTurnError, IncompleteReplyError, SchemaViolationError
from deepseek_v4_sdk.structured.json_search import json_at_the_end, json_in
from deepseek_v4_sdk.structured.mechanism import TOOL, Mechanism
from deepseek_v4_sdk.structured.shape import MisfitError
from deepseek_v4_sdk.structured.watching import violation

if TYPE_CHECKING:
    from collections.abc import Callable

    from deepseek_v4_sdk.call.steps import Steps
    from deepseek_v4_sdk.chat import Attempt, Conversation, MessagesInput
    from deepseek_v4_sdk.structured.mechanism import Plan
    from deepseek_v4_sdk.structured.shape import Shape
    from deepseek_v4_sdk.structured.watching import Watcher

__all__ = ["Parsed", "parse_steps", "parsed_again"]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed(Generic[T_co]):
    """A structured answer.

    Attributes:
        value: The value, checked.
        reply: The reply it was read from. Its `repairs` list the changes, its `attempts` are those of every request to
            the model.
        mechanism: The way in which the server was held to the schema.
    """

    value: T_co
    reply: Reply
    mechanism: Mechanism


def parse_steps(
    messages: MessagesInput,
    shape: Shape[T],
    plan: Plan,
    ask: Callable[[Conversation, dict[str, Any]], Steps[Reply]],
    *,
    thinks: bool,
    retries: int,
    watcher: Watcher[object] | None = None,
) -> Steps[Parsed[T]]:
    """Request, read and check; request again with the error, as often as allowed. The messages are checked now.

    Args:
        messages: The messages.
        shape: The shape of the answer.
        plan: The mechanism for it.
        ask: Checks a chat, and makes its steps from its conversation and options.
        thinks: Whether the model thinks.
        retries: Number of times that it may be requested again.
        watcher: The watcher that hands the value out while it arrives. Once it did, nothing is requested again.

    Raises:
        SchemaViolationError: No answer matched, or the part that was handed out does not.
        IncompleteReplyError: An answer was cut, or is empty.
    """
    plan.check(shape.schema)
    conversation = plan.conversation(messages, shape.schema)
    options = plan.asked(shape.name, shape.schema, thinks=thinks)
    return _steps(conversation, options, shape, plan.mechanism, ask, retries, watcher, ask(conversation, options))


def _steps(
    conversation: Conversation,
    options: dict[str, Any],
    shape: Shape[T],
    mechanism: Mechanism,
    ask: Callable[[Conversation, dict[str, Any]], Steps[Reply]],
    retries: int,
    watcher: Watcher[object] | None,
    chat: Steps[Reply],
) -> Steps[Parsed[T]]:
    attempts: list[Attempt] = []
    notes: list[Repair] = []
    while True:
        answer: Reply | EmptyTurnError
        try:
            answer = yield from chat
        except EmptyTurnError as empty:
            answer = empty
        attempts += [replace(made, number=len(attempts) + made.number) for made in answer.attempts]
        try:
            reply, value, raw, repairs = _read(answer, shape, by_call=mechanism == "tool")
            for found in () if watcher is None else watcher.rest(raw):
                yield Deliver([found])
        except (IncompleteReplyError, SchemaViolationError) as error:
            error.attempts = tuple(attempts)
            asks_again = isinstance(error, EmptyTurnError | SchemaViolationError) and not _is_cut(error)
            if retries < 1 or not asks_again or (watcher is not None and watcher.given):
                raise
            retries -= 1
            notes.append(Repair("asked_again", str(error)))
            if isinstance(answer, Reply):
                _tell(conversation, answer, str(error))
            chat = ask(conversation, options)
        else:
            reply = replace(reply, attempts=tuple(attempts), repairs=(*reply.repairs, *notes, *repairs))
            return Parsed(value=value, reply=reply, mechanism=mechanism)


def parsed_again(reply: Reply, shape: Shape[T], mechanism: Mechanism) -> Parsed[T]:
    """Read the structured answer in a reply that was kept.

    Raises:
        ValueError: It does not match.
        DeepSeekV4Error: It was cut, or is empty.
    """
    answer: Reply | EmptyTurnError = reply
    if not reply.text and not reply.tool_calls:  # it was found in the reasoning
        answer = EmptyTurnError("the answer is empty").about(partial=reply)
    _, value, _, _ = _read(answer, shape, by_call=mechanism == "tool")
    return Parsed(value=value, reply=reply, mechanism=mechanism)


def _is_cut(error: Exception) -> bool:
    return isinstance(error, EmptyTurnError) and error.cut


def _read(
    answer: Reply | EmptyTurnError, shape: Shape[T], *, by_call: bool
) -> tuple[Reply, T, JsonValue, list[Repair]]:
    """The value of an answer, its JSON, and the repairs that were needed."""
    if isinstance(answer, EmptyTurnError):
        # vLLM 0.20 put the JSON there: docs/field-failures.md O2
        partial = answer.partial
        try:
            if partial is None:
                raise answer
            value, raw, repairs = _only_fitting(json_at_the_end(partial.reasoning or ""), shape)
        except MisfitError:
            raise answer from None
        return partial, value, raw, [Repair("json_in_reasoning", "the JSON was left in the reasoning"), *repairs]
    if answer.finish_reason in {"length", "content_filter", "repetition"}:
        why = "raise max_tokens" if answer.finish_reason == "length" else "the server ended it"
        raise IncompleteReplyError(
            f"the structured answer was cut off (finish reason {answer.raw_finish_reason!r}): {why}"
        ).about(partial=answer, request_id=answer.request_id)
    calls = [call.arguments for call in answer.tool_calls if by_call and call.name == TOOL]
    texts = calls or [answer.text]
    found: list[JsonValue] = []
    notes = [Repair("json_in_text", "the JSON was in the text, and not in a call")] if by_call and not calls else []
    for text in texts:
        try:
            found.append(read_json(text))
        except ValueError:
            inside = [] if calls else json_in(text)
            if inside and not notes:
                notes = [Repair("json_in_text", "the JSON was inside other text")]
            found += inside
    try:
        value, raw, repairs = _only_fitting(found, shape)
    except MisfitError as misfit:
        error = violation(misfit, "\n".join(texts))
        raise error.about(partial=answer, request_id=answer.request_id) from None
    return answer, value, raw, [*notes, *repairs]


def _only_fitting(found: list[JsonValue], shape: Shape[T]) -> tuple[T, JsonValue, list[Repair]]:
    """The only value that fits, and its JSON; the same value twice is one."""
    fitting: dict[bytes, tuple[T, JsonValue, list[Repair]]] = {}
    misfit = MisfitError("", "it is not JSON")
    for candidate in found:
        try:
            value, repairs = shape.read(candidate)
            fitting[write_json(candidate)] = value, candidate, repairs
        except MisfitError as error:
            misfit = error
    if not fitting:
        raise misfit
    if len(fitting) > 1:
        raise MisfitError("", f"it holds {len(fitting)} JSON values that fit, and one is wanted")
    return next(iter(fitting.values()))


def _tell(conversation: Conversation, reply: Reply, mistake: str) -> None:
    """Report the error: a call needs its result first, and no other message between."""
    conversation.add(_bounded(reply))
    text = f"That does not match the schema: {mistake}. Answer again, "
    if not reply.tool_calls:
        conversation.user(f"{text}with only the JSON.")
    for call in reply.tool_calls:
        conversation.add_tool_result(call, f"{text}in the same way.")


_LONGEST_TURN = 20_000
"""Number of characters of a wrong answer that are sent back: a model may fill the rest of its limit with blanks."""


def _bounded(reply: Reply) -> AssistantMessage:
    """A wrong answer as a message, without long runs of blanks, and with its middle left out where it is long."""
    message = reply.message
    calls = tuple(replace(call, arguments=_shortened(call.arguments)) for call in message.tool_calls)
    reasoning = None if message.reasoning is None else _BLANKS.sub(_few, message.reasoning)
    return replace(message, content=_shortened(reply.text) or None, reasoning=reasoning, tool_calls=calls)


_BLANKS = re.compile(r"\s+")


def _few(blanks: re.Match[str]) -> str:
    return blanks[0][:100]


def _shortened(text: str) -> str:
    text = _BLANKS.sub(_few, text) if len(text) > _LONGEST_TURN else text
    if len(text) <= _LONGEST_TURN:
        return text
    half = _LONGEST_TURN // 2
    return f"{text[:half]}\n[{len(text) - 2 * half} characters left out]\n{text[-half:]}"
