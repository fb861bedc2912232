"""OpenTelemetry hooks, read through the exporters of the SDK of OpenTelemetry."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4, DeepSeekV4Error
from deepseek_v4_sdk.integrations.otel import OpenTelemetryHooks
from deepseek_v4_sdk.testing import MockProvider, faults, script
from tests.integrations.model import MODELS, mock

ANSWER = script.think("A secret thought.") + script.text("A secret answer.")


class Telemetry:
    """Spans and metrics, kept in memory."""

    def __init__(self, **arguments: Any) -> None:
        self._exporter, self._reader = InMemorySpanExporter(), InMemoryMetricReader()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracer = provider.get_tracer("test")
        self.hooks = OpenTelemetryHooks(provider, MeterProvider([self._reader]), **arguments)

    @property
    def ended(self) -> Any:
        return self._exporter.get_finished_spans()

    @property
    def spans(self) -> dict[str, Any]:
        return {span.name: span for span in self._exporter.get_finished_spans()}

    @property
    def metrics(self) -> dict[str, list[Any]]:
        data: Any = self._reader.get_metrics_data()
        found = [metric for each in data.resource_metrics for scope in each.scope_metrics for metric in scope.metrics]
        return {metric.name: list(metric.data.data_points) for metric in found}


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry()


def test_a_chat_is_one_span_over_all_its_requests(telemetry: Telemetry) -> None:
    served = mock("vllm", script.error(503), ANSWER)
    client = DeepSeekV4(served, hooks=[telemetry.hooks], model=MODELS["vllm"])
    with telemetry.tracer.start_as_current_span("mine") as mine:
        reply = client.chat("A secret question", thinking="max", max_tokens=99, temperature=0.25)
    span = telemetry.spans[f"chat {MODELS['vllm']}"]
    assert (span.kind, span.status.status_code) == (SpanKind.CLIENT, StatusCode.UNSET)
    assert span.parent.span_id == mine.get_span_context().span_id
    assert dict(span.attributes) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "mock",
        "gen_ai.request.model": MODELS["vllm"],
        "gen_ai.request.max_tokens": 99,
        "gen_ai.request.temperature": 0.25,
        "gen_ai.request.reasoning.level": "max",
        "gen_ai.request.stream": True,
        "gen_ai.response.id": reply.id,
        "gen_ai.response.model": reply.model,
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.response.time_to_first_chunk": reply.timing.first_event,
        "gen_ai.usage.input_tokens": reply.usage.prompt_tokens,
        "gen_ai.usage.output_tokens": reply.usage.completion_tokens,
        "gen_ai.usage.cache_read.input_tokens": 0,
        "gen_ai.usage.reasoning.output_tokens": reply.usage.reasoning_tokens,
        "http.request.resend_count": 1,
        "server.address": "mock.invalid",
        "server.port": 80,
    }
    (event,) = span.events
    assert (event.name, event.attributes["error.type"]) == ("retry", "OverloadedError")


def test_a_span_ends_when_the_answer_has_arrived_and_not_when_it_is_read(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, hour = time.time_ns, 3600 * 10**9
    with DeepSeekV4(MockProvider(ANSWER), hooks=[telemetry.hooks]).stream("Hi") as stream:
        for _ in stream:
            monkeypatch.setattr(time, "time_ns", lambda: clock() + hour)  # a reader that takes an hour
    (span,) = telemetry.spans.values()
    (duration,) = telemetry.metrics["gen_ai.client.operation.duration"]
    assert span.end_time - span.start_time < hour
    assert duration.sum == pytest.approx((span.end_time - span.start_time) / 1e9)


def test_metrics(telemetry: Telemetry) -> None:
    client = DeepSeekV4(mock("vllm", ANSWER), hooks=[telemetry.hooks])
    reply = client.chat("Hi")
    found = telemetry.metrics
    tokens = {point.attributes["gen_ai.token.type"]: point.sum for point in found["gen_ai.client.token.usage"]}
    assert tokens == {"input": reply.usage.prompt_tokens, "output": reply.usage.completion_tokens}
    (duration,) = found["gen_ai.client.operation.duration"]
    assert duration.attributes["gen_ai.response.model"] == reply.model
    assert duration.explicit_bounds[:2] == (0.01, 0.02)
    assert max(duration.explicit_bounds) > 600  # an answer at "max" may take that long
    (first,) = found["gen_ai.client.operation.time_to_first_chunk"]
    assert first.sum == pytest.approx(reply.timing.first_event)


def test_what_the_server_does_not_count_is_absent(telemetry: Telemetry) -> None:
    DeepSeekV4(MockProvider(ANSWER | faults.no_usage()), hooks=[telemetry.hooks]).chat("Hi")
    (span,) = telemetry.spans.values()
    assert not [name for name in span.attributes if name.startswith("gen_ai.usage")]
    assert "gen_ai.client.token.usage" not in telemetry.metrics


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        (script.error(401), "AuthenticationError"),
        (ANSWER | faults.cut(after_bytes=900), "StreamInterruptedError"),
        (ANSWER | faults.error_event(500), "ServerError"),
    ],
)
def test_an_error_is_a_class_and_no_text(telemetry: Telemetry, step: Any, kind: str) -> None:
    client = DeepSeekV4(MockProvider(step), hooks=[telemetry.hooks], max_retries=0)
    with pytest.raises(DeepSeekV4Error):
        client.chat("Hi")
    (span,) = telemetry.spans.values()
    assert (span.attributes["error.type"], span.status.status_code) == (kind, StatusCode.ERROR)
    assert span.status.description is None
    (duration,) = telemetry.metrics["gen_ai.client.operation.duration"]
    assert duration.attributes["error.type"] == kind


def test_a_stream_that_is_left_ends_its_span(telemetry: Telemetry) -> None:
    client = DeepSeekV4(MockProvider(ANSWER), hooks=[telemetry.hooks])
    with client.stream("Hi") as stream:
        next(stream)
        assert telemetry.spans == {}
    (span,) = telemetry.spans.values()
    assert span.attributes["error.type"] == "StreamClosedError"


def test_tasks_and_threads_have_spans_of_their_own(telemetry: Telemetry) -> None:
    client = AsyncDeepSeekV4(MockProvider(default=ANSWER), hooks=[telemetry.hooks])

    async def one(number: int) -> None:
        with telemetry.tracer.start_as_current_span(f"task {number}"):
            async with client.stream("Hi", metadata={"conversation_id": str(number)}) as stream:
                await asyncio.sleep(0)
                await stream.reply()

    async def all_of_them() -> None:
        await asyncio.gather(*(one(number) for number in range(5)))

    asyncio.run(all_of_them())
    for number in range(5):
        parent = telemetry.spans[f"task {number}"].get_span_context().span_id
        (chat,) = (each for each in telemetry.ended if each.attributes.get("gen_ai.conversation.id") == str(number))
        assert chat.parent.span_id == parent


def test_a_thread_without_a_span_begins_a_trace(telemetry: Telemetry) -> None:
    client = DeepSeekV4(MockProvider(ANSWER), hooks=[telemetry.hooks])
    with telemetry.tracer.start_as_current_span("mine"):
        thread = threading.Thread(target=client.chat, args=("Hi",))
        thread.start()
        thread.join()
    assert next(span for name, span in telemetry.spans.items() if name != "mine").parent is None


def test_questions_about_the_server_are_no_chats(telemetry: Telemetry) -> None:
    client = DeepSeekV4(MockProvider(default=ANSWER), hooks=[telemetry.hooks])
    client.models()
    client.health()
    assert telemetry.spans == {}
    assert "gen_ai.client.operation.duration" not in telemetry.metrics if telemetry._reader.get_metrics_data() else True


def weather(city: str) -> str:
    """The weather of a city."""
    if city == "Nowhere":
        raise ValueError("a secret place")
    return f"secret rain in {city}"


def looped(telemetry: Telemetry, city: str, *, awaited: bool) -> None:
    steps = (script.think("A secret.") + script.tool_call("weather", city=city), ANSWER)

    def traced(city: str) -> str:
        """The weather of a city."""
        with telemetry.tracer.start_as_current_span("inside", record_exception=False, set_status_on_exception=False):
            return weather(city)

    traced.__name__ = "weather"
    with telemetry.tracer.start_as_current_span("mine"):
        if not awaited:
            DeepSeekV4(MockProvider(*steps), hooks=[telemetry.hooks]).run_tools("Hi", [traced])
            return

        async def run() -> None:
            async with AsyncDeepSeekV4(MockProvider(*steps), hooks=[telemetry.hooks]) as client:
                await client.run_tools("Hi", [traced])

        asyncio.run(run())


@pytest.mark.parametrize("awaited", [False, True])
def test_tools_of_a_loop_are_spans_and_the_parents_of_what_they_do(telemetry: Telemetry, awaited: bool) -> None:
    looped(telemetry, "Bern", awaited=awaited)
    spans = telemetry.spans
    mine, tool = spans["mine"].get_span_context().span_id, spans["execute_tool weather"]
    assert tool.parent.span_id == mine
    assert spans["inside"].parent.span_id == tool.get_span_context().span_id
    assert all(span.parent.span_id == mine for name, span in spans.items() if name.startswith("chat"))
    assert tool.attributes["gen_ai.tool.name"] == "weather"
    assert tool.attributes["gen_ai.tool.type"] == "function"
    (duration,) = telemetry.metrics["gen_ai.execute_tool.duration"]
    assert duration.count == 1


def test_a_tool_that_fails(telemetry: Telemetry) -> None:
    looped(telemetry, "Nowhere", awaited=False)
    span = telemetry.spans["execute_tool weather"]
    assert (span.attributes["error.type"], span.status.status_code) == ("ValueError", StatusCode.ERROR)


@pytest.mark.parametrize("city", ["Bern", "Nowhere"])
def test_no_text_and_no_key_by_default(telemetry: Telemetry, city: str) -> None:
    looped(telemetry, city, awaited=False)
    client = DeepSeekV4(
        "vllm", base_url="http://localhost:9", api_key="sk-secret", hooks=[telemetry.hooks], max_retries=0
    )
    with pytest.raises(DeepSeekV4Error):
        client.chat("A secret question")
    assert "secret" not in " ".join(span.to_json() for span in telemetry.spans.values())
    assert "secret" not in str(telemetry.metrics)


def test_texts_where_they_are_wanted() -> None:
    telemetry = Telemetry(capture_content=True)
    looped(telemetry, "Bern", awaited=False)
    chats = [span for span in telemetry._exporter.get_finished_spans() if span.name.startswith("chat")]
    asked = json.loads(chats[1].attributes["gen_ai.input.messages"])  # type: ignore[index, arg-type]
    assert [message["role"] for message in asked] == ["user", "assistant", "tool"]
    assert asked[1]["parts"][0] == {"type": "reasoning", "content": "A secret."}
    said = json.loads(chats[1].attributes["gen_ai.output.messages"])  # type: ignore[index, arg-type]
    assert said[0]["parts"][1] == {"type": "text", "content": "A secret answer."}
    assert telemetry.spans["execute_tool weather"].attributes["gen_ai.tool.call.result"] == "secret rain in Bern"
