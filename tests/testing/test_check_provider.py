"""The check of a provider: a good one passes, and each law reports the provider that breaks it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, get_args, get_type_hints

import pytest

from deepseek_v4_sdk.chat import OPTION_NAMES
from deepseek_v4_sdk.testing import CassetteError, ProviderProblem, ProviderReport, check_provider
from deepseek_v4_sdk.testing.conformance.requests import LOCAL, VALUES
from tests.testing.birch import BIRCH, DATA, recorded, with_options
from tests.testing.broken_answers import ANSWERS, REFUSALS
from tests.testing.broken_requests import REQUESTS

if TYPE_CHECKING:
    from pathlib import Path

    from deepseek_v4_sdk.testing import RecordedExchange


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
    problems = check_provider(provider, recordings if case not in REQUESTS else recordings[:2]).problems
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


def test_a_folder_of_cassettes(tmp_path: Path) -> None:
    with pytest.raises(CassetteError, match="holds no cassette: record one with Recorder"):
        check_provider(BIRCH, tmp_path)
    recorded(tmp_path)
    assert check_provider(BIRCH, tmp_path) == check_provider(BIRCH, tmp_path / "birch.jsonl") == ProviderReport("birch")


def test_importing_the_testing_package_does_not_load_it() -> None:
    program = "import sys, deepseek_v4_sdk.testing; assert not [m for m in sys.modules if 'conformance' in m]"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
