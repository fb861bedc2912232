"""Reading messages as people write them: the error names the index of a wrong message."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import cast, get_args

from deepseek_v4_sdk.chat.checks import is_iterable, is_list, is_mapping
from deepseek_v4_sdk.chat.foreign import from_elsewhere, says_nothing
from deepseek_v4_sdk.chat.json_value import JsonValue, check_text, plain_json, spaced_json
from deepseek_v4_sdk.chat.messages import (
    AssistantMessage,
    Content,
    Message,
    ReminderMessage,
    SystemMessage,
    ToolMessage,
    UserMessage,
)
from deepseek_v4_sdk.chat.reply import Reply
from deepseek_v4_sdk.chat.tool_call import MarkupBars, ToolCall
from deepseek_v4_sdk.errors import InvalidRequestError

__all__ = ["read_message", "read_messages"]

_CLASSES = (SystemMessage, UserMessage, ReminderMessage, AssistantMessage, ToolMessage)
_TEXT_ROLES: Mapping[str, type[UserMessage | ReminderMessage]] = {
    "user": UserMessage,
    "latest_reminder": ReminderMessage,
}
_ROLES = ("system", "developer", "user", "assistant", "tool", "latest_reminder")
_BARS = get_args(MarkupBars)
# Fields of V4's prompt format that a server may read on a message. They are passed on unchanged.
_EXTRA = frozenset({"name", "task", "wo_eos", "mask", "prefix"})
# Fields that are attributes of a message object, by role.
_TEXT_FIELDS = frozenset({"role", "content"})
_SYSTEM_FIELDS = _TEXT_FIELDS | {"late"}
_TOOL_FIELDS = _TEXT_FIELDS | {"tool_call_id"}
_ASSISTANT_FIELDS = _TEXT_FIELDS | {"reasoning", "reasoning_content", "tool_calls"}


def read_messages(value: object) -> tuple[Message, ...]:
    """Turn any accepted input into messages.

    Args:
        value: A text (one user message), a mapping in OpenAI's form, a message object, or an iterable of these.

    Raises:
        InvalidRequestError: Something in it is wrong; the text names the place.
    """
    if isinstance(value, str):
        check_text(value, "messages")
        return (UserMessage(value),)
    if isinstance(value, (*_CLASSES, Reply)) or is_mapping(value) or hasattr(value, "model_dump"):
        return (read_message(value, "messages"),)
    if not is_iterable(value):
        raise InvalidRequestError(
            f"messages is {type(value).__name__}: give a text, a message, or a sequence of messages"
        )
    taken = list(value)
    messages: list[Message] = []
    # A long conversation is read at each call, so the place of a message is only named when something is wrong there.
    with suppress(InvalidRequestError):
        for item in taken:
            messages.append(read_message(item, ""))  # noqa: PERF401  # the messages before the mistake count
    if len(messages) < len(taken):
        read_message(taken[len(messages)], f"messages[{len(messages)}]")  # raises
    if not messages:
        raise InvalidRequestError("messages is empty: give at least one message")
    return tuple(messages)


def read_message(value: object, where: str) -> Message:
    """Turn one mapping into a message, as `_read` does, and refuse texts that UTF-8 cannot carry.

    Raises:
        InvalidRequestError: Something in it is wrong; the text names the place.
    """
    message = _read(value, where)
    content = message.content or ""
    for text in (content,) if isinstance(content, str) else content:
        check_text(text, f"{where}.content")
    if isinstance(message, AssistantMessage):
        check_text(message.reasoning or "", f"{where}.reasoning")
        for index, call in enumerate(message.tool_calls):
            check_text(f"{call.id}{call.name}{call.arguments}", f"{where}.tool_calls[{index}]")
    elif isinstance(message, ToolMessage):
        check_text(message.tool_call_id, f"{where}.tool_call_id")
    return message


def _read(value: object, where: str) -> Message:
    """Convert one mapping to a message.

    Args:
        value: A mapping in OpenAI's form, or a message object, which is returned unchanged.
        where: The name of the place, for the error.

    Raises:
        InvalidRequestError: Something in it is wrong; the text names the place.
    """
    if not is_mapping(value):
        if isinstance(value, _CLASSES):
            return _checked(value, where)
        found = from_elsewhere(value, where)
        if found is None:
            raise InvalidRequestError(f"{where} is {type(value).__name__}: give a mapping with role and content")
        if isinstance(found, AssistantMessage):
            return _checked(found, where)
        value = found
    elif "role" not in value:
        found = from_elsewhere(value, where)
        value = found if is_mapping(found) else value
    role = value.get("role")
    if not isinstance(role, str) or role not in _ROLES:
        raise InvalidRequestError(f"{where}.role is {role!r}: one of {', '.join(_ROLES)}")
    if role == "assistant":
        return _assistant(value, where)
    content = value.get("content")
    if not isinstance(content, str):
        content = _content(content, where)
    if content is None:
        raise InvalidRequestError(f"{where}.content is missing: a {role} message needs a text")
    if role == "tool":
        call_id = value.get("tool_call_id")
        if not isinstance(call_id, str) or not call_id:
            raise InvalidRequestError(f"{where}.tool_call_id is {call_id!r}: give the id of the call this answers")
        return ToolMessage(content, call_id, _extra(value, _TOOL_FIELDS, where))
    if role in {"system", "developer"}:
        late = value.get("late", False)
        if not isinstance(late, bool):
            raise InvalidRequestError(f"{where}.late is {late!r}: give True or False")
        extra = _extra(value, _SYSTEM_FIELDS, where)
        return SystemMessage(content, extra, late=late, developer=role == "developer")
    extra = _extra(value, _TEXT_FIELDS, where)
    return _TEXT_ROLES[role](content, extra)


# Parts of other SDKs' messages that have a separate place here.
_PARTS_ELSEWHERE = {
    "tool_use": "give the call in `tool_calls` of an assistant message",
    "tool_result": "give the result as a message with role 'tool' and the `tool_call_id` of its call",
    "thinking": "give the text in `reasoning` of an assistant message",
}


def _content(value: object, where: str) -> Content | None:
    if value is None or isinstance(value, str):
        return value
    if not is_list(value):
        raise InvalidRequestError(f"{where}.content is {type(value).__name__}: give a text or a list of text parts")
    parts: list[str] = []
    for index, part in enumerate(value):
        kind = part.get("type") if is_mapping(part) else type(part).__name__
        if not is_mapping(part) or kind != "text":
            hint = _PARTS_ELSEWHERE.get(str(kind), "V4 reads text only, give {'type': 'text', 'text': ...}")
            raise InvalidRequestError(f"{where}.content[{index}] has type {kind!r}: {hint}")
        for key, item in part.items():
            if key not in {"type", "text"} and item is not None:
                raise InvalidRequestError(f"{where}.content[{index}].{key} is not a field of a text part: leave it out")
        text = part.get("text")
        if not isinstance(text, str):
            raise InvalidRequestError(f"{where}.content[{index}].text is {type(text).__name__}: give a text")
        parts.append(text)
    return tuple(parts)


def _assistant(value: Mapping[str, object], where: str) -> AssistantMessage:
    reasoning = value.get("reasoning")
    other = value.get("reasoning_content")
    if reasoning is None:
        reasoning = other
    elif other is not None and other != reasoning:
        raise InvalidRequestError(f"{where} has reasoning and reasoning_content, and they differ: give one")
    if reasoning is not None and not isinstance(reasoning, str):
        raise InvalidRequestError(f"{where}.reasoning is {type(reasoning).__name__}: give a text")
    calls = value.get("tool_calls")
    if calls is not None and not is_list(calls):
        raise InvalidRequestError(f"{where}.tool_calls is {type(calls).__name__}: give a list of calls")
    return AssistantMessage(
        _content(value.get("content"), where),
        reasoning,
        tuple([_call(call, f"{where}.tool_calls[{index}]") for index, call in enumerate(calls)]) if calls else (),
        _extra(value, _ASSISTANT_FIELDS, where),
    )


def _call(value: object, where: str) -> ToolCall:
    if isinstance(value, ToolCall):
        return _checked_call(value, where)
    function = value.get("function") if is_mapping(value) else None
    if not is_mapping(value) or not is_mapping(function):
        raise InvalidRequestError(f"{where}.function is missing: give {{'id', 'function': {{'name', 'arguments'}}}}")
    call_id, name, arguments = value.get("id"), function.get("name"), function.get("arguments", "")
    if not isinstance(call_id, str) or not call_id:
        raise InvalidRequestError(f"{where}.id is {call_id!r}: give the id of the call")
    if not isinstance(name, str) or not name:
        raise InvalidRequestError(f"{where}.function.name is {name!r}: give the tool's name")
    if is_mapping(arguments):
        arguments = spaced_json(plain_json(arguments, f"{where}.function.arguments"))
    if not isinstance(arguments, str):
        raise InvalidRequestError(f"{where}.function.arguments is {type(arguments).__name__}: give JSON text")
    bars = value.get("bars")
    if bars is not None and bars not in _BARS:
        raise InvalidRequestError(f"{where}.bars is {bars!r}: give {' or '.join(map(repr, _BARS))}")
    return ToolCall(call_id, name, arguments, bars=cast("MarkupBars | None", bars))


def _extra(value: Mapping[str, object], known: frozenset[str], where: str) -> dict[str, JsonValue]:
    extra: dict[str, JsonValue] = {}
    if value.keys() <= known:
        return extra
    for key, item in value.items():
        if key in known or item is None or (key not in _EXTRA and says_nothing(item)):  # as in other SDKs' messages
            continue
        if key not in _EXTRA:
            role = str(value.get("role"))
            raise InvalidRequestError(
                f"{where}.{key} is not a field of {'an' if role[:1] in 'ae' else 'a'} {role} message; "
                "fields of one server go into the `extra` of a message object"
            )
        extra[key] = plain_json(item, f"{where}.{key}")
    return extra


_OWN = frozenset({"role", "content", "reasoning", "tool_calls", "tool_call_id"})


def _checked(message: Message, where: str) -> Message:
    """Check a message object and return it. Untyped programs make them, too, so that its parts may be anything."""
    if not _is_content(message.content) and not (message.content is None and isinstance(message, AssistantMessage)):
        kind = type(message.content).__name__
        raise InvalidRequestError(f"{where}.content is {kind}: give a text, or a tuple of texts")
    if isinstance(message, AssistantMessage):
        if not isinstance(message.reasoning, str | None):
            raise InvalidRequestError(f"{where}.reasoning is {type(message.reasoning).__name__}: give a text")
        if not is_list(message.tool_calls):
            raise InvalidRequestError(f"{where}.tool_calls is {type(message.tool_calls).__name__}: give a tuple")
        for index, call in enumerate(message.tool_calls):
            _checked_call(call, f"{where}.tool_calls[{index}]")
    elif isinstance(message, ToolMessage) and not _is_id(message.tool_call_id):
        raise InvalidRequestError(
            f"{where}.tool_call_id is {message.tool_call_id!r}: give the id of the call this answers"
        )
    if message.extra != {}:
        fields = plain_json(message.extra, f"{where}.extra")
        if not isinstance(fields, dict):
            raise InvalidRequestError(f"{where}.extra is {type(message.extra).__name__}: give a dict")
        if own := sorted(_OWN & fields.keys()):
            raise InvalidRequestError(f"{where}.extra has {', '.join(own)}: the message has its own field for it")
    return message


def _checked_call(call: object, where: str) -> ToolCall:
    if not isinstance(call, ToolCall):
        raise InvalidRequestError(f"{where} is {type(call).__name__}: give a ToolCall")
    for name in ("id", "name"):
        if not _is_id(getattr(call, name)):
            raise InvalidRequestError(f"{where}.{name} is {getattr(call, name)!r}: give a text that is not empty")
    if not isinstance(call.arguments, str):
        raise InvalidRequestError(f"{where}.arguments is {type(call.arguments).__name__}: give JSON text")
    return call


def _is_content(value: object) -> bool:
    return isinstance(value, str) or (is_list(value) and all(isinstance(part, str) for part in value))


def _is_id(value: object) -> bool:
    return isinstance(value, str) and value != ""
