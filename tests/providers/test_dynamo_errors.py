"""Dynamo's errors: flat over HTTP, wrapped inside a stream, engine failures masked, routes that it does not have."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deepseek_v4_sdk import errors as e
from deepseek_v4_sdk.providers import find_provider
from deepseek_v4_sdk.testing import faults, script
from deepseek_v4_sdk.testing.flavors.dynamo import DynamoFlavor
from tests.providers.hosted import KINDS, Network, Talk, check
from tests.providers.refusal_cases import JSON, Case


def flat(name: str, status: int, kind: type[e.APIError], message: str, type_: str, **more: Any) -> Case:
    """Dynamo's own shape over HTTP."""
    body = {"message": message, "type": type_, "code": status, **more.pop("extra", {})}
    return Case(name, "dynamo", status, json.dumps(body).encode(), kind, message[:60], type_, more, JSON)


BAD, DOWN = "Bad Request", "Service Unavailable"
NOT_READY = "Model 'm' is registered but not ready to serve requests yet: no workers; retry shortly"
CASES = (
    flat("unknown key", 400, e.BadRequestError, "Validation: Unsupported parameter(s): `priority`", BAD),
    flat("unknown field of nvext", 400, e.BadRequestError, "nvext: unknown field `guided_json`", BAD),
    flat("masked", 400, e.BadRequestError, "Invalid request", BAD),
    flat(
        "too long",
        400,
        e.ContextLengthExceededError,
        "This model's maximum context length is 4096 tokens. However, your messages resulted in 5000 tokens. Please "
        "reduce the length of the messages.",
        BAD,
        limit=4096,
        prompt_tokens=5000,
        requested=None,
    ),
    flat("authentication", 401, e.AuthenticationError, "Authentication required", "Unauthorized"),
    flat("permission", 403, e.PermissionDeniedError, "Permission denied", "Forbidden"),
    flat("no such model", 404, e.ModelNotFoundError, "Model not found", "Not Found"),
    flat("no such route", 404, e.ModelNotFoundError, "Route not found: GET /v1/health/ready", "Not Found"),
    Case("wrong method", "dynamo", 405, b"", e.BadRequestError, "an empty body"),
    flat("too large", 413, e.BadRequestError, "Request payload too large", "Payload Too Large"),
    flat("no JSON", 415, e.BadRequestError, "Unsupported media type", "Unsupported Media Type"),
    flat("rate", 429, e.RateLimitError, "Rate limit exceeded", "Too Many Requests", retry_after=None),
    flat(
        "masked failure",
        500,
        e.ServerError,
        "Internal server error",
        "Internal Server Error",
        extra={"details": {"backend_status": 500}},
    ),
    flat("not implemented", 501, e.ServerError, "Operation not implemented", "Not Implemented"),
    flat("bad gateway", 502, e.ServerError, "Bad gateway", "Bad Gateway"),
    flat("unavailable", 503, e.OverloadedError, "Service temporarily unavailable", DOWN, retry_after=None),
    flat("overloaded", 503, e.OverloadedError, "Service temporarily overloaded", DOWN, retry_after=None),
    flat("overloaded, by another status", 529, e.OverloadedError, "Service temporarily overloaded", "Overloaded"),
    flat("no worker", 503, e.OverloadedError, NOT_READY, DOWN, retry_after=None),
    flat("deadline", 504, e.GatewayTimeoutError, "Request deadline exceeded", "Gateway Timeout"),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_answer_becomes_the_right_error(case: Case) -> None:
    check(case)


def dynamo(kind: str, *steps: Any, **arguments: Any) -> tuple[Talk, Network]:
    network = Network(*steps, flavor=DynamoFlavor(models=None))
    return Talk(kind, "dynamo", network, base_url="http://localhost:8000", model="m", **arguments), network


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("code", "message", "expected"),
    [(500, "Internal server error", e.ServerError), (503, "Service temporarily unavailable", e.OverloadedError)],
)
class TestInsideTheStream:
    def test_after_something_came_it_is_raised_with_what_came(
        self, kind: str, code: int, message: str, expected: type[e.APIError]
    ) -> None:
        step = (script.think("Hm.") + script.text("One two three")) | faults.error_event(code, message, after=3)
        talk, network = dynamo(kind, step)
        with pytest.raises(expected, match=message) as raised:
            talk.chat()
        assert raised.value.status_code == code
        assert raised.value.partial is not None
        assert (raised.value.partial.reasoning, raised.value.partial.finish_reason) == ("Hm.", None)
        assert len(network.bodies) == 1

    def test_before_anything_came_it_is_tried_again(
        self, kind: str, code: int, message: str, expected: type[e.APIError]
    ) -> None:
        step = script.text("Hello") | faults.error_event(code, message, after=0)
        talk, _ = dynamo(kind, step, script.text("Hello"))
        reply = talk.chat()
        assert reply.text == "Hello"
        assert [attempt.error for attempt in reply.attempts] == [expected.__name__, None]


@pytest.mark.parametrize("kind", KINDS)
def test_a_worker_that_is_not_there_yet_is_waited_for(kind: str) -> None:
    talk, _ = dynamo(kind, script.error(503, NOT_READY), script.text("Hello"))
    assert [attempt.status for attempt in talk.chat().attempts] == [503, 200]


def test_dynamo_is_asked_for_its_own_health() -> None:
    assert find_provider("dynamo").data.health_path == "/health"
    network = Network(flavor="dynamo")
    talk = Talk("sync", "dynamo", network, base_url="http://localhost:8000")
    assert talk.client.wait_until_ready(timeout=10).ok
    assert talk.models()[0].context_window == 1_048_576
    assert network.urls == ["GET http://localhost:8000/health", "GET http://localhost:8000/v1/models"]
