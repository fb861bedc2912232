"""The decision about an error, as a table: send the request again, call another provider, or raise the error."""

from __future__ import annotations

import math
from dataclasses import fields
from types import SimpleNamespace
from typing import Any

import pytest

from deepseek_v4_sdk import (
    AuthenticationError,
    ConnectionFailedError,
    ContextLengthExceededError,
    DeepSeekV4Error,
    EmptyTurnError,
    InvalidRequestError,
    LocalLimitError,
    PhaseTimeoutError,
    RateLimitError,
    ServerError,
    StreamInterruptedError,
)
from deepseek_v4_sdk.call.retry import CallState, Decision, FailOver, GiveUp, Retry, RetryPolicy, decide

NEXT: Any = SimpleNamespace(name="the next provider")
LAST: Any = SimpleNamespace(name="the last provider")

TRANSIENT = ServerError("x", status_code=503)
UNNUMBERED = ServerError("x")
WRONG = InvalidRequestError("x")
NO_KEY = AuthenticationError("x", status_code=401)
LOST = ConnectionFailedError("x")
BROKEN = StreamInterruptedError("x")
SILENT = PhaseTimeoutError("x", phase="idle", seconds=1)
LATE = PhaseTimeoutError("x", phase="first_event", seconds=1)
OVER = PhaseTimeoutError("x", phase="total", seconds=1)
NOT_WHOLE = EmptyTurnError("x")
NO_ROOM = LocalLimitError("x")
TOO_LONG = ContextLengthExceededError("x", status_code=400)
WINDOW = ContextLengthExceededError("x", status_code=400)
WINDOW.limit = 1_000
IN_7_S = RateLimitError("x", status_code=429)
IN_7_S.retry_after = 7.0
IN_200_S = RateLimitError("x", status_code=429)
IN_200_S.retry_after = 200.0


def state(**facts: Any) -> CallState:
    """One failure of three allowed requests, half of the bounds of a wait, and nothing else."""
    given: dict[str, Any] = {"policy": RetryPolicy(2), "failures": 1, "reserved_retries": 0}
    return CallState(**{**given, "seconds_left": math.inf, "chance": 0.5, **facts})


HALF = 0.05 + (0.5 - 0.05) / 2  # seconds, of the first wait
AGAIN, AT_ONCE, RAISE = Retry(HALF), Retry(0.0), GiveUp()
BEGUN = {"answering": True, "restarts": True}
TABLE: list[tuple[str, DeepSeekV4Error, dict[str, object], Decision]] = [
    # One provider with one server
    ("a transient error", TRANSIENT, {}, AGAIN),
    ("no connection", LOST, {}, AGAIN),
    ("the second failure", TRANSIENT, {"failures": 2}, Retry(0.05 + (1.0 - 0.05) / 2)),
    ("no retry is left", TRANSIENT, {"failures": 3}, RAISE),
    ("no retries", TRANSIENT, {"policy": RetryPolicy(0)}, RAISE),
    ("the shortest wait", TRANSIENT, {"chance": 0.0}, Retry(0.05)),
    ("the longest wait", TRANSIENT, {"chance": 1.0}, Retry(0.5)),
    ("the server names the wait", IN_7_S, {}, Retry(7.0)),
    ("the server names more than two minutes", IN_200_S, {}, RAISE),
    ("a wrong request", WRONG, {}, RAISE),
    ("a wrong key", NO_KEY, {}, RAISE),
    ("a first event that does not come", LATE, {}, RAISE),
    ("the call's time is over", OVER, {}, RAISE),
    ("the wait is longer than the call", IN_7_S, {"seconds_left": 7.0}, RAISE),
    ("the wait just fits", IN_7_S, {"seconds_left": 7.1}, Retry(7.0)),
    # Replicas
    ("another replica", TRANSIENT, {"another": True}, AT_ONCE),
    ("another replica is worth a named wait", IN_7_S, {"another": True}, AT_ONCE),
    ("another replica does not mend a request", WRONG, {"another": True}, RAISE),
    ("another replica when no time is left", TRANSIENT, {"another": True, "seconds_left": 0.0}, RAISE),
    # An answer that has begun
    ("begun, and no restart is wanted", BROKEN, {"answering": True}, RAISE),
    ("begun, and broken", BROKEN, BEGUN, Retry(HALF, restart=True)),
    ("begun, and silent", SILENT, BEGUN, Retry(HALF, restart=True)),
    ("begun, and an error in the stream", TRANSIENT, BEGUN, Retry(HALF, restart=True)),
    ("begun, and an error in the stream without a status", UNNUMBERED, BEGUN, Retry(HALF, restart=True)),
    ("begun, and goes on after such an error", UNNUMBERED, {"answering": True, "resumes": True}, AGAIN),
    ("an error in the stream without a status, and no answer", UNNUMBERED, {}, RAISE),
    ("begun, and the server refuses in the stream", NO_KEY, BEGUN, RAISE),
    ("begun, and not whole", NOT_WHOLE, BEGUN, RAISE),
    ("begun, and out of time", OVER, BEGUN, RAISE),
    ("begun, and another replica", BROKEN, {**BEGUN, "another": True}, Retry(0.0, restart=True)),
    ("begun, and no retry is left", BROKEN, {**BEGUN, "failures": 3}, RAISE),
    ("begun, and goes on", BROKEN, {"answering": True, "resumes": True}, AGAIN),
    ("begun, and goes on at another replica", SILENT, {"answering": True, "resumes": True, "another": True}, AT_ONCE),
    ("begun, whole and wrong, and would go on", NOT_WHOLE, {"answering": True, "resumes": True}, RAISE),
    (
        "begun, and goes on with another provider",
        BROKEN,
        {**BEGUN, "resumes": True, "closed": True, "places": (NEXT,)},
        FailOver(NEXT),
    ),
    # A refusal that names the window
    ("fitted again", WINDOW, {"may_refit": True}, Retry(0.0, refit=True)),
    ("fitted again without retries", WINDOW, {"may_refit": True, "policy": RetryPolicy(0)}, Retry(0.0, refit=True)),
    ("fitted already", WINDOW, {}, RAISE),
    ("no window is named", TOO_LONG, {"may_refit": True}, RAISE),
    ("the answer has begun", WINDOW, {"may_refit": True, **BEGUN}, RAISE),
    ("no time to fit it", WINDOW, {"may_refit": True, "seconds_left": 0.0}, RAISE),
    # Failover
    (
        "the last retry is reserved",
        TRANSIENT,
        {"failures": 2, "reserved_retries": 1, "places": (NEXT,)},
        FailOver(NEXT),
    ),
    ("retries come first", TRANSIENT, {"reserved_retries": 1, "places": (NEXT,)}, AGAIN),
    ("the first of several", NO_KEY, {"reserved_retries": 2, "places": (NEXT, LAST)}, FailOver(NEXT)),
    ("the circuit is open", IN_7_S, {"closed": True, "places": (NEXT,)}, FailOver(NEXT)),
    ("the circuit is open, and nobody else", IN_7_S, {"closed": True}, RAISE),
    ("a long wait", IN_200_S, {"places": (NEXT,)}, FailOver(NEXT)),
    ("no room under the own limits", NO_ROOM, {"places": (NEXT,)}, FailOver(NEXT)),
    ("a late first event", LATE, {"places": (NEXT,)}, FailOver(NEXT)),
    ("a wrong request is wrong everywhere", WRONG, {"places": (NEXT,)}, RAISE),
    ("no request is left", NO_KEY, {"failures": 3, "places": (NEXT,)}, RAISE),
    ("no time is left", NO_KEY, {"seconds_left": 0.0, "places": (NEXT,)}, RAISE),
    (
        "begun elsewhere",
        BROKEN,
        {**BEGUN, "failures": 2, "reserved_retries": 1, "places": (NEXT,)},
        FailOver(NEXT, True),
    ),
    ("begun, not to be restarted", BROKEN, {"answering": True, "failures": 2, "places": (NEXT,)}, RAISE),
    # The next provider cannot take the request: the others are tried, and not the one that failed
    ("leaving", TRANSIENT, {"leaving": True, "places": (LAST,)}, FailOver(LAST)),
    ("leaving, with nobody left", TRANSIENT, {"leaving": True}, RAISE),
    ("leaving, whatever has failed", TRANSIENT, {"leaving": True, "failures": 3, "places": (LAST,)}, FailOver(LAST)),
]


@pytest.mark.parametrize(("error", "facts", "decision"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_the_decision(error: DeepSeekV4Error, facts: dict[str, object], decision: Decision) -> None:
    given = state(**facts)
    found = decide(error, given)
    assert found == decision
    assert decide(error, given) == found


def test_the_table_uses_each_fact() -> None:
    used = {name for _, _, facts, _ in TABLE for name in facts}
    assert used == {each.name for each in fields(CallState)}


def test_a_decision_changes_nothing_in_the_error() -> None:
    before = dict(vars(IN_7_S)), IN_7_S.args
    decide(IN_7_S, state(places=(NEXT,)))
    assert (dict(vars(IN_7_S)), IN_7_S.args) == before
    assert not hasattr(IN_7_S, "__notes__")
