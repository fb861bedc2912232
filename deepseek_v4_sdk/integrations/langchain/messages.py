"""LangChain's messages as the SDK's, and replies as LangChain's messages. Reasoning goes both ways."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.messages.tool import invalid_tool_call, tool_call

from deepseek_v4_sdk import InvalidRequestError
from deepseek_v4_sdk.chat.openai_form import is_mapping

if TYPE_CHECKING:
    from langchain_core.messages.ai import InputTokenDetails, OutputTokenDetails, UsageMetadata

    from deepseek_v4_sdk import Reply, ToolCall, Usage

__all__ = ["MODEL_PROVIDER", "REASONING", "ai_message", "broken_arguments", "metadata_of", "to_sdk", "usage_of"]

MODEL_PROVIDER = "deepseek_v4"
"""The value of `response_metadata["model_provider"]`. LangChain has no translator of that name, so that it reads the
reasoning of a message where it is kept."""

REASONING = "reasoning_content"
"""The key of `additional_kwargs` under which reasoning is kept, and LangChain looks for it."""

_RECOVERED = "recovered_tool_calls"
_ROLES = frozenset({"system", "developer", "user", "assistant", "latest_reminder"})
# Blocks of an assistant's message that repeat `tool_calls`, and blocks that no other model can read.
_REPEATED = frozenset({"tool_call", "tool_call_chunk", "tool_use", "function_call", "invalid_tool_call"})
_UNREADABLE = frozenset({"redacted_thinking", "encrypted_reasoning"})


def to_sdk(messages: Sequence[BaseMessage]) -> list[dict[str, object]]:
    """LangChain's messages in the form that the SDK's calls take.

    Raises:
        InvalidRequestError: A message holds what V4 cannot read, such as an image; the text names the place.
    """
    return [_message(message, f"messages[{index}]") for index, message in enumerate(messages)]


def _message(message: BaseMessage, where: str) -> dict[str, object]:
    if isinstance(message, AIMessage):
        return _assistant(message, where)
    if isinstance(message, ToolMessage):
        return {"role": "tool", "content": _texts(message, where), "tool_call_id": message.tool_call_id}
    if isinstance(message, SystemMessage):
        developer = message.additional_kwargs.get("__openai_role__") == "developer"
        read = {"role": "developer" if developer else "system", "content": _texts(message, where)}
        return _named(read, message)
    if isinstance(message, HumanMessage):
        return _named({"role": "user", "content": _texts(message, where)}, message)
    if isinstance(message, ChatMessage) and message.role in _ROLES:
        return _named({"role": message.role, "content": _texts(message, where)}, message)
    raise InvalidRequestError(
        f"{where} is {type(message).__name__} ({message.type}): give a System-, Human-, AI- or ToolMessage"
    )


def _named(read: dict[str, object], message: BaseMessage) -> dict[str, object]:
    return {**read, "name": message.name} if message.name else read


def _texts(message: BaseMessage, where: str) -> object:
    content = message.content
    if isinstance(content, str):
        return content
    return [{"type": "text", "text": _text(block, f"{where}.content[{n}]")} for n, block in enumerate(content)]


def _text(block: object, where: str) -> str:
    if isinstance(block, str):
        return block
    kind = block.get("type") if is_mapping(block) else type(block).__name__
    text = block.get("text") if is_mapping(block) else None
    if kind in {"text", "text-plain"} and isinstance(text, str):
        return text
    raise InvalidRequestError(f"{where} has type {kind!r}: V4 reads text only, give {{'type': 'text', 'text': ...}}")


def _assistant(message: AIMessage, where: str) -> dict[str, object]:
    texts: list[str] = []
    reasoning: list[str] = []
    for number, block in enumerate(message.content_blocks):
        found = _block(cast("Mapping[str, object]", block), f"{where}.content[{number}]")
        if found is not None:
            (reasoning if found[0] else texts).append(found[1])
    other = message.additional_kwargs.get("reasoning")
    if not reasoning and isinstance(other, str):
        reasoning.append(other)
    read: dict[str, object] = {"role": "assistant", "content": "".join(texts) or None}
    calls = _calls(message)
    if reasoning or calls:  # DeepSeek's API wants the field in a turn with calls, even if it is empty
        read["reasoning"] = "".join(reasoning)
    if calls:
        read["tool_calls"] = calls
    return _named(read, message)


def _block(block: Mapping[str, object], where: str) -> tuple[bool, str] | None:
    """Whether a block is reasoning, and its text; None for a block whose content is in another field."""
    kind = block.get("type")
    if kind == "reasoning":
        text = block.get("reasoning")
        return True, text if isinstance(text, str) else ""
    if kind in _REPEATED or kind in _UNREADABLE:
        return None
    if kind == "non_standard":
        value = block.get("value")
        inner: Mapping[str, Any] = value if is_mapping(value) else {}
        if inner.get("type") == "thinking" and isinstance(inner.get("thinking"), str):
            return True, str(inner["thinking"])
        return _block(inner, where)
    return False, _text(block, where)


def _calls(message: AIMessage) -> list[dict[str, object]]:
    marks = message.response_metadata.get(_RECOVERED)
    bars: Mapping[str, Any] = marks if is_mapping(marks) else {}
    valid = [_call(call["id"], call["name"], call["args"], bars) for call in message.tool_calls]
    broken = [
        _call(call["id"], call["name"], _unwrapped(call["args"] or ""), bars) for call in message.invalid_tool_calls
    ]
    return valid + broken


def _call(call_id: str | None, name: str | None, arguments: object, bars: Mapping[str, object]) -> dict[str, object]:
    call: dict[str, object] = {"id": call_id, "function": {"name": name, "arguments": arguments}}
    return {**call, "bars": bars[call_id]} if call_id is not None and call_id in bars else call


def ai_message(reply: Reply) -> AIMessage:
    """A reply as a message."""
    valid = [call for call in reply.tool_calls if call.is_object]
    broken = [call for call in reply.tool_calls if not call.is_object]
    return AIMessage(
        content=reply.text,
        additional_kwargs={REASONING: reply.reasoning} if reply.reasoning else {},
        tool_calls=[tool_call(name=call.name, args=_object(call), id=call.id) for call in valid],
        invalid_tool_calls=[
            invalid_tool_call(name=call.name, args=broken_arguments(call), id=call.id, error=None) for call in broken
        ],
        usage_metadata=usage_of(reply.usage),
        response_metadata=metadata_of(reply),
    )


def _object(call: ToolCall) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads(call.arguments, strict=False)) if call.arguments.strip() else {}


def broken_arguments(call: ToolCall) -> str:
    """Arguments that are not a JSON object, so written that LangChain does not make one of them.

    LangChain closes what is open in a JSON text, and takes the result for the arguments. As a JSON string the text
    stays what it is; `to_sdk` unwraps it.
    """
    return json.dumps(call.arguments, ensure_ascii=False)


def _unwrapped(arguments: str) -> str:
    try:
        value: object = json.loads(arguments)
    except ValueError:
        return arguments
    return value if isinstance(value, str) else arguments


def metadata_of(reply: Reply) -> dict[str, Any]:
    """Return the known facts about a reply, for `response_metadata`."""
    metadata: dict[str, Any] = {
        "model_provider": MODEL_PROVIDER,
        "model_name": reply.model or reply.requested_model or "",
        "finish_reason": reply.finish_reason,
    }
    known = {
        "id": reply.id,
        "request_id": reply.request_id,
        "stop_sequence": reply.stop_sequence,
        "system_fingerprint": reply.raw.get("system_fingerprint"),
        "repairs": [{"kind": repair.kind, "detail": repair.detail} for repair in reply.repairs],
        _RECOVERED: {call.id: call.bars for call in reply.tool_calls if call.recovered},
        "logprobs": {"content": list(reply.logprobs)} if reply.logprobs is not None else None,
    }
    metadata.update({name: value for name, value in known.items() if value})
    return metadata


def usage_of(usage: Usage) -> UsageMetadata | None:
    """The server's counts. Details that it did not report are left out, because a None breaks handlers."""
    if usage.prompt_tokens is None or usage.completion_tokens is None:
        return None
    counted: UsageMetadata = {
        "input_tokens": usage.prompt_tokens,
        "output_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
    }
    if usage.cached_tokens is not None:
        counted["input_token_details"] = cast("InputTokenDetails", {"cache_read": usage.cached_tokens})
    if usage.reasoning_tokens is not None:
        counted["output_token_details"] = cast("OutputTokenDetails", {"reasoning": usage.reasoning_tokens})
    return counted
