"""A provider of one file and a few recorded bytes works like those that come with the package."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from deepseek_v4_sdk import (
    AuthenticationError,
    ConfigurationError,
    Conversation,
    DeepSeekV4,
    ReasoningDelta,
    StreamInterruptedError,
    TextDelta,
    ToolCallReady,
    UnsupportedOptionError,
)
from deepseek_v4_sdk.testing import RecordedExchange, check_provider
from tests.providers.made_up import ACME

RECORDED = [
    '{"id":"a1","model":"v4-pro","choices":[{"index":0,"delta":{"role":"assistant","reasoning_content":"Let me "}}]}',
    '{"id":"a1","model":"v4-pro","choices":[{"index":0,"delta":{"reasoning_content":"look."}}]}',
    '{"id":"a1","model":"v4-pro","choices":[{"index":0,"delta":{"content":"One moment."}}]}',
    '{"id":"a1","model":"v4-pro","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c1","type":"function",'
    '"function":{"name":"get_price","arguments":"{\\"article\\": "}}]}}]}',
    '{"id":"a1","model":"v4-pro","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":'
    '{"arguments":"\\"tea\\"}"}}]}}]}',
    '{"id":"a1","model":"v4-pro","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}],'
    '"usage":{"prompt_tokens":40,"completion_tokens":20,"total_tokens":60}}',
    "[DONE]",
]
ANSWER = "".join(f"data: {event}\n\n" for event in RECORDED)
TOOL = {"type": "function", "function": {"name": "get_price", "parameters": {"type": "object"}}}


class Server:
    """Acme, as far as it was recorded."""

    def __init__(self, answer: str = ANSWER, status: int = 200) -> None:
        self.requests: list[httpx.Request] = []
        self._answer, self._status = answer, status

    def client(self, **arguments: Any) -> DeepSeekV4:
        network = httpx.Client(transport=httpx.MockTransport(self._reply))
        return DeepSeekV4(ACME, model="v4-pro", http_client=network, **{"api_key": "key-1", **arguments})

    def _reply(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        kind = "text/event-stream" if self._status == 200 else "application/json"
        # Not read ahead, as from a network.
        stream = httpx.ByteStream(self._answer.encode())
        return httpx.Response(self._status, headers={"content-type": kind}, stream=stream)

    @property
    def body(self) -> Any:
        return json.loads(self.requests[-1].content)


def test_it_streams_reasoning_text_and_calls() -> None:
    server = Server()
    with server.client() as client, client.stream("What is tea?", tools=[TOOL], thinking="max") as stream:
        events = list(stream)
        reply = stream.reply()
    assert "".join(event.text for event in events if isinstance(event, ReasoningDelta)) == "Let me look."
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "One moment."
    (call,) = [event.call for event in events if isinstance(event, ToolCallReady)]
    assert call.parsed == {"article": "tea"}
    assert (reply.provider, reply.finish_reason, reply.usage.prompt_tokens) == ("acme", "tool_calls", 40)


def test_what_it_is_sent() -> None:
    server = Server()
    with server.client() as client:
        first = client.chat("What is tea?", tools=[TOOL], thinking="max", top_k=5)
        talk = Conversation("What is tea?").add(first).add_tool_result("c1", "3 euros")
        client.chat(talk, tools=[TOOL])
    assert str(server.requests[0].url) == "https://v4.acme.example/api/openai/chat/completions"
    assert server.requests[0].headers["authorization"] == "Bearer key-1"
    assert server.body["mind"] == "on"
    assert server.body["messages"][1]["reasoning_content"] == "Let me look."
    first_body = json.loads(server.requests[0].content)
    assert (first_body["mind"], first_body["k"], "top_k" in first_body) == ("deep", 5, False)


def test_what_it_lacks_is_said_before_anything_is_sent() -> None:
    server = Server()
    with server.client() as client:
        with pytest.raises(UnsupportedOptionError, match="Acme draws as it likes"):
            client.chat("Hi", seed=1)
        with pytest.raises(UnsupportedOptionError, match="acme has no option min_p: its data has no rule for it"):
            client.chat("Hi", min_p=0.1)
        with pytest.raises(UnsupportedOptionError, match="low"):
            client.chat("Hi", thinking="low")
        client.chat("Hi", tools=[TOOL], thinking="low", on_unsupported="nearest")
    assert len(server.requests) == 1


def test_its_key_and_its_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ACME_API_KEY", raising=False)
    with pytest.raises(ConfigurationError, match="acme needs a key: give api_key, or set ACME_API_KEY"):
        DeepSeekV4(ACME, model="v4-pro")
    monkeypatch.setenv("ACME_API_KEY", "key-2")
    server = Server()
    with server.client(api_key=None) as client:
        client.chat("Hi", tools=[TOOL])
    assert server.requests[0].headers["authorization"] == "Bearer key-2"
    with Server('{"error": {"message": "who are you"}}', 401).client() as client, pytest.raises(AuthenticationError):
        client.chat("Hi")


def test_it_keeps_the_laws_of_every_provider() -> None:
    recorded = RecordedExchange(
        provider="acme",
        path="/api/openai/chat/completions",
        request_body=json.dumps({"model": "v4-pro", "tools": [TOOL]}).encode(),
        status=200,
        headers={"content-type": "text/event-stream"},
        parts=(ANSWER.encode(),),
    )
    check_provider(ACME, [recorded]).raise_for_problems()


def test_an_answer_that_breaks_off_is_one_here_too() -> None:
    cut = ANSWER.split("data: " + RECORDED[3])[0]
    with Server(cut).client() as client, pytest.raises(StreamInterruptedError) as caught:
        client.chat("Hi")
    assert caught.value.partial is not None
    assert caught.value.partial.text == "One moment."
