"""Custom tools of Responses: functions of one text on the way in, custom calls on the way out, in any pieces."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepseek_v4_sdk.gateway import Gateway
from deepseek_v4_sdk.gateway.custom_tools import InputReader, arguments_of, input_of
from deepseek_v4_sdk.testing import script
from tests.gateway.serving import ASK, PATHS, client_of, events_of, inside, question, sent, words
from tests.support.profiles import examples

PATCH = '*** Begin Patch\n*** Update File: a "b".py\n-\tx\\n\n+\u00e9\U0001f600\n*** End Patch'
TOOLS: list[dict[str, Any]] = [
    {
        "type": "custom",
        "name": "apply_patch",
        "description": "Edits files.",
        "format": {"type": "grammar", "syntax": "lark", "definition": "start: begin end"},
    }
]


@examples(20)
@given(st.text(max_size=40), st.lists(st.integers(1, 9), min_size=1), st.booleans())
def test_the_text_is_the_same_in_any_pieces(text: str, cuts: list[int], ascii_only: bool) -> None:
    arguments = json.dumps({"input": text}, ensure_ascii=ascii_only)
    reader, place, told = InputReader(), 0, ""
    while place < len(arguments):
        size = cuts[place % len(cuts)]
        told += reader.feed(arguments[place : place + size])
        place += size
    assert told + reader.rest(arguments) == text == input_of(arguments)


@pytest.mark.parametrize("arguments", ['{"patch": "x"}', "not json", '{"input": 3}', "", '{"input": "a\\q"}', '["x"]'])
def test_arguments_of_another_form_are_the_text(arguments: str) -> None:
    reader = InputReader()
    told = "".join(reader.feed(each) for each in arguments)
    assert arguments.startswith(told) or told in arguments
    assert input_of(arguments) == arguments


@pytest.mark.anyio
@pytest.mark.parametrize("flavor", ["vllm", "deepseek"])
async def test_a_custom_call_goes_out_and_comes_back(flavor: str) -> None:
    calls = script.turn(script.think("Edit."), script.tool_call("apply_patch", arguments_of(PATCH)), cuts=7)
    client = client_of(calls, calls, script.text("Done."), flavor=flavor)
    async with inside(Gateway(client)) as http:
        plain = (await http.post(PATHS["responses"], json=question("responses", tools=TOOLS))).json()
        stream = await http.post(PATHS["responses"], json=question("responses", tools=TOOLS, stream=True))
        found = events_of(stream.text)
        item = plain["output"][-1]
        back = [*ASK, *plain["output"], {"type": "custom_tool_call_output", "call_id": item["call_id"], "output": "ok"}]
        await http.post(PATHS["responses"], json=question("responses", tools=TOOLS, input=back))
    assert (item["type"], item["name"], item["input"]) == ("custom_tool_call", "apply_patch", PATCH)
    deltas = [event for event in found if event.name == "response.custom_tool_call_input.delta"]
    assert len(deltas) > 1
    assert words(deltas, "delta") == PATCH
    (done,) = (event for event in found if event.name == "response.custom_tool_call_input.done")
    assert done.data["input"] == PATCH
    offered = sent(client)["tools"][0]["function"]
    assert "start: begin end" in offered["description"]
    turn = sent(client)["messages"][1]
    assert json.loads(turn["tool_calls"][0]["function"]["arguments"]) == {"input": PATCH}
    assert turn.get("reasoning_content", turn.get("reasoning")) == "Edit."
