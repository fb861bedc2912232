"""Answers that tell little or nothing, refusals, and what is raised."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

import deepseek_v4_sdk
from deepseek_v4_sdk import DeepSeekV4, Hooks
from deepseek_v4_sdk.probe.questions import WORD
from deepseek_v4_sdk.testing import MockProvider, MockRequest, faults, script
from deepseek_v4_sdk.testing.flavors.vllm import VLLMFlavor
from tests.support.modes import connect, in_both_modes

if TYPE_CHECKING:
    from deepseek_v4_sdk import Finding, ProbeReport, RequestDetails
    from tests.support.replay import Mode

Model = Callable[[MockRequest], script.Step]

SPEAKS = script.think("Three times two.") + script.text("6")
CALLS = script.tool_call("get_weather", city="Paris")
SHAPED = script.text(json.dumps({"word": WORD}))


def kind(request: MockRequest) -> str:
    """Which of the questions it is."""
    if "response_format" in request.body:
        return "shaped"
    if not request.tools:
        return request.thinking
    return "free" if request.body.get("tool_choice", "auto") == "auto" else "forced"


def model(**steps: script.Step) -> Model:
    """A model that answers so, and in the ordinary way to all else."""
    usual: dict[str, script.Step] = {"free": CALLS, "forced": CALLS, "shaped": SHAPED}
    return lambda request: {**usual, **steps}.get(kind(request), SPEAKS)


def probe(mode: Mode, answers: Model, **arguments: Any) -> ProbeReport:
    mock = MockProvider(
        default=script.from_function(answers), flavor=VLLMFlavor(prompt_tokens_details=True), **arguments
    )
    report: Any = connect(mode, mock, model=None, max_retries=0).probe()
    return report


def found(report: ProbeReport, feature: Any) -> Finding:
    finding = report.finding(feature)
    assert finding is not None
    return finding


@in_both_modes
def test_the_usual(mode: Mode) -> None:
    report = probe(mode, model())
    assert report.ok, str(report)


@in_both_modes
@pytest.mark.parametrize(
    ("steps", "feature", "status", "detail"),
    [
        ({"high": script.text("6")}, "reasoning", "unknown", "the model did not think"),
        ({"high": script.text("6")}, "thinking", "works", "high changes the prompt from 19 tokens to 98"),
        (
            {"high": script.text("a " * 2_000)},
            "reasoning",
            "fails",
            "nothing but text came, up to the limit, with thinking on",
        ),
        ({"high": script.think("a " * 2_000)}, "reasoning", "works", "apart from the text, 1024 tokens of it counted"),
        ({"free": SPEAKS}, "tools", "works", "a forced call was parsed; of itself the model made none"),
        ({"free": SPEAKS, "forced": SPEAKS}, "tools", "unknown", "the model called no tool, not even when forced to"),
        (
            {"free": SPEAKS, "forced": script.text('[{"name": "get_weather"}]')},
            "tools",
            "fails",
            "a forced call was left in the text",
        ),
        (
            {"free": SPEAKS, "forced": script.text("<｜DSML｜tool_calls>\nget_weather", finish_reason="length")},
            "tools",
            "unknown",
            "the answer was cut too early to show it",
        ),
        (
            {"free": script.text("<｜DSML｜tool_calls>", finish_reason="length")},
            "tools",
            "unknown",
            "the answer was cut too early to show it",
        ),
        (
            {"free": script.text("<｜DSML｜tool_calls>")},
            "tools",
            "fails",
            "the call was left in the text as markup",
        ),
        (
            {"free": script.text("", finish_reason="tool_calls")},
            "tools",
            "fails",
            "the server says that the model called a tool, but sent no call (http://mock.invalid/v1/chat/completions)",
        ),
        (
            {
                "free": SPEAKS,
                "forced": script.tool_call("get_weather", '{"city": "Pa') + script.turn(finish_reason="length"),
            },
            "tools",
            "works",
            "a forced call was parsed; of itself the model made none",
        ),
        ({"shaped": script.text("A heron.")}, "structured_output", "fails", 'the answer is not JSON: "A heron."'),
        (
            {"shaped": script.text('{"bird": "owl"}')},
            "structured_output",
            "fails",
            'the answer does not match: {"bird": "owl"}',
        ),
        (
            {"shaped": script.text("{" + " \n" * 99, finish_reason="length")},
            "structured_output",
            "unknown",
            "the answer was cut too early to show it",
        ),
        (
            {"shaped": script.text('{"word"' + " \n" * 99, finish_reason="length")},
            "structured_output",
            "works",
            "held to a schema; the answer was cut among its blanks",
        ),
        (
            {"shaped": script.error(400, "Grammar error: no")},
            "structured_output",
            "fails",
            "400: Grammar error: no",
        ),
        (
            {"shaped": script.error(503, "busy")},
            "structured_output",
            "unknown",
            "503: busy",
        ),
        (
            {"high": script.error(400, "no thinking here")},
            "thinking",
            "fails",
            "400: no thinking here",
        ),
    ],
)
def test_an_answer(mode: Mode, steps: dict[str, script.Step], feature: str, status: str, detail: str) -> None:
    finding = found(probe(mode, model(**steps)), feature)
    assert (finding.status, finding.detail) == (status, detail)


@in_both_modes
def test_one_feature_in_silence_is_a_finding(mode: Mode) -> None:
    report = probe(mode, model(shaped=SHAPED | faults.stall(seconds=100_000)))
    finding = found(report, "structured_output")
    assert finding.status == "unknown"
    assert found(report, "tools").status == "works"


@in_both_modes
@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, deepseek_v4_sdk.AuthenticationError),
        (403, deepseek_v4_sdk.PermissionDeniedError),
        (402, deepseek_v4_sdk.BillingError),
        (404, deepseek_v4_sdk.ModelNotFoundError),
    ],
)
def test_who_is_not_let_in_is_told(mode: Mode, status: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        probe(mode, lambda _: script.error(status, "no"))


@in_both_modes
def test_no_connection(mode: Mode) -> None:
    client = connect(mode, "vllm", base_url="http://127.0.0.1:1", model=None, max_retries=0)
    with pytest.raises(deepseek_v4_sdk.ConnectionFailedError):
        client.probe()


@in_both_modes
def test_a_server_that_says_nothing(mode: Mode) -> None:
    with pytest.raises(deepseek_v4_sdk.PhaseTimeoutError):
        probe(mode, lambda _: SPEAKS | faults.stall(seconds=100_000))


class _Told(Hooks):
    def __init__(self) -> None:
        self.paths: list[str] = []

    def on_request(self, details: RequestDetails) -> None:
        self.paths.append(details.url.rpartition("mock.invalid")[2])


@in_both_modes
def test_what_is_sent_and_told(mode: Mode) -> None:
    """Each request is counted, and the client's hooks hear of it; the caller hears what is asked."""
    told, asked = _Told(), list[str]()
    mock = MockProvider(flavor="sglang")
    report = connect(mode, mock, model=None, hooks=[told]).probe(on_question=asked.append)
    assert told.paths[:3] == ["/v1/models", "/server_info", "/model_info"]
    assert told.paths[3:] == ["/v1/chat/completions"] * len(mock.requests)
    assert report.requests == len(told.paths)
    assert asked == [
        "models and version",
        "an answer without thinking",
        "an answer with thinking",
        "a tool call",
        "structured output",
        "the same prompt again",
    ]
    last, again = mock.requests[-2:]
    assert last.body == again.body  # to the byte, or no cache would have it


def test_the_report_as_values_and_as_text() -> None:
    report = DeepSeekV4("mock").probe()
    values = json.loads(json.dumps(report.to_dict()))
    assert values["ok"] is report.ok is False
    assert values["provider"] == "vllm"
    assert [item["feature"] for item in values["findings"]] == [finding.feature for finding in report.findings]
    assert set(values["findings"][0]) == {"feature", "status", "detail", "remedy"}
    lines = str(report).splitlines()
    rows = lines[2:-2]
    # status and detail stand in columns
    assert {row[17:19] for row in rows} == {"  "}
    assert {row[19:27].strip() for row in rows} == {"works", "does not", ""}
    assert lines[-1] == f"{report.requests} requests, {report.prompt_tokens:,} prompt tokens, " + (
        f"{report.completion_tokens:,} of answers"
    )


def test_a_feature_that_such_a_server_has_not() -> None:
    report = DeepSeekV4(MockProvider(flavor="dynamo")).probe()
    assert report.finding("version") is None
