"""LangChain and pydantic-ai against every flavor on a socket: a streamed tool loop, and what becomes of the thinking.

They are imported in the tests, for that takes longer than the tests themselves.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import openai
import pytest

from deepseek_v4_sdk.testing import MockProvider, MockRequest, script
from deepseek_v4_sdk.testing.server import MockServer
from tests.testing.places import FLAVORS, MODELS, TOOL

if TYPE_CHECKING:
    from collections.abc import Iterator

QUESTION = "What is the weather in Zürich?"
RESULT = "21 degrees, 晴れ"
REASONING_FIELDS = {"reasoning", "reasoning_content"}


@pytest.fixture(autouse=True)
def nothing_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both would report to services of their makers, if they were told to."""
    for variable in ("LANGSMITH_TRACING", "LANGCHAIN_TRACING_V2"):
        monkeypatch.setenv(variable, "false")
    monkeypatch.delenv("LOGFIRE_TOKEN", raising=False)


@contextmanager
def _loop(flavor: str) -> Iterator[tuple[str, MockProvider]]:
    """A server that thinks, calls the tool, and answers when it has the result."""
    ask = script.think("A tool helps.") + script.text("Let me see. ") + script.tool_call("get_weather", city="Zürich")
    tell = script.think("It said so.") + script.text("21 degrees and sunny ☀.")
    mock = MockProvider(script.reply_to(QUESTION, ask), script.reply_to(_has_the_result, tell), flavor=flavor)
    with MockServer(mock) as server:
        yield f"{server.url}/v1", mock


def _has_the_result(request: MockRequest) -> bool:
    *_, called, result = request.messages
    calls: Any = called["tool_calls"]
    return result["content"] == RESULT and [result["tool_call_id"]] == [call["id"] for call in calls]


def _extra(flavor: str) -> dict[str, object]:
    """The switch of thinking, which has another place on DeepSeek's own API."""
    return {"thinking": {"type": "enabled"}} if flavor == "deepseek" else {"chat_template_kwargs": {"thinking": True}}


def _sent_back(request: MockRequest) -> dict[str, object]:
    """The thinking that a client has sent back with the turn of the call."""
    turn = request.messages[-2]
    return {name: turn[name] for name in REASONING_FIELDS & turn.keys()}


@pytest.mark.parametrize("flavor", FLAVORS)
def test_pydantic_ai_carries_the_thinking_back(flavor: str) -> None:
    """It takes the thinking from the field that it came in, and sends it back in the same."""
    from pydantic_ai import Agent, PartDeltaEvent, TextPartDelta, ThinkingPart
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    pieces: list[str] = []

    async def listen(_: object, events: Any) -> None:
        deltas = [event.delta async for event in events if isinstance(event, PartDeltaEvent)]
        pieces.extend(delta.content_delta for delta in deltas if isinstance(delta, TextPartDelta))

    async def get_weather(city: str) -> str:
        assert city == "Zürich"
        return RESULT

    async def play(url: str) -> Any:
        async with openai.AsyncOpenAI(base_url=url, api_key="key-of-a-test", max_retries=0) as client:
            model = OpenAIChatModel(MODELS[flavor], provider=OpenAIProvider(openai_client=client))
            agent = Agent(model, tools=[get_weather], model_settings={"extra_body": _extra(flavor)})
            return await agent.run(QUESTION, event_stream_handler=listen)

    with _loop(flavor) as (url, mock):
        run = asyncio.run(play(url))
    assert run.output == "21 degrees and sunny ☀."
    assert len(pieces) > 2  # it was streamed
    thoughts = [part for message in run.all_messages() for part in message.parts if isinstance(part, ThinkingPart)]
    assert [thought.content for thought in thoughts] == ["A tool helps.", "It said so."]
    field = "reasoning" if flavor == "vllm" else "reasoning_content"
    assert _sent_back(mock.requests[1]) == {field: "A tool helps."}
    assert [request.streamed for request in mock.requests] == [True, True]
    assert run.usage.requests == 2
    assert 0 < run.usage.output_reasoning_tokens < run.usage.output_tokens


def _turn(model: Any, messages: list[Any]) -> Any:
    """A streamed turn of LangChain, put together as its documentation does it."""
    first, *others = model.stream(messages)
    return sum(others, start=first)


def _chat_model(flavor: str, url: str) -> Any:
    from langchain_openai import ChatOpenAI
    from pydantic import SecretStr

    return ChatOpenAI(
        base_url=url,
        api_key=SecretStr("key-of-a-test"),
        model=MODELS[flavor],
        max_retries=0,
        stream_usage=True,
        extra_body=_extra(flavor),
    ).bind_tools([TOOL])


@pytest.mark.parametrize("flavor", FLAVORS)
def test_langchain_loses_the_thinking(flavor: str) -> None:
    """`ChatOpenAI` neither shows it nor sends it back. Most servers take that; DeepSeek's API refuses what follows."""
    from langchain_core.messages import HumanMessage, ToolMessage

    with _loop(flavor) as (url, mock):
        model = _chat_model(flavor, url)
        messages: list[Any] = [HumanMessage(QUESTION)]
        called = _turn(model, messages)
        assert "A tool helps." not in called.model_dump_json()
        assert (called.content, called.response_metadata["finish_reason"]) == ("Let me see. ", "tool_calls")
        (call,) = called.tool_calls
        assert (call["name"], call["args"]) == ("get_weather", {"city": "Zürich"})
        assert called.usage_metadata["output_token_details"]["reasoning"] > 0  # all that is left of it
        messages += [called, ToolMessage(RESULT, tool_call_id=call["id"])]
        if flavor == "deepseek":
            with pytest.raises(openai.BadRequestError, match="must be passed back to the API"):
                _turn(model, messages)
        else:
            told = _turn(model, messages)
            assert (told.content, told.response_metadata["finish_reason"]) == ("21 degrees and sunny ☀.", "stop")
            mock.check_used()
    assert _sent_back(mock.requests[1]) == {}
