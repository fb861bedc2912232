"""The messages of a conversation, in a form that is the same for every server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

from deepseek_v4_sdk._late_types import late_type
from deepseek_v4_sdk.chat.json_value import JsonValue
from deepseek_v4_sdk.chat.model_field import ModelField
from deepseek_v4_sdk.chat.tool_call import ToolCall

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat.conversation import Conversation
    from deepseek_v4_sdk.chat.reply import Reply
else:
    Conversation = late_type("deepseek_v4_sdk.chat.conversation", "Conversation")
    Reply = late_type("deepseek_v4_sdk.chat.reply", "Reply")

__all__ = [
    "AssistantMessage",
    "Content",
    "Message",
    "MessagesInput",
    "ReminderMessage",
    "SystemMessage",
    "ToolMessage",
    "UserMessage",
]

Content: TypeAlias = str | tuple[str, ...]
"""A text, or several text parts (the servers join them with a blank line)."""


@dataclass(frozen=True, slots=True)
class SystemMessage(ModelField):
    """Instructions. The role `developer` of other models becomes this one: V4 has no such role.

    Attributes:
        content: The text, or its parts.
        extra: Fields that only some servers read; sent unchanged.
        late: Whether it may follow other messages, where servers render it differently: pulled to the front (SGLang,
            DeepSeek's API), or as bare text in its place (vLLM).
        developer: Whether it was given with the role `developer`.
    """

    role: ClassVar[Literal["system"]] = "system"
    content: Content
    extra: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    late: bool = field(default=False, compare=False, kw_only=True)
    developer: bool = field(default=False, compare=False, repr=False, kw_only=True)

    def to_dict(self) -> dict[str, JsonValue]:
        """Return the message as JSON, in the neutral form."""
        return {"role": "system", "content": content_json(self.content), **self.extra}


@dataclass(frozen=True, slots=True)
class UserMessage(ModelField):
    """A message of the user.

    Attributes:
        content: The text, or its parts.
        extra: Fields that only some servers read, such as `task`; sent unchanged.
    """

    role: ClassVar[Literal["user"]] = "user"
    content: Content
    extra: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])

    def to_dict(self) -> dict[str, JsonValue]:
        """Return the message as JSON, in the neutral form."""
        return {"role": "user", "content": content_json(self.content), **self.extra}


@dataclass(frozen=True, slots=True)
class ReminderMessage(ModelField):
    """A `latest_reminder`: V4's own role for a late instruction; it belongs before the last user message."""

    role: ClassVar[Literal["latest_reminder"]] = "latest_reminder"
    content: Content
    extra: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])

    def to_dict(self) -> dict[str, JsonValue]:
        """Return the message as JSON, in the neutral form."""
        return {"role": "latest_reminder", "content": content_json(self.content), **self.extra}


@dataclass(frozen=True, slots=True)
class AssistantMessage(ModelField):
    """A message of the model.

    Attributes:
        content: The text, or None.
        reasoning: The reasoning that led to it, or None. It must go back to the server in a tool loop.
        tool_calls: The calls, in the model's order.
        extra: Fields that only some servers read; sent unchanged.
    """

    role: ClassVar[Literal["assistant"]] = "assistant"
    content: Content | None = None
    reasoning: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    extra: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])

    def to_dict(self) -> dict[str, JsonValue]:
        """Return the message as JSON, in the neutral form: absent parts are left out."""
        data: dict[str, JsonValue] = {
            "role": "assistant",
            "content": None if self.content is None else content_json(self.content),
        }
        if self.reasoning is not None:
            data["reasoning"] = self.reasoning
        if self.tool_calls:
            data["tool_calls"] = [
                {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
                for call in self.tool_calls
            ]
        return {**data, **self.extra}


@dataclass(frozen=True, slots=True)
class ToolMessage(ModelField):
    """The result of a tool call."""

    role: ClassVar[Literal["tool"]] = "tool"
    content: Content
    tool_call_id: str
    extra: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])

    def to_dict(self) -> dict[str, JsonValue]:
        """Return the message as JSON, in the neutral form."""
        return {
            "role": "tool",
            "content": content_json(self.content),
            "tool_call_id": self.tool_call_id,
            **self.extra,
        }


Message: TypeAlias = SystemMessage | UserMessage | ReminderMessage | AssistantMessage | ToolMessage
"""Any message."""

MessagesInput: TypeAlias = (
    str
    | Message
    | Mapping[str, object]
    | Sequence[Message | Reply | Mapping[str, object]]
    | list[object]
    | Conversation
)
"""Messages as a call accepts them: a text, a message, a sequence, a `Conversation`; mappings have OpenAI's form.

A `Reply` in a sequence is read as its message.

A list of a mapping and a message is a `list[object]` to mypy. Each item is checked when it is read.
"""


def content_json(content: Content) -> JsonValue:
    """Content in its wire form: the text, or a list of text parts."""
    if isinstance(content, str):
        return content
    return [{"type": "text", "text": part} for part in content]
