"""The items and the object of a response, as Responses has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepseek_v4_sdk.chat.openai_form import is_mapping
from deepseek_v4_sdk.gateway.custom_tools import input_of

if TYPE_CHECKING:
    from deepseek_v4_sdk import JsonValue, ToolCall, Usage
    from deepseek_v4_sdk.gateway.errors import Failure
    from deepseek_v4_sdk.gateway.turn import Asking, Outcome

__all__ = ["Items", "response", "whole_response"]


class Items:
    """Makes the items of one response. Each has an id by its place."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    def id(self, kind: str, place: int) -> str:
        """The id of the item at a place."""
        return f"{kind}_{self._asking.id}_{place}"

    def reasoning(self, place: int, text: str) -> dict[str, JsonValue]:
        """Reasoning, in full as its summary, and sealed."""
        context = self._asking.context
        return {
            "id": self.id("rs", place),
            "type": "reasoning",
            "summary": [{"type": "summary_text", "text": text}],
            "encrypted_content": context.seal.close(context.caller, context.model, text),
        }

    def message(self, place: int, text: str, status: str) -> dict[str, JsonValue]:
        """A text of the assistant."""
        return {
            "id": self.id("msg", place),
            "type": "message",
            "role": "assistant",
            "status": status,
            "content": [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}],
        }

    def call(self, place: int, call: ToolCall) -> dict[str, JsonValue]:
        """A whole call of a function, or of a custom tool."""
        if call.name in self._asking.asked.custom_tools:
            return {**self.begun_call(place, call.id, call.name), "input": input_of(call.arguments)}
        return {**self.begun_call(place, call.id, call.name), "arguments": call.arguments, "status": "completed"}

    def begun_call(self, place: int, call_id: str, name: str) -> dict[str, JsonValue]:
        """A call that has just begun."""
        if name in self._asking.asked.custom_tools:
            item: dict[str, JsonValue] = {"id": self.id("ctc", place), "type": "custom_tool_call", "input": ""}
        else:
            item = {"id": self.id("fc", place), "type": "function_call", "arguments": "", "status": "in_progress"}
        return {**item, "call_id": call_id, "name": name}


def response(
    asking: Asking, status: str, output: list[JsonValue], usage: JsonValue = None, failure: Failure | None = None
) -> dict[str, JsonValue]:
    """The object of a response."""
    options, body = asking.asked.options, asking.body
    parallel, asked = body.get("parallel_tool_calls"), body.get("reasoning")
    effort = asked.get("effort") if is_mapping(asked) else None
    error: JsonValue = None if failure is None else {"code": failure.code or "server_error", "message": failure.message}
    limit = options.get("max_tokens")
    return {
        "id": f"resp_{asking.id}",
        "object": "response",
        "created_at": asking.created,
        "status": status,
        "background": False,
        "error": error,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": limit if isinstance(limit, int) else None,
        "metadata": {},
        "model": asking.asked.model,
        "output": output,
        "parallel_tool_calls": parallel if isinstance(parallel, bool) else True,
        "previous_response_id": None,
        "reasoning": {"effort": effort if isinstance(effort, str) else None, "summary": None},
        "store": False,
        "temperature": None,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": None,
        "truncation": "disabled",
        "usage": usage,
    }


def whole_response(asking: Asking, output: list[JsonValue], outcome: Outcome) -> dict[str, JsonValue]:
    """The object of a response that has ended: complete, or cut."""
    cut = {"length": "max_output_tokens", "content_filter": "content_filter"}.get(outcome.finish)
    whole = response(asking, "completed" if cut is None else "incomplete", output, _usage(outcome.reply.usage))
    if cut is not None:
        whole["incomplete_details"] = {"reason": cut}
    return whole


def _usage(usage: Usage) -> JsonValue:
    if usage.prompt_tokens is None and usage.completion_tokens is None:
        return None
    prompt, completion = usage.prompt_tokens or 0, usage.completion_tokens or 0
    return {
        "input_tokens": prompt,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens or 0, "cache_write_tokens": 0},
        "output_tokens": completion,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens or 0},
        "total_tokens": prompt + completion,
    }
