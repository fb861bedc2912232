"""Ids of calls that repeat, in one answer or over the turns: told apart everywhere, and in the same way each time."""

from __future__ import annotations

from typing import Any

import pytest

from deepseek_v4_sdk import Conversation, DeepSeekV4, Repaired, ToolCallReady, ToolCallStarted
from deepseek_v4_sdk.chat import AssistantMessage, CallIds, ToolCall, ToolMessage, write_json
from deepseek_v4_sdk.errors import InvalidRequestError
from deepseek_v4_sdk.testing import MockProvider, script
from tests.support.modes import connect, in_both_modes
from tests.support.replay import Mode, answer, ask
from tests.support.wire import DONE, call, finish

TOOLS = [{"name": name, "parameters": {"type": "object", "properties": {}}} for name in ("read", "write")]
FLAVORS = pytest.mark.parametrize("flavor", ["vllm", "sglang", "deepseek", "nvidia"])


def read(line: int) -> str:
    """Read a line."""
    return f"line {line}"


def entry(call_id: str, line: int, index: int, name: str = "read") -> dict[str, Any]:
    function = {"name": name, "arguments": f'{{"line": {line}}}'}
    return {"id": call_id, "index": index, "type": "function", "function": function}


def says(*calls: dict[str, Any], wire: str) -> Any:
    """An answer that calls, as a server of these ids sends it."""
    if wire == "plain":
        message = {"role": "assistant", "content": None, "tool_calls": [*calls]}
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
        return script.raw(write_json({"id": "r", "model": "m", "choices": [choice]}), content_type="application/json")
    deltas: list[dict[str, Any]] = [{"delta": {"tool_calls": [each]}} for each in calls]
    deltas.append({"delta": {}, "finish_reason": "tool_calls"})
    events = [write_json({"id": "r", "model": "m", "choices": [{"index": 0, **each}]}) for each in deltas]
    return script.raw(b"".join(b"data: " + event + b"\n\n" for event in events) + b"data: [DONE]\n\n")


def on_the_wire(mock: MockProvider) -> list[str]:
    """The ids of the last request, of calls and of results, as they come."""
    ids: list[str] = []
    for message in mock.requests[-1].body["messages"]:
        ids += [each["id"] for each in message.get("tool_calls", ())]
        ids += [message["tool_call_id"]] if message["role"] == "tool" else []
    return ids


@in_both_modes
@FLAVORS
@pytest.mark.parametrize("wire", ["stream", "plain"])
def test_a_server_that_counts_from_zero_in_every_turn(flavor: str, wire: str, mode: Mode) -> None:
    turns = [says(entry("call_0", turn, 0), wire=wire) for turn in range(3)]
    mock = MockProvider(*turns, script.text("Done."), flavor=flavor)
    run = connect(mode, mock, model="pro").run_tools("Go.", [read], wire=wire)
    assert run.reply.text == "Done."
    ids = [each.id for round_ in run.rounds for each in round_.reply.tool_calls]
    assert ids == ["call_0", "call_0_2", "call_0_3"]
    assert [result.call.id for round_ in run.rounds for result in round_.results] == ids
    talk = [each.id for message in run.messages if isinstance(message, AssistantMessage) for each in message.tool_calls]
    assert talk == ids
    assert [message.tool_call_id for message in run.messages if isinstance(message, ToolMessage)] == ids
    assert [message.content for message in run.messages if isinstance(message, ToolMessage)] == [
        "line 0",
        "line 1",
        "line 2",
    ]
    sent = [each.rpartition("call_00_")[2] for each in on_the_wire(mock)]
    assert sent == ["call_0", "call_0", "call_0_2", "call_0_2", "call_0_3", "call_0_3"]
    [repair] = [each for each in run.rounds[1].reply.repairs if each.kind == "renamed_call"]
    assert repair.detail == "the id 'call_0' of a call is that of an earlier one: it became 'call_0_2'"


@in_both_modes
@pytest.mark.parametrize("wire", ["stream", "plain"])
def test_an_id_that_comes_twice_in_one_answer(wire: str, mode: Mode) -> None:
    twice = says(entry("x", 1, 0), entry("x", 2, 1), entry("x", 3, 2), wire=wire)
    mock = MockProvider(twice, script.text("Done."))
    run = connect(mode, mock).run_tools("Go.", [read], wire=wire)
    assert [(each.id, each.parsed) for each in run.rounds[0].reply.tool_calls] == [
        ("x", {"line": 1}),
        ("x_2", {"line": 2}),
        ("x_3", {"line": 3}),
    ]
    assert [(each.call.id, each.content) for each in run.rounds[0].results] == [
        ("x", "line 1"),
        ("x_2", "line 2"),
        ("x_3", "line 3"),
    ]
    assert on_the_wire(mock) == ["x", "x_2", "x_3"] * 2


STREAMS = {
    "no index": [call(None, "x", "read", '{"line": 1}'), call(None, "x", "read", '{"line": 2}')],
    "one index": [call(0, "x", "read", '{"line": 1}'), call(0, "x", "read", '{"line": 2}')],
    "an index of its own": [call(0, "x", "read", '{"line": 1}'), call(1, "x", "read", '{"line": 2}')],
    "in pieces": [
        call(0, "x", "read", ""),
        call(0, arguments='{"line": 1}'),
        call(1, "x", "read", ""),
        call(1, arguments='{"line": 2}'),
    ],
    "name and id on each piece": [
        call(None, "x", "read", '{"line"'),
        call(None, "x", "read", ": 1}"),
        call(None, "x", "read", '{"line"'),
        call(None, "x", "read", ": 2}"),
    ],
}


@in_both_modes
@pytest.mark.parametrize("form", STREAMS)
def test_however_the_pieces_say_which_call_they_belong_to(form: str, mode: Mode) -> None:
    outcome = ask(answer(*STREAMS[form], finish("tool_calls"), DONE), mode=mode)
    assert [(each.id, each.parsed) for each in outcome.answered.tool_calls] == [
        ("x", {"line": 1}),
        ("x_2", {"line": 2}),
    ]
    assert [event.id for event in outcome.events if isinstance(event, ToolCallStarted)] == ["x", "x_2"]
    ready = [event.call for event in outcome.events if isinstance(event, ToolCallReady)]
    assert tuple(ready) == outcome.answered.tool_calls
    assert [event.repair.kind for event in outcome.events if isinstance(event, Repaired)] == ["renamed_call"]


def test_one_id_for_two_tools() -> None:
    pieces = [call(None, "x", "read", '{"line": 1}'), call(None, "x", "write", '{"line": 2}')]
    outcome = ask(answer(*pieces, finish("tool_calls"), DONE))
    assert [(each.id, each.name) for each in outcome.answered.tool_calls] == [("x", "read"), ("x_2", "write")]


def talk_of(*ids: str) -> Conversation:
    """A conversation that another program kept: in each turn one call of that id."""
    talk = Conversation().user("Go.")
    for call_id in ids:
        talk.add(AssistantMessage(None, "Hm.", (ToolCall(call_id, "read", "{}"),)))
        talk.add_tool_result(call_id, f"result of {call_id}")
    return talk


@in_both_modes
@FLAVORS
def test_a_conversation_that_has_them_already(flavor: str, mode: Mode) -> None:
    mock = MockProvider(default=script.text("Yes."), flavor=flavor)
    client = connect(mode, mock, model="pro")
    before: list[str] = []
    ids: tuple[str, ...] = ()
    for call_id in ("a", "a", "b", "a_2", "a", "a_2"):
        ids += (call_id,)
        talk = talk_of(*ids)
        assert {problem.fatal for problem in talk.validate()} <= {False}
        client.chat(talk, tools=TOOLS)
        sent = on_the_wire(mock)
        assert sent[: len(before)] == before  # what was sent goes out as it was
        assert [each.rpartition("call_00_")[2] for each in sent[::2]] == ["a", "a_2", "b", "a_2_2", "a_3", "a_2_3"][
            : len(ids)
        ]
        assert sent[::2] == sent[1::2]
        before = sent
    assert client.chat([*talk], tools=TOOLS).text == "Yes."
    assert [problem.kind for problem in talk.validate()] == ["duplicate_id"] * 3


def test_a_new_call_gets_an_id_that_is_free_on_the_wire_too() -> None:
    mock = MockProvider(says(entry("a", 1, 0), wire="stream"), script.text("Yes."))
    run = DeepSeekV4(mock).run_tools(talk_of("a", "a"), [read])
    assert [each.id for each in run.rounds[0].reply.tool_calls] == ["a_3"]
    assert on_the_wire(mock) == ["a", "a", "a_2", "a_2", "a_3", "a_3"]


def test_an_id_twice_in_a_turn_of_the_callers_is_still_refused() -> None:
    calls = (ToolCall("a", "read", "{}"), ToolCall("a", "read", "{}"))
    talk = Conversation().user("Go.").add(AssistantMessage(None, None, calls))
    talk.add_tool_result("a", "1").add_tool_result("a", "2")
    with pytest.raises(InvalidRequestError, match="ids must differ"):
        DeepSeekV4("mock").chat(talk)
    talk.repair()
    assert DeepSeekV4("mock").chat(talk).text


def test_many_calls_with_one_id_take_linear_time() -> None:
    ids = CallIds()
    made = [ids.own("x") for _ in range(50_000)]
    assert made[-1] == "x_50000"
    assert len(set(made)) == len(made)


def test_mocks_without_a_script_do_not_repeat_ids_and_scripted_ones_do_not_change() -> None:
    def ids(**arguments: Any) -> set[str]:
        made: set[str] = set()
        for flavor in ("vllm", "sglang", "nvidia", "deepseek", "dynamo"):
            mock = MockProvider(**arguments, flavor=flavor)
            reply = DeepSeekV4(mock, model="pro").chat("Go.", tools=TOOLS, thinking="off", tool_choice="read")
            made |= {each.id for each in reply.tool_calls}
        return made

    assert len(ids()) == 5
    assert not ids() & ids()
    default = script.tool_call("read")
    assert ids(default=default) == ids(default=default)
