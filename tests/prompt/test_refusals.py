"""What is refused, and how the error names the place."""

from __future__ import annotations

from typing import Any

import pytest

from deepseek_v4_sdk.chat import AssistantMessage, ToolCall, ToolSpec, UserMessage
from deepseek_v4_sdk.errors import InvalidRequestError, UnsupportedOptionError
from deepseek_v4_sdk.prompt import render_prompt

_Q = {"role": "user", "content": "q"}


def _call(call_id: str, arguments: str = "{}") -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": "f", "arguments": arguments}}


def _asks(*calls: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": "", "tool_calls": list(calls)}


_WRONG: list[tuple[Any, dict[str, Any], str]] = [
    ([], {}, "messages is empty"),
    ([_Q, {"role": "root", "content": "x"}], {}, r"messages\[1\]\.role"),
    ([_Q, {"role": "user", "content": None}], {}, r"messages\[1\]\.content"),
    ([_Q, _asks({"id": "c"})], {}, r"messages\[1\]\.tool_calls\[0\]\.function"),
    ([_Q, _asks(_call("c", "{"))], {}, r"messages\[1\] calls 'f'"),
    ([_Q, _asks(_call("c", "[" * 100_000))], {}, r"messages\[1\] calls 'f'"),
    ([{"role": "user", "content": "x", "task": "dance"}], {}, r"messages\[0\]\.task is 'dance'"),
    ([_Q, {"role": "developer", "content": ""}], {}, r"messages\[1\]\.content is empty"),
    ([_Q, _asks(_call("c"))], {"dialect": "recipe"}, r"messages\[1\]\.tool_calls: no tool message answers 'c'"),
    ([_Q, _asks(_call("c")), _Q], {"dialect": "recipe"}, r"messages\[1\]\.tool_calls: no tool message answers 'c'"),
    ([_Q, _asks(_call("c"), _call("c"))], {"dialect": "recipe"}, r"messages\[1\]\.tool_calls has two calls"),
    (
        [_Q, {"role": "tool", "tool_call_id": "c", "content": "x"}],
        {"dialect": "recipe"},
        r"messages\[1\]\.tool_call_id is 'c'",
    ),
    (
        [_Q, {"role": "assistant", "content": "x", "prefix": True}, _Q],
        {"dialect": "recipe"},
        r"messages\[1\]\.prefix",
    ),
    ([_Q], {"dialect": "recipe", "response_format": {"type": "json_object"}}, "the word 'json'"),
    ([_Q], {"response_format": {"type": "json_schema"}}, r"response_format\.json_schema\.schema"),
    ([_Q], {"response_format": "json"}, "response_format is str"),
    ([_Q], {"tools": [{"name": "a b"}], "dialect": "recipe"}, r"tools\[0\]\.function\.name is 'a b'"),
    ([_Q], {"tools": [{"type": "function"}]}, r"tools\[0\]\.function is NoneType"),
    ([_Q], {"tools": [{"description": "x"}]}, r"tools\[0\]\.name is None"),
    ([_Q], {"tools": {"name": "f"}}, "tools is dict"),
    ([_Q], {"tools": [{"name": "f", "parameters": {1: 2}}]}, r"tools\[0\]\.parameters has the key 1"),
    ([_Q], {"tools": [{"name": "f"}], "tool_choice": "g", "dialect": "recipe", "thinking": "off"}, "names 'g'"),
    ([_Q], {"tools": [{"name": "f"}], "tool_choice": "required", "dialect": "recipe"}, "while the model thinks"),
    ([_Q], {"dialect": "sglang"}, "dialect is 'sglang'"),
    ([_Q], {"generation": "2025"}, "generation is '2025'"),
    ([_Q], {"thinking": "medium"}, "thinking is 'medium'"),
    ([_Q], {"add_bos": "yes"}, "add_bos is 'yes'"),
    ([_Q], {"tool_choice": 3}, "tool_choice is 3"),
]


@pytest.mark.parametrize(
    ("properties", "told"),
    [
        ([], r"tools\[0\]\.function\.parameters\.properties is not an object"),
        ({"a": "string"}, r"parameters\.properties\.a is not a schema with type, anyOf or \$ref"),
        ({"a": {"title": "A"}}, r"parameters\.properties\.a is not a schema"),
        ({"a": {"anyOf": [{"type": "string"}, 7]}}, r"parameters\.properties\.a\.anyOf\[1\] is not a schema"),
        ({"a": {"type": "array"}}, r"parameters\.properties\.a is an array without items"),
        ({"a": {"type": "array", "items": {"type": "thing"}}}, r"properties\.a\.items\.type is not a type"),
        ({"a": {"type": "null", "description": 1}}, r"parameters\.properties\.a\.description is not a text"),
    ],
)
def test_a_strict_schema_is_refused_by_its_place(properties: Any, told: str) -> None:
    tool = {"name": "f", "strict": True, "parameters": {"type": "object", "properties": properties}}
    with pytest.raises(InvalidRequestError, match=told):
        render_prompt("q", [tool], dialect="recipe", thinking="off")


@pytest.mark.parametrize(("messages", "options", "told"), _WRONG)
def test_refused(messages: Any, options: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidRequestError, match=told) as refused:
        render_prompt(messages, **options)
    assert not isinstance(refused.value, UnsupportedOptionError)


_WITHOUT_A_NOTION: list[tuple[Any, dict[str, Any], str]] = [
    ([_Q], {"generation": "v4.1"}, "generation"),
    ([_Q], {"response_format": {"type": "json_object"}}, "response_format"),
    ([_Q, {"role": "assistant", "content": "x", "prefix": True}], {}, "prefix"),
    ([_Q], {"dialect": "recipe", "drop_thinking": False}, "drop_thinking"),
    ([_Q], {"dialect": "recipe", "add_bos": False}, "add_bos"),
    ([{"role": "user", "content": "x", "task": "title"}], {"dialect": "recipe"}, "task"),
    ([_Q, {"role": "assistant", "content": "x", "wo_eos": True}], {"dialect": "recipe"}, "wo_eos"),
]


@pytest.mark.parametrize(("messages", "options", "name"), _WITHOUT_A_NOTION)
def test_without_a_notion(messages: Any, options: dict[str, Any], name: str) -> None:
    with pytest.raises(UnsupportedOptionError) as lacking:
        render_prompt(messages, **options)
    assert lacking.value.option.startswith(name)
    assert lacking.value.provider == options.get("dialect", "vllm")


_NONE = {"type": "object", "properties": {}}  # what a ToolSpec without parameters offers


def test_every_form_of_messages_and_tools() -> None:
    wanted = render_prompt(
        [{"role": "user", "content": "q"}], [{"type": "function", "function": {"name": "f", "parameters": _NONE}}]
    )
    assert render_prompt(iter([UserMessage("q")]), iter([ToolSpec("f")])) == wanted  # type: ignore[arg-type]
    for messages in ("q", {"role": "user", "content": "q"}, UserMessage("q"), (UserMessage("q"),)):
        for tools in ([{"name": "f", "parameters": _NONE}], (ToolSpec("f"),), [ToolSpec("f").to_dict()]):
            assert render_prompt(messages, tools) == wanted  # type: ignore[arg-type]


def test_either_name_of_reasoning_and_message_objects() -> None:
    call = ToolCall("c", "f", '{"a": "b"}')
    wanted = render_prompt([UserMessage("q"), AssistantMessage("t", "r", (call,))], thinking="low")
    assert "<think>r</think>t\n\n<｜DSML｜tool_calls>" in wanted.text
    for name in ("reasoning", "reasoning_content"):
        message = {"role": "assistant", "content": "t", name: "r", "tool_calls": [_call("c", '{"a": "b"}')]}
        assert render_prompt([_Q, message], thinking="low") == wanted


def test_vllm_prints_a_tool_as_it_is_given() -> None:
    function = {"strict": True, "parameters": {"type": "object"}, "name": "f", "x": 1}
    prompt = render_prompt("q", [{"type": "function", "function": function}], thinking="off")
    assert '\n{"strict": true, "parameters": {"type": "object"}, "name": "f", "x": 1}\n' in prompt.text


def test_grammars_stay_out_of_the_prompt() -> None:
    plain = render_prompt("q")
    for kind in ("text", "regex", "structural_tag"):
        assert render_prompt("q", response_format={"type": kind}) == plain
    for choice in ("auto", "none", "required", "f"):
        tools = [{"name": "f"}]
        assert render_prompt("q", tools, tool_choice=choice) == render_prompt("q", tools)
