"""pydantic-ai's messages as the SDK's, and replies as pydantic-ai's. Reasoning goes both ways."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic_ai.messages import (
    CachePoint,
    ModelRequest,
    ModelResponse,
    ModelResponsePart,
    RetryPromptPart,  # pyright: ignore[reportDeprecated]  # histories of earlier versions have it
    SystemPromptPart,
    TextContent,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.usage import RequestUsage

from deepseek_v4_sdk import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pydantic_ai.messages import FinishReason, ModelMessage, UserContent

    from deepseek_v4_sdk import FinishReason as OurReason
    from deepseek_v4_sdk import Reply, ToolCall, Usage

__all__ = ["PROVIDER", "call_part", "details_of", "finish_reason", "response", "to_sdk", "usage_of"]

PROVIDER = "deepseek_v4"
"""The value of `provider_name` of parts and responses."""

_REASONS: dict[OurReason, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_call",
    "content_filter": "content_filter",
    "abort": "error",
    "repetition": "error",
}


def to_sdk(messages: Sequence[ModelMessage], instructions: Iterable[str]) -> list[dict[str, object]]:
    """pydantic-ai's messages in the form that the SDK's calls take.

    Args:
        messages: The history.
        instructions: The texts that come first.

    Raises:
        InvalidRequestError: A part holds what V4 cannot read, such as an image; the text names the place.
    """
    read: list[dict[str, object]] = [{"role": "system", "content": text} for text in instructions]
    for index, message in enumerate(messages):
        if isinstance(message, ModelRequest):
            for place, part in enumerate(message.parts):
                read.append(_request_part(part, f"messages[{index}].parts[{place}]"))
        else:
            read.append(_response(message, f"messages[{index}]"))
    return _systems_joined(read)


def _systems_joined(messages: list[dict[str, object]]) -> list[dict[str, object]]:
    """Several system texts at the beginning as one: instructions, and the prompts of the first request."""
    count = next((n for n, message in enumerate(messages) if message["role"] != "system"), len(messages))
    if count < 2:
        return messages
    text = "\n\n".join(str(message["content"]) for message in messages[:count])
    return [{"role": "system", "content": text}, *messages[count:]]


def _request_part(part: object, where: str) -> dict[str, object]:
    match part:
        case SystemPromptPart():
            return {"role": "system", "content": part.content}
        case UserPromptPart():
            return {"role": "user", "content": _user(part.content, where)}
        case ToolReturnPart():
            if part.files:
                raise InvalidRequestError(f"{where} has files: V4 reads text only, return the text of them")
            return {"role": "tool", "content": part.model_response_str(), "tool_call_id": part.tool_call_id}
        case RetryPromptPart() if part.tool_name is not None:  # pyright: ignore[reportDeprecated]
            return {"role": "tool", "content": part.model_response(), "tool_call_id": part.tool_call_id}
        case RetryPromptPart():  # pyright: ignore[reportDeprecated]
            return {"role": "user", "content": part.model_response()}
        case _:
            raise InvalidRequestError(f"{where} is {type(part).__name__}: V4 has no such part")


def _user(content: str | Sequence[UserContent], where: str) -> object:
    if isinstance(content, str):
        return content
    texts: list[dict[str, str]] = []
    for place, item in enumerate(content):
        if isinstance(item, CachePoint):  # V4's servers cache prefixes without it
            continue
        text = item.content if isinstance(item, TextContent) else item
        if not isinstance(text, str):
            raise InvalidRequestError(f"{where}.content[{place}] is {type(item).__name__}: V4 reads text only")
        texts.append({"type": "text", "text": text})
    return texts


def _response(message: ModelResponse, where: str) -> dict[str, object]:
    texts: list[str] = []
    reasoning: list[str] = []
    calls: list[dict[str, object]] = []
    for place, part in enumerate(message.parts):
        match part:
            case TextPart():
                texts.append(part.content)
            case ThinkingPart():
                reasoning.append(part.content)
            case ToolCallPart():
                arguments = part.args_as_json_str()
                call: dict[str, object] = {"id": part.tool_call_id}
                call["function"] = {"name": part.tool_name, "arguments": arguments}
                bars = (part.provider_details or {}).get("bars")
                calls.append({**call, "bars": bars} if bars else call)
            case _:
                kind = type(part).__name__
                raise InvalidRequestError(f"{where}.parts[{place}] is {kind}: V4 has no such part, take it out")
    read: dict[str, object] = {"role": "assistant", "content": "".join(texts) or None}
    if reasoning or calls:  # DeepSeek's API wants the field in a turn with calls, even if it is empty
        read["reasoning"] = "".join(reasoning)
    return {**read, "tool_calls": calls} if calls else read


def call_part(call: ToolCall) -> ToolCallPart:
    """A call as a part; one that was read from markup carries a mark."""
    if not call.recovered:
        return ToolCallPart(call.name, call.arguments, call.id)
    return ToolCallPart(
        call.name, call.arguments, call.id, provider_name=PROVIDER, provider_details={"bars": call.bars}
    )


def response(reply: Reply, url: str) -> ModelResponse:
    """A reply as a response."""
    parts: list[ModelResponsePart] = []
    if reply.reasoning:
        parts.append(ThinkingPart(reply.reasoning, provider_name=PROVIDER))
    if reply.text:
        parts.append(TextPart(reply.text))
    parts += [call_part(call) for call in reply.tool_calls]
    return ModelResponse(
        parts,
        usage=usage_of(reply.usage),
        model_name=reply.model or reply.requested_model,
        provider_name=PROVIDER,
        provider_url=url,
        provider_details=details_of(reply),
        provider_response_id=reply.id,
        finish_reason=finish_reason(reply),
    )


def finish_reason(reply: Reply) -> FinishReason | None:
    """pydantic-ai's word for why the model stopped."""
    return None if reply.finish_reason is None else _REASONS.get(reply.finish_reason)


def details_of(reply: Reply) -> dict[str, Any]:
    """Return the known facts about a reply, for `provider_details`."""
    known = {
        "finish_reason": reply.raw_finish_reason,
        "provider": reply.provider,
        "request_id": reply.request_id,
        "repairs": [{"kind": repair.kind, "detail": repair.detail} for repair in reply.repairs],
        "logprobs": None if reply.logprobs is None else list(reply.logprobs),
    }
    return {name: value for name, value in known.items() if value}


def usage_of(usage: Usage) -> RequestUsage:
    """The server's counts; an answer that it did not count is an unmeasured one, not one of no tokens."""
    if usage.prompt_tokens is None or usage.completion_tokens is None:
        return RequestUsage(unmeasured_requests=1)
    return RequestUsage(
        input_tokens=usage.prompt_tokens,
        output_tokens=usage.completion_tokens,
        cache_read_tokens=usage.cached_tokens or 0,
        output_reasoning_tokens=usage.reasoning_tokens or 0,
    )
