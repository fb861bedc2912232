"""The errors of DeepSeek's API: the words of its validator, taken from the vendor's own encoder, and its statuses."""

from __future__ import annotations

import json
from typing import Any

import deepseek_recipe as recipe
import pytest

from deepseek_v4_sdk import errors as e
from deepseek_v4_sdk.testing import faults, script
from tests.providers.hosted import KEY, KINDS, Network, Talk, check
from tests.providers.recipe import CALLS, RESULTS, USER, convert, refused
from tests.providers.refusal_cases import JSON, Case

INVALID = "invalid_request_error"
TOOL = {"type": "function", "function": {"name": "f"}}
ROUND = {"role": "assistant", "content": None, "tool_calls": CALLS, "reasoning_content": "Hm."}
BODIES: dict[str, tuple[dict[str, Any], str]] = {
    "max_tokens": ({"max_tokens": 393_217}, "the valid range of max_tokens is [1, 393216]"),
    "temperature": ({"temperature": 2.5}, "Invalid temperature value"),
    "top_p": ({"top_p": 1.5}, "the valid range of top_p is (0, 1.0]"),
    "penalty": ({"presence_penalty": 3}, "Invalid presence_penalty value"),
    "n": ({"n": 2}, "currently only n = 1 is supported"),
    "top_logprobs": ({"logprobs": True, "top_logprobs": 21}, "Invalid top_logprobs value"),
    "top_logprobs alone": ({"top_logprobs": 2}, "logprobs must be set to true"),
    "too many stops": ({"stop": ["a"] * 17}, "Stop string array too long: 17"),
    "an empty stop": ({"stop": [""]}, "Invalid 'stop[0]': empty string"),
    "stream_options": ({"stream_options": {"include_usage": True}}, "along with stream = true"),
    "no messages": ({"messages": []}, "Empty input messages"),
    "a result without a call": ({"messages": [USER, RESULTS[0]]}, "must be a response to a preceding message"),
    "results are missing": ({"messages": [USER, ROUND]}, "insufficient tool messages"),
    "a wrong result": (
        {"messages": [USER, ROUND, RESULTS[0], {**RESULTS[1], "tool_call_id": "q"}]},
        "tool_call",
    ),
    "tools alike": ({"tools": [TOOL, TOOL]}, "Tool names must be unique."),
    "a tool's name": ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "does not match pattern"),
    "an unknown choice": (
        {
            "tools": [TOOL],
            "tool_choice": {"type": "function", "function": {"name": "g"}},
            "thinking": {"type": "disabled"},
        },
        "no function named 'g' was specified",
    ),
    "an empty turn": ({"messages": [USER, {"role": "assistant"}, USER]}, "content or tool_calls must be set"),
    "a forced call while thinking": ({"tools": [TOOL], "tool_choice": "required"}, "does not support this tool_choice"),
    "no word json": (
        {"messages": [{"role": "user", "content": "x"}], "response_format": {"type": "json_object"}},
        "Prompt must contain the word 'json'",
    ),
    "reasoning is missing": (
        {"messages": [USER, {**ROUND, "reasoning_content": None}, *RESULTS]},
        "must be passed back to the API",
    ),
    "a prefix in the middle": (
        {"messages": [USER, {"role": "assistant", "content": "x", "prefix": True}, USER]},
        "prefix set true with message which is not final message",
    ),
}


def answer(
    name: str, status: int, kind: type[e.APIError], body: bytes, text: str, code: str | None = INVALID, **fields: Any
) -> Case:
    return Case(name, "deepseek", status, body, kind, text, code, fields, JSON)


def nested(message: str, type_: str = INVALID, code: str | None = INVALID) -> bytes:
    return json.dumps({"error": {"message": message, "type": type_, "param": None, "code": code}}).encode()


@pytest.mark.parametrize("name", BODIES)
def test_each_refusal_of_the_vendors_validator_is_a_bad_request_in_its_words(name: str) -> None:
    changes, text = BODIES[name]
    status, body = refused({"model": "deepseek-v4-pro", "messages": [USER], **changes})
    check(answer(name, status, e.BadRequestError, body, text))


def test_an_unknown_model_is_a_model_that_was_not_found() -> None:
    status, body = refused({"model": "deepseek/deepseek-v4-pro", "messages": [USER]})
    check(answer("model", status, e.ModelNotFoundError, body, "The supported API model names are"))


@pytest.mark.parametrize(("limit", "requested"), [(393_216, 1_093_216), (None, 1_100_000)])
def test_a_prompt_that_does_not_fit_tells_its_numbers(limit: int | None, requested: int) -> None:
    prompt = requested - (limit or 0)
    body: dict[str, Any] = {"model": "deepseek-v4-pro", "messages": [USER]}
    request = convert(body if limit is None else {**body, "max_tokens": limit})
    with pytest.raises(recipe.ConversionError) as raised:
        request.resolve_max_tokens(prompt, 1_048_576)
    error: Any = raised.value
    check(
        answer(
            "too long",
            error.status_code,
            e.ContextLengthExceededError,
            error.body.encode(),
            f"({prompt} in the messages, {limit or 0} in the completion)",
            limit=1_048_576,
            prompt_tokens=prompt,
            requested=requested,
        )
    )


STATUSES = (
    answer("key", 401, e.AuthenticationError, nested(f"Authentication Fails, Your api key: {KEY} is invalid"), "<key>"),
    answer("balance", 402, e.BillingError, nested("Insufficient Balance", "unknown_error"), "Insufficient Balance"),
    answer("parameters", 422, e.BadRequestError, nested("Invalid parameters"), "Invalid parameters"),
    answer(
        "not JSON", 400, e.BadRequestError, b"Failed to deserialize: unknown variant `developer`", "developer", None
    ),
    answer("concurrency", 429, e.RateLimitError, nested("Rate limit reached"), "Rate limit", retry_after=None),
    answer("failure", 500, e.ServerError, nested("Server error", "server_error", None), "Server", "server_error"),
    answer(
        "overload", 503, e.OverloadedError, nested("Server overloaded", "server_error", None), "over", "server_error"
    ),
    answer("param is a text", 400, e.BadRequestError, b'{"error":{"message":"m","param":"","code":"c"}}', "m", "c"),
)


@pytest.mark.parametrize("case", STATUSES, ids=lambda case: case.name)
def test_a_status_becomes_the_right_error(case: Case) -> None:
    check(case)


def deepseek(kind: str, *steps: Any, **arguments: Any) -> tuple[Talk, Network]:
    network = Network(*steps, flavor="deepseek")
    return Talk(kind, "deepseek", network, api_key=KEY, model="pro", **arguments), network


@pytest.mark.parametrize("kind", KINDS)
class TestOnTheWay:
    @pytest.mark.parametrize("status", [400, 401, 402, 422])
    def test_what_will_not_change_is_not_asked_again(self, kind: str, status: int) -> None:
        talk, network = deepseek(kind, script.error(status, "no"))
        with pytest.raises(e.APIError) as raised:
            talk.chat()
        assert raised.value.status_code == status
        assert len(network.asked) == 1

    @pytest.mark.parametrize("status", [429, 500, 503])
    def test_what_may_change_is(self, kind: str, status: int) -> None:
        talk, _ = deepseek(kind, script.error(status, "later"), script.text("Hello"))
        assert [attempt.status for attempt in talk.chat().attempts] == [status, 200]

    def test_keep_alives_while_waiting_are_no_answer(self, kind: str) -> None:
        late = script.text("Hello") | faults.slow_prefill(300.0) | faults.keepalive(10.0)
        talk, _ = deepseek(kind, late)
        reply = talk.chat()
        assert reply.text == "Hello"
        assert reply.timing.first_event == pytest.approx(300.0)

    def test_empty_lines_before_a_plain_answer_are_passed_over(self, kind: str) -> None:
        choice = {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
        plain = "\n\n\n" + json.dumps({"id": "1", "model": "deepseek-v4-pro", "choices": [choice]})
        talk, _ = deepseek(kind, script.raw("\n", "\n", plain, content_type="application/json"))
        assert talk.chat(wire="plain").text == "Hi"

    def test_an_answer_that_was_broken_off_by_the_server_is_told(self, kind: str) -> None:
        talk, _ = deepseek(kind, *[script.text("Half", finish_reason="insufficient_system_resource")] * 3)
        with pytest.raises(e.StreamInterruptedError, match="insufficient_system_resource") as raised:
            talk.chat()
        assert raised.value.partial is not None
        assert raised.value.partial.text == "Half"
