"""Small programs that are recorded and replayed, each the same for both clients."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4, DeepSeekV4Error, Reply, TextDelta
from deepseek_v4_sdk.testing import MockProvider, script

if TYPE_CHECKING:
    from pathlib import Path

    from tests.testing.places import Mode

__all__ = ["KEY", "ask", "ask_all", "gist", "leave", "lines", "tool_loop", "tool_script"]

KEY = "key-of-a-test-4711"


def get_weather(city: str) -> str:
    """The weather of a city."""
    return f"21 degrees in {city}, 晴れ"


def tool_script(**arguments: Any) -> MockProvider:
    """A mock that calls a tool twice at once, and answers when it has the results."""
    calls = script.tool_call("get_weather", city="Zürich") + script.tool_call("get_weather", city="Oslo")
    return MockProvider(
        script.think("A tool helps. 🤔") + script.text("Let me see. ") + calls,
        script.reply_to(lambda request: request.messages[-1]["role"] == "tool", script.text("Sunny ☀ in both.")),
        **arguments,
    )


def tool_loop(provider: Any, mode: Mode, **arguments: Any) -> list[Reply]:
    """The replies of a tool loop of two rounds."""
    question = "What is the weather in Zürich and in Oslo?"
    if mode == "sync":
        with DeepSeekV4(provider, **arguments) as client:
            run = client.run_tools(question, [get_weather])
    else:

        async def play() -> Any:
            async with AsyncDeepSeekV4(provider, **arguments) as client:
                return await client.run_tools(question, [get_weather])

        run = asyncio.run(play())
    assert run.reply.text == "Sunny ☀ in both."
    return [turn.reply for turn in run.rounds]


def ask(provider: Any, mode: Mode, text: str = "Hi", options: Any = None, **arguments: Any) -> Reply | DeepSeekV4Error:
    """The answer to one question, or its error."""
    return ask_all(provider, mode, text, options=options, **arguments)[0]


def ask_all(
    provider: Any, mode: Mode, *texts: str, options: Any = None, **arguments: Any
) -> list[Reply | DeepSeekV4Error]:
    """The answers to several questions, one after the other, or their errors."""
    given = {"model": "deepseek-ai/DeepSeek-V4-Pro", **arguments}
    answers: list[Reply | DeepSeekV4Error] = []
    if mode == "sync":
        with DeepSeekV4(provider, **given) as client:
            for text in texts:
                try:
                    answers.append(client.chat(text, **(options or {})))
                except DeepSeekV4Error as error:
                    answers.append(error)
        return answers

    async def play() -> None:
        async with AsyncDeepSeekV4(provider, **given) as client:
            for text in texts:
                try:
                    answers.append(await client.chat(text, **(options or {})))
                except DeepSeekV4Error as error:
                    answers.append(error)

    asyncio.run(play())
    return answers


def leave(provider: Any, mode: Mode, after: int, **arguments: Any) -> str:
    """Leave a stream after so many pieces of text; what had come by then."""
    given = {"model": "deepseek-ai/DeepSeek-V4-Pro", **arguments}
    said: list[str] = []
    if mode == "sync":
        with DeepSeekV4(provider, **given) as client, client.stream("Hi") as stream:
            for event in stream:
                if isinstance(event, TextDelta):
                    said.append(event.text)
                if len(said) == after:
                    break
        return "".join(said)

    async def play() -> None:
        async with AsyncDeepSeekV4(provider, **given) as client, client.stream("Hi") as stream:
            async for event in stream:
                if isinstance(event, TextDelta):
                    said.append(event.text)
                if len(said) == after:
                    break

    asyncio.run(play())
    return "".join(said)


def gist(answer: Reply | DeepSeekV4Error) -> object:
    """What a program sees of an answer or an error, without times and ids of its own requests."""
    if isinstance(answer, DeepSeekV4Error):
        partial = None if answer.partial is None else gist(answer.partial)
        attempts = [(attempt.status, attempt.error) for attempt in answer.attempts]
        return type(answer), getattr(answer, "status_code", None), attempts, partial
    calls = [(call.id, call.name, call.arguments) for call in answer.tool_calls]
    attempts = [(attempt.status, attempt.error) for attempt in answer.attempts]
    return answer.reasoning, answer.text, calls, answer.finish_reason, answer.usage, answer.id, attempts


def lines(path: Path) -> list[dict[str, Any]]:
    """The lines of a cassette, decoded with Python's own reader."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
