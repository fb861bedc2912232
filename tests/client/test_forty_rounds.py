"""Forty rounds of thinking and parallel calls: requests only grow at their end, and nothing of a turn is missing."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest

from deepseek_v4_sdk import DeepSeekV4
from deepseek_v4_sdk.chat import AssistantMessage, Conversation, ToolCall, write_json
from deepseek_v4_sdk.testing import MockProvider, faults, script
from tests.support.recorded import recordings
from tests.support.talks import PROVIDERS

ROUNDS = 40
MODELS = {"nvidia": "pro", "deepseek": "pro"}
NAMES = {
    "vllm": {"reasoning"},
    "nim": {"reasoning_content"},  # the mock's container names SGLang
    "sglang": {"reasoning_content"},
    "deepseek": {"reasoning_content"},
    "nvidia": {"reasoning_content"},
    "dynamo": {"reasoning_content"},
}
SORTED = ("sglang", "deepseek", "nim")
TOOLS = [{"name": name, "parameters": {"type": "object", "properties": {}}} for name in ("read", "search", "run")]


def thought(number: int) -> str:
    return f"Round {number}: <weighing> ünd \n so on."


def step(number: int) -> Any:
    """A turn of the scripted model: now and then its calls leak, or it answers without a call."""
    turn = script.think(thought(number))
    if number % 10 == 9:
        return turn + script.text(f"Done with {number}.")
    for place in range(1 + number % 3):
        turn += script.tool_call(TOOLS[place]["name"], {"n": number, "text": 'a < b\n"é"'})
    return turn | faults.leak_dsml() if number % 7 == 3 else turn


def play(flavor: str) -> tuple[MockProvider, Conversation]:
    """A conversation of forty rounds, answered by the mock."""
    mock = MockProvider(*map(step, range(ROUNDS)), flavor=flavor)
    talk = Conversation().system("Be brief.").user("Go.")
    with DeepSeekV4(mock, model=MODELS.get(flavor), thinking="high") as client:
        for _ in range(ROUNDS):
            reply = client.chat(talk, tools=TOOLS)
            talk.add(reply)
            for call in reversed(reply.tool_calls):  # results in another order than the calls
                talk.add_tool_result(call, {"for": call.name, "n": call.parsed["n"]})
            if not reply.tool_calls:
                talk.user("Go on.")
    mock.check_used()
    return mock, talk


@pytest.fixture(scope="module", params=PROVIDERS)
def played(request: pytest.FixtureRequest) -> tuple[str, list[dict[str, Any]], Conversation]:
    mock, talk = play(request.param)
    return request.param, [made.body for made in mock.requests], talk


def test_each_request_begins_with_the_bytes_of_the_one_before(
    played: tuple[str, list[dict[str, Any]], Conversation],
) -> None:
    _, bodies, _ = played
    assert len(bodies) == ROUNDS
    for body, following in pairwise(bodies):
        before, after = write_json(body["messages"]), write_json(following["messages"])
        assert after.startswith(before[:-1])
        assert len(after) > len(before)
        assert write_json(body["tools"]) == write_json(following["tools"])
        assert {**body, "messages": 0} == {**following, "messages": 0}


def test_no_reasoning_is_missing(played: tuple[str, list[dict[str, Any]], Conversation]) -> None:
    flavor, bodies, talk = played
    turns = [message for message in bodies[-1]["messages"] if message["role"] == "assistant"]
    assert len(turns) == ROUNDS - 1
    for number, turn in enumerate(turns):
        names = {"reasoning", "reasoning_content"} & turn.keys()
        assert names == NAMES[flavor]
        # Of a leak the empty line before it belongs to neither text nor call.
        assert {turn[name] for name in names} == {thought(number)}
    assert talk.validate() == []


def test_ids_are_in_the_order_of_the_calls(played: tuple[str, list[dict[str, Any]], Conversation]) -> None:
    flavor, bodies, talk = played
    seen: set[str] = set()
    turns = [message for message in talk if isinstance(message, AssistantMessage)]
    sent = [message for message in bodies[-1]["messages"] if message["role"] == "assistant"]
    for turn, body in zip(turns, sent, strict=False):
        ids = [call["id"] for call in body.get("tool_calls", ())]
        assert [call["function"]["name"] for call in body.get("tool_calls", ())] == [c.name for c in turn.tool_calls]
        assert [call["function"]["arguments"] for call in body.get("tool_calls", ())] == [
            call.arguments for call in turn.tool_calls
        ]
        assert not seen & set(ids)
        seen |= set(ids)
        if flavor in SORTED:
            assert ids == sorted(ids)
            assert ids == [f"call_{place:02d}_{call.id}" for place, call in enumerate(turn.tool_calls)]
        else:
            assert ids == [call.id for call in turn.tool_calls]
    results = [message for message in bodies[-1]["messages"] if message["role"] == "tool"]
    assert {result["tool_call_id"] for result in results} == seen


def recorded_calls() -> tuple[ToolCall, ...]:
    """The calls of a real SGLang, whose random ids sort the other way round."""
    (recording,) = [each for each in recordings("sglang") if each.name == "tool_parallel"]
    calls = json.loads(recording.body)["choices"][0]["message"]["tool_calls"]
    return tuple(ToolCall(call["id"], call["function"]["name"], call["function"]["arguments"]) for call in calls)


@pytest.mark.parametrize("flavor", SORTED)
@pytest.mark.parametrize("order", [1, -1])
def test_a_real_servers_ids_keep_their_order_when_they_are_sorted(flavor: str, order: int) -> None:
    calls = recorded_calls()
    assert [call.id for call in calls] != sorted(call.id for call in calls)  # or the case would prove nothing
    talk = Conversation().user("Go.").add(AssistantMessage(None, "Hm.", calls))
    for call in calls[::order]:
        talk.add_tool_result(call, f"for {call.id}")
    mock = MockProvider(script.text("Yes."), flavor=flavor)
    DeepSeekV4(mock, model=MODELS.get(flavor)).chat(talk)
    messages = mock.requests[0].body["messages"]
    sent = sorted(call["id"] for call in messages[1]["tool_calls"])
    assert sent == [call["id"] for call in messages[1]["tool_calls"]]
    answers = {message["tool_call_id"]: message["content"] for message in messages[2:]}
    assert [answers[call_id] for call_id in sent] == [f"for {call.id}" for call in calls]


def test_more_than_a_hundred_calls_keep_their_order() -> None:
    calls = tuple(ToolCall(f"{number * 7919 % 1000}", "read", "{}") for number in range(101))
    talk = Conversation().user("Go.").add(AssistantMessage(None, "Hm.", calls))
    for call in calls:
        talk.add_tool_result(call, call.id)
    mock = MockProvider(script.text("Yes."), flavor="sglang")
    DeepSeekV4(mock).chat(talk)
    ids = [call["id"] for call in mock.requests[0].body["messages"][1]["tool_calls"]]
    assert ids == sorted(ids)
