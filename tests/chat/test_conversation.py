"""A conversation is a list of messages that grows, copies, is written and read again, without loss."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import MutableSequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any

import pytest
from hypothesis import given
from pydantic import BaseModel

from deepseek_v4_sdk import DeepSeekV4
from deepseek_v4_sdk.chat import (
    AssistantMessage,
    Conversation,
    Message,
    SystemMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from deepseek_v4_sdk.errors import InvalidRequestError
from deepseek_v4_sdk.testing import MockProvider, make_reply, script
from tests.chat.test_round_trip import CONVERSATION
from tests.support.profiles import examples
from tests.support.talks import PROVIDERS, asks, result, user

steady = examples(25)
TALK: list[Message] = [SystemMessage("s"), user("u"), asks("a"), result("a"), AssistantMessage("It is 21.", "So.")]


def test_it_grows_by_what_is_said() -> None:
    reply = make_reply(script.think("Hm.") + script.text("I look.") + script.tool_call("get_weather", city="Paris"))
    call = reply.tool_calls[0]
    talk = Conversation().system("s").user("u").add(reply).add_tool_result(call, {"temp": 21}).add(user("And?"))
    assert talk[2] == AssistantMessage("I look.", "Hm.", (ToolCall(call.id, "get_weather", '{"city": "Paris"}'),))
    assert talk[3] == ToolMessage('{"temp": 21}', call.id)
    assert [message.role for message in talk] == ["system", "user", "assistant", "tool", "user"]
    assert talk.validate() == []


@pytest.mark.parametrize(
    "given_messages", ["u", user("u"), {"role": "user", "content": "u"}, [user("u")], (m for m in [user("u")])]
)
def test_it_begins_with_whatever_a_call_takes(given_messages: Any) -> None:
    assert list(Conversation(given_messages)) == [UserMessage("u")]


@pytest.mark.parametrize("nothing", [(), [], iter(()), Conversation()])
def test_it_may_begin_with_nothing(nothing: Any) -> None:
    assert list(Conversation(nothing)) == []
    with pytest.raises(InvalidRequestError, match="the conversation is empty: add a message"):
        DeepSeekV4("mock").chat(Conversation(nothing))


def test_a_wrong_message_is_named_by_its_place() -> None:
    talk = Conversation(TALK)
    for wrong in (
        lambda: talk.add({"role": "user"}),
        lambda: talk.append({"role": "user"}),  # type: ignore[arg-type]
        lambda: talk.insert(5, {"role": "user"}),  # type: ignore[arg-type]
    ):
        with pytest.raises(InvalidRequestError, match=r"messages\[5\].content is missing"):
            wrong()
    with pytest.raises(InvalidRequestError, match=r"messages\[1\] is int"):
        talk[1] = 5  # type: ignore[call-overload]
    assert list(talk) == TALK


def test_it_is_a_list() -> None:
    talk = Conversation(TALK)
    assert isinstance(talk, MutableSequence)
    assert (len(talk), talk[-1], user("u") in talk, talk.index(TALK[2])) == (5, TALK[4], True, 2)
    assert talk.pop() == TALK[4]
    talk += [user("x"), user("y")]
    del talk[0]
    talk.insert(0, user("z"))
    talk[1] = user("v")
    talk[-2:] = [user("w")]
    assert list(talk) == [user("z"), user("v"), TALK[2], TALK[3], user("w")]
    talk[1:2] = []
    talk.reverse()
    talk.remove(user("w"))
    talk.extend({"role": "user", "content": "e"} for _ in range(1))  # type: ignore[arg-type]
    assert list(talk) == [TALK[3], TALK[2], user("z"), user("e")]
    talk.clear()
    assert list(talk) == []


def test_slices_and_copies_grow_apart() -> None:
    talk = Conversation(TALK)
    for other in (talk[:], talk.copy(), copy.copy(talk), copy.deepcopy(talk), pickle.loads(pickle.dumps(talk))):
        assert isinstance(other, Conversation)
        assert other == talk
        other.user("More.")
        assert len(talk) == 5
        assert len(other) == 6
        assert other != talk
    assert list(talk[1:3]) == TALK[1:3]
    assert list(talk[9:]) == []
    assert [problem.kind for problem in talk[:3].validate()] == ["missing_result"]


def test_equality_is_that_of_the_messages() -> None:
    assert Conversation(TALK) == Conversation(TALK)
    assert Conversation(TALK) != TALK
    assert Conversation(TALK) != Conversation(TALK[:-1])
    with pytest.raises(TypeError):
        hash(Conversation())
    assert repr(Conversation(TALK)) == "Conversation(5 messages: system, user, assistant, tool, assistant)"


@steady
@given(CONVERSATION)
def test_it_survives_a_file_byte_for_byte(messages: list[dict[str, Any]]) -> None:
    talk = Conversation(messages)
    written = talk.to_json()
    again = Conversation.from_json(written.encode())
    assert again == talk
    assert again.to_json() == written
    assert again.validate() == talk.validate()
    assert [m for m in json.loads(written) if m["role"] != "developer"] == [
        m for m in messages if m["role"] != "developer"
    ]


def test_what_was_said_about_a_message_survives_a_file_and_is_not_sent() -> None:
    talk = Conversation([user(), SystemMessage("s", late=True), SystemMessage("d", developer=True, late=True)])
    again = Conversation.from_json(talk.to_json())
    assert again.validate() == talk.validate()
    assert [problem.kind for problem in again.validate()] == ["developer"]
    mock = MockProvider(script.text("Yes."))
    DeepSeekV4(mock).chat(again)
    assert mock.requests[0].body["messages"][1:] == [
        {"role": "system", "content": "s"},
        {"role": "system", "content": "d"},
    ]
    with pytest.raises(InvalidRequestError, match=r"messages\[1\].late is 'yes': give True or False"):
        Conversation([user(), {"role": "system", "content": "s", "late": "yes"}])


@pytest.mark.parametrize("text", ["", "{", '{"role": "user"}', '"x"', "[NaN]", b"\xff", "null"])
def test_what_is_no_conversation_is_refused(text: Any) -> None:
    with pytest.raises(InvalidRequestError):
        Conversation.from_json(text)
    assert Conversation.from_json("[]") == Conversation()


@dataclass
class Weather:
    temp: int
    day: date


class Report(BaseModel):
    temp: int
    note: str = "é"


class Color(Enum):
    RED = "red"


RESULTS: dict[str, tuple[Any, str]] = {
    "a text": ("It is <21> é \n", "It is <21> é \n"),
    "an empty text": ("", ""),
    "json text": ('{"a":1}', '{"a":1}'),
    "a dict": ({"b": 1, "a": [True, None, 1.5], "é": "天"}, '{"b": 1, "a": [true, null, 1.5], "é": "天"}'),
    "nothing": (None, "null"),
    "a number": (21, "21"),
    "a dataclass": (Weather(21, date(2026, 11, 21)), '{"temp": 21, "day": "2026-11-21"}'),
    "a model": (Report(temp=21), '{"temp": 21, "note": "é"}'),
    "models in a list": ([Report(temp=1)], '[{"temp": 1, "note": "é"}]'),
    "an enum": (Color.RED, '"red"'),
}


@pytest.mark.parametrize("kind", RESULTS)
def test_a_result_may_be_anything_that_json_has(kind: str) -> None:
    value, written = RESULTS[kind]
    talk = Conversation([user(), asks("a")])
    assert talk.add_tool_result("a", value)[-1] == ToolMessage(written, "a")
    assert talk.add_tool_result(talk[1].tool_calls[0], value)[-1] == ToolMessage(written, "a")  # type: ignore[union-attr]


def _endless() -> Any:
    value: list[Any] = []
    value.append(value)
    return value


def _deep() -> Any:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    return value


@pytest.mark.parametrize(
    "make",
    [
        object,
        lambda: float("-inf"),
        lambda: {"a": float("inf")},
        lambda: [object()],
        _endless,
        _deep,
    ],
)
def test_a_result_that_is_no_json_is_a_plain_error(make: Any) -> None:
    talk = Conversation([user(), asks("a")])
    with pytest.raises(InvalidRequestError, match="the result cannot be written as JSON"):
        talk.add_tool_result("a", make())
    assert len(talk) == 2


ARGUMENTS = {
    '{"city": "Paris"}': '{"city": "Paris"}',
    "": "{}",
    " \n": "{}",
    "[1]": '{"arguments": "[1]"}',
    "7": '{"arguments": "7"}',
    '{"city": "Pa': '{"arguments": "{\\"city\\": \\"Pa"}',
    '{"a": NaN}': '{"arguments": "{\\"a\\": NaN}"}',
    "天气": '{"arguments": "天气"}',
}


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("arguments", ARGUMENTS)
def test_arguments_that_are_no_object_go_out_as_one(arguments: str, provider: str) -> None:
    mock = MockProvider(script.text("Yes."), flavor=provider)
    talk = Conversation([user(), asks("a", arguments=arguments), result("a")])
    DeepSeekV4(mock, model="pro" if provider in {"deepseek", "nvidia"} else None).chat(talk)
    (call,) = mock.requests[0].body["messages"][1]["tool_calls"]
    assert call["function"]["arguments"] == ARGUMENTS[arguments]
    assert talk[1].tool_calls[0].arguments == arguments  # type: ignore[union-attr]
