"""Items of OpenAI's Responses API as the SDK's messages, and replies as such items. Reasoning goes both ways."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, cast

from agents.usage import Usage
from openai.types.responses import (
    ResponseFunctionToolCall,
    ResponseOutputMessage,
    ResponseOutputText,
    ResponseReasoningItem,
)
from openai.types.responses.response_reasoning_item import Content
from openai.types.responses.response_usage import InputTokensDetails, OutputTokensDetails

from deepseek_v4_sdk import InvalidRequestError
from deepseek_v4_sdk.chat.openai_form import is_mapping

if TYPE_CHECKING:
    from agents.items import TResponseInputItem, TResponseOutputItem

    from deepseek_v4_sdk import Reply, ToolCall
    from deepseek_v4_sdk import Usage as OurUsage

__all__ = ["FAKE_ID", "call_item", "message_item", "output_items", "reasoning_item", "to_sdk", "usage_of"]

FAKE_ID = "__fake_id__"
"""The id of items that no server of the Responses API keeps; the framework knows it."""


def to_sdk(items: str | Sequence[TResponseInputItem], system: str | None) -> list[dict[str, object]]:
    """Items in the form that the SDK's calls take; those of one turn of the model become one message.

    Args:
        items: The history.
        system: The instructions, which come first, or None.

    Raises:
        InvalidRequestError: An item is one that V4 cannot read; the text names the place.
    """
    read: list[dict[str, object]] = [{"role": "system", "content": system}] if system else []
    if isinstance(items, str):
        return [*read, {"role": "user", "content": items}]
    turn: _Turn | None = None
    for index, item in enumerate(items):
        given: Mapping[str, Any] = item
        where = f"input[{index}]"
        if _is_of_model(given):
            if turn is None or (given.get("type") == "reasoning" and turn.has_output):
                turn = _Turn()
                read.append(turn.message)
            turn.add(given, where)
            continue
        turn = None
        read.append(_other(given, where))
    return read


def _is_of_model(item: Mapping[str, Any]) -> bool:
    return item.get("type") in {"reasoning", "function_call"} or item.get("role") == "assistant"


class _Turn:
    """One turn of the model, as its items come."""

    def __init__(self) -> None:
        self.message: dict[str, object] = {"role": "assistant", "content": None}
        self.has_output = False
        self._calls: list[dict[str, object]] = []

    def add(self, item: Mapping[str, Any], where: str) -> None:
        kind = item.get("type", "message")
        if kind == "reasoning":
            parts: list[dict[str, str]] = item.get("content") or item.get("summary") or []
            texts = [part.get("text", "") for part in parts]
            self.message["reasoning"] = "\n".join(texts)
            return
        self.has_output = True
        if kind == "function_call":
            call: dict[str, object] = {"id": item.get("call_id")}
            call["function"] = {"name": item.get("name"), "arguments": item.get("arguments") or "{}"}
            kept: dict[str, object] = item.get("provider_data") or {}
            bars = kept.get("bars")
            self._calls.append({**call, "bars": bars} if bars else call)
            self.message["tool_calls"] = self._calls
            # DeepSeek's API wants the field in a turn with calls, even if it is empty.
            self.message.setdefault("reasoning", "")
            return
        text = _text(item.get("content"), where)
        before = self.message["content"]
        self.message["content"] = text if before is None else f"{before}{text}"


def _other(item: Mapping[str, Any], where: str) -> dict[str, object]:
    if item.get("type") == "function_call_output":
        return {"role": "tool", "tool_call_id": item.get("call_id"), "content": _text(item.get("output"), where)}
    if item.get("role") in {"user", "system", "developer"}:
        return {"role": item["role"], "content": _text(item.get("content"), where)}
    kind = item.get("type") or item.get("role")
    raise InvalidRequestError(f"{where} is of type {kind!r}: V4's servers know messages, reasoning and function calls")


def _text(content: object, where: str) -> str:
    if isinstance(content, str):
        return content
    parts: list[object] = list(cast("Sequence[object]", content)) if isinstance(content, Sequence) else []
    texts: list[str] = []
    for place, part in enumerate(parts):
        kind = part.get("type") if is_mapping(part) else type(part).__name__
        if not is_mapping(part) or kind not in {"input_text", "output_text", "text", "refusal"}:
            raise InvalidRequestError(f"{where}.content[{place}] is of type {kind!r}: V4 reads text only")
        texts.append(str(part.get("text") or part.get("refusal") or ""))
    return "".join(texts)


def reasoning_item(text: str) -> ResponseReasoningItem:
    """Reasoning as an item."""
    return ResponseReasoningItem(
        id=FAKE_ID, type="reasoning", summary=[], content=[Content(text=text, type="reasoning_text")]
    )


def message_item(text: str, *, is_cut: bool = False) -> ResponseOutputMessage:
    """A text as an item; one that the limit cut has the status "incomplete"."""
    part = ResponseOutputText(text=text, type="output_text", annotations=[], logprobs=[])
    status: Literal["completed", "incomplete"] = "incomplete" if is_cut else "completed"
    return ResponseOutputMessage(id=FAKE_ID, role="assistant", type="message", status=status, content=[part])


def call_item(call: ToolCall) -> ResponseFunctionToolCall:
    """A call as an item; one that was read from markup carries a mark."""
    item = ResponseFunctionToolCall(
        id=FAKE_ID, call_id=call.id, name=call.name, arguments=call.arguments or "{}", type="function_call"
    )
    if call.recovered:
        item.provider_data = {"bars": call.bars}  # type: ignore[attr-defined]  # items take further fields
    return item


def output_items(reply: Reply) -> list[TResponseOutputItem]:
    """A reply as items."""
    items: list[TResponseOutputItem] = []
    if reply.reasoning:
        items.append(reasoning_item(reply.reasoning))
    if reply.text:
        items.append(message_item(reply.text, is_cut=reply.finish_reason == "length"))
    return [*items, *(call_item(call) for call in reply.tool_calls)]


def usage_of(usage: OurUsage) -> Usage:
    """The server's counts; the framework knows no unknown, and counts 0."""
    if usage.prompt_tokens is None or usage.completion_tokens is None:
        return Usage(requests=1)
    inputs = InputTokensDetails.model_validate({"cached_tokens": usage.cached_tokens or 0, "cache_write_tokens": 0})
    return Usage(
        requests=1,
        input_tokens=usage.prompt_tokens,
        output_tokens=usage.completion_tokens,
        total_tokens=usage.prompt_tokens + usage.completion_tokens,
        input_tokens_details=inputs,
        output_tokens_details=OutputTokensDetails(reasoning_tokens=usage.reasoning_tokens or 0),
    )
