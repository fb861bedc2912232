"""Error events inside a stream of status 200: every shape becomes the class that its code means over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from deepseek_v4_sdk import DeepSeekV4, errors
from deepseek_v4_sdk.chat import Usage, write_json
from deepseek_v4_sdk.providers import find_provider
from deepseek_v4_sdk.testing import MockProvider, script

BOTH = ("vllm", "sglang")
LONG = "The input (10 tokens) is longer than the model's context length (5 tokens)."


class Nothing:
    """A sink that must not be given anything."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was called for an error event")


def read(provider: str, payload: dict[str, Any]) -> errors.APIError:
    """The error that an event means."""
    with pytest.raises(errors.APIError) as caught:
        find_provider(provider).decode(payload, Nothing())
    return caught.value


EVENTS = [
    pytest.param(
        {"error": {"message": "dead", "type": "InternalServerError", "param": None, "code": 500}},
        (errors.ServerError, 500, "InternalServerError", "dead"),
        id="vLLM, engine dead",
    ),
    pytest.param(
        {"error": {"message": "Generation is paused.", "type": "InternalServerError", "param": None, "code": 503}},
        (errors.OverloadedError, 503, "InternalServerError", "Generation is paused."),
        id="vLLM, paused",
    ),
    pytest.param(
        {"error": {"object": "error", "message": "queue full", "type": "SERVICE_UNAVAILABLE", "code": 503}},
        (errors.OverloadedError, 503, "SERVICE_UNAVAILABLE", "queue full"),
        id="SGLang, queue full",
    ),
    pytest.param(
        {"error": {"object": "error", "message": LONG, "type": "BadRequestError", "code": 400}},
        (errors.ContextLengthExceededError, 400, "BadRequestError", LONG),
        id="too long",
    ),
    pytest.param(
        {"error": {"message": LONG}}, (errors.ContextLengthExceededError, None, None, LONG), id="too long, no code"
    ),
    pytest.param(
        {"object": "error", "message": "flat", "type": "503", "param": None, "code": 503},
        (errors.OverloadedError, 503, "503", "flat"),
        id="flat",
    ),
    pytest.param({"error": "a text"}, (errors.ServerError, None, None, "a text"), id="text"),
    pytest.param(
        {"error": {"message": "slow", "code": "429"}}, (errors.RateLimitError, 429, "429", "slow"), id="code as text"
    ),
    pytest.param(
        {"error": {"message": "slow", "code": "rate_limit", "status": 429}},
        (errors.RateLimitError, 429, "rate_limit", "slow"),
        id="status beside the code",
    ),
    pytest.param(
        {"error": {"message": "who?", "type": "auth", "code": 401}},
        (errors.AuthenticationError, 401, "auth", "who?"),
        id="401",
    ),
    pytest.param(
        {"error": {"message": "odd", "code": 17}}, (errors.ServerError, None, 17, "odd"), id="a code that is no status"
    ),
    pytest.param(
        {"error": {"message": "odd", "code": True}},
        (errors.ServerError, None, None, "odd"),
        id="a code that is no code",
    ),
    pytest.param({"error": {"code": 500}}, (errors.ServerError, 500, 500, "{'code': 500}"), id="no message"),
    pytest.param(
        {"choices": [], "error": {"message": "late", "code": 500}},
        (errors.ServerError, 500, 500, "late"),
        id="beside choices",
    ),
]


@pytest.mark.parametrize("provider", BOTH)
@pytest.mark.parametrize(("payload", "expected"), EVENTS)
def test_an_event_becomes_the_right_error(provider: str, payload: dict[str, Any], expected: tuple[Any, ...]) -> None:
    error = read(provider, payload)
    assert (type(error), error.status_code, error.code) == expected[:3]
    assert str(error) == f"{provider} reported an error inside the stream: {expected[3]}"


@pytest.mark.parametrize("provider", BOTH)
def test_an_event_shows_nothing_private(provider: str) -> None:
    message = "File \"/opt/a/b/c.py\" 'input': {'content': [{'text': 'private'}], 'b': 'private'}, key sk-private12345"
    error = read(provider, {"error": {"message": message, "code": 400}})
    shown = f"{error} {error.body}"
    assert "private" not in shown
    assert "/opt" not in shown


class Counts(Nothing):
    """A sink that takes usage and the head, as an event without choices may bring."""

    def __init__(self) -> None:
        self.seen: list[object] = []

    begun = False

    def begin(self, *head: object) -> None:
        self.seen.append(head)

    def usage(self, usage: Usage) -> None:
        self.seen.append(usage.prompt_tokens)

    def other(self, key: str, value: object) -> None:
        self.seen.append(key)


@pytest.mark.parametrize("provider", BOTH)
def test_a_null_error_is_none(provider: str) -> None:
    sink = Counts()
    event: dict[str, Any] = {"id": "1", "model": "m", "choices": [], "error": None, "usage": {"prompt_tokens": 3}}
    find_provider(provider).decode(event, sink)
    assert sink.seen == [("1", "m"), 3, "usage"]


@pytest.mark.parametrize("flavor", BOTH)
@pytest.mark.parametrize("payload", [event.values[0] for event in EVENTS], ids=[event.id for event in EVENTS])
def test_a_client_raises_it_with_the_url_and_keeps_what_came(flavor: str, payload: dict[str, Any]) -> None:
    said = {"id": "1", "model": "m", "choices": [{"index": 0, "delta": {"content": "Hel"}}]}
    mock = MockProvider(
        script.raw(*(b"data: " + write_json(event) + b"\n\n" for event in (said, payload)), b"data: [DONE]\n\n"),
        flavor=flavor,
    )
    with DeepSeekV4(mock, base_url="http://localhost:8000/v1/") as client, pytest.raises(errors.APIError) as caught:
        client.chat("Hi")
    assert caught.value.url == "http://localhost:8000/v1/chat/completions"
    assert caught.value.partial is not None
    assert caught.value.partial.text == "Hel"
    assert len(caught.value.attempts) == 1
