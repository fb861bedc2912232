"""Every Python snippet of the pages on frameworks runs as it stands; a mock answers in place of each server."""

from __future__ import annotations

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest
from pytest_examples import CodeExample, EvalExample, find_examples

from tests.docs.test_snippets import servers
from tests.support.pages import PAGES, name_of

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["backend", "servers"]

SNIPPETS = list(find_examples(*(str(page) for page in PAGES if page.parent.name == "integrations")))
# These have environments of their own (`make frameworks`).
APART = {"deepagents", "ray"}


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, bytes]]:
    """A receiver of OTLP over HTTP: what arrived, by path."""
    arrived: dict[str, bytes] = {}

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            arrived[self.path] = self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's word
            del format, args

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
        yield arrived
        server.shutdown()


def needs(example: CodeExample) -> set[str]:
    """The packages that a snippet imports."""
    return set(re.findall(r"^(?:from|import) (\w+)", example.source, re.MULTILINE))


def check_otlp(arrived: dict[str, bytes]) -> None:
    """Decode what arrived as a backend does."""
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    spans = ExportTraceServiceRequest.FromString(arrived["/v1/traces"]).resource_spans[0]
    resource = {each.key: each.value.string_value for each in spans.resource.attributes}
    (span,) = spans.scope_spans[0].spans
    attributes = {each.key: each.value for each in span.attributes}
    assert (resource["service.name"], span.kind) == ("my-service", span.SPAN_KIND_CLIENT)
    assert span.name.startswith("chat")
    assert attributes["gen_ai.request.reasoning.level"].string_value == "low"
    assert attributes["gen_ai.usage.input_tokens"].int_value > 0
    metrics = ExportMetricsServiceRequest.FromString(arrived["/v1/metrics"]).resource_metrics[0].scope_metrics[0]
    assert {"gen_ai.client.operation.duration", "gen_ai.client.token.usage"} <= {
        metric.name for metric in metrics.metrics
    }


@pytest.mark.usefixtures("servers")
@pytest.mark.parametrize("example", SNIPPETS, ids=lambda each: f"{name_of(each.path)}:{each.start_line}")
def test_snippet(example: CodeExample, eval_example: EvalExample, backend: dict[str, bytes]) -> None:
    for package in APART & needs(example):
        if find_spec(package) is None:
            pytest.skip(f"{package} is not among the tools of the suite")
    eval_example.run(example)
    if "OTLPSpanExporter" in example.source:
        check_otlp(backend)


def test_each_page_shows_something_that_runs() -> None:
    pages = {"langchain", "pydantic-ai", "openai-agents", "opentelemetry", "ray-data"}
    assert {example.path.stem for example in SNIPPETS} == pages
    assert sorted(package for example in SNIPPETS for package in APART & needs(example)) == ["deepagents", "ray"]
