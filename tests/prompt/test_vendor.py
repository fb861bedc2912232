"""The dialect `recipe` against the vendor's own encoder, running here: texts, control tokens, ids, refusals."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepseek_v4_sdk.errors import InvalidRequestError
from deepseek_v4_sdk.prompt import Generation, render_prompt
from tests.prompt import conversations as some
from tests.prompt import vendor
from tests.prompt.cases import RECIPE, Case, cases
from tests.support.profiles import examples
from tests.support.segment_counts import assert_adds_up, prompt_tokens

_LEVELS = st.sampled_from(("off", "low", "high", "max"))
_GENERATIONS = st.sampled_from(("2026-08", "v4.1"))
_SCHEMA = {"type": "object", "properties": {"a": {"type": "number", "minimum": 1e-7}}}
_FORMATS = st.sampled_from(
    (
        None,
        None,
        {"type": "text"},
        {"type": "json_object"},
        {"type": "json_schema", "json_schema": {"name": "n", "schema": _SCHEMA}},
    )
)


def agree(messages: list[dict[str, Any]], tools: list[dict[str, Any]] | None, **options: Any) -> None:
    """Both render the same, or both refuse."""
    theirs = vendor.render(messages, tools, **options)
    try:
        ours = render_prompt(messages, tools, dialect="recipe", **options)
    except InvalidRequestError:
        assert theirs is None
        return
    assert theirs is not None
    assert ours.text == theirs.text
    controls = [text for segment in ours.segments for text, control in segment.pieces if control]
    assert controls == theirs.controls
    if theirs.tokens is not None:
        assert prompt_tokens(ours, "recipe") == theirs.tokens
    assert_adds_up(ours, "recipe")


@pytest.mark.parametrize("generation", ["2026-08", "v4.1"])
@pytest.mark.parametrize(
    "case", [case for case in cases() if case.wanted(RECIPE) is not None], ids=lambda case: case.name
)
def test_cases(case: Case, generation: Generation) -> None:
    options = dict(case.options)
    if "response_format" in options:
        options["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "n", "schema": options["response_format"]},
        }
    agree(case.messages, case.tools, generation=generation, **options)


@examples(30)
@given(some.conversations, some.tool_lists(), _LEVELS, _GENERATIONS, _FORMATS)
def test_conversations(
    messages: list[dict[str, Any]],
    tools: list[dict[str, Any]],
    thinking: str,
    generation: str,
    response_format: dict[str, Any] | None,
) -> None:
    fields = {} if response_format is None else {"response_format": response_format}
    agree(messages, tools, thinking=thinking, generation=generation, **fields)


@examples(25)
@given(some.broken_conversations(), some.tool_lists(), _LEVELS, _GENERATIONS)
def test_calls_and_results_that_do_not_match(
    messages: list[dict[str, Any]], tools: list[dict[str, Any]], thinking: str, generation: str
) -> None:
    agree(messages, tools, thinking=thinking, generation=generation)


@examples(25)
@given(
    some.conversations,
    some.tool_lists(),
    _LEVELS,
    _GENERATIONS,
    st.sampled_from(("auto", "none", "required", "f", "get_weather")),
)
def test_tool_choices(
    messages: list[dict[str, Any]], tools: list[dict[str, Any]], thinking: str, generation: str, choice: str
) -> None:
    if choice in {"f", "get_weather"} and (not tools or thinking != "off"):
        return  # a name without tools is the server's check, not the format's
    wire: Any = choice if choice in {"auto", "none", "required"} else {"type": "function", "function": {"name": choice}}
    agree(messages, tools, thinking=thinking, generation=generation, tool_choice=wire)


@examples(30)
@given(some.conversations, some.texts, st.none() | some.texts, _LEVELS, _GENERATIONS, _FORMATS, some.tool_lists())
def test_messages_to_continue(
    messages: list[dict[str, Any]],
    text: str,
    reasoning: str | None,
    thinking: str,
    generation: str,
    response_format: dict[str, Any] | None,
    tools: list[dict[str, Any]],
) -> None:
    last: dict[str, Any] = {"role": "assistant", "content": text, "prefix": True}
    if reasoning is not None:
        last["reasoning_content"] = reasoning
    fields = {} if response_format is None else {"response_format": response_format}
    agree([*messages, last], tools, thinking=thinking, generation=generation, **fields)


@examples(30)
@given(st.one_of(some.arguments, some.odd_arguments), _GENERATIONS)
def test_arguments(arguments: str, generation: str) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}}
    messages = [
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "r"},
    ]
    agree(messages, None, thinking="off", generation=generation)


@pytest.mark.parametrize(("levels", "agreed"), [(126, True), (127, False)])
def test_deep_arguments_are_read_as_deep_as_the_vendor_reads(levels: int, agreed: bool) -> None:
    text = '{"a":' + "[" * levels + "]" * levels + "}"
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": text}}
    messages = [
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "r"},
    ]
    agree(messages, None, thinking="off")
    assert ('name="arguments"' not in render_prompt(messages, dialect="recipe").text) is agreed


_TYPES: list[dict[str, Any]] = [
    {},
    {
        "type": "string",
        "minLength": 1,
        "pattern": "a",
        "format": "email",
        "enum": ["x"],
        "title": "t",
        "description": "d",
    },
    {"type": "string", "format": "other"},
    {"type": "string", "enum": [1]},
    {"type": "integer", "minimum": 0, "multipleOf": 2, "default": 4, "const": 4, "enum": [4]},
    {"type": "number", "exclusiveMaximum": 1e-7, "description": "d"},
    {"type": "boolean", "default": True},
    {"type": "null"},
    {"type": ["string", "null"], "description": "d", "enum": ["x"]},
    {"type": ["object", "null"]},
    {"type": "array"},
    {"type": "array", "items": {"type": "string"}, "minItems": 1},
    {"type": "array", "items": {"type": "object", "properties": {"q": {"type": "string"}}}},
    {"type": "object"},
    {"type": "object", "properties": {"z": {"type": "number"}}, "required": ["z"], "additionalProperties": False},
    {"type": "object", "properties": {"z": {"type": "number"}}, "additionalProperties": True},
    {"anyOf": [{"type": "null"}, {"type": "object", "properties": {"x": {"type": "string"}}}], "description": "d"},
    {"anyOf": []},
    {"$ref": "#/$defs/A", "description": "d"},
    {"enum": ["x"]},
    {"oneOf": [{"type": "string"}]},
]
_STRICT = st.fixed_dictionaries(
    {"type": st.just("object")},
    optional={
        "properties": st.dictionaries(st.sampled_from("abc"), st.sampled_from(_TYPES), max_size=3),
        "required": st.lists(st.sampled_from("abc"), max_size=3, unique=True),
        "additionalProperties": st.booleans(),
        "description": st.just("about"),
        "title": st.just("T"),
        "$defs": st.just({"A": {"type": "string"}}),
    },
)


@examples(30)
@given(st.none() | _STRICT)
def test_strict_tools(parameters: dict[str, Any] | None) -> None:
    function: dict[str, Any] = {"name": "f", "strict": True}
    if parameters is not None:
        function["parameters"] = json.loads(json.dumps(parameters))
    agree([{"role": "user", "content": "q"}], [{"type": "function", "function": function}], thinking="off")


@pytest.mark.parametrize(
    "parameters",
    [
        {"properties": []},
        {"properties": {"a": "string"}},
        {"properties": {"a": {"$ref": 1}}},
        {"properties": {"a": {}}},
        {"properties": {"a": {"anyOf": {}}}},
        {"properties": {"a": {"type": "array"}}},
        {"properties": {"a": {"type": "array", "items": True}}},
        {"properties": {"a": {"type": "thing"}}},
        {"properties": {"a": {"type": ["string", "null"], "description": "about", "enum": ["x"]}}},
        {"properties": {"a": {"type": ["string", "object"]}}},
        {"properties": {"a": {"type": "string", "description": 1}}},
        {"properties": {"a": {"type": "string", "enum": "x"}}},
        {"properties": {"a": {"type": "object", "properties": {}}}},
        {"properties": {"a": {"$ref": "#/$defs/A", "description": "about"}}},
        {"properties": {"a": {"type": "string"}}, "description": ["about"]},
    ],
    ids=str,
)
def test_odd_strict_schemas(parameters: dict[str, Any]) -> None:
    function = {"name": "f", "strict": True, "parameters": parameters}
    agree([{"role": "user", "content": "q"}], [{"type": "function", "function": function}], thinking="off")


@pytest.mark.parametrize(
    "function",
    [
        {"name": "a b"},
        {"name": ""},
        {"name": "a" * 100},
        {"name": "f", "parameters": {}},
        {"name": "f", "parameters": {"type": "array"}},
        {"name": "f", "parameters": {"type": ["object"]}},
        {"name": "f", "parameters": []},
        {"name": "f", "description": None, "parameters": None, "strict": None},
        {"name": "f", "unknown": 1},
    ],
    ids=str,
)
def test_tool_forms(function: dict[str, Any]) -> None:
    agree([{"role": "user", "content": "q"}], [{"type": "function", "function": function}])


def test_two_tools_of_one_name() -> None:
    tool = {"type": "function", "function": {"name": "f"}}
    agree([{"role": "user", "content": "q"}], [tool, tool])
