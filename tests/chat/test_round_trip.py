"""Conversations and tools survive being written and read again, whatever they hold: the history round-trips."""

from __future__ import annotations

import json
import string
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepseek_v4_sdk.chat import ToolSpec, read_json, read_messages, read_tools, write_json
from tests.support.profiles import examples

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import Message

steady = examples(25)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
WORD = st.text(string.ascii_letters + string.digits + "_-", min_size=1, max_size=10)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
OBJECT = st.dictionaries(TEXT, JSON, max_size=3)
PARTS = st.lists(st.builds(lambda text: {"type": "text", "text": text}, TEXT), min_size=1, max_size=3)
CONTENT = TEXT | PARTS
EXTRA = st.fixed_dictionaries({}, optional={"name": TEXT, "task": TEXT, "mask": st.integers(), "wo_eos": st.booleans()})
CALL = st.builds(
    lambda call_id, name, arguments: {
        "id": call_id,
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    },
    TEXT.filter(bool),
    TEXT.filter(bool),
    OBJECT.map(lambda value: json.dumps(value, ensure_ascii=False)) | st.just(""),
)


def spoken(role: str) -> st.SearchStrategy[dict[str, Any]]:
    """A message that is content alone."""
    return st.builds(lambda content, extra: {"role": role, "content": content, **extra}, CONTENT, EXTRA)


ASSISTANT = st.builds(
    lambda content, more, extra: {"role": "assistant", "content": content, **more, **extra},
    st.none() | CONTENT,
    st.fixed_dictionaries({}, optional={"reasoning": TEXT, "tool_calls": st.lists(CALL, min_size=1, max_size=3)}),
    EXTRA,
)
TOOL = st.builds(
    lambda content, call_id, extra: {"role": "tool", "content": content, "tool_call_id": call_id, **extra},
    CONTENT,
    TEXT.filter(bool),
    EXTRA,
)
CONVERSATION = st.lists(
    spoken("system") | spoken("user") | spoken("latest_reminder") | ASSISTANT | TOOL, min_size=1, max_size=6
)
FUNCTION = st.fixed_dictionaries(
    {"name": WORD}, optional={"description": TEXT, "parameters": OBJECT, "strict": st.booleans()}
)
TOOLS = st.lists(FUNCTION, max_size=4, unique_by=lambda function: str(function["name"]))


def written(messages: tuple[Message, ...]) -> list[Any]:
    """Messages as JSON has them."""
    return [message.to_dict() for message in messages]


@steady
@given(CONVERSATION)
def test_messages_in_openais_form_come_back_as_they_were(conversation: list[dict[str, Any]]) -> None:
    messages = read_messages(conversation)
    assert written(messages) == conversation
    assert read_messages(written(messages)) == messages
    assert read_messages(messages) == messages


@steady
@given(CONVERSATION)
def test_messages_survive_a_file(conversation: list[dict[str, Any]]) -> None:
    messages = read_messages(conversation)
    stored: Any = read_json(write_json(written(messages)))
    assert read_messages(stored) == messages
    assert write_json(written(read_messages(stored))) == write_json(written(messages))


@steady
@given(CONVERSATION)
def test_a_conversation_that_grows_keeps_its_beginning(conversation: list[dict[str, Any]]) -> None:
    whole = write_json(written(read_messages(conversation)))
    for end in range(1, len(conversation)):
        assert whole.startswith(write_json(written(read_messages(conversation[:end])))[:-1])


@steady
@given(TOOLS)
def test_tools_keep_their_order_and_their_bytes(functions: list[dict[str, Any]]) -> None:
    wrapped = [{"type": "function", "function": dict(reversed(function.items()))} for function in functions]
    bare, nested = read_tools(functions), read_tools(wrapped)
    assert [tool.name for tool in bare] == [function["name"] for function in functions]
    once = write_json([tool.to_dict() for tool in bare])
    assert write_json([tool.to_dict() for tool in nested]) == once
    assert write_json([tool.to_dict() for tool in read_tools(bare)]) == once
    assert read_tools([tool.to_dict() for tool in bare]) == bare


@steady
@given(WORD, OBJECT)
def test_a_schema_keeps_the_order_of_its_keys(name: str, schema: dict[str, Any]) -> None:
    (tool,) = read_tools([ToolSpec(name, parameters=schema)])
    assert json.dumps(tool.parameters) == json.dumps(schema or {"type": "object", "properties": {}})


@steady
@given(JSON)
def test_what_is_written_is_json(value: Any) -> None:
    assert json.loads(write_json(value)) == value


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_json_is_not_written(number: float) -> None:
    for value in (number, [number], {"a": [{"b": (1.5, number)}]}, {"a": {number}}):
        with pytest.raises(ValueError, match="NaN or Infinity"):
            write_json(value)
    words = {"a": "NaN and Infinity", "b": [1.5, None, True]}
    assert json.loads(write_json(words)) == words
