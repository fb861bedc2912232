"""Whatever a model can say survives mock, bytes and decoding on every wire; sent back, nothing of it is lost."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4, Reply
from deepseek_v4_sdk.providers import find_provider
from deepseek_v4_sdk.testing import MockProvider, script
from deepseek_v4_sdk.testing.flavors import FLAVOR_NAMES
from deepseek_v4_sdk.testing.script import Turn
from tests.support.profiles import examples

often = examples(8)
on_every_wire = pytest.mark.parametrize("flavor", FLAVOR_NAMES)

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)
names = st.from_regex(r"[a-zA-Z0-9_-]{1,16}", fullmatch=True)
calls = st.lists(st.builds(script.tool_call, names, st.dictionaries(words, values, max_size=4)), max_size=4)
turns = st.builds(
    lambda reasoning, text, made, cuts: script.turn(script.think(reasoning), script.text(text), *made, cuts=cuts),
    words,
    words,
    calls,
    st.lists(st.integers(1, 9), max_size=3).map(tuple),
).filter(lambda turn: bool(turn.calls or turn.text.strip()))


def tools_of(turn: Turn) -> list[dict[str, object]] | None:
    offered = dict.fromkeys(call.name for call in turn.calls)
    return [{"name": name, "parameters": {"type": "object"}} for name in offered] or None


def ask(mock: MockProvider, mode: str, messages: Any = "What is to be done?", **options: Any) -> Reply:
    options["model"] = "pro" if mock.data.model == "required" else None
    if mode == "sync":
        return DeepSeekV4(mock).chat(messages, **options)
    return asyncio.run(AsyncDeepSeekV4(mock).chat(messages, **options))


@on_every_wire
@often
@given(turn=turns, wire=st.sampled_from(["stream", "plain"]), mode=st.sampled_from(["sync", "async"]))
def test_what_the_model_says_arrives(flavor: str, turn: Turn, wire: str, mode: str) -> None:
    mock = MockProvider(turn, flavor=flavor)
    reply = ask(mock, mode, tools=tools_of(turn), wire=wire)
    assert reply.text == turn.text
    assert reply.reasoning == (turn.reasoning or None)
    assert [call.name for call in reply.tool_calls] == [call.name for call in turn.calls]
    assert [call.parsed for call in reply.tool_calls] == [json.loads(call.arguments) for call in turn.calls]
    assert len({call.id for call in reply.tool_calls}) == len(turn.calls)
    assert reply.finish_reason == ("tool_calls" if turn.calls else "stop")
    assert (reply.provider, reply.flavor) == ("mock", flavor)
    assert reply.usage.completion_tokens is not None


def history(reply: Reply, *, as_dict: bool) -> list[Any]:
    message = reply.message.to_dict() if as_dict else reply.message
    results = [{"role": "tool", "tool_call_id": call.id, "content": call.name} for call in reply.tool_calls]
    return [{"role": "user", "content": "Begin."}, message, *results, {"role": "user", "content": "Go on."}]


@on_every_wire
@often
@given(turn=turns)
def test_what_came_out_can_be_sent_back(flavor: str, turn: Turn) -> None:
    mock = MockProvider(turn, default=script.text("Done."), flavor=flavor)
    tools = tools_of(turn)
    reply = ask(mock, "sync", tools=tools)
    for as_dict in (False, True, False):
        assert ask(mock, "sync", history(reply, as_dict=as_dict), tools=tools).text == "Done."
    _, *followed = [request.body for request in mock.requests]
    assert len({json.dumps(body) for body in followed}) == 1
    messages: Any = followed[0]["messages"]
    said, *results = messages[1:-1]
    assert (said["content"] or "") == turn.text
    # some servers want an empty one beside calls
    assert {said[key] for key in ("reasoning", "reasoning_content") if said.get(key)} == {turn.reasoning} - {""}
    assert not turn.reasoning or said.keys() & {*find_provider(flavor).data.reasoning_keys}
    sent = said.get("tool_calls", [])
    assert [entry["function"]["name"] for entry in sent] == [call.name for call in turn.calls]
    assert [json.loads(entry["function"]["arguments"]) for entry in sent] == [
        json.loads(call.arguments) for call in turn.calls
    ]
    ids = [entry["id"] for entry in sent]
    assert [result["tool_call_id"] for result in results] == ids
    assert ids == sorted(ids) or not find_provider(flavor).data.sorts_calls_by_id
