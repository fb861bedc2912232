"""The check of a provider: a good one passes, and each law reports the provider that breaks it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, get_args, get_type_hints

import pytest

from deepseek_v4_sdk.chat import OPTION_NAMES
from deepseek_v4_sdk.providers import ChatCompletions
from deepseek_v4_sdk.testing import CassetteError, ProviderProblem, ProviderReport, RecordedExchange, check_provider
from deepseek_v4_sdk.testing.conformance.requests import LOCAL, VALUES
from tests.testing.birch import BIRCH, DATA, recorded, with_options
from tests.testing.broken_answers import ANSWERS, REFUSALS
from tests.testing.broken_requests import REQUESTS

if TYPE_CHECKING:
    from pathlib import Path

    from deepseek_v4_sdk.chat import ChatRequest, JsonValue
    from deepseek_v4_sdk.providers import EncodedChat, Sink, Target


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> list[RecordedExchange]:
    found = recorded(tmp_path_factory.mktemp("birch"))
    return [replace(exchange, place=exchange.place.rpartition("/")[2]) for exchange in found]


def test_a_provider_that_keeps_the_laws_has_no_problem(recordings: list[RecordedExchange]) -> None:
    report = check_provider(BIRCH, recordings)
    assert report == ProviderReport("birch")
    assert report == check_provider(DATA, recordings)
    report.raise_for_problems()


BROKEN = {**REQUESTS, **ANSWERS, **REFUSALS}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_law_is_reported(case: str, recordings: list[RecordedExchange]) -> None:
    provider, law, place, text = BROKEN[case]
    needed = recordings[:4] if case in ANSWERS else recordings[-1:]  # laws of requests need no answers
    problems = check_provider(provider, needed).problems
    found = [problem.text for problem in problems if (problem.law, problem.place) == (law, place)]
    assert any(text in each for each in found), "\n".join(map(str, problems))


def test_every_law_has_a_provider_that_breaks_it() -> None:
    laws = get_args(get_type_hints(ProviderProblem)["law"])
    assert set(laws) == {law for _, law, _, _ in BROKEN.values()}


def test_every_option_is_tried_or_stays_with_the_client() -> None:
    assert {*VALUES, *LOCAL, "thinking"} == OPTION_NAMES
    assert not VALUES.keys() & LOCAL


def test_what_no_recording_has_is_listed_and_no_answer_at_all_is_a_problem(recordings: list[RecordedExchange]) -> None:
    report = check_provider(BIRCH, recordings[2:3])
    assert report.problems == ()
    assert report.untested == ("a streamed answer", "a tool call", "a cut answer", "a refusal", "the list of models")
    assert "no recording has: a streamed answer, a tool call" in str(report)
    (problem,) = check_provider(BIRCH, recordings[:1]).problems
    assert str(problem).startswith("the recordings: they have no answer to a chat (POST /v1/chat/completions); record")


def test_a_known_problem_is_left_out_and_one_that_is_mended_is_named(recordings: list[RecordedExchange]) -> None:
    provider = with_options(temperature=lambda _: {})
    assert check_provider(provider, recordings[:2], known=["option temperature"]).problems == ()
    (problem,) = check_provider(BIRCH, recordings[:2], known=["option temperature"]).problems
    assert (problem.place, problem.text) == ("option temperature", "`known` has it, and nothing is wrong there")


def test_the_error_has_a_line_for_each_problem(recordings: list[RecordedExchange]) -> None:
    provider = with_options(temperature=lambda _: {}, top_p=lambda _: {})
    with pytest.raises(AssertionError) as caught:
        check_provider(provider, recordings[:2]).raise_for_problems()
    head, *lines = str(caught.value).splitlines()
    assert head == "birch: 2 problem(s)"
    assert lines[0] == (
        "  option temperature: 0.25, 0.75 change nothing in the request; send them, or refuse them with a reason "
        "[options]"
    )


class OwnForm(ChatCompletions):
    """A provider whose server has its own form of requests and answers."""

    def encode(self, request: ChatRequest, target: Target) -> EncodedChat:
        encoded = super().encode(request, target)
        body = json.loads(encoded.call.body or b"")
        body["turns"] = [{"who": message.pop("role"), **message} for message in body.pop("messages")]
        headers = tuple(
            ("x-api-key" if name == "authorization" else name, value) for name, value in encoded.call.headers
        )
        return replace(encoded, call=replace(encoded.call, body=json.dumps(body).encode(), headers=headers))

    def decode(self, payload: dict[str, JsonValue], sink: Sink) -> None:
        if "error" in payload:
            super().decode(payload, sink)
        if "answer" in payload:
            sink.begin(str(payload["answer"]), None)
        if "think" in payload:
            sink.reasoning(str(payload["think"]))
        if "say" in payload:
            sink.text(str(payload["say"]))
        if "end" in payload:
            sink.finish(str(payload["end"]), None)


def test_a_provider_with_its_own_form_is_checked_too() -> None:
    said = [{"answer": "a1"}, {"think": "Hm."}, {"say": "Tea "}, {"say": "is a leaf."}, {"end": "stop", "mood": "calm"}]
    stream = "".join(f"data: {json.dumps(event)}\n\n" for event in said).encode()
    exchange = RecordedExchange(
        provider="own", path="/talk", status=200, headers={"content-type": "text/event-stream"}, parts=(stream,)
    )
    provider = OwnForm(replace(DATA, name="own", chat_path="/talk"))
    (problem,) = check_provider(provider, [exchange]).problems
    assert (problem.law, problem.place) == ("fields", "field mood")
    assert problem.text == 'decode drops it ("calm" in event 5 of exchange 1); give it to the sink, also by sink.other'
    assert check_provider(provider, [exchange], known=["field mood"]).problems == ()


def test_a_folder_of_cassettes(tmp_path: Path) -> None:
    with pytest.raises(CassetteError, match="holds no cassette: record one with Recorder"):
        check_provider(BIRCH, tmp_path)
    recorded(tmp_path)
    assert check_provider(BIRCH, tmp_path) == check_provider(BIRCH, tmp_path / "birch.jsonl") == ProviderReport("birch")


def test_importing_the_testing_package_does_not_load_it() -> None:
    program = "import sys, deepseek_v4_sdk.testing; assert not [m for m in sys.modules if 'conformance' in m]"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
