"""Histories of other SDKs, and texts that UTF-8 cannot carry: taken, or refused by their place."""

from __future__ import annotations

import json
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.messages import SystemMessage as LangChainSystem
from langchain_core.messages import ToolMessage as LangChainTool
from openai.types.chat import ChatCompletion, ChatCompletionMessage

from deepseek_v4_sdk import Conversation, DeepSeekV4
from deepseek_v4_sdk.chat import AssistantMessage, ToolCall, ToolMessage, UserMessage
from deepseek_v4_sdk.errors import InvalidRequestError
from deepseek_v4_sdk.testing import MockProvider, script
from tests.support.modes import connect, in_both_modes
from tests.support.replay import Mode

HALF = b"caf\xe9.txt".decode("utf-8", "surrogateescape")
CALLED = {"id": "c", "type": "function", "function": {"name": "ls", "arguments": "{}"}}
SAID = ChatCompletionMessage.model_validate({"role": "assistant", "content": "hi", "annotations": [], "refusal": None})
CALLS = ChatCompletionMessage.model_validate({"role": "assistant", "content": None, "tool_calls": [CALLED]})


def sent(*messages: Any) -> list[dict[str, Any]]:
    mock = MockProvider(default=script.text("Yes."))
    with DeepSeekV4(mock) as client:
        client.chat([{"role": "user", "content": "x"}, *messages])
    return mock.requests[0].body["messages"][1:]


def test_openais_objects_and_their_dumps() -> None:
    result = {"role": "tool", "tool_call_id": "c", "content": "a.txt", "name": None}
    for said, calls in ((SAID, CALLS), (SAID.model_dump(), CALLS.model_dump())):
        first, second, third = sent(said, calls, result)
        assert (first["content"], third["content"]) == ("hi", "a.txt")
        assert second["tool_calls"] == [CALLED]
        assert not {"annotations", "refusal", "audio", "function_call", "name"} & (first.keys() | third.keys())
    stored = json.dumps([SAID.model_dump(), {"role": "user", "content": "y", "name": None}])
    assert list(Conversation.from_json(stored)) == [AssistantMessage("hi"), UserMessage("y")]
    assert list(Conversation(SAID)) == [AssistantMessage("hi")]  # type: ignore[arg-type]


def test_a_whole_completion_is_refused_with_what_mends_it() -> None:
    choice = {"index": 0, "message": SAID.model_dump(), "finish_reason": "stop"}
    whole = ChatCompletion.model_validate(
        {"id": "r", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    )
    with pytest.raises(InvalidRequestError, match=r"messages\[1\] is ChatCompletion: give its .choices\[0\].message"):
        sent(whole)


def test_langchains_messages() -> None:
    asked = AIMessage(
        content="I look.",
        additional_kwargs={"reasoning_content": "Hm."},
        tool_calls=[{"name": "ls", "args": {"path": "ä"}, "id": "c"}],
    )
    talk = [LangChainSystem("s"), HumanMessage("x"), asked, LangChainTool("a.txt", tool_call_id="c"), AIMessage("So.")]
    for given in (talk, [each.model_dump() for each in talk]):
        read = Conversation(given)
        assert [message.role for message in read] == ["system", "user", "assistant", "tool", "assistant"]
        assert read[2] == AssistantMessage("I look.", "Hm.", (ToolCall("c", "ls", '{"path": "ä"}'),))
        assert read[3] == ToolMessage("a.txt", "c")


def test_a_reply_in_a_list() -> None:
    client = DeepSeekV4(MockProvider(script.think("Hm.") + script.text("Hi"), default=script.text("Yes.")))
    reply = client.chat("x")
    assert sent(reply, {"role": "user", "content": "y"})[0] == {
        "role": "assistant",
        "content": "Hi",
        "reasoning": "Hm.",
    }
    assert list(Conversation([reply])) == [reply.message]


NOT_CARRIED: dict[str, Any] = {
    "a text": {"role": "user", "content": HALF},
    "a part": {"role": "user", "content": [{"type": "text", "text": HALF}]},
    "reasoning": AssistantMessage("a", HALF),
    "arguments": [AssistantMessage(None, None, (ToolCall("c", "ls", f'{{"path": "{HALF}"}}'),)), ToolMessage("x", "c")],
    "a result": ToolMessage(HALF, "c"),
    "a field": UserMessage("a", {"task": HALF}),
}


@in_both_modes
@pytest.mark.parametrize("case", NOT_CARRIED)
def test_a_message_that_utf8_cannot_carry_is_named_and_not_let_in(case: str, mode: Mode) -> None:
    given = NOT_CARRIED[case]
    first, *rest = given if isinstance(given, list) else [given]
    mock = MockProvider(default=script.text("never"))
    with pytest.raises(InvalidRequestError, match=r"messages\[1\].*half a surrogate pair"):
        connect(mode, mock).chat([UserMessage("x"), first, *rest])
    talk = Conversation().user("x")
    with pytest.raises(InvalidRequestError, match=r"messages\[1\].*half a surrogate pair"):
        talk.add(first)
    with pytest.raises(InvalidRequestError, match=r"messages\[0\].*half a surrogate pair"):
        talk[0] = first
    assert list(talk) == [UserMessage("x")]
    assert mock.requests == []
    for add in (talk.user, talk.system):
        with pytest.raises(InvalidRequestError, match=r"messages\[1\].*half a surrogate pair"):
            add(HALF)
    assert Conversation.from_json(talk.to_json()) == talk


def lists() -> list[str]:
    """List."""
    return [HALF]


def tells() -> str:
    """List."""
    return f"a {HALF}"


def fails() -> str:
    """List."""
    raise FileNotFoundError(HALF)


@in_both_modes
@pytest.mark.parametrize("tool", [lists, tells, fails])
def test_a_result_that_utf8_cannot_carry_goes_on_with_a_note(tool: Any, mode: Mode) -> None:
    mock = MockProvider(script.tool_call(tool.__name__), script.text("Done."))
    run = connect(mode, mock).run_tools("Go.", [tool])
    assert run.reply.text == "Done."
    [result] = run.rounds[0].results
    assert "caf\ufffd.txt" in result.content
    assert result.note == "1 half surrogate pair(s) became U+FFFD"
    assert (result.error is None) is (tool is not fails)
    assert mock.requests[1].body["messages"][-1]["content"] == result.content
    assert Conversation.from_json(run.messages.to_json()) == run.messages


def test_a_result_that_is_added_by_hand() -> None:
    talk = Conversation().user("x").add(AssistantMessage(None, None, (ToolCall("c", "ls", "{}"),)))
    assert talk.add_tool_result("c", {"name": HALF})[-1] == ToolMessage('{"name": "caf\ufffd.txt"}', "c")


@in_both_modes
@pytest.mark.parametrize(
    "wrong", [" " * 250_000, '{"n": "' + "x" * 250_000 + '"}', "{" + "\n" * 250_000 + "x" * 30_000]
)
def test_a_long_wrong_answer_is_not_sent_back_whole(wrong: str, mode: Mode) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    step = script.text(f"No. {wrong}")
    mock = MockProvider(step, script.text('{"n": 1}'), count_tokens=False)
    assert connect(mode, mock).parse("x", schema, thinking="off").value == {"n": 1}
    assert len(json.dumps(mock.requests[1].body["messages"])) < 60_000
