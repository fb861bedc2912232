"""Calls that were read out of a text: which of them run, which wait, and that they say where they are from."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Generator
from typing import Any, Literal

import pytest

from deepseek_v4_sdk import (
    AsyncDeepSeekV4,
    ConfigurationError,
    Conversation,
    DeepSeekV4,
    InvalidRequestError,
    ToolCall,
    ToolCallReady,
)
from deepseek_v4_sdk.chat import AssistantMessage
from deepseek_v4_sdk.testing import MockProvider, script
from tests.rounds.play import Kind, Play, each_kind, results

Pauses = Generator[float, None, object]
OWN, ASCII, DOUBLED = "｜DSML｜", "|DSML|", "｜｜DSML｜｜"
BARS = {OWN: "full-width", ASCII: "ascii", DOUBLED: "doubled"}


def markup(mark: str = OWN, *names: str, inner: str | None = None, value: str | None = None) -> str:
    """A block of calls; its inner tags may be written in another way, and so may those of values."""
    inner = inner or mark
    value = value or inner
    calls = "".join(
        f'<{inner}invoke name="{name}">\n'
        f'<{value}parameter name="path" string="true">{name}.txt</{value}parameter>\n</{inner}invoke>\n'
        for name in names or ("remove",)
    )
    return f"Look:\n\n<{mark}tool_calls>\n{calls}</{mark}tool_calls>"


class Disk:
    """Counts what was removed and read."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def remove(self, path: str) -> Pauses:
        """Removes a file."""
        self.done.append(f"removed {path}")
        yield 0
        return "removed"

    def read(self, path: str) -> Pauses:
        """Reads a file."""
        self.done.append(f"read {path}")
        yield 0
        return "read"


def play(kind: Kind, *steps: Any, **options: Any) -> tuple[Disk, Play, Any]:
    disk, game = Disk(), Play(kind, *steps)
    return disk, game, game.run([game.tool(disk.remove), game.tool(disk.read)], **options)


@each_kind
@pytest.mark.parametrize("how", ["auto", "run", "pending"])
@pytest.mark.parametrize("approved", [None, True, False])
@pytest.mark.parametrize("mark", BARS)
def test_who_decides_about_a_call_out_of_a_text(
    kind: Kind, how: Literal["auto", "run", "pending"], approved: bool | None, mark: str
) -> None:
    asked: list[tuple[bool, str | None]] = []

    def approve(call: ToolCall) -> bool:
        asked.append((call.recovered, call.bars))
        return bool(approved)

    more = {} if approved is None else {"approve": approve}
    disk, game, run = play(kind, script.text(markup(mark)), on_recovered=how, **more)
    waits = how == "pending" or (how == "auto" and approved is None and mark != OWN)
    assert disk.done == (["removed remove.txt"] if not waits and approved is not False else [])
    assert asked == ([] if waits or approved is None else [(True, BARS[mark])])
    assert [call.name for call in run.pending_calls] == (["remove"] if waits else [])
    assert run.stopped == ("pending" if waits else "answered")
    assert len(game.mock.requests) == (1 if waits else 2)  # nothing is asked again
    assert run.rounds[0].reply.text == "Look:"
    if waits:
        game.messages = run.messages.add_tool_result(run.pending_calls[0], "no")
    game.goes_on()


@each_kind
@pytest.mark.parametrize(
    "step",
    [
        script.text(markup(OWN)),
        script.text(markup(ASCII)),
        script.think("Hm. " + markup(OWN)),
        script.text(markup(OWN, "remove", "read")),
    ],
)
@pytest.mark.parametrize("form", ["option", "extra_body"])
@pytest.mark.parametrize("how", ["auto", "run"])
def test_switched_off_no_call_runs(kind: Kind, step: Any, form: str, how: str) -> None:
    off: dict[str, Any] = {"tool_choice": "none"} if form == "option" else {"extra_body": {"tool_choice": "none"}}

    def approve(call: ToolCall) -> bool:
        return bool(call.name)

    disk, game, run = play(kind, step, on_recovered=how, approve=approve, **off)
    assert disk.done == []
    assert (run.stopped, len(game.mock.requests)) == ("pending", 1)
    assert run.pending_calls == run.reply.tool_calls
    assert "DSML" not in run.text
    assert results(run) == []


@each_kind
def test_switched_off_a_call_of_the_servers_does_not_run_either(kind: Kind) -> None:
    """From a server that calls all the same. What it sent is not even refused, as nothing of it will run."""
    calls = [
        {"index": 0, "id": "a", "type": "function", "function": {"name": "read", "arguments": '{"path": 7}'}},
        {"index": 1, "id": "b", "type": "function", "function": {"name": "unknown", "arguments": "{}"}},
    ]
    choice = {"index": 0, "delta": {"tool_calls": calls}, "finish_reason": "tool_calls"}
    event = json.dumps({"id": "1", "model": "m", "choices": [choice]})
    step = script.raw(f"data: {event}\n\ndata: [DONE]\n\n".encode(), content_type="text/event-stream")
    disk, game, run = play(kind, step, tool_choice="none")
    assert disk.done == []
    assert (run.stopped, len(game.mock.requests)) == ("pending", 1)
    assert [(call.name, call.recovered) for call in run.pending_calls] == [("read", False), ("unknown", False)]


@each_kind
def test_the_others_of_a_turn_run_and_what_waits_is_left(kind: Kind) -> None:
    turn = script.text(markup(OWN, "read") + "\n\n" + markup(ASCII, "remove"))
    disk, game, run = play(kind, turn)
    assert disk.done == ["read read.txt"]
    assert [result.call.name for result in run.rounds[0].results] == ["read"]
    assert [(call.name, call.bars) for call in run.pending_calls] == [("remove", "ascii")]
    assert (run.stopped, len(game.mock.requests)) == ("pending", 1)


@pytest.mark.parametrize(
    ("text", "bars"),
    [
        (markup(OWN, inner=ASCII), ["ascii"]),
        (markup(ASCII, inner=OWN), ["ascii"]),
        (markup(OWN, value=ASCII), ["ascii"]),
        (markup(OWN, value=DOUBLED), ["doubled"]),
        (markup(DOUBLED, value=ASCII), ["ascii"]),
        (markup(OWN, "remove", "read", inner=DOUBLED), ["doubled", "doubled"]),
        (markup("｜DSML｜ "), ["full-width"]),
        ('<｜DSML｜invoke name="read">{"path": "a|b"}</|DSML|invoke>', ["ascii"]),
        ('<｜DSML｜invoke name="read">{"path": "a|DSML|b"}</｜DSML｜invoke>', ["full-width"]),
    ],
)
@pytest.mark.parametrize("wire", ["stream", "plain"])
def test_one_odd_tag_is_enough(text: str, bars: list[str], wire: Literal["stream", "plain"]) -> None:
    """No server's parser reads such a call to its end."""
    tools = [{"name": "remove"}, {"name": "read"}]
    reply = DeepSeekV4(MockProvider(script.text(text))).chat("Go.", tools=tools, wire=wire)
    assert [call.bars for call in reply.tool_calls] == bars
    with DeepSeekV4(MockProvider(script.text(text))).stream("Go.", tools=tools) as stream:
        assert [event.call.bars for event in stream if isinstance(event, ToolCallReady)] == bars


def test_out_of_reasoning_too() -> None:
    reply = DeepSeekV4(MockProvider(script.think("Hm.\n\n" + markup(ASCII)))).chat("Go.", tools=[{"name": "remove"}])
    assert [(call.recovered, call.bars) for call in reply.tool_calls] == [(True, "ascii")]


def test_a_call_of_the_servers_says_nothing_of_the_kind() -> None:
    mock = MockProvider(script.tool_call("remove", path="a"))
    (call,) = DeepSeekV4(mock).chat("Go.", tools=[{"name": "remove"}]).tool_calls
    assert (call.recovered, call.bars) == (False, None)


@pytest.mark.parametrize("flavor", ["vllm", "sglang", "nim", "deepseek"])
@pytest.mark.parametrize("mark", BARS)
def test_it_is_kept_in_a_file_and_never_sent(flavor: str, mark: str) -> None:
    model = "pro" if flavor == "deepseek" else None
    mock = MockProvider(script.text(markup(mark)), script.text("Fine."), flavor=flavor)
    client = DeepSeekV4(mock, model=model)
    tools = [{"name": "remove"}]
    reply = client.chat("Go.", tools=tools)
    talk = Conversation("Go.").add(reply).add_tool_result(reply.tool_calls[0], "done")
    kept = Conversation.from_json(talk.to_json())
    assert kept == talk
    assert kept.to_json() == talk.to_json()
    turn = kept[1]
    assert isinstance(turn, AssistantMessage)
    assert [call.bars for call in turn.tool_calls] == [BARS[mark]]
    kept.repair()
    assert kept.to_json() == talk.to_json()
    client.chat(kept, tools=tools)
    sent = str(mock.requests[1].body)
    assert "bars" not in sent
    assert BARS[mark] not in sent
    assert reply.to_dict()["tool_calls"] == (
        {"id": reply.tool_calls[0].id, "name": "remove", "arguments": '{"path": "remove.txt"}', "bars": BARS[mark]},
    )


def test_other_bars_in_a_file_are_refused() -> None:
    call = {"id": "a", "function": {"name": "f", "arguments": "{}"}, "bars": "round"}
    with pytest.raises(InvalidRequestError, match=r"messages\[0\]\.tool_calls\[0\]\.bars is 'round'"):
        Conversation([{"role": "assistant", "tool_calls": [call]}])


@pytest.mark.parametrize("how", ["never", True, None])
def test_an_unknown_word_is_refused(how: Any) -> None:
    with pytest.raises(ConfigurationError, match="on_recovered is"):
        DeepSeekV4("mock").run_tools("Go.", [Disk().read], on_recovered=how)


def test_an_async_approval_sees_it() -> None:
    seen: list[bool] = []

    async def approve(call: ToolCall) -> str:
        await asyncio.sleep(0)
        seen.append(call.recovered)
        return "not that"

    async def remove(path: str) -> str:
        """Removes a file."""
        raise AssertionError(path)

    async def main() -> None:
        client = AsyncDeepSeekV4(MockProvider(script.text(markup(ASCII)), script.text("I see.")))
        run = await client.run_tools("Go.", [remove], approve=approve)
        assert run.rounds[0].results[0].error == "this call was denied: not that"

    asyncio.run(main())
    assert seen == [True]
