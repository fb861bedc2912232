"""`/v1/chat/completions`: the API of most programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic_core import to_json

from deepseek_v4_sdk import ReasoningDelta, TextDelta, ToolCallDelta, ToolCallStarted, UnsupportedOptionError, Usage
from deepseek_v4_sdk.chat.openai_form import read_chat_body
from deepseek_v4_sdk.gateway.errors import Failure, openai_error
from deepseek_v4_sdk.gateway.turn import Asked, Asking, Context, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deepseek_v4_sdk import ChatEvent, JsonValue, Reply

__all__ = ["ChatRoute", "openai_usage"]

_BIASED = frozenset({"vllm", "sglang"})
"""Servers that take `logit_bias` and mean it."""


class ChatRoute:
    """Reads and writes Chat Completions."""

    name = "chat"

    def read(self, body: Mapping[str, object], context: Context) -> Asked:
        """Read a request.

        Raises:
            InvalidRequestError: Something in it is wrong, or cannot be done.
        """
        read = read_chat_body(body, efforts=context.efforts, thinking=context.thinking)
        options: dict[str, object] = dict(read.options)
        if read.logit_bias is not None:
            if context.flavor not in _BIASED:
                raise UnsupportedOptionError(
                    f"logit_bias cannot be done here: {context.flavor} does not take it; leave it out",
                    option="logit_bias",
                )
            options["extra_body"] = {"logit_bias": read.logit_bias}
        return Asked(
            messages=read.messages,
            options=options,
            noted=read.noted,
            model=read.model or "",
            stream=read.stream,
            wants_usage=read.include_usage or not read.stream,
        )

    def writer(self, asking: Asking) -> ChatWriter:
        """The writer of a streamed answer."""
        return ChatWriter(asking)

    def whole(self, asking: Asking, outcome: Outcome) -> dict[str, JsonValue]:
        """A plain answer."""
        reply = outcome.reply
        message: dict[str, JsonValue] = {
            "role": "assistant",
            "content": reply.text or (None if reply.tool_calls else ""),
            "refusal": None,
        }
        if reply.reasoning is not None:
            message["reasoning_content"] = reply.reasoning
            if asking.context.both_keys:
                message["reasoning"] = reply.reasoning
        if reply.tool_calls:
            message["tool_calls"] = [
                {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
                for call in reply.tool_calls
            ]
        choice: dict[str, JsonValue] = {
            "index": 0,
            "message": message,
            "logprobs": _logprobs(reply),
            "finish_reason": outcome.finish,
        }
        answer: dict[str, JsonValue] = {
            "id": f"chatcmpl-{asking.id}",
            "object": "chat.completion",
            "created": asking.created,
            "model": asking.asked.model,
            "choices": [choice],
        }
        if (usage := openai_usage(reply.usage)) is not None:
            answer["usage"] = usage
        return answer

    def error(self, failure: Failure, request_id: str) -> dict[str, JsonValue]:
        """The body of an error."""
        del request_id
        return openai_error(failure)


class ChatWriter:
    """Writes one streamed answer as chunks."""

    ping = b": keep-alive\n\n"

    def __init__(self, asking: Asking) -> None:
        self._wants_usage = asking.asked.wants_usage
        head: dict[str, JsonValue] = {
            "id": f"chatcmpl-{asking.id}",
            "object": "chat.completion.chunk",
            "created": asking.created,
            "model": asking.asked.model,
        }
        # The bytes around each piece are the same in all chunks, and are written once.
        self._head = b"data: " + to_json(head)[:-1]
        usage = b',"usage":null}\n\n' if self._wants_usage else b"}\n\n"
        before = self._head + b',"choices":[{"index":0,"delta":{'
        self._text = before + b'"content":'
        self._reasoning = before + b'"reasoning_content":'
        self._again = b',"reasoning":' if asking.context.both_keys else None
        self._call = before + b'"tool_calls":['
        self._end = b'},"logprobs":null,"finish_reason":null}]' + usage
        self._call_end = b"]" + self._end
        self._usage = usage

    def begin(self) -> bytes:
        """The chunk with the role."""
        return self._text.replace(b'"content":', b'"role":"assistant","content":""') + self._end

    def events(self, batch: list[ChatEvent]) -> bytes:
        """A chunk for each piece."""
        out: list[bytes] = []
        end = self._end
        for event in batch:
            kind = type(event)
            if kind is TextDelta:
                out += (self._text, to_json(event.text), end)  # type: ignore[union-attr]  # the type was looked at
            elif kind is ReasoningDelta:
                text = to_json(event.text)  # type: ignore[union-attr]  # the same
                more = () if self._again is None else (self._again, text)
                out += (self._reasoning, text, *more, end)
            elif isinstance(event, ToolCallDelta):
                piece = to_json(event.arguments)
                out += (self._call, b'{"index":%d,"function":{"arguments":' % event.index, piece, b"}}", self._call_end)
            elif isinstance(event, ToolCallStarted):
                function: JsonValue = {"name": event.name, "arguments": ""}
                call = {"index": event.index, "id": event.id, "type": "function", "function": function}
                out += (self._call, to_json(call), self._call_end)
        return b"".join(out)

    def end(self, outcome: Outcome) -> bytes:
        """The chunk with the finish reason, the usage if the caller wants it, and the end of the stream."""
        finish: JsonValue = [
            {"index": 0, "delta": {}, "logprobs": _logprobs(outcome.reply), "finish_reason": outcome.finish}
        ]
        out = self._head + b',"choices":' + to_json(finish) + self._usage
        if self._wants_usage:
            out += self._head + b',"choices":[],"usage":' + to_json(openai_usage(outcome.reply.usage)) + b"}\n\n"
        return out + b"data: [DONE]\n\n"

    def fail(self, failure: Failure) -> bytes:
        """An error; nothing follows it, so that no client takes the answer for a whole one."""
        return b"data: " + to_json(openai_error(failure)) + b"\n\n"


def _logprobs(reply: Reply) -> JsonValue:
    return None if reply.logprobs is None else {"content": list(reply.logprobs), "refusal": None}


def openai_usage(usage: Usage) -> JsonValue:
    """The tokens in the form of Chat Completions; None where the server did not count."""
    if usage.prompt_tokens is None and usage.completion_tokens is None:
        return None
    prompt, completion = usage.prompt_tokens or 0, usage.completion_tokens or 0
    counts: dict[str, JsonValue] = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": usage.total_tokens if usage.total_tokens is not None else prompt + completion,
    }
    if usage.cached_tokens is not None:
        counts["prompt_tokens_details"] = {"cached_tokens": usage.cached_tokens}
    if usage.reasoning_tokens is not None:
        counts["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning_tokens}
    return counts
