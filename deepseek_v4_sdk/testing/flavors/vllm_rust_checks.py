"""Refusals of vLLM's Rust front end for a chat, in its words (0.33)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deepseek_v4_sdk.chat import JsonValue, write_json
from deepseek_v4_sdk.testing.flavors.base import refusal

if TYPE_CHECKING:
    from deepseek_v4_sdk.testing.script import Raw

__all__ = ["FieldFault", "error_body", "faults_of", "model_fault", "refused"]

_ROLES = frozenset({"system", "user", "assistant", "tool", "developer"})
_RANGES: tuple[tuple[str, float, float], ...] = (
    ("temperature", 0, 2),
    ("min_p", 0, 1),
    ("presence_penalty", -2, 2),
    ("frequency_penalty", -2, 2),
)
_SALT = (
    "Parameter 'cache_salt' must be a non-empty string of at most 128 characters and must not contain '@', '/', '\\', "
    "or NUL."
)


@dataclass(frozen=True, slots=True)
class FieldFault:
    """A refusal.

    Attributes:
        message: In its words.
        param: The parameter that it names.
        status: The status.
        unreadable: Whether the body does not even have the right form.
    """

    message: str
    param: str | None = None
    status: int = 400
    unreadable: bool = False


def refused(fault: FieldFault) -> Raw:
    """The answer to a request with a fault."""
    form = "Failed to deserialize the JSON body into the target type: "
    detail, kind = (form + fault.message, "Bad Request") if fault.unreadable else (fault.message, None)
    return refusal(fault.status, error_body(fault.status, detail, fault.param, kind=kind))


def error_body(status: int, message: str, param: str | None = None, *, kind: str | None = None) -> JsonValue:
    """The body of an error."""
    kinds = {400: "BadRequestError", 404: "NotFoundError", 503: "ServiceUnavailableError"}
    detail = kind or kinds.get(status, "InternalServerError")
    return {"error": {"message": message, "type": detail, "param": param, "code": status}}


def model_fault(body: dict[str, JsonValue], served: tuple[str, ...]) -> FieldFault | None:
    """A model that is not served; with no names every one is."""
    model = body.get("model")
    if not isinstance(model, str) or not model or not served or model in served:
        return None
    return FieldFault(f"The model `{model}` does not exist.", "model", 404)


def faults_of(body: dict[str, JsonValue], served: tuple[str, ...]) -> Iterator[FieldFault]:
    """Errors in a chat's body, in the order in which it finds them."""
    yield from _forms(body)
    yield from _values(body)
    if (found := model_fault(body, served)) is not None:
        yield found
    messages = body.get("messages")
    for message in messages if isinstance(messages, list) else []:
        role = message.get("role") if isinstance(message, dict) else None
        if role not in _ROLES:
            yield FieldFault(f"chat role `{role}` is not supported by this chat renderer")
    if body.get("tool_choice") not in (None, "none", "auto") and not body.get("tools"):
        yield FieldFault("tool_choice requires at least one available tool")


def _forms(body: dict[str, JsonValue]) -> Iterator[FieldFault]:
    """Values that do not fit the types of a request. It reports the end of the text as their place."""
    messages, at = body.get("messages"), f"at line 1 column {len(write_json(body))}"
    if not isinstance(messages, list):
        yield FieldFault(f"missing field `messages` {at}", unreadable=True)
        return
    for index, message in enumerate(messages):
        if isinstance(message, dict) and message.get("role") == "tool" and "tool_call_id" not in message:
            yield FieldFault(f"messages[{index}]: missing field `tool_call_id` {at}", unreadable=True)
    count, priority = body.get("top_k"), body.get("priority")
    if isinstance(count, int) and count >= 2**32:
        yield FieldFault(f"top_k: out of range integral type conversion attempted {at}", unreadable=True)
    if isinstance(priority, int) and not -(2**31) <= priority < 2**31:
        yield FieldFault(f"priority: invalid value: integer `{priority}`, expected i32 {at}", unreadable=True)


def _values(body: dict[str, JsonValue]) -> Iterator[FieldFault]:
    """Values out of range."""
    if body.get("messages") == []:
        yield FieldFault('messages: Validation error: messages cannot be empty [{"value": Array []}]')
    for name, low, high in _RANGES:
        value = body.get(name)
        if isinstance(value, int | float) and not low <= value <= high:
            detail = f'"value": Number({float(value)}), "min": Number({float(low)}), "max": Number({float(high)})'
            yield FieldFault(f"{name}: Validation error: range [{{{detail}}}]")
    for name in ("max_completion_tokens", "max_tokens"):
        limit = body.get(name)
        if isinstance(limit, int) and limit < 1:
            detail = f'"value": Number({limit}), "min": Number(1)'
            yield FieldFault(f"max_completion_tokens: Validation error: range [{{{detail}}}]")
    stops = body.get("stop")
    if isinstance(stops, list) and len(stops) > 4:
        listed = ", ".join(f'String("{each}")' for each in stops)
        detail = f'stop strings must contain at most 4 items [{{"value": Array [{listed}]}}]'
        yield FieldFault(f"stop: Validation error: {detail}")
    if body.get("stream_options") is not None and not body.get("stream"):
        yield FieldFault("__all__: stream_options can only be used when stream is true")
    if body.get("top_logprobs") and not body.get("logprobs"):
        yield FieldFault("__all__: top_logprobs is only allowed when logprobs is enabled")
    if body.get("n") not in (None, 1):
        yield FieldFault("Only n=1 is supported.", "n")
    if body.get("tools") == []:
        detail = "`tools` must not be an empty array. Either provide at least one tool or omit the field entirely."
        yield FieldFault(detail, "tools")
    salt = body.get("cache_salt")
    if isinstance(salt, str) and (not 0 < len(salt) <= 128 or set(salt) & set("@/\\\0")):
        yield FieldFault(_SALT)
