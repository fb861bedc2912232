"""The mock's servers answer recorded requests as the real ones did: status, keys, their order, and every value."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fidelity.compare import (
    EXCEPTIONS,
    OTHER_TEXT,
    Answer,
    compared,
    differences,
    recorded_answer,
    refusal_differences,
    refusals,
    replayed,
)
from tests.fidelity.page import PAGE, page
from tests.support.recorded import Recording

SERVERS = ("vllm", "sglang")
ODD = [pytest.param(server, case, id=f"{server}-{case['name']}") for server in SERVERS for case in refusals(server)]


def test_the_page_holds_the_score() -> None:
    assert PAGE.read_text("utf-8") == page(), "run: python -m tests.fidelity.page"


def shown(answer: Answer) -> dict[str, Any]:
    return {"status": answer.status, "content-type": answer.content_type, "body": answer.body}


@pytest.mark.parametrize("recording", compared(), ids=lambda recording: f"{recording.server}-{recording.name}")
def test_a_recorded_request_gets_the_recorded_answer(recording: Recording) -> None:
    place = recording.server, recording.name
    found = differences(shown(recorded_answer(recording)), shown(replayed()[place]))
    if place in EXCEPTIONS:
        assert found, "it is the same by now: take it off the list"
        assert replayed()[place].status == recording.status
    else:
        assert found == []


@pytest.mark.parametrize(("server", "case"), ODD)
def test_an_odd_request_is_refused_in_the_same_words(server: str, case: dict[str, Any]) -> None:
    """Or taken, where the real server took it."""
    found = refusal_differences(server, case)
    if case["name"] in OTHER_TEXT[server].split():
        assert found, "it is the same by now: take it off the list"
        assert not [each for each in found if each.startswith(".status")]
    else:
        assert found == []
