"""Writing streamed answers of Anthropic's API: its events in their strict order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic_core import to_json

from deepseek_v4_sdk import LostToolCallError, ReasoningDelta, TextDelta, ToolCallDelta, ToolCallReady, ToolCallStarted
from deepseek_v4_sdk.gateway.errors import Failure, anthropic_error

if TYPE_CHECKING:
    from deepseek_v4_sdk import ChatEvent, JsonValue, Usage
    from deepseek_v4_sdk.gateway.turn import Asking, Outcome

__all__ = ["MessagesWriter", "anthropic_usage", "stop_reason"]

_DELTA = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":{"type":%b:'
_TEXT = b'"text_delta","text"'
_THINKING = b'"thinking_delta","thinking"'
_INPUT = b'"input_json_delta","partial_json"'
_END = b"}}\n\n"


class MessagesWriter:
    """Writes one streamed answer as the events of Anthropic's API."""

    ping = b'event: ping\ndata: {"type":"ping"}\n\n'

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._block = -1  # the index of the block that was opened last
        self._open: Literal["thinking", "text", "call"] | None = None
        self._head = b""  # of each delta of the open block
        self._reasoning: list[str] = []

    def begin(self) -> bytes:
        """The event with the message as it begins; the tokens of the prompt come at the end."""
        message: JsonValue = {
            "id": f"msg_{self._asking.id}",
            "type": "message",
            "role": "assistant",
            "model": self._asking.asked.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {
                "input_tokens": 0,
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": 0,
                "output_tokens": 0,
            },
        }
        return _event("message_start", {"message": message})

    def events(self, batch: list[ChatEvent]) -> bytes:
        """The events of the pieces.

        Raises:
            LostToolCallError: The arguments of a call are not a JSON object, which this API cannot express.
        """
        out: list[bytes] = []
        for event in batch:
            if isinstance(event, TextDelta):
                if self._open != "text":
                    self._begin_block(out, "text", {"type": "text", "text": ""}, _TEXT)
                out += (self._head, to_json(event.text), _END)
            elif isinstance(event, ReasoningDelta):
                if self._open != "thinking":
                    block: JsonValue = {"type": "thinking", "thinking": "", "signature": ""}
                    self._begin_block(out, "thinking", block, _THINKING)
                self._reasoning.append(event.text)
                out += (self._head, to_json(event.text), _END)
            elif isinstance(event, ToolCallDelta):
                out += (self._head, to_json(event.arguments), _END)
            elif isinstance(event, ToolCallStarted):
                started: JsonValue = {"type": "tool_use", "id": event.id, "name": event.name, "input": {}}
                self._begin_block(out, "call", started, _INPUT)
            elif isinstance(event, ToolCallReady) and not event.call.is_object:
                raise LostToolCallError(f"the arguments of the call of {event.call.name!r} are not a JSON object")
        return b"".join(out)

    def end(self, outcome: Outcome) -> bytes:
        """The end of the open block, the stop reason and the tokens."""
        out: list[bytes] = []
        self._end_block(out)
        delta: JsonValue = {"stop_reason": stop_reason(outcome), "stop_sequence": outcome.reply.stop_sequence}
        out.append(_event("message_delta", {"delta": delta, "usage": anthropic_usage(outcome.reply.usage)}))
        out.append(_event("message_stop", {}))
        return b"".join(out)

    def fail(self, failure: Failure) -> bytes:
        """An error; nothing follows it, so that no client takes the answer for a whole one."""
        error = anthropic_error(failure, f"req_{self._asking.id}")
        return b"event: error\ndata: " + to_json(error) + b"\n\n"

    def _begin_block(
        self, out: list[bytes], kind: Literal["thinking", "text", "call"], block: JsonValue, delta: bytes
    ) -> None:
        self._end_block(out)
        self._block += 1
        self._open = kind
        self._head = _DELTA % (self._block, delta)
        out.append(_event("content_block_start", {"index": self._block, "content_block": block}))

    def _end_block(self, out: list[bytes]) -> None:
        if self._open == "thinking":
            context = self._asking.context
            sealed = context.seal.close(context.caller, context.model, "".join(self._reasoning))
            self._reasoning.clear()
            delta: JsonValue = {"type": "signature_delta", "signature": sealed}
            out.append(_event("content_block_delta", {"index": self._block, "delta": delta}))
        if self._open is not None:
            out.append(_event("content_block_stop", {"index": self._block}))
        self._open = None


def _event(kind: str, more: dict[str, JsonValue]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), to_json({"type": kind, **more}))


def stop_reason(outcome: Outcome) -> str:
    """The reason why an answer ended, in Anthropic's words."""
    if outcome.finish == "stop":
        return "end_turn" if outcome.reply.stop_sequence is None else "stop_sequence"
    return {"length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}[outcome.finish]


def anthropic_usage(usage: Usage) -> dict[str, JsonValue]:
    """The tokens in Anthropic's form: `input_tokens` leaves out the tokens from the cache."""
    prompt, cached = usage.prompt_tokens or 0, usage.cached_tokens or 0
    return {
        "input_tokens": max(0, prompt - cached),
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": cached,
        "output_tokens": usage.completion_tokens or 0,
    }
