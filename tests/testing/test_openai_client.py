"""OpenAI's own client against every flavor on a socket: a tool loop, streamed and not, with the thinking it shows."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import openai
import pytest

from deepseek_v4_sdk.testing import MockProvider, MockRequest, faults, script
from deepseek_v4_sdk.testing.server import MockServer
from tests.testing.places import FLAVORS, MODELS, TOOL

on_each_flavor = pytest.mark.parametrize("flavor", FLAVORS)

QUESTION = "What is the weather in Zürich?"
RESULT = "21 degrees, 晴れ"


def _extra(flavor: str) -> dict[str, object]:
    """The switch of thinking, which has another place on DeepSeek's own API."""
    return {"thinking": {"type": "enabled"}} if flavor == "deepseek" else {"chat_template_kwargs": {"thinking": True}}


def _has_the_result(request: MockRequest) -> bool:
    *_, called, result = request.messages
    calls: Any = called["tool_calls"]
    return result["content"] == RESULT and [result["tool_call_id"]] == [call["id"] for call in calls]


@contextmanager
def _loop(flavor: str) -> Iterator[str]:
    """A server that calls the tool, and answers when it has the result."""
    ask = script.think("A tool helps.") + script.text("Let me see. ") + script.tool_call("get_weather", city="Zürich")
    tell = script.think("It said so.") + script.text("21 degrees and sunny ☀.")
    steps = (script.reply_to(QUESTION, ask), script.reply_to(_has_the_result, tell))
    with MockProvider(*steps, flavor=flavor) as mock, MockServer(mock) as server:
        yield f"{server.url}/v1"
    assert [request.thinking for request in mock.requests] != ["off", "off"]
    assert [request.tools for request in mock.requests] == [["get_weather"]] * 2


def _arguments(flavor: str, messages: list[Any], **more: object) -> Any:
    return {
        "model": MODELS[flavor],
        "messages": messages,
        "tools": [TOOL],
        "extra_body": _extra(flavor),
        **more,
    }


def _extra_reasoning(part: Any) -> str:
    extra = part.model_extra or {}
    return extra.get("reasoning") or extra.get("reasoning_content") or ""


class _Turn:
    """A streamed answer, put together as OpenAI's documentation does it."""

    def __init__(self) -> None:
        self.reasoning = self.text = ""
        self.calls: dict[int, dict[str, str]] = {}
        self.reason: str | None = None
        self.usage: Any = None

    def add(self, chunk: Any) -> None:
        self.usage = chunk.usage or self.usage
        for choice in chunk.choices:
            self.reason = choice.finish_reason or self.reason
            self.text += choice.delta.content or ""
            self.reasoning += _extra_reasoning(choice.delta)
            for piece in choice.delta.tool_calls or []:
                call = self.calls.setdefault(
                    piece.index, {"id": piece.id, "name": piece.function.name, "arguments": ""}
                )
                call["arguments"] += piece.function.arguments or ""

    def follow(self, messages: list[Any]) -> None:
        """Check the turn with the call, and add it and the result to the conversation."""
        assert (self.reasoning, self.text, self.reason) == ("A tool helps.", "Let me see. ", "tool_calls")
        (call,) = self.calls.values()
        assert (call["name"], json.loads(call["arguments"])) == ("get_weather", {"city": "Zürich"})
        function = {"name": call["name"], "arguments": call["arguments"]}
        made = [{"id": call["id"], "type": "function", "function": function}]
        said = {"role": "assistant", "content": self.text, "reasoning_content": self.reasoning, "tool_calls": made}
        messages.append(said)  # DeepSeek's API refuses calls whose reasoning does not come back
        messages.append({"role": "tool", "tool_call_id": call["id"], "content": RESULT})

    def check_end(self) -> None:
        assert (self.reasoning, self.text, self.reason) == ("It said so.", "21 degrees and sunny ☀.", "stop")
        assert self.usage.total_tokens == self.usage.prompt_tokens + self.usage.completion_tokens


_STREAMED: Any = {"stream": True, "stream_options": {"include_usage": True}}


@on_each_flavor
def test_a_streamed_tool_loop(flavor: str) -> None:
    with _loop(flavor) as url, openai.OpenAI(base_url=url, api_key="key-of-a-test", max_retries=0) as client:
        messages: list[Any] = [{"role": "user", "content": QUESTION}]
        turns = [_Turn(), _Turn()]
        for turn in turns:
            for chunk in client.chat.completions.create(**_arguments(flavor, messages, **_STREAMED)):
                turn.add(chunk)
            if turn is turns[0]:
                turn.follow(messages)
        turns[1].check_end()


@on_each_flavor
def test_a_streamed_tool_loop_of_the_async_client(flavor: str) -> None:
    async def run(url: str) -> None:
        async with openai.AsyncOpenAI(base_url=url, api_key="key-of-a-test", max_retries=0) as client:
            messages: list[Any] = [{"role": "user", "content": QUESTION}]
            turns = [_Turn(), _Turn()]
            for turn in turns:
                stream: Any = await client.chat.completions.create(**_arguments(flavor, messages, **_STREAMED))
                async for chunk in stream:
                    turn.add(chunk)
                if turn is turns[0]:
                    turn.follow(messages)
            turns[1].check_end()

    with _loop(flavor) as url:
        asyncio.run(run(url))


@on_each_flavor
def test_a_plain_tool_loop(flavor: str) -> None:
    with _loop(flavor) as url, openai.OpenAI(base_url=url, api_key="key-of-a-test", max_retries=0) as client:
        messages: list[Any] = [{"role": "user", "content": QUESTION}]
        first = client.chat.completions.create(**_arguments(flavor, messages))
        message = first.choices[0].message
        assert _extra_reasoning(message) == "A tool helps."
        (call,) = message.tool_calls
        assert (call.function.name, json.loads(call.function.arguments)) == ("get_weather", {"city": "Zürich"})
        messages.append(message.model_dump(exclude_none=True))  # as it came, reasoning too
        messages.append({"role": "tool", "tool_call_id": call.id, "content": RESULT})
        last = client.chat.completions.create(**_arguments(flavor, messages))
    assert (last.choices[0].message.content, last.choices[0].finish_reason) == ("21 degrees and sunny ☀.", "stop")
    assert last.usage.total_tokens > 0


@on_each_flavor
def test_a_plain_answer_to_the_async_client_and_the_models(flavor: str) -> None:
    async def run(url: str) -> tuple[list[str], Any]:
        async with openai.AsyncOpenAI(base_url=url, api_key="key-of-a-test", max_retries=0) as client:
            listed = [model.id async for model in client.models.list()]
            return listed, await client.chat.completions.create(
                **_arguments(flavor, [{"role": "user", "content": "Hi"}])
            )

    with MockServer(MockProvider(script.text("Hello"), flavor=flavor)) as server:
        with openai.OpenAI(base_url=f"{server.url}/v1", api_key="key-of-a-test") as client:
            assert MODELS[flavor] in [model.id for model in client.models.list()]
        listed, answer = asyncio.run(run(f"{server.url}/v1"))
    assert MODELS[flavor] in listed
    assert answer.choices[0].message.content == "Hello"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (faults.rate_limited(), openai.RateLimitError),
        (faults.status(503), openai.InternalServerError),
        (faults.status(401), openai.AuthenticationError),
        (faults.reset(), openai.APIConnectionError),
    ],
    ids=repr,
)
@on_each_flavor
def test_refusals_are_of_its_own_classes(flavor: str, fault: Any, error: type[Exception]) -> None:
    with (
        MockServer(MockProvider(fault, flavor=flavor)) as server,
        openai.OpenAI(base_url=f"{server.url}/v1", api_key="key-of-a-test", max_retries=0) as client,
        pytest.raises(error),
    ):
        client.chat.completions.create(**_arguments(flavor, [{"role": "user", "content": "Hi"}]))
