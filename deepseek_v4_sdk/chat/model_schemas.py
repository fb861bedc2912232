"""The pydantic schemas of messages, conversations, replies and events, loaded when a user's model has one as a field.

An instance passes unchanged. A mapping in the form of `to_dict` becomes an instance; a fault in it is a
`ValidationError`. Models write the same form, in Python mode and as JSON.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, cast, get_type_hints

from pydantic_core import core_schema

from deepseek_v4_sdk import errors
from deepseek_v4_sdk.chat.checks import is_iterable, is_mapping
from deepseek_v4_sdk.chat.conversation import Conversation, stored
from deepseek_v4_sdk.chat.events import StreamEvent
from deepseek_v4_sdk.chat.messages import AssistantMessage, Message, SystemMessage, ToolMessage
from deepseek_v4_sdk.chat.reading import read_message, read_messages
from deepseek_v4_sdk.chat.reply import Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

__all__ = ["schema_of"]


def schema_of(cls: type, handler: GetCoreSchemaHandler) -> CoreSchema:
    """Return the schema of one of the classes that can be fields."""
    if issubclass(cls, Conversation):
        return _read_by(cls, _conversation, core_schema.list_schema(core_schema.dict_schema()), _conversation_json)
    if issubclass(cls, Reply):
        return _from_fields(cls, handler, {}, _reply_json)
    return _of_message_or_event(cls, handler)  # pyright: ignore[reportUnknownArgumentType]  # narrowed twice


def _of_message_or_event(cls: type, handler: GetCoreSchemaHandler) -> CoreSchema:
    if hasattr(cls, "role"):
        return _read_by(cls, _message, _message_fields(cls), stored)
    tag = {"type": core_schema.typed_dict_field(core_schema.literal_schema([cls.__dict__["type"]]), required=True)}
    return _from_fields(cls, handler, tag, _event_json)


def _read_by(
    cls: type, read: Callable[[type, object], object], shown: CoreSchema, write: Callable[..., object]
) -> CoreSchema:
    """The schema of a class whose input one function of ours reads; `shown` is how its JSON schema shows the input."""

    def validate(value: object) -> object:
        if isinstance(value, cls):
            return value
        try:
            return read(cls, value)
        except errors.InvalidRequestError as error:
            raise ValueError(str(error)) from None

    return core_schema.no_info_plain_validator_function(
        validate,
        json_schema_input_schema=shown,
        serialization=core_schema.plain_serializer_function_ser_schema(write, return_schema=shown),
    )


def _from_fields(
    cls: type,
    handler: GetCoreSchemaHandler,
    tag: dict[str, core_schema.TypedDictField],
    write: Callable[..., object],
) -> CoreSchema:
    """The schema of a dataclass that is read field by field, each by its annotation."""
    hints = get_type_hints(cls)
    shown = dict(tag)
    for field in fields(cls):
        if field.name == "prices":  # they belong to the client, and `to_dict` leaves them out
            continue
        hint = hints[field.name]
        schema = _error_schema() if hint is errors.DeepSeekV4Error else handler.generate_schema(hint)
        shown[field.name] = core_schema.typed_dict_field(schema, required=not issubclass(cls, Reply))

    def build(values: dict[str, object]) -> object:
        return cls(**{name: value for name, value in values.items() if name not in tag})

    return core_schema.union_schema(
        [
            core_schema.is_instance_schema(cls),
            core_schema.no_info_after_validator_function(build, core_schema.typed_dict_schema(shown)),
        ],
        serialization=core_schema.plain_serializer_function_ser_schema(write),
    )


def _message(cls: type, value: object) -> Message:
    role = str(cls.__dict__["role"])
    if not is_mapping(value):
        raise errors.InvalidRequestError(f"{cls.__name__} is {type(value).__name__}: give a mapping with content")
    found = value.get("role", role)
    if found != role and not (found == "developer" and cls is SystemMessage):
        raise errors.InvalidRequestError(f"{cls.__name__}.role is {found!r}: give {role!r}")
    return read_message({**value, "role": found}, cls.__name__)


def _message_fields(cls: type) -> CoreSchema:
    text = core_schema.str_schema()
    parts = core_schema.list_schema(core_schema.dict_schema(text, text))
    content = core_schema.union_schema([text, parts])
    roles = [cls.__dict__["role"], *(["developer"] if cls is SystemMessage else [])]
    shown = {"role": core_schema.typed_dict_field(core_schema.literal_schema(roles), required=False)}
    if cls is AssistantMessage:
        optional = core_schema.nullable_schema(text)
        shown["content"] = core_schema.typed_dict_field(core_schema.nullable_schema(content), required=False)
        shown["reasoning"] = core_schema.typed_dict_field(optional, required=False)
        calls = core_schema.list_schema(core_schema.dict_schema())
        shown["tool_calls"] = core_schema.typed_dict_field(calls, required=False)
    else:
        shown["content"] = core_schema.typed_dict_field(content, required=True)
    if cls is ToolMessage:
        shown["tool_call_id"] = core_schema.typed_dict_field(text, required=True)
    return core_schema.typed_dict_schema(shown, extra_behavior="allow")


def _conversation(cls: type, value: object) -> object:
    if not is_iterable(value):
        raise errors.InvalidRequestError(f"the conversation is {type(value).__name__}: give a list of messages")
    taken = list(value)
    return cls(read_messages(taken) if taken else ())


def _conversation_json(conversation: Conversation) -> list[object]:
    return [stored(message) for message in conversation]


def _reply_json(reply: Reply) -> dict[str, object]:
    return reply.to_dict()


def _event_json(event: StreamEvent) -> Mapping[str, object]:
    return event.to_dict()


def _error_schema() -> CoreSchema:
    """The schema of an error in the form that the events write: its class and its text, without all that it knows."""
    text = core_schema.str_schema()
    shown = core_schema.typed_dict_schema(
        {"type": core_schema.typed_dict_field(text), "message": core_schema.typed_dict_field(text)}
    )
    return core_schema.no_info_after_validator_function(_error, shown)


def _error(values: dict[str, str]) -> errors.DeepSeekV4Error:
    kind = getattr(errors, values["type"], None) if values["type"] in errors.__all__ else None
    known = cast("type[errors.DeepSeekV4Error]", kind or errors.DeepSeekV4Error)
    error = known.__new__(known)
    error.args = (values["message"],)
    return error
