"""The mock as a test's author meets it: its script, what it notes, its errors, and any HTTP client on its transport."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from deepseek_v4_sdk import (
    APIError,
    AsyncDeepSeekV4,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    DeepSeekV4,
    ModelNotFoundError,
    OverloadedError,
    RateLimitError,
    ReasoningExhaustedError,
    ServerError,
    TruncatedToolCallError,
)
from deepseek_v4_sdk.testing import MockProvider, MockScriptError, script
from deepseek_v4_sdk.testing.flavors import FLAVOR_NAMES
from tests.support.any_name import ANY_NAME

on_every_wire = pytest.mark.parametrize("flavor", FLAVOR_NAMES)


def client_of(mock: MockProvider, **arguments: Any) -> DeepSeekV4:
    return DeepSeekV4(mock, model="pro" if mock.data.model == "required" else None, **arguments)


TOOL = {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}


def test_steps_are_taken_in_order_and_requests_are_noted() -> None:
    mock = MockProvider(script.text("one"), script.text("two"), flavor=ANY_NAME)
    client = DeepSeekV4(mock, model="m")
    assert [client.chat("first").text, client.chat("second", temperature=0.5).text] == ["one", "two"]
    first, second = mock.requests
    assert first.body["messages"] == [{"role": "user", "content": "first"}]
    assert "temperature" not in first.body
    assert second.body["temperature"] == 0.5
    assert (second.body["model"], second.path) == ("m", "/v1/chat/completions")


def test_a_key_is_not_noted() -> None:
    mock = MockProvider(script.text("Hi"))
    DeepSeekV4(mock, api_key="sk-very-secret").chat("x")
    (request,) = mock.requests
    assert request.headers["authorization"] == "***"
    assert "secret" not in repr(request)


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_a_script_that_has_run_out_fails_the_test(mode: str) -> None:
    mock = MockProvider(script.text("one"))
    client = DeepSeekV4(mock)
    assert client.chat("x").text == "one"
    with pytest.raises(MockScriptError, match=r"request 2 .* 1 step"):
        client.chat("x") if mode == "sync" else asyncio.run(AsyncDeepSeekV4(mock).chat("x"))
    assert issubclass(MockScriptError, AssertionError)
    assert len(mock.requests) == 2


def test_a_default_answers_when_the_script_has_run_out() -> None:
    client = DeepSeekV4(MockProvider(script.text("one"), default=script.text("more")))
    assert [client.chat("x").text for _ in range(3)] == ["one", "more", "more"]


def test_one_mock_serves_many_clients() -> None:
    mock = MockProvider(script.text("one"), script.text("two"), script.text("three"))
    assert DeepSeekV4(mock).chat("x").text == "one"
    assert asyncio.run(AsyncDeepSeekV4(mock).chat("x")).text == "two"
    assert DeepSeekV4(mock).with_options(thinking="off").chat("x").text == "three"


ERRORS = {
    400: BadRequestError,
    401: AuthenticationError,
    404: ModelNotFoundError,
    429: RateLimitError,
    500: ServerError,
    503: OverloadedError,
}


@on_every_wire
@pytest.mark.parametrize("status", ERRORS)
def test_errors_have_the_shape_of_the_flavor(status: int, flavor: str) -> None:
    mock = MockProvider(script.error(status, "no such luck", headers={"x-request-id": "r-7"}), flavor=flavor)
    with pytest.raises(ERRORS[status]) as caught:
        client_of(mock, max_retries=0).chat("x")
    assert caught.value.status_code == status
    assert caught.value.request_id == "r-7"
    if status in {400, 500}:
        assert "no such luck" in str(caught.value)


def test_an_error_may_say_when_to_come_again() -> None:
    mock = MockProvider(script.error(429, headers={"retry-after": "3"}), script.text("Hi"))
    reply = DeepSeekV4(mock).chat("x")
    assert [attempt.waited for attempt in reply.attempts] == [0, 3]
    assert len(mock.requests) == 2


def test_bytes_as_they_are() -> None:
    event = (
        'data: {"id": "a", "model": "m", "choices": [{"delta": {"content": "H\u00e9"}, "finish_reason": "stop"}]}\n\n'
    )
    whole = event.encode()
    mock = MockProvider(script.raw(whole[:60], whole[60:75], whole[75:]), script.raw("<html>", status=502))
    client = DeepSeekV4(mock, max_retries=0)
    assert client.chat("x").text == "H\u00e9"
    with pytest.raises(APIError) as caught:
        client.chat("x")
    assert caught.value.status_code == 502


@on_every_wire
def test_models_and_health(flavor: str) -> None:
    client = client_of(MockProvider(flavor=flavor, window=131_072))
    models = client.models()
    assert models
    assert all(model.id for model in models)
    told = {model.context_window for model in models}
    assert told <= {131_072, None}
    assert told == {131_072} or flavor in {"nvidia", "deepseek", "dynamo", "nim"}
    assert client.health().ok
    assert client.health(deep=True).ok
    assert client.wait_until_ready(5).ok


def test_there_is_no_such_flavor() -> None:
    with pytest.raises(ConfigurationError, match="sglang"):
        MockProvider(flavor="sglan")


@on_every_wire
def test_a_model_that_does_not_think_says_no_reasoning(flavor: str) -> None:
    mock = MockProvider(default=script.think("Hm.") + script.text("Hi"), flavor=flavor)
    client = client_of(mock)
    assert client.chat("x", thinking="off").reasoning is None
    assert client.chat("x", thinking="high").reasoning == "Hm."


@on_every_wire
@pytest.mark.parametrize("wire", ["stream", "plain"])
def test_max_tokens_cuts_what_the_model_says(wire: Any, flavor: str) -> None:
    turn = script.think("I must think long about this") + script.text("And then say what there is to say about it")
    mock = MockProvider(turn, turn, flavor=flavor)
    client = client_of(mock)
    with pytest.raises(ReasoningExhaustedError) as caught:
        client.chat("x", max_tokens=3, wire=wire)
    assert caught.value.partial is not None
    assert caught.value.partial.text == ""
    reply = client.chat("x", max_tokens=10, wire=wire)
    assert reply.finish_reason == "length"
    assert turn.text.startswith(reply.text)
    assert reply.reasoning == turn.reasoning


@on_every_wire
@pytest.mark.parametrize("wire", ["stream", "plain"])
def test_max_tokens_cuts_calls_too(wire: Any, flavor: str) -> None:
    turn = script.tool_call("get_weather", city="Paris") + script.tool_call("get_weather", city="Aix-en-Provence")
    with pytest.raises(TruncatedToolCallError) as caught:
        client_of(MockProvider(turn, flavor=flavor)).chat("x", tools=[TOOL], max_tokens=62, wire=wire)
    partial = caught.value.partial
    assert partial is not None
    assert [call.parsed for call in partial.tool_calls] == [{"city": "Paris"}]
    assert [call.name for call in partial.partial_tool_calls] == ["get_weather"]


@on_every_wire
@pytest.mark.parametrize("stream", [False, True])
def test_any_http_client_may_ask(stream: bool, flavor: str) -> None:
    turn = script.think("Hm.") + script.text("Hello there")
    ours, theirs = MockProvider(turn, flavor=flavor), MockProvider(turn, flavor=flavor)
    client_of(ours).chat("x", wire="stream" if stream else "plain")
    body, path = ours.requests[0].body, ours.requests[0].path
    with httpx.Client(transport=theirs.transport, base_url="http://mock.test") as client:
        answered = client.post(path, json=body)
        assert client.get("/nowhere").status_code == 404
        assert client.get(path).status_code == 405
        assert client.post(path, content=b"{").status_code in {400, 422}
    assert answered.status_code == 200
    if stream:
        assert answered.headers["content-type"].startswith("text/event-stream")
        assert answered.text.endswith("data: [DONE]\n\n")
        events = [json.loads(line[6:]) for line in answered.text.splitlines() if line.startswith("data: {")]
        deltas = [choice["delta"] for event in events for choice in event["choices"]]
        assert "".join(delta.get("content") or "" for delta in deltas) == "Hello there"
    else:
        assert answered.json()["choices"][0]["message"]["content"] == "Hello there"
    assert [request.body for request in theirs.requests] == [body]


def test_and_any_async_one() -> None:
    mock = MockProvider(script.text("Hi"))

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=mock.transport, base_url="http://mock.test") as client:
            return await client.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": "x"}]})

    assert asyncio.run(ask()).json()["choices"][0]["message"]["content"] == "Hi"


@on_every_wire
def test_without_a_script_it_answers_from_its_input(flavor: str) -> None:
    mock = MockProvider(flavor=flavor)
    client = client_of(mock)
    assert "tortoises" in client.chat("Tell me about tortoises").text
    asked: list[Any] = [{"role": "user", "content": "What is the weather in Paris?"}]
    reply = client.chat(asked, tools=[TOOL])
    (call,) = reply.tool_calls
    assert call.name == "get_weather"
    asked += [reply.message, {"role": "tool", "tool_call_id": call.id, "content": "19 degrees"}]
    assert "19 degrees" in client.chat(asked, tools=[TOOL]).text


def test_the_mock_by_name() -> None:
    reply = DeepSeekV4("mock").chat("Tell me about tortoises")
    assert "tortoises" in reply.text
    assert reply.provider == "mock"
