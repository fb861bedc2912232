"""Reasoning goes back: remembered for the caller that got it, or sealed in what the client keeps."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from deepseek_v4_sdk import AssistantMessage, ConfigurationError, ToolCall, UserMessage
from deepseek_v4_sdk.gateway import Gateway, ReasoningMemory, kept_key
from deepseek_v4_sdk.gateway.callers import Caller
from deepseek_v4_sdk.gateway.seal import Seal
from deepseek_v4_sdk.testing import script
from tests.gateway.serving import ASK, FLAVORS, PATHS, SCHEMA, TOOL, client_of, inside, question, sent

pytestmark = pytest.mark.anyio
ANNE, BERT = Caller("anne"), Caller("bert")
CALL = ToolCall("call_1", "look", '{"a": 1, "b": 2}')
TURN = AssistantMessage("Let me see.", "Secret of Anne.", (CALL,))
BEFORE = [UserMessage("Hello")]


def dropped(turn: AssistantMessage) -> AssistantMessage:
    return AssistantMessage(turn.content, None, turn.tool_calls)


def found(memory: ReasoningMemory, caller: Caller, turn: AssistantMessage = TURN) -> str | None:
    *_, last = memory.restore(caller, [*BEFORE, dropped(turn)]).messages
    assert isinstance(last, AssistantMessage)
    return last.reasoning


def test_two_callers_with_equal_ids_and_texts() -> None:
    memory = ReasoningMemory()
    memory.remember(ANNE, BEFORE, TURN)
    assert found(memory, ANNE) == "Secret of Anne."
    assert found(memory, BERT) is None
    memory.remember(BERT, BEFORE, AssistantMessage("Let me see.", "Secret of Bert.", (CALL,)))
    assert found(memory, ANNE) == "Secret of Anne."
    assert found(memory, BERT) == "Secret of Bert."


@pytest.mark.parametrize(
    "changed",
    [
        AssistantMessage("Let me see.\n", None, (ToolCall("call_1", "look", '{"b":2,"a":1}'),)),
        AssistantMessage("Let me see.", None, (ToolCall("another", "look", '{"a": 1, "b": 2}'),)),
    ],
)
def test_a_turn_is_found_however_it_was_written_anew(changed: AssistantMessage) -> None:
    memory = ReasoningMemory()
    memory.remember(ANNE, BEFORE, TURN)
    assert found(memory, ANNE, changed) == "Secret of Anne."


def test_turns_that_differ_only_in_their_ids_keep_their_own_reasoning() -> None:
    memory = ReasoningMemory()
    again = AssistantMessage("Let me see.", "Once more.", (ToolCall("call_2", "look", '{"a": 1, "b": 2}'),))
    memory.remember(ANNE, BEFORE, TURN)
    memory.remember(ANNE, BEFORE, again)
    assert found(memory, ANNE) == "Secret of Anne."
    assert found(memory, ANNE, again) == "Once more."


def test_other_arguments_texts_and_questions_are_other_turns() -> None:
    memory = ReasoningMemory()
    memory.remember(ANNE, BEFORE, TURN)
    assert found(memory, ANNE, AssistantMessage("Let me see.", None, (ToolCall("call_1", "look", "{}"),))) is None
    assert found(memory, ANNE, AssistantMessage("Another.", None, (CALL,))) is None
    *_, last = memory.restore(ANNE, [UserMessage("Goodbye"), dropped(TURN)]).messages
    assert isinstance(last, AssistantMessage)
    assert last.reasoning is None


def test_the_memory_is_bounded() -> None:
    now = [0.0]
    memory = ReasoningMemory(most=3, most_bytes=100, seconds=60, clock=lambda: now[0])
    turns = [AssistantMessage(f"Turn {number}.", "x" * 20) for number in range(6)]
    for turn in turns:
        memory.remember(ANNE, BEFORE, turn)
    assert memory.size == (3, 60)
    assert [found(memory, ANNE, turn) is not None for turn in turns] == [False] * 3 + [True] * 3
    memory.remember(ANNE, BEFORE, AssistantMessage("Long.", "y" * 90))
    assert memory.size[1] <= 100
    now[0] = 61
    assert found(memory, ANNE, turns[-1]) is None
    assert memory.size == (0, 0)


def test_a_seal_is_of_one_caller_model_and_text() -> None:
    seal = Seal(b"k" * 32)
    sealed = seal.close(ANNE, "m", "Hm. \u00e9")
    assert seal.open(ANNE, "m", sealed) == "Hm. \u00e9"
    assert seal.open(BERT, "m", sealed) is None
    assert seal.open(ANNE, "n", sealed) is None
    assert Seal(b"l" * 32).open(ANNE, "m", sealed) is None
    assert Seal(b"k" * 32).open(ANNE, "m", sealed) == "Hm. \u00e9"
    for wrong in (sealed[:-4], sealed[:20] + "A" + sealed[21:], "", "dsv4.", "dsv4.*", "ErUBCkYIBRgC", 3, None, "é"):
        assert seal.open(ANNE, "m", wrong) is None


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="too short"):
        Seal(b"short")


def test_the_key_is_kept_and_private(tmp_path: Path) -> None:
    key = kept_key(tmp_path / "state")
    assert kept_key(tmp_path / "state") == key
    assert len(key) == 32
    path = tmp_path / "state" / "gateway-seal.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_bytes(b"x")
    with pytest.raises(ConfigurationError, match="delete it"):
        kept_key(tmp_path / "state")


MESSAGES_TOOL = {"name": "weather", "input_schema": SCHEMA}
FUNCTION = {"type": "function", "name": "weather", "parameters": SCHEMA}
CALLED = {"id": "call_9", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Rome"}'}}
UNKNOWN: dict[str, dict[str, Any]] = {
    "chat": {
        "messages": [
            *ASK,
            {"role": "assistant", "content": None, "tool_calls": [CALLED]},
            {"role": "tool", "tool_call_id": "call_9", "content": "sun"},
        ],
        "tools": [TOOL],
    },
    "messages": {
        "messages": [
            *ASK,
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "Elsewhere.", "signature": "ErUBCkYIBRgC"},
                    {"type": "redacted_thinking", "data": "xyz"},
                    {"type": "tool_use", "id": "call_9", "name": "weather", "input": {"city": "Rome"}},
                ],
            },
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "call_9", "content": "sun"}]},
        ],
        "tools": [MESSAGES_TOOL],
    },
    "responses": {
        "input": [
            *ASK,
            {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAAABo"},
            {"type": "function_call", "call_id": "call_9", "name": "weather", "arguments": '{"city": "Rome"}'},
            {"type": "function_call_output", "call_id": "call_9", "output": "sun"},
        ],
        "tools": [FUNCTION],
    },
}


@pytest.mark.parametrize("flavor", [*FLAVORS, "nim", "dynamo"])
@pytest.mark.parametrize("route", PATHS)
async def test_reasoning_that_nobody_knows_is_no_error(route: str, flavor: str) -> None:
    client = client_of(script.text("Sunny."), flavor=flavor)
    async with inside(Gateway(client)) as http:
        answer = await http.post(PATHS[route], json=question(route, **UNKNOWN[route]))
    assert answer.status_code == 200, answer.text
    notes = answer.headers["x-deepseek-v4-notes"]
    assert "reasoning of 1 earlier turn(s) is not known" in notes
    assert ("sealed reasoning that cannot be read left out" in notes) == (route != "chat")
    turn = sent(client)["messages"][1]
    assert turn.get("reasoning_content", turn.get("reasoning")) == (
        "" if flavor in ("deepseek", "nvidia", "nim") else None
    )


@pytest.mark.parametrize("route", PATHS)
@pytest.mark.parametrize("stream", [False, True])
async def test_two_callers_of_one_gateway_with_equal_calls(route: str, stream: bool) -> None:
    secrets = [script.think(f"Secret of {each}.") + script.tool_call("weather", city="Rome") for each in ("one", "two")]
    client = client_of(*secrets, default=script.text("Sunny."))
    async with inside(Gateway(client, api_keys=["one", "two", "three"])) as http:

        async def ask(key: str, **fields: Any) -> None:
            answer = await http.post(PATHS[route], json=question(route, **fields), headers={"x-api-key": key})
            assert answer.status_code == 200, answer.text

        for key in ("one", "two"):
            await ask(key, tools=UNKNOWN[route]["tools"], stream=stream)
        for key, known in (("one", "Secret of one."), ("two", "Secret of two."), ("three", None)):
            await ask(key, **UNKNOWN[route])  # the same ids for all of them
            assert sent(client)["messages"][1].get("reasoning") == known


async def test_a_seal_restores_what_the_memory_has_lost() -> None:
    calls = script.think("Where?") + script.tool_call("weather", city="Rome")
    client = client_of(calls, script.text("Sunny."), flavor="deepseek")
    gateway = Gateway(client, memory=ReasoningMemory(most=0))
    async with inside(gateway) as http:
        first = (await http.post(PATHS["messages"], json=question("messages", tools=[MESSAGES_TOOL]))).json()
        result = {"type": "tool_result", "tool_use_id": first["content"][-1]["id"], "content": "sun"}
        back = [*ASK, {"role": "assistant", "content": first["content"]}, {"role": "user", "content": [result]}]
        answer = await http.post(PATHS["messages"], json=question("messages", messages=back, tools=[MESSAGES_TOOL]))
    assert answer.status_code == 200
    assert sent(client)["messages"][1]["reasoning_content"] == "Where?"


@pytest.mark.parametrize("route", PATHS)
async def test_dropped_reasoning_is_remembered_on_every_route(route: str) -> None:
    calls = script.think("Where?") + script.tool_call("weather", city="Rome")
    client = client_of(calls, script.text("Sunny."), flavor="deepseek")
    async with inside(Gateway(client)) as http:
        first = (await http.post(PATHS[route], json=question(route, tools=UNKNOWN[route]["tools"]))).json()
        if route == "chat":
            message = {
                key: value for key, value in first["choices"][0]["message"].items() if key != "reasoning_content"
            }
            result = {"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": "sun"}
            back: dict[str, Any] = {"messages": [*ASK, message, result]}
        elif route == "messages":
            call = first["content"][-1]
            result = {"type": "tool_result", "tool_use_id": call["id"], "content": "sun"}
            turns = [{"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}]
            back = {"messages": [*ASK, *turns]}
        else:
            call = first["output"][-1]
            result = {"type": "function_call_output", "call_id": call["call_id"], "output": "sun"}
            back = {"input": [*ASK, call, result]}
        answer = await http.post(PATHS[route], json=question(route, tools=UNKNOWN[route]["tools"], **back))
    assert answer.status_code == 200
    assert sent(client)["messages"][1]["reasoning_content"] == "Where?"
