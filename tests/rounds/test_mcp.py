"""Tools of an MCP server, by the shapes of both generations of its package; none of them is installed here."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from deepseek_v4_sdk import AsyncDeepSeekV4, ConfigurationError, DeepSeekV4, InvalidRequestError, ToolRun
from deepseek_v4_sdk.testing import MockProvider, script
from deepseek_v4_sdk.tools import mcp_tools

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def text(words: str) -> Any:
    return SimpleNamespace(type="text", text=words)


class Session:
    """A session of the first generation (camel case) or the second (snake case), with two pages of tools."""

    def __init__(self, generation: int, answer: Any = None) -> None:
        self.generation = generation
        self.answer = answer
        self.called: list[tuple[str, dict[str, object]]] = []
        self.listed: list[object] = []

    def _object(self, **fields: object) -> Any:
        snake = {"inputSchema": "input_schema", "nextCursor": "next_cursor", "isError": "is_error"}
        snake["structuredContent"] = "structured_content"
        return SimpleNamespace(**{snake.get(k, k) if self.generation == 2 else k: v for k, v in fields.items()})

    async def list_tools(self, cursor: object = None) -> Any:
        self.listed.append(cursor)
        if cursor is None:
            late = self._object(name="z/late.one", description="Late.", inputSchema={})
            return self._object(tools=[late], nextCursor="2")
        weather = self._object(name="weather", title="W", description="The weather.", inputSchema=SCHEMA)
        return self._object(tools=[weather], nextCursor=None)

    async def call_tool(self, name: str, arguments: dict[str, object]) -> Any:
        await asyncio.sleep(0)
        self.called.append((name, arguments))
        fields = self.answer or {"content": [text(f"Sunny in {arguments.get('city')}.")]}
        return self._object(**{"isError": False, "structuredContent": None, **fields})


def run(session: Session, *steps: Any, prefix: str = "", **options: Any) -> tuple[MockProvider, ToolRun]:
    mock = MockProvider(*steps, script.text("Done."))

    async def main() -> ToolRun:
        async with AsyncDeepSeekV4(mock) as client:
            return await client.run_tools("Go.", await mcp_tools(session, prefix=prefix), **options)

    return mock, asyncio.run(main())


def result(done: ToolRun) -> str:
    return done.rounds[0].results[0].content


@pytest.mark.parametrize("generation", [1, 2])
def test_a_loop_with_the_tools_of_a_server(generation: int) -> None:
    session = Session(generation)
    mock, done = run(session, script.tool_call("weather", city="Paris"), script.tool_call("z_late_one"))
    assert [offered["function"]["name"] for offered in mock.requests[0].body["tools"]] == ["weather", "z_late_one"]
    assert mock.requests[0].body["tools"][0]["function"]["parameters"] == SCHEMA
    assert session.listed == [None, "2"]  # once, page by page
    assert session.called == [("weather", {"city": "Paris"}), ("z/late.one", {})]  # by the server's own names
    assert result(done) == "Sunny in Paris."
    assert done.stopped == "answered"


@pytest.mark.parametrize("generation", [1, 2])
def test_what_a_server_reports_as_an_error_is_told_to_the_model(generation: int) -> None:
    session = Session(generation, {"content": [text("no such city")], "isError": True})
    step = script.tool_call("weather", city="Atlantis")
    _, done = run(session, step)
    assert result(done) == "error: RuntimeError: no such city"
    assert done.rounds[0].results[0].error == "RuntimeError: no such city"
    with pytest.raises(RuntimeError, match="no such city"):
        run(session, step, raise_tool_errors=True)


def test_arguments_are_checked_before_the_server_is_asked() -> None:
    session = Session(1)
    _, done = run(session, script.tool_call("weather", {"city": 3}))
    assert session.called == []
    assert "city" in result(done)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"content": [text("one"), text("two")]}, "one\ntwo"),
        ({"content": [text('{\n "a": 1\n}')], "structuredContent": {"a": 1}}, '{\n "a": 1\n}'),
        ({"content": [], "structuredContent": {"a": "é"}}, '{"a": "é"}'),
        ({"content": []}, ""),
        (
            {"content": [SimpleNamespace(type="image", data="AAAA", mimeType="image/png")]},
            "[image/png, 3 bytes, not shown]",
        ),
        ({"content": [{"type": "resource_link", "uri": "file:///a.txt", "name": "a"}]}, "[link: file:///a.txt]"),
        ({"content": [{"type": "resource", "resource": {"uri": "file:///a", "text": "inside"}}]}, "inside"),
        (
            {"content": [{"type": "resource", "resource": {"uri": "file:///a", "blob": "AAAA"}}]},
            "[resource, 3 bytes, not shown]",
        ),
    ],
    ids=["texts", "both", "structured", "nothing", "image", "link", "text file", "file"],
)
def test_what_the_model_reads_of_a_result(answer: dict[str, object], told: str) -> None:
    assert result(run(Session(1, answer), script.tool_call("weather", city="Paris"))[1]) == told


def test_two_servers_are_told_apart_by_a_prefix() -> None:
    async def both() -> None:
        one, two = Session(1), Session(2)
        client = AsyncDeepSeekV4(MockProvider(script.tool_call("b_weather", city="Paris"), script.text("Done.")))
        with pytest.raises(InvalidRequestError, match="are both named 'weather'"):
            await client.run_tools("Go.", [*await mcp_tools(one), *await mcp_tools(two)])
        tools = [*await mcp_tools(one, prefix="a_"), *await mcp_tools(two, prefix="b_")]
        await client.run_tools("Go.", tools)
        assert (one.called, two.called) == ([], [("weather", {"city": "Paris"})])

    asyncio.run(both())


def test_they_need_the_async_client() -> None:
    tools = asyncio.run(mcp_tools(Session(1)))
    with pytest.raises(ConfigurationError, match="the tool 'weather' is async: use AsyncDeepSeekV4"):
        DeepSeekV4(MockProvider()).run_tools("Go.", tools)


def test_a_listed_tool_alone_waits_for_you() -> None:
    """Who has their own way to call an MCP server offers what it lists."""
    listed = {"name": "weather", "description": "The weather.", "inputSchema": SCHEMA}
    done = DeepSeekV4(MockProvider(script.tool_call("weather", city="Paris"))).run_tools("Go.", [listed])
    assert done.stopped == "pending"
    assert done.pending_calls[0].parsed == {"city": "Paris"}
