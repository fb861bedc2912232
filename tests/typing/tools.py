"""A tool is typed as the function it was; both type checkers read this file, and its wrong lines must be errors."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, assert_type

from deepseek_v4_sdk import DeepSeekV4, JsonValue, ToolCall, ToolSpec, tool
from deepseek_v4_sdk.tools import Tool, as_spec, as_tool


@tool
def weather(city: str, *, days: int = 1) -> float:
    return float(len(city) + days)


@tool(name="fetch_page", strict=True)
async def fetch(url: str) -> bytes:
    return url.encode()


class Agent:
    @tool
    def search(self, query: str) -> list[str]:
        return [query]


def undecorated(city: str) -> str:
    return city


def right(client: DeepSeekV4, call: ToolCall) -> None:
    assert_type(weather("Paris", days=2), float)
    awaited: Coroutine[Any, Any, bytes] = fetch("http://localhost")
    awaited.close()
    agent = Agent()
    assert_type(agent.search("x"), list[str])
    assert_type(weather.check(call), dict[str, JsonValue])
    assert_type(weather.bind(call), dict[str, object])
    assert_type(as_spec(undecorated), ToolSpec)
    assert_type(as_tool(undecorated), Tool[..., object])
    client.chat("Hello", tools=[weather, fetch, agent.search, undecorated, as_spec({"name": "then"}), {"name": "now"}])


def wrong(client: DeepSeekV4) -> None:
    weather(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    weather("Paris", 2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Agent().search(query=1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    tool(strict="yes")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    client.chat("Hello", tools=[1])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
