"""OpenTelemetry: one span for each chat, one for each tool, and the metrics of both. Needs the extra `otel`.

The names are those of the conventions for generative AI (repository `open-telemetry/semantic-conventions-genai`). All
of them are experimental, and no package has them as lasting constants, so this file has its own.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from contextvars import ContextVar, Token
from dataclasses import dataclass
from urllib.parse import urlsplit

from opentelemetry import context as otel_context
from opentelemetry import metrics, trace
from opentelemetry.context import Context
from opentelemetry.metrics import Histogram, MeterProvider
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, TracerProvider
from opentelemetry.util.types import AttributeValue

from deepseek_v4_sdk import (
    AssistantMessage,
    CallDetails,
    CallEndDetails,
    Hooks,
    JsonValue,
    Message,
    Reply,
    RetryDetails,
    SystemMessage,
    ToolCall,
    ToolDetails,
    ToolEndDetails,
    ToolMessage,
    __version__,
)

__all__ = ["OpenTelemetryHooks"]

_NAME = "deepseek_v4_sdk"
# The conventions end at 81.92 s, where an answer at thinking "max" often begins to be written.
_SECONDS = [0.01 * 2**power for power in range(19)]
_TOKENS = [float(4**power) for power in range(14)]
_CHAT, _TOOL = "chat", "execute_tool"


@dataclass(slots=True)
class _Chat:
    """A chat whose span is open."""

    span: Span
    started_at: int
    labels: dict[str, AttributeValue]


@dataclass(slots=True)
class _Tool:
    """A tool whose span is open, and is the current one of its context."""

    span: Span
    started_at: float
    token: Token[Context]


_TOOLS: ContextVar[_Tool | None] = ContextVar("deepseek_v4_tool_span", default=None)


class OpenTelemetryHooks(Hooks):
    """Hooks that write spans and metrics: give them to a client as `hooks=[OpenTelemetryHooks()]`.

    Each chat is one span of kind CLIENT, over all of its requests, and a child of its caller's span. A question about
    the server, such as which models it has, is not a chat. Each function that `run_tools` runs is a span, and the
    current one while it runs. No text and no key is in any of them.

    Args:
        tracer_provider: The receiver of the spans; None for the global one.
        meter_provider: The receiver of the metrics; None for the global one.
        capture_content: Whether the texts of conversations, calls and results go into the spans.
    """

    def __init__(
        self,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        capture_content: bool = False,
    ) -> None:
        self._tracer = trace.get_tracer(_NAME, __version__, tracer_provider)
        meter = metrics.get_meter(_NAME, __version__, meter_provider)
        self._duration = _seconds(meter, "gen_ai.client.operation.duration", "How long a chat took")
        self._first_chunk = _seconds(
            meter, "gen_ai.client.operation.time_to_first_chunk", "Until the first piece of an answer arrived"
        )
        self._tool_duration = _seconds(meter, "gen_ai.execute_tool.duration", "How long a tool took")
        self._tokens = meter.create_histogram(
            "gen_ai.client.token.usage",
            unit="{token}",
            description="Tokens of a chat",
            explicit_bucket_boundaries_advisory=_TOKENS,
        )
        self._captures = capture_content
        self._open: dict[str, _Chat] = {}

    def on_call_start(self, details: CallDetails) -> None:
        """A chat begins: its span is a child of the current one."""
        if not details.is_chat:
            return
        address = urlsplit(details.url)
        labels: dict[str, AttributeValue] = {
            "gen_ai.operation.name": _CHAT,
            "gen_ai.provider.name": details.provider,
            **_known({"gen_ai.request.model": details.model, "server.address": address.hostname}),
            **_known({"server.port": address.port or {"https": 443, "http": 80}.get(address.scheme)}),
        }
        request = {
            "gen_ai.request.max_tokens": details.max_tokens,
            "gen_ai.request.temperature": details.temperature,
            "gen_ai.request.reasoning.level": details.thinking,
            "gen_ai.request.stream": details.stream or None,
            "gen_ai.conversation.id": _text(details.metadata.get("conversation_id")),
        }
        started_at = time.time_ns()
        name = f"{_CHAT} {details.model}" if details.model else _CHAT
        span = self._tracer.start_span(
            name, kind=SpanKind.CLIENT, attributes={**labels, **_known(request)}, start_time=started_at
        )
        if self._captures:
            span.set_attributes(_content(details.messages))
        self._open[details.call_id] = _Chat(span, started_at, labels)

    def on_retry(self, details: RetryDetails) -> None:
        """A request of a chat is sent again: an event of its span."""
        chat = self._open.get(details.request.call_id)
        if chat is not None:
            error: dict[str, AttributeValue] = {"error.type": type(details.error).__name__}
            next_one: dict[str, AttributeValue] = {"retry.wait": details.wait, "gen_ai.provider.name": details.provider}
            chat.span.add_event("retry", {**error, **next_one})

    def on_call_end(self, details: CallEndDetails) -> None:
        """A chat has ended: with an answer, with an error, or left by its reader."""
        chat = self._open.pop(details.call.call_id, None)
        if chat is None:
            return
        span, reply = chat.span, details.reply or (details.error.partial if details.error is not None else None)
        ended = _end_of(details.reply, chat.started_at)
        labels = {**chat.labels, **_known({"gen_ai.response.model": reply.model if reply is not None else None})}
        if len(details.attempts) > 1:
            span.set_attribute("http.request.resend_count", len(details.attempts) - 1)
        if reply is not None:
            span.set_attributes(_response_attributes(reply))
            if self._captures:
                span.set_attribute("gen_ai.output.messages", _json([_output_message(reply)]))
            self._count(reply, labels)
        if details.error is not None:
            kind = type(details.error).__name__
            span.set_attribute("error.type", kind)
            span.set_status(Status(StatusCode.ERROR))  # without its text, which may quote a prompt
            labels["error.type"] = kind
        self._duration.record((ended - chat.started_at) / 1e9, labels)
        span.end(ended)

    def on_tool_start(self, details: ToolDetails) -> None:
        """A function is about to run: its span becomes the current one of its context."""
        attributes = {
            "gen_ai.operation.name": _TOOL,
            "gen_ai.tool.name": details.call.name,
            "gen_ai.tool.call.id": details.call.id,
            "gen_ai.tool.type": "function",
            "gen_ai.tool.description": details.description,
            "gen_ai.tool.call.arguments": details.call.arguments if self._captures else None,
        }
        span = self._tracer.start_span(f"{_TOOL} {details.call.name}", attributes=_known(attributes))
        token = otel_context.attach(trace.set_span_in_context(span))
        _TOOLS.set(_Tool(span, time.monotonic(), token))

    def on_tool_end(self, details: ToolEndDetails) -> None:
        """A function has ended."""
        tool = _TOOLS.get()
        if tool is None:
            return
        _TOOLS.set(None)
        otel_context.detach(tool.token)
        labels: dict[str, AttributeValue] = {"gen_ai.operation.name": _TOOL, "gen_ai.tool.name": details.call.name}
        if details.error is not None:
            labels["error.type"] = type(details.error).__name__
            tool.span.set_attribute("error.type", labels["error.type"])
            tool.span.set_status(Status(StatusCode.ERROR))
        elif self._captures:
            tool.span.set_attribute("gen_ai.tool.call.result", str(details.value))
        self._tool_duration.record(time.monotonic() - tool.started_at, labels)
        tool.span.end()

    def _count(self, reply: Reply, labels: Mapping[str, AttributeValue]) -> None:
        counted = {"input": reply.usage.prompt_tokens, "output": reply.usage.completion_tokens}
        for kind, tokens in counted.items():
            if tokens is not None:
                self._tokens.record(tokens, {**labels, "gen_ai.token.type": kind})
        if reply.timing.first_event is not None:
            self._first_chunk.record(reply.timing.first_event, labels)


def _seconds(meter: metrics.Meter, name: str, text: str) -> Histogram:
    return meter.create_histogram(name, unit="s", description=text, explicit_bucket_boundaries_advisory=_SECONDS)


def _end_of(reply: Reply | None, started_at: int) -> int:
    """The time at which an answer had arrived, in nanoseconds; now without an answer. A slow reader does not count."""
    now = time.time_ns()
    if reply is None or reply.timing.sent_at is None:
        return now
    arrived = int((reply.timing.sent_at.timestamp() + reply.timing.total) * 1e9)
    return max(started_at, min(now, arrived))


def _response_attributes(reply: Reply) -> dict[str, AttributeValue]:
    usage = reply.usage
    attributes = _known(
        {
            "gen_ai.response.id": reply.id,
            "gen_ai.response.model": reply.model,
            "gen_ai.usage.input_tokens": usage.prompt_tokens,
            "gen_ai.usage.output_tokens": usage.completion_tokens,
            "gen_ai.usage.cache_read.input_tokens": usage.cached_tokens,
            "gen_ai.usage.reasoning.output_tokens": usage.reasoning_tokens,
            "gen_ai.response.time_to_first_chunk": reply.timing.first_event,
        }
    )
    if reply.finish_reason is not None:
        attributes["gen_ai.response.finish_reasons"] = [reply.finish_reason]
    return attributes


def _known(attributes: Mapping[str, AttributeValue | None]) -> dict[str, AttributeValue]:
    return {name: value for name, value in attributes.items() if value is not None}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _json(value: JsonValue) -> str:
    return json.dumps(value, ensure_ascii=False)


def _content(messages: Sequence[Message]) -> dict[str, AttributeValue]:
    system = [part for message in messages if isinstance(message, SystemMessage) for part in _texts(message.content)]
    others: list[JsonValue] = [_message(message) for message in messages if not isinstance(message, SystemMessage)]
    attributes: dict[str, AttributeValue] = {"gen_ai.input.messages": _json(others)}
    return {**attributes, "gen_ai.system_instructions": _json(system)} if system else attributes


def _message(message: Message) -> dict[str, JsonValue]:
    if isinstance(message, ToolMessage):
        texts = "".join(text for text in _plain(message.content))
        response: JsonValue = {"type": "tool_call_response", "id": message.tool_call_id, "response": texts}
        return {"role": "tool", "parts": [response]}
    parts: list[JsonValue] = []
    if isinstance(message, AssistantMessage) and message.reasoning:
        parts.append({"type": "reasoning", "content": message.reasoning})
    parts += _texts(message.content or "")
    if isinstance(message, AssistantMessage):
        parts += _calls(message.tool_calls)
    return {"role": message.role, "parts": parts}


def _output_message(reply: Reply) -> dict[str, JsonValue]:
    return {**_message(reply.message), "finish_reason": reply.finish_reason}


def _calls(calls: Iterable[ToolCall]) -> list[JsonValue]:
    return [{"type": "tool_call", "id": call.id, "name": call.name, "arguments": call.arguments} for call in calls]


def _texts(content: str | tuple[str, ...]) -> list[JsonValue]:
    return [{"type": "text", "content": text} for text in _plain(content) if text]


def _plain(content: str | tuple[str, ...]) -> tuple[str, ...]:
    return (content,) if isinstance(content, str) else content
