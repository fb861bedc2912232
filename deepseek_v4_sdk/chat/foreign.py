"""Messages as other SDKs keep them, in OpenAI's form: replies, openai's objects, LangChain's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepseek_v4_sdk.chat.checks import is_list, is_mapping
from deepseek_v4_sdk.chat.reply import Reply
from deepseek_v4_sdk.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deepseek_v4_sdk.chat.messages import AssistantMessage

__all__ = ["from_elsewhere", "says_nothing"]

# LangChain's names of the roles.
_ROLES = {"human": "user", "ai": "assistant", "system": "system", "tool": "tool"}


def from_elsewhere(value: object, where: str) -> AssistantMessage | Mapping[str, object] | None:
    """Read a message of another SDK: as a message object, or a mapping in OpenAI's form; None when it is not one.

    Raises:
        InvalidRequestError: It holds a message, but is not one; the text names the place.
    """
    if isinstance(value, Reply):
        return value.message
    if not is_mapping(value):
        if hasattr(value, "choices"):
            raise InvalidRequestError(f"{where} is {type(value).__name__}: give its .choices[0].message")
        dump = getattr(value, "model_dump", None)
        if not callable(dump):
            return None
        value = dump()
        if not is_mapping(value):
            return None
    if "role" in value:
        return value
    kind = value.get("type")
    if not isinstance(kind, str) or kind not in _ROLES or "content" not in value:
        return None
    return _from_langchain(value, _ROLES[kind])


def says_nothing(value: object) -> bool:
    """Whether a field of another SDK's message is present but empty: null, or an empty text, list or mapping."""
    return value is None or (isinstance(value, str | list | tuple | dict) and not value)


def _from_langchain(value: Mapping[str, object], role: str) -> Mapping[str, object]:
    message: dict[str, object] = {"role": role, "content": value["content"]}
    extra = value.get("additional_kwargs")
    if role == "assistant":
        if is_mapping(extra) and extra.get("reasoning_content"):
            message["reasoning"] = extra["reasoning_content"]
        calls = value.get("tool_calls")
        if is_list(calls):
            message["tool_calls"] = [_call(call) for call in calls]
    if role == "tool":
        message["tool_call_id"] = value.get("tool_call_id")
    return message


def _call(call: object) -> object:
    if not is_mapping(call):
        return call
    return {"id": call.get("id"), "function": {"name": call.get("name"), "arguments": call.get("args")}}
