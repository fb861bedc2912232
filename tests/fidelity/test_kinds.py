"""The kinds of requests that programs rarely send: the mock answers them as the real servers did, or it is told why."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fidelity.kinds import KIND_OTHERWISE, asked, kind_differences

ASKED = [
    pytest.param(server, case, id=f"{server}-{case['name']}") for server in ("vllm", "sglang") for case in asked(server)
]
OTHERWISE = {(server, name): reason for (server, names), reason in KIND_OTHERWISE.items() for name in names.split()}


@pytest.mark.parametrize(("server", "case"), ASKED)
def test_a_request_gets_the_answer_of_the_real_server(server: str, case: dict[str, Any]) -> None:
    found = kind_differences(server, case)
    if (server, case["name"]) in OTHERWISE:
        assert found, "it is the same by now: take it off the list"
    else:
        assert found == []


def test_most_requests_are_repeated() -> None:
    """And each exception is one of the requests."""
    names = {(server, case["name"]) for server in ("vllm", "sglang") for case in asked(server)}
    assert set(OTHERWISE) <= names
    for server in ("vllm", "sglang"):
        assert sum(where == server for where, _ in OTHERWISE) <= 0.05 * len(asked(server))
