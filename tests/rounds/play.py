"""Tool loops by both clients behind one face: the body of a test says once what holds for each of them."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Callable, Generator
from typing import Any, Literal, TypeAlias

import pytest

from deepseek_v4_sdk import AsyncDeepSeekV4, Conversation, DeepSeekV4, Round, ToolRun
from deepseek_v4_sdk.chat import ToolMessage
from deepseek_v4_sdk.testing import MockProvider, script

__all__ = ["FLAVORS", "KINDS", "MODELS", "Kind", "Play", "each_flavor", "each_kind", "results"]

Kind: TypeAlias = Literal["sync", "threads", "awaited"]
"""The blocking client; the async client with plain functions, on threads; the async client with async functions."""

KINDS: tuple[Kind, ...] = ("sync", "threads", "awaited")
FLAVORS = ("vllm", "sglang", "nim", "nvidia", "deepseek", "dynamo")
MODELS = {"nvidia": "pro", "deepseek": "pro"}

each_kind = pytest.mark.parametrize("kind", KINDS)
each_flavor = pytest.mark.parametrize("flavor", FLAVORS)


class Play:
    """A scripted server, and a client of one kind.

    Args:
        kind: Which client, and which form of functions.
        steps: What the model says; whatever is asked behind them is answered with "And so on."
        flavor: The server.
        arguments: Those of the client.
    """

    def __init__(self, kind: Kind, *steps: Any, flavor: str = "vllm", **arguments: Any) -> None:
        self.kind = kind
        self.mock = MockProvider(*steps, default=script.text("And so on."), flavor=flavor)
        self.arguments = {"model": MODELS.get(flavor), **arguments}
        self.seen: list[Round] = []
        self.messages: Conversation | None = None

    def tool(self, body: Callable[..., Generator[float, None, object]]) -> Callable[..., Any]:
        """A function of the kind; its body yields the seconds to wait."""
        if self.kind == "awaited":

            @functools.wraps(body)
            async def awaited(*args: Any, **named: Any) -> object:
                steps = body(*args, **named)
                while True:
                    try:
                        seconds = next(steps)
                    except StopIteration as end:
                        return end.value
                    await asyncio.sleep(seconds)

            return awaited

        @functools.wraps(body)
        def plain(*args: Any, **named: Any) -> object:
            steps = body(*args, **named)
            while True:
                try:
                    seconds = next(steps)
                except StopIteration as end:
                    return end.value
                time.sleep(seconds)

        return plain

    def run(self, tools: Any, messages: Any = "Go.", **options: Any) -> ToolRun:
        """Run the loop to its end, round by round."""
        self.seen, self.messages = [], None
        if self.kind == "sync":
            client = DeepSeekV4(self.mock, **self.arguments)
            with client.tool_rounds(messages, tools, **options) as rounds:
                self.messages = rounds.messages
                self.seen.extend(rounds)
                return rounds.run

        async def main() -> ToolRun:
            client = AsyncDeepSeekV4(self.mock, **self.arguments)
            async with client.tool_rounds(messages, tools, **options) as rounds:
                self.messages = rounds.messages
                async for each in rounds:
                    self.seen.append(each)  # those before an error count too
                return rounds.run

        return asyncio.run(main())

    def goes_on(self, messages: Conversation | None = None, *, problems: frozenset[str] = frozenset()) -> None:
        """The conversation is valid for this server, but for problems it can live with, and can be sent again."""
        talk = self.messages if messages is None else messages
        assert talk is not None
        with DeepSeekV4(self.mock, **self.arguments) as client:
            assert {problem.kind for problem in talk.validate(client)} == problems
            again = talk.copy()
            if not isinstance(again[-1], ToolMessage):
                again.user("Go on.")
            assert client.chat(again).text == "And so on."


def results(run: ToolRun | Play) -> list[str]:
    """What the model reads, call by call."""
    talk = run.messages
    assert talk is not None
    return [message.content for message in talk if isinstance(message, ToolMessage)]
