"""Messages and tools as people write them: what is read, and how a mistake is named by its place."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest

from deepseek_v4_sdk import errors
from deepseek_v4_sdk.chat import (
    AssistantMessage,
    ReminderMessage,
    SystemMessage,
    ToolCall,
    ToolMessage,
    ToolSpec,
    UserMessage,
    read_messages,
    read_tools,
)

CALL: dict[str, Any] = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
HI = UserMessage("Hi")


def complaint(value: object) -> str:
    """What is said about messages."""
    with pytest.raises(errors.InvalidRequestError) as caught:
        read_messages(value)
    assert type(caught.value) is errors.InvalidRequestError
    return str(caught.value)


def made(kind: Any, *parts: Any) -> Any:
    """A message object whose parts may be anything, as an untyped program makes it."""
    return kind(*parts)


@pytest.mark.parametrize(
    "value",
    [
        "Hi",
        HI,
        {"role": "user", "content": "Hi"},
        [HI],
        ({"role": "user", "content": "Hi"},),
        MappingProxyType({"role": "user", "content": "Hi"}),
        iter([{"role": "user", "content": "Hi"}]),
        [{"role": "user", "content": "Hi", "name": None, "refusal": None}],
    ],
)
def test_one_question_may_be_written_in_many_ways(value: object) -> None:
    assert read_messages(value) == (HI,)


def test_every_role_has_its_object() -> None:
    roles = ["system", "developer", "user", "latest_reminder", "assistant"]
    messages = [{"role": role, "content": "x"} for role in roles]
    assert [type(message) for message in read_messages(messages)] == [
        SystemMessage,
        SystemMessage,
        UserMessage,
        ReminderMessage,
        AssistantMessage,
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "messages is NoneType: give a text, a message, or a sequence of messages"),
        (5, "messages is int: give a text"),
        (b"Hi", "messages is bytes: give a text"),
        ([], "messages is empty: give at least one message"),
        (["Hi"], "messages[0] is str: give a mapping with role and content"),
        ([HI, None], "messages[1] is NoneType: give a mapping"),
        ([HI, ["user", "Hi"]], "messages[1] is list: give a mapping"),
        ({}, "messages.role is None: one of system, developer, user, assistant, tool, latest_reminder"),
        ([{"role": "wizard", "content": "x"}], "messages[0].role is 'wizard': one of system"),
        ([{"role": "User", "content": "x"}], "messages[0].role is 'User'"),
        ([{"role": ["user"], "content": "x"}], "messages[0].role is ['user']"),
        ([{"role": "user"}], "messages[0].content is missing: a user message needs a text"),
        ([{"role": "tool", "content": None, "tool_call_id": "a"}], "messages[0].content is missing: a tool message"),
        ([{"role": "user", "content": b"x"}], "messages[0].content is bytes: give a text or a list of text parts"),
        ([{"role": "user", "content": {"type": "text"}}], "messages[0].content is dict: give a text or a list"),
        ([{"role": "user", "content": ["x"]}], "messages[0].content[0] has type 'str': V4 reads text only"),
        (
            [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}],
            "messages[0].content[0] has type 'image_url': V4 reads text only",
        ),
        ([{"role": "user", "content": [{"type": "text"}]}], "messages[0].content[0].text is NoneType: give a text"),
        (
            [{"role": "user", "content": [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}]}],
            "messages[0].content[0].cache_control is not a field of a text part: leave it out",
        ),
        ([{"role": "tool", "content": "x"}], "messages[0].tool_call_id is None: give the id of the call this answers"),
        ([{"role": "tool", "content": "x", "tool_call_id": 5}], "messages[0].tool_call_id is 5: give the id"),
        ([{"role": "user", "content": "x", "task_id": 1}], "messages[0].task_id is not a field of a user message"),
        ([{"role": "user", "content": "x", "tool_calls": [CALL]}], "messages[0].tool_calls is not a field of a user"),
        ([{"role": "assistant", "content": "x", "x": 1}], "messages[0].x is not a field of an assistant message"),
        (
            [{"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": {}}]}],
            "messages[0].content[0] has type 'tool_use': give the call in `tool_calls` of an assistant message",
        ),
        (
            [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a"}]}],
            "messages[0].content[0] has type 'tool_result': give the result as a message with role 'tool'",
        ),
        ([{"role": "user", "content": "x", 5: 6}], "messages[0].5 is not a field of a user message; fields of one"),
        ([{"role": "user", "content": "x", "task": {1}}], "messages[0].task is set, which JSON does not have"),
        (
            [{"role": "assistant", "reasoning": "a", "reasoning_content": "b"}],
            "messages[0] has reasoning and reasoning_content, and they differ: give one",
        ),
        ([{"role": "assistant", "reasoning": ["a"]}], "messages[0].reasoning is list: give a text"),
    ],
)
def test_a_mistake_in_a_message_is_named_by_its_place(value: object, text: str) -> None:
    assert complaint(value).startswith(text)


def with_call(**changes: Any) -> list[Mapping[str, Any]]:
    """A turn whose one call is wrong."""
    function = {**CALL["function"], **changes.pop("function", {})}
    return [{"role": "assistant", "tool_calls": [{**CALL, "function": function, **changes}]}]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([{"role": "assistant", "tool_calls": CALL}], "messages[0].tool_calls is dict: give a list of calls"),
        ([{"role": "assistant", "tool_calls": ["f"]}], "messages[0].tool_calls[0].function is missing: give {'id'"),
        ([{"role": "assistant", "tool_calls": [{"id": "a"}]}], "messages[0].tool_calls[0].function is missing"),
        (with_call(id=""), "messages[0].tool_calls[0].id is '': give the id of the call"),
        (with_call(id=None), "messages[0].tool_calls[0].id is None: give the id of the call"),
        (with_call(function={"name": None}), "messages[0].tool_calls[0].function.name is None: give the tool's name"),
        (
            with_call(function={"arguments": None}),
            "messages[0].tool_calls[0].function.arguments is NoneType: give JSON",
        ),
        (
            with_call(function={"arguments": [1]}),
            "messages[0].tool_calls[0].function.arguments is list: give JSON text",
        ),
        (
            with_call(function={"arguments": {"a": {1}}}),
            "messages[0].tool_calls[0].function.arguments.a is set, which JSON does not have",
        ),
    ],
)
def test_a_mistake_in_a_call_is_named_by_its_place(value: object, text: str) -> None:
    assert complaint(value).startswith(text)


@pytest.mark.parametrize(
    ("given", "kept"), [("", ""), ("  ", "  "), ({"b": "é", "a": 1}, '{"b": "é", "a": 1}'), (' {"a":1}', ' {"a":1}')]
)
def test_the_arguments_of_a_call_are_kept_as_they_came(given: object, kept: str) -> None:
    (turn,) = read_messages(with_call(function={"arguments": given}))
    assert isinstance(turn, AssistantMessage)
    assert turn.tool_calls == (ToolCall("c1", "f", kept),)


@pytest.mark.parametrize("key", ["reasoning", "reasoning_content"])
def test_reasoning_is_read_under_either_name(key: str) -> None:
    assert read_messages({"role": "assistant", "content": "x", key: "r"}) == (AssistantMessage("x", "r"),)
    both = {"role": "assistant", "content": "x", "reasoning": "r", "reasoning_content": "r"}
    assert read_messages(both) == (AssistantMessage("x", "r"),)


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (made(UserMessage, 5), ".content is int: give a text, or a tuple of texts"),
        (made(UserMessage, None), ".content is NoneType: give a text"),
        (made(SystemMessage, b"x"), ".content is bytes: give a text"),
        (made(UserMessage, ("a", 1)), ".content is tuple: give a text, or a tuple of texts"),
        (made(UserMessage, [{"type": "text", "text": "a"}]), ".content is list: give a text, or a tuple of texts"),
        (made(AssistantMessage, 5), ".content is int"),
        (made(AssistantMessage, "a", 5), ".reasoning is int: give a text"),
        (made(AssistantMessage, "a", None, None), ".tool_calls is NoneType: give a tuple"),
        (made(AssistantMessage, "a", None, (CALL,)), ".tool_calls[0] is dict: give a ToolCall"),
        (made(AssistantMessage, "a", None, (made(ToolCall, 1, "f", "{}"),)), ".tool_calls[0].id is 1: give a text"),
        (made(AssistantMessage, "a", None, (made(ToolCall, "i", "", "{}"),)), ".tool_calls[0].name is ''"),
        (made(AssistantMessage, "a", None, (made(ToolCall, "i", "f", {}),)), ".tool_calls[0].arguments is dict: give"),
        (made(ToolMessage, "x", 5), ".tool_call_id is 5: give the id of the call this answers"),
        (made(ToolMessage, {"ok": 1}, "c1"), ".content is dict: give a text"),
        (made(UserMessage, "a", None), ".extra is NoneType: give a dict"),
        (made(UserMessage, "a", {"task": b"x"}), ".extra.task is bytes, which JSON does not have"),
        (made(UserMessage, "a", {"role": "system"}), ".extra has role: the message has its own field for it"),
    ],
)
def test_an_object_built_with_wrong_types_is_named_by_its_place(message: object, text: str) -> None:
    assert complaint([HI, message]).startswith(f"messages[1]{text}")
    assert complaint(message).startswith(f"messages{text}")


def test_a_call_object_inside_a_mapping_is_checked_too() -> None:
    turn = {"role": "assistant", "tool_calls": [made(ToolCall, "a", "f", None)]}
    assert complaint([turn]).startswith("messages[0].tool_calls[0].arguments is NoneType: give JSON text")


def tool_complaint(value: object) -> str:
    """What is said about tools."""
    with pytest.raises(errors.InvalidRequestError) as caught:
        read_tools(value)
    assert type(caught.value) is errors.InvalidRequestError
    return str(caught.value)


def endless() -> dict[str, object]:
    """A schema that holds itself."""
    schema: dict[str, object] = {"type": "object"}
    schema["items"] = [schema]
    return schema


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("f", "tools is str: give a list of tools"),
        ({"name": "f"}, "tools is dict: give a list of tools"),
        (5, "tools is int: give a list of tools"),
        (["f"], "tools[0] is str: give a mapping with a name and parameters"),
        ([None], "tools[0] is NoneType: give a mapping"),
        ([{}], "tools[0].name is None: give the tool's name"),
        ([{"name": 5}], "tools[0].name is 5: give the tool's name"),
        ([{"type": "function"}], "tools[0].function is missing: give {'name', 'description', 'parameters'}"),
        ([{"type": "web_search"}], "tools[0].type is 'web_search': only 'function' exists"),
        ([{"type": "function", "function": {"name": ""}}], "tools[0].function.name is '': use letters, digits"),
        ([{"name": "a"}, {"name": "a b"}], "tools[1].name is 'a b': use letters, digits, '_' and '-'"),
        ([{"name": "é"}], "tools[0].name is 'é': use letters"),
        ([{"name": "a\n"}], "tools[0].name is 'a\\n': use letters"),
        ([{"name": "a"}, {"name": "b"}, {"name": "a"}], "tools[0] and tools[2] are both named 'a'"),
        ([{"name": "a", "description": 5}], "tools[0].description is int: give a text"),
        ([{"name": "a", "parameters": "{}"}], "tools[0].parameters is str: give a JSON Schema object"),
        ([{"name": "a", "strict": "yes"}], "tools[0].strict is str: give True or False"),
        ([{"name": "a", "input_schema": {}}], "tools[0].input_schema is not a field of a tool; known: description"),
        ([{"type": "function", "function": {"name": "a"}, "x": 1}], "tools[0].x is not a field of a tool"),
        ([{"name": "a", 5: 1}], "tools[0].5 is not a field of a tool"),
        ([{"name": "a", "parameters": {"required": {"b"}}}], "tools[0].parameters.required is set, which JSON does"),
        ([{"name": "a", "parameters": {"enum": [1, b"x"]}}], "tools[0].parameters.enum[1] is bytes"),
        ([{"name": "a", "parameters": {"maximum": float("nan")}}], "tools[0].parameters.maximum is nan: JSON has no"),
        ([{"name": "a", "parameters": {1: 2}}], "tools[0].parameters has the key 1: keys are texts in JSON"),
        ([{"name": "a", "parameters": endless()}], "tools[0].parameters.items[0]"),
        ([made(ToolSpec, 5)], "tools[0].name is 5: give the tool's name"),
        ([made(ToolSpec, "a b")], "tools[0].name is 'a b': use letters"),
        ([made(ToolSpec, "a", 5)], "tools[0].description is int: give a text"),
        ([made(ToolSpec, "a", None, [1])], "tools[0].parameters is list: give a JSON Schema object"),
        ([made(ToolSpec, "a", None, {"x": print})], "tools[0].parameters.x is builtin_function_or_method, which JSON"),
        ([made(ToolSpec, "a", None, None, 1)], "tools[0].strict is int: give True or False"),
    ],
)
def test_a_mistake_in_a_tool_is_named_by_its_place(value: object, text: str) -> None:
    assert tool_complaint(value).startswith(text)


@pytest.mark.parametrize(
    "value",
    [
        {"name": "f", "parameters": {"type": "object"}},
        {"type": "function", "function": {"parameters": {"type": "object"}, "name": "f", "strict": None}},
        {"function": {"name": "f", "description": None, "parameters": MappingProxyType({"type": "object"})}},
        ToolSpec("f", parameters={"type": "object"}),
    ],
)
def test_one_tool_may_be_written_in_many_ways(value: object) -> None:
    assert read_tools([value]) == (ToolSpec("f", parameters={"type": "object"}),)
    assert read_tools(iter([value]))[0].to_dict() == {
        "type": "function",
        "function": {"name": "f", "parameters": {"type": "object"}},
    }


def test_a_tool_does_not_change_with_the_callers_schema() -> None:
    schema: dict[str, Any] = {"type": "object", "properties": {}}
    (tool,) = read_tools([{"name": "f", "parameters": schema}])
    schema["properties"]["late"] = {}
    assert tool.parameters == {"type": "object", "properties": {}}


@pytest.mark.parametrize("arguments", ['{"a": ', "[1]", '{"a": NaN}', '{"a":' * 5000])
def test_arguments_that_the_model_got_wrong_can_go_back(arguments: str) -> None:
    (message,) = read_messages(with_call(function={"arguments": arguments}))
    assert isinstance(message, AssistantMessage)
    assert message.tool_calls[0].arguments == arguments
    assert not message.tool_calls[0].is_object
