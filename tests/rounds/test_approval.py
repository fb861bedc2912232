"""A call that must be approved does not run before somebody said yes, whichever client asks."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Generator
from typing import Any

import pytest

from deepseek_v4_sdk import ConfigurationError, DeepSeekV4, ToolCall
from deepseek_v4_sdk.testing import script
from tests.rounds.play import Kind, Play, each_flavor, each_kind, results

Pauses = Generator[float, None, object]


class Files:
    """Counts what was deleted."""

    def __init__(self) -> None:
        self.deleted: list[str] = []

    def delete(self, path: str) -> Pauses:
        """Deletes a file."""
        self.deleted.append(path)
        yield 0
        return "deleted"


def calls(*paths: object) -> Any:
    turns = [script.tool_call("delete", {"path": path}) for path in paths]
    return sum(turns[1:], turns[0])


def plain(call: ToolCall) -> object:
    """Says yes to one file."""
    path = call.parsed["path"]
    return True if path == "a" else "keep b" if path == "b" else None


async def awaited(call: ToolCall) -> object:
    """The same, and takes its time, as a person does."""
    await asyncio.sleep(0.001)
    return plain(call)


@each_flavor
@pytest.mark.parametrize(
    ("kind", "approve"), [("sync", plain), ("threads", plain), ("threads", awaited), ("awaited", awaited)]
)
def test_only_what_is_approved_runs(kind: Kind, approve: Any, flavor: str) -> None:
    files = Files()
    play = Play(kind, calls("a", "b", "c"), script.text("One of three."), flavor=flavor)
    run = play.run([play.tool(files.delete)], approve=approve)
    assert files.deleted == ["a"]
    assert results(run) == [
        "deleted",
        "error: this call was denied: keep b",
        "error: this call was denied",
    ]
    assert run.rounds[0].results[1].error == "this call was denied: keep b"
    play.goes_on()


@each_kind
def test_it_is_asked_in_order_and_about_calls_that_can_run_alone(kind: Kind) -> None:
    asked: list[object] = []

    def approve(call: ToolCall) -> bool:
        asked.append(json.loads(call.arguments)["path"])
        return True

    files = Files()
    play = Play(kind, calls("b", 3, "a") + script.tool_call("unknown", path="x"))
    play.run([play.tool(files.delete)], approve=approve)
    assert asked == ["b", "a"]
    assert sorted(files.deleted) == ["a", "b"]


def test_an_async_approval_in_the_blocking_client_is_refused_and_never_taken_for_a_yes() -> None:
    files = Files()
    play = Play("sync", calls("a"))
    with pytest.raises(ConfigurationError, match="approve is async: use AsyncDeepSeekV4"):
        play.run([play.tool(files.delete)], approve=awaited)
    assert play.mock.requests == []
    with pytest.raises(ConfigurationError, match="approve is async"):
        play.run([play.tool(files.delete)], approve=lambda call: awaited(call))
    assert files.deleted == []
    play.goes_on(play.messages)


@each_kind
def test_an_approval_that_fails_ends_the_loop_before_the_call(kind: Kind) -> None:
    def approve(call: ToolCall) -> bool:
        raise PermissionError(call.name)

    files = Files()
    play = Play(kind, calls("a"))
    with pytest.raises(PermissionError, match="delete"):
        play.run([play.tool(files.delete)], approve=approve)
    assert files.deleted == []
    play.goes_on()


def test_the_time_of_an_approval_counts() -> None:
    """What is approved after the deadline does not run any more."""
    files = Files()
    play = Play("sync", calls("a"))

    def approve(call: ToolCall) -> bool:
        del call
        time.sleep(0.15)
        return True

    run = play.run([play.tool(files.delete)], approve=approve, deadline=0.1)
    assert run.stopped == "deadline"
    assert files.deleted == []
    assert results(run) == ["error: this call was not run: the time for the whole task was over"]
    assert DeepSeekV4(play.mock).chat(run.messages).text == "And so on."
