"""Messages, conversations, replies and events in users' models and FastAPI routes, in the form of `to_dict`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import pytest
from fastapi import Body, FastAPI
from fastapi.testclient import TestClient
from pydantic import BaseModel, TypeAdapter, ValidationError

from deepseek_v4_sdk import (
    AssistantMessage,
    Attempt,
    ChatEvent,
    Conversation,
    Finished,
    Message,
    ReasoningDelta,
    ReminderMessage,
    Repair,
    Repaired,
    Reply,
    StreamInterruptedError,
    StreamRestarted,
    SystemMessage,
    TextDelta,
    Timing,
    ToolCall,
    ToolCallDelta,
    ToolCallReady,
    ToolCallStarted,
    ToolMessage,
    Usage,
    UserMessage,
)

_CALL = ToolCall("call_1", "look", '{"at": 1}', bars="ascii")
_MESSAGES: list[Message] = [
    SystemMessage("Be brief."),
    SystemMessage("Later.", late=True, developer=True),
    UserMessage(("Two", "parts"), {"task": "t"}),
    ReminderMessage("Now."),
    AssistantMessage(None, "Let me look.", (_CALL,)),
    ToolMessage("1", "call_1"),
]
_REPLY = Reply(
    text="Hi",
    reasoning="r",
    tool_calls=(_CALL,),
    finish_reason="stop",
    usage=Usage(prompt_tokens=3, completion_tokens=2),
    timing=Timing(sent_at=datetime(2026, 11, 1, tzinfo=UTC), total=1.5),
    logprobs=({"token": "Hi", "top": [1, None]},),
    headers={"x-a": "b"},
    attempts=(Attempt(number=1, status=200, sent_at=datetime(2026, 11, 1, tzinfo=UTC), usage=Usage(total_tokens=5)),),
    repairs=(Repair("kind", "detail"),),
    metadata={"user": 7},
    raw={"more": [{"deep": True}]},
)


class Session(BaseModel):
    """A model as users write it."""

    last: Reply | None = None
    history: Conversation
    first: Message
    seen: list[ChatEvent] = []


@pytest.mark.parametrize("message", _MESSAGES, ids=lambda message: type(message).__name__)
def test_a_message_goes_through_a_model_and_back(message: Message) -> None:
    adapter: TypeAdapter[Message] = TypeAdapter(Message)
    again = adapter.validate_json(adapter.dump_json(message))
    assert again == message
    assert type(again) is type(message)
    assert repr(again) == repr(message)
    assert adapter.validate_python(message) is message


def test_the_form_is_that_of_to_dict() -> None:
    for message in (UserMessage("a"), ToolMessage("1", "call_1"), AssistantMessage("a", "r")):
        assert TypeAdapter(type(message)).dump_python(message) == message.to_dict()
    assert TypeAdapter(Reply).dump_python(_REPLY) == _REPLY.to_dict()


def test_a_reply_comes_back_with_all_it_had() -> None:
    adapter = TypeAdapter(Reply)
    again = adapter.validate_json(adapter.dump_json(_REPLY))
    assert again == _REPLY
    assert again.tool_calls[0].recovered


def test_a_session_of_all_of_them() -> None:
    session = Session(
        last=_REPLY, history=Conversation(_MESSAGES), first=_MESSAGES[0], seen=[TextDelta("a"), Finished(_REPLY)]
    )
    assert Session.model_validate_json(session.model_dump_json()) == session


@pytest.mark.parametrize(
    "event",
    [
        ReasoningDelta("a"),
        TextDelta("a"),
        ToolCallStarted(0, "call_1", "look"),
        ToolCallDelta(0, "{"),
        ToolCallReady(_CALL),
        Repaired(Repair("kind", "detail")),
        Finished(_REPLY),
    ],
    ids=lambda event: event.type,
)
def test_an_event_goes_through_a_model_and_back(event: ChatEvent) -> None:
    adapter: TypeAdapter[ChatEvent] = TypeAdapter(ChatEvent)
    assert adapter.dump_python(event)["type"] == event.type
    again = adapter.validate_json(adapter.dump_json(event))
    assert again == event
    assert type(again) is type(event)


def test_an_error_in_an_event_keeps_its_class_and_text() -> None:
    adapter: TypeAdapter[ChatEvent] = TypeAdapter(ChatEvent)
    again = adapter.validate_json(adapter.dump_json(StreamRestarted(StreamInterruptedError("it broke off"))))
    assert isinstance(again, StreamRestarted)
    assert type(again.error) is StreamInterruptedError
    assert str(again.error) == "it broke off"


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        (UserMessage, {"role": "system", "content": "a"}, "UserMessage.role is 'system'"),
        (UserMessage, {"content": "a", "colour": 1}, "UserMessage.colour is not a field"),
        (UserMessage, "a", "UserMessage is str: give a mapping"),
        (ToolMessage, {"content": "a"}, "ToolMessage.tool_call_id"),
        (Conversation, [{"role": "user"}], r"messages\[0\].content is missing"),
        (Conversation, 7, "the conversation is int: give a list"),
        (Reply, {"text": 7}, "text"),
        (TextDelta, {"text": "a"}, "type"),
    ],
)
def test_a_wrong_value_is_a_validation_error(kind: type, value: object, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        TypeAdapter(kind).validate_python(value)


def test_fastapi_takes_and_gives_them_and_describes_them() -> None:
    app = FastAPI()

    # FastAPI takes a bare class of a list for a form with files: it has to be told that it is the body.
    @app.post("/chat")
    def chat(messages: list[UserMessage], history: Annotated[Conversation, Body()]) -> Reply:
        return Reply(text=f"{messages[0].content} after {len(history)}")

    client = TestClient(app)
    body = {"messages": [{"content": "a"}], "history": [{"role": "user", "content": "b"}]}
    answer = client.post("/chat", json=body)
    assert answer.json()["text"] == "a after 1"
    assert client.post("/chat", json={**body, "messages": [{"content": 7}]}).status_code == 422
    schemas = client.get("/openapi.json").json()
    assert "tool_calls" in str(schemas)
    assert "'const': 'user'" in str(schemas)
