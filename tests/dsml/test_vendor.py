"""The vendor's own encoder as second opinion: what it writes is read, and what both read is the same."""

from __future__ import annotations

import json
import string
from typing import Any

import deepseek_recipe as recipe
from hypothesis import given
from hypothesis import strategies as st

from tests.dsml.leaks import MARK, block, invoke, parameter, read
from tests.support.profiles import examples

steady = examples(25)

# A value is written as it is, so that one with the markup in it could not be read by anybody.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30).filter(lambda text: "DSML" not in text)
# The vendor's parser takes a name apart at its blanks.
KEY = st.text(string.ascii_letters + string.digits + "_-.天é'{}", min_size=1, max_size=12)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.sampled_from([0.5, -1.25, 1e-7, 1e300]) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEY, inner, max_size=3),
    max_leaves=6,
)
CALLS = st.lists(
    st.tuples(st.sampled_from(["get_weather", "now", "write_file"]), st.dictionaries(KEY, JSON, max_size=4)),
    min_size=1,
    max_size=4,
)


def written(calls: list[tuple[str, dict[str, Any]]], encoding: Any) -> str:
    """What the model would have written for these calls: the part of the prompt behind its thinking."""
    history = [
        recipe.UserMessage("Go."),
        recipe.AssistantMessage(
            "Let me look.",
            "Hm.",
            [
                recipe.ToolCall(f"call_{index:02d}", name, json.dumps(arguments))
                for index, (name, arguments) in enumerate(calls)
            ],
        ),
        *(recipe.ToolMessage(f"call_{index:02d}", "x") for index in range(len(calls))),
    ]
    tools = [recipe.ToolDefinition("now")]
    prompt = encoding.render_conversation(recipe.Conversation(history, tools=tools)).prompt
    turn: str = prompt.rpartition("</think>")[2].partition("<\N{FULLWIDTH VERTICAL LINE}end")[0]
    return turn


def parsed(output: str) -> tuple[str, list[tuple[str, str]]]:
    """What the vendor's parser makes of an output: its text and calls."""
    body = {
        "model": "DeepSeek-V4-Pro",
        "messages": [{"role": "user", "content": "x"}],
        "thinking": {"type": "disabled"},
    }
    request = recipe.ChatCompletionRequest(body).convert(recipe.ConversionOptions())
    generator = recipe.ChatCompletionRequest.chunk_generator(request, "id", "m")
    processor = recipe.StreamProcessor(generator, recipe.ParsingOptions())
    chunks = processor.push(recipe.InferenceChunk.text(output, 1))
    chunks += processor.push(recipe.InferenceChunk.finish(recipe.InferenceFinishReason.Stop))
    response = recipe.ChatCompletionResponse("id", "m", 1, 1, 0)
    for chunk in [*chunks, *processor.finish()]:
        response.accumulate(chunk)
    message = json.loads(response.to_json())["choices"][0]["message"]
    calls = [call["function"] for call in message.get("tool_calls") or ()]
    return message["content"], [(call["name"], call["arguments"]) for call in calls]


@steady
@given(CALLS)
def test_what_the_vendor_writes_is_read(calls: list[tuple[str, dict[str, Any]]]) -> None:
    for encoding in (recipe.DeepseekV4Encoding(), recipe.DeepseekV41Encoding()):
        output = written(calls, encoding)
        found = read([output])
        assert (found.text, found.lost) == ("Let me look.", [])
        assert [(name, json.loads(arguments)) for name, arguments, _ in found.calls] == calls
        assert read(list(output)) == found


@steady
@given(CALLS)
def test_both_read_the_same(calls: list[tuple[str, dict[str, Any]]]) -> None:
    output = written(calls, recipe.DeepseekV4Encoding())
    found = read([output])
    assert parsed(output) == (found.text, [(name, arguments) for name, arguments, _ in found.calls])


@steady
@given(st.lists(st.tuples(KEY, TEXT), max_size=4), st.integers(1, 3))
def test_both_read_the_same_of_markup_written_by_hand(values: list[tuple[str, str]], count: int) -> None:
    output = "So:\n\n" + block(*[invoke("now", *(parameter(key, value) for key, value in values))] * count)
    found = read([output])
    assert parsed(output) == (found.text, [(name, arguments) for name, arguments, _ in found.calls])


def test_a_value_that_is_no_json_is_left_to_the_caller_by_both() -> None:
    output = "\n\n" + block(invoke("now", parameter("days", "not json", "false")))
    assert parsed(output)[1] == [("now", '{"days": not json}')] == [call[:2] for call in read([output]).calls]


def test_what_the_vendor_leaves_in_the_text_is_still_found() -> None:
    """ASCII bars, as servers built on such a parser leak them."""
    output = "So:\n\n" + block(invoke("now")).replace(MARK, "|DSML|")
    assert parsed(output) == (output, [])
    assert read([output]).calls == [("now", "{}", True)]
