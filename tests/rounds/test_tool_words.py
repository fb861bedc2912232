"""What a tool may say of itself: that it failed and how, what only the program gets, and that it changes nothing."""

from __future__ import annotations

import asyncio
import copy
import pickle
from collections.abc import AsyncIterator, Generator
from types import SimpleNamespace
from typing import Any

import pytest

from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4, ToolCall, ToolError, ToolOutput, ToolRunning, tool
from deepseek_v4_sdk.testing import MockProvider, script
from deepseek_v4_sdk.tools import mcp_tools
from tests.rounds.play import Kind, Play, each_kind, results
from tests.rounds.watch import watched

Pauses = Generator[float, None, object]


def fails(how: str) -> Pauses:
    """Fails."""
    yield 0
    if how == "retry":
        raise ToolError("the shop is closed: try again")
    raise ToolError("the shop is gone.", retry=False)


@pytest.mark.parametrize("raises", [True, False])
@each_kind
def test_an_error_in_the_tools_own_words(kind: Kind, *, raises: bool) -> None:
    play = Play(kind, script.tool_call("fails", how="retry") + script.tool_call("fails", how="gone"))
    run = play.run([play.tool(fails)], raise_tool_errors=raises)
    assert results(run) == [
        "error: the shop is closed: try again",
        "error: the shop is gone. Do not repeat this call.",
    ]
    assert (run.rounds[0].results[0].error, run.stopped) == ("the shop is closed: try again", "answered")


def test_such_an_error_travels() -> None:
    error = pickle.loads(pickle.dumps(ToolError("gone", retry=False)))
    assert (str(error), error.text, error.retry) == ("gone", "gone", False)


class Chart:
    """Nothing that JSON could hold."""


@each_kind
def test_an_artifact_is_the_programs_alone(kind: Kind) -> None:
    chart = Chart()

    def draw(what: str) -> Pauses:
        """Draws."""
        yield 0
        return ToolOutput({"drawn": what}, artifact=chart)

    play = Play(kind, script.tool_call("draw", what="a cat"))
    run = play.run([play.tool(draw)])
    (result,) = run.rounds[0].results
    assert result.artifact is chart
    assert result.content == '{"drawn": "a cat"}'
    assert "Chart" not in run.messages.to_json()
    assert play.mock.requests[1].body["messages"][-1]["content"] == '{"drawn": "a cat"}'


def test_an_artifact_of_a_generator() -> None:
    async def draw() -> AsyncIterator[object]:
        """Draws."""
        yield ToolOutput("drawn", artifact=3)

    def paint() -> Generator[object, None, object]:
        """Paints."""
        yield "a stroke"
        return ToolOutput("painted", artifact=4)

    async def main() -> list[Any]:
        turn = script.tool_call("draw") + script.tool_call("paint")
        run = await AsyncDeepSeekV4(MockProvider(turn, script.text("Done."))).run_tools("Go.", [draw, paint])
        return [(result.content, result.artifact) for result in run.rounds[0].results]

    assert asyncio.run(main()) == [("drawn", 3), ("painted", 4)]


@tool(read_only=True)
def read(path: str) -> str:
    """Reads a file."""
    return f"text of {path}"


@tool
def write(path: str) -> str:
    """Writes a file."""
    return f"wrote {path}"


class Files:
    @tool(read_only=True)
    def find(self, name: str) -> str:
        """Finds a file."""
        return name


def test_approve_sees_which_tools_change_nothing() -> None:
    asked: list[tuple[str, bool]] = []

    def approve(call: ToolCall) -> bool:
        asked.append((call.name, call.read_only))
        assert call.parsed  # the call is whole in every other way
        return call.read_only

    turn = script.tool_call("read", path="a") + script.tool_call("write", path="a") + script.tool_call("find", name="a")
    play = Play("sync", turn)
    events = watched(play, [read, write, Files().find], approve=approve)
    assert asked == [("read", True), ("write", False), ("find", True)]
    assert [event.call.name for event in events if isinstance(event, ToolRunning)] == ["read", "find"]
    assert "read_only" not in str(play.mock.requests[1].body)


def test_the_mark_stays_with_the_tool() -> None:
    assert read.read_only
    assert copy.deepcopy(Files().find).read_only
    assert pickle.loads(pickle.dumps(read)).read_only
    assert not write.read_only


def test_mcp_says_the_same_in_its_own_words() -> None:
    def listed(name: str, **hints: object) -> SimpleNamespace:
        noted = SimpleNamespace(**hints) if hints else None
        return SimpleNamespace(name=name, description="x", inputSchema={"type": "object"}, annotations=noted)

    class Session:
        async def list_tools(self) -> SimpleNamespace:
            tools = [
                listed("a", readOnlyHint=True),
                listed("b", readOnlyHint=False),
                listed("c"),
                listed("d", title="x"),
            ]
            return SimpleNamespace(tools=tools, nextCursor=None)

        async def call_tool(self, name: str, arguments: object) -> object:
            raise AssertionError(name, arguments)

    made = asyncio.run(mcp_tools(Session()))
    assert [each.read_only for each in made] == [True, False, False, False]


def test_the_mark_is_not_in_what_a_reply_tells() -> None:
    reply = DeepSeekV4(MockProvider(script.tool_call("read", path="a"))).chat("Go.", tools=[read])
    (call,) = reply.to_dict()["tool_calls"]  # type: ignore[misc]
    assert set(call) == {"id", "name", "arguments"}  # type: ignore[arg-type]
