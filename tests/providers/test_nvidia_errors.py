"""The error answers of NVIDIA's hosted models: eight shapes of a gateway and of what stands behind it."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from deepseek_v4_sdk import errors as e
from deepseek_v4_sdk.providers import HttpCall, find_provider
from tests.providers.hosted import ACCOUNT, FUNCTION, KEY, check, refused
from tests.providers.refusal_cases import JSON, PLAIN, Case

ENDED = "The model 'deepseek-ai/deepseek-v4-pro' has reached its end of life on {} and is no longer available."
TOO_LONG = "This model's maximum context length is 262144 tokens. However, your messages resulted in 300000 tokens."


def answer(name: str, status: int, kind: type[e.APIError], body: Any, text: str, **more: Any) -> Case:
    """One answer; a body that is no text becomes JSON."""
    raw = body if isinstance(body, str) else json.dumps(body)
    headers = more.pop("headers", JSON)
    return Case(name, "nvidia", status, raw.encode(), kind, text, more.pop("code", None), more, headers)


def problem(status: int, title: str, **more: Any) -> dict[str, Any]:
    return {"status": status, "title": title, **more}


UNSUPPORTED = {"message": "Validation: Unsupported parameter(s): `thinking`", "type": "Bad Request", "code": 400}
REPR = (
    "[{'type': 'extra_forbidden', 'loc': ('body', 'prompt_cache_key'), 'msg': 'Extra inputs are not permitted', "
    "'input': \"the user's own prompt\"}]"
)
CASES = (
    answer("flat", 400, e.BadRequestError, UNSUPPORTED, "Unsupported parameter(s): `thinking`", code="Bad Request"),
    answer("wrapped", 400, e.BadRequestError, {"error": UNSUPPORTED}, "Unsupported parameter(s)", code="Bad Request"),
    answer(
        "vLLM's",
        400,
        e.BadRequestError,
        {"error": {"message": "top_p must be in (0, 1]", "type": "BadRequestError", "param": None, "code": 400}},
        "top_p must be in (0, 1]",
        code="BadRequestError",
    ),
    answer("a Python repr", 400, e.BadRequestError, {"error": REPR}, "'prompt_cache_key'"),
    answer(
        "too long, flat",
        400,
        e.ContextLengthExceededError,
        {"message": TOO_LONG, "type": "Bad Request", "code": 400},
        "262144",
        code="Bad Request",
        limit=262_144,
        prompt_tokens=300_000,
        requested=None,
    ),
    answer(
        "too long, wrapped",
        400,
        e.ContextLengthExceededError,
        {"error": {"message": TOO_LONG, "type": "Bad Request", "code": 400}},
        "300000",
        code="Bad Request",
        limit=262_144,
        prompt_tokens=300_000,
    ),
    answer("no key", 401, e.AuthenticationError, "missing authorization", "check the key", headers=PLAIN),
    answer(
        "old gateway",
        401,
        e.AuthenticationError,
        {"timestamp": "t", "path": "/v1", "status": 401, "error": "Unauthorized", "requestId": "r"},
        "Unauthorized",
    ),
    answer("key repeated", 401, e.AuthenticationError, problem(401, "Unauthorized", detail=f"Bad {KEY}"), "Bad <key>"),
    answer("no credit", 402, e.BillingError, "", "check the balance", headers={}),
    answer(
        "forbidden",
        403,
        e.PermissionDeniedError,
        problem(403, "Forbidden", detail="Authorization failed"),
        "Authorization failed (make an inference key on build.nvidia.com",
    ),
    answer(
        "not for the account",
        404,
        e.ModelNotFoundError,
        problem(404, "Not Found", detail=f"Function '{FUNCTION}': Not found for account '{ACCOUNT}'"),
        "Function <function>: Not found for account <account> (the model exists and is not open to this account)",
    ),
    answer("plain 404", 404, e.ModelNotFoundError, "404 page not found", "404 page not found", headers=PLAIN),
    answer("a 404 names both suspects", 404, e.ModelNotFoundError, "404 page not found", "'some-model'", headers=PLAIN),
    answer(
        "gone",
        410,
        e.ModelRetiredError,
        {"type": "about:blank", **problem(410, "Gone", detail=ENDED.format("2026-08-07T09:00:00Z"))},
        "2026-08-07T09:00:00Z",
        retired_on=date(2026, 8, 7),
    ),
    answer(
        "gone on no day of any calendar",
        410,
        e.ModelRetiredError,
        problem(410, "Gone", detail=ENDED.format("2026-13-45")),
        "2026-13-45",
        retired_on=None,
    ),
    answer(
        "an older function's",
        422,
        e.BadRequestError,
        {"detail": [{"loc": ["body", "seed"], "msg": "too small", "input": "the user's own prompt"}]},
        "too small",
    ),
    answer("bare 429", 429, e.RateLimitError, problem(429, "Too Many Requests"), "Too Many", retry_after=None),
    answer(
        "429 with a hint",
        429,
        e.RateLimitError,
        problem(429, "Too Many Requests"),
        "Too Many",
        headers={**JSON, "retry-after": "7"},
        retry_after=7.0,
    ),
    answer(
        "internal",
        500,
        e.ServerError,
        {"message": "Internal server error", "type": "internal_server_error", "code": 500},
        "Internal server error",
        code="internal_server_error",
    ),
    answer(
        "overloaded",
        503,
        e.OverloadedError,
        {"message": "Service temporarily overloaded", "type": "Service Unavailable", "code": 503},
        "Service temporarily overloaded",
        code="Service Unavailable",
        retry_after=None,
    ),
    answer(
        "empty 504",
        504,
        e.GatewayTimeoutError,
        "",
        "an empty body",
        headers={"nvcf-reqid": "req-504", "nvcf-status": "errored"},
        request_id="req-504",
    ),
    answer("202 without an id", 202, e.ServerError, "", "no usable id", headers={"nvcf-status": "pending-evaluation"}),
    *(
        answer(
            f"exhausted as {status}",
            status,
            e.OverloadedError,
            {"message": "ResourceExhausted: Worker local total request limit reached (71/32)", "code": status},
            "(71/32)",
            code=status,
            retry_after=None,
        )
        for status in (400, 500, 502, 503)
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_answer_becomes_the_right_error(case: Case) -> None:
    check(case)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_its_text_names_the_address(case: Case) -> None:
    assert "http://localhost:8000/v1/chat/completions" in str(refused(case))


def test_a_timeout_of_the_gateway_advises_a_stream_to_those_who_waited_for_one_answer() -> None:
    provider = find_provider("nvidia")
    for accept, advised in (("application/json", True), ("text/event-stream", False)):
        call = HttpCall("POST", "http://localhost/v1/chat/completions", (("accept", accept),), b"{}")
        assert ("wire='stream'" in str(provider.refusal(504, {}, b"", call))) is advised


def test_words_that_only_look_like_an_account_stay() -> None:
    body = {"detail": "Your account was suspended; this function is disabled", "status": 403}
    assert "account was suspended; this function is disabled" in str(refused(answer("x", 403, e.APIError, body, "")))


EVENTS: dict[str, tuple[Any, type[e.APIError], int | None]] = {
    "wrapped": (
        {"error": {"message": "Internal server error", "type": "internal_server_error", "code": 500}},
        e.ServerError,
        500,
    ),
    "exhausted": ({"error": {"message": "ResourceExhausted: limit reached (71/32)"}}, e.OverloadedError, None),
    "exhausted, text": ({"error": "ResourceExhausted: limit reached (71/32)"}, e.OverloadedError, None),
    "flat": ({"message": "Service temporarily overloaded", "code": 503}, e.OverloadedError, 503),
    "problem": ({"status": 429, "title": "Too Many Requests"}, e.RateLimitError, 429),
    "too long": ({"error": {"message": TOO_LONG, "code": 400}}, e.ContextLengthExceededError, 400),
}


class Sink:
    """Takes nothing: an error must come before anything else."""


@pytest.mark.parametrize(("payload", "kind", "status"), EVENTS.values(), ids=list(EVENTS))
def test_an_error_inside_a_200_stream_is_the_same_error(payload: Any, kind: type[e.APIError], status: int) -> None:
    sink: Any = Sink()
    with pytest.raises(e.APIError) as raised:
        find_provider("nvidia").decode(payload, sink)
    assert type(raised.value) is kind
    assert raised.value.status_code == status
