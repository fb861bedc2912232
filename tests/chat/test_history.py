"""Every problem of a conversation is named by its index, for every server, and before anything is sent."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepseek_v4_sdk import DeepSeekV4
from deepseek_v4_sdk.chat import (
    AssistantMessage,
    Conversation,
    History,
    Message,
    ProblemKind,
    ReminderMessage,
    SystemMessage,
)
from deepseek_v4_sdk.errors import InvalidRequestError
from deepseek_v4_sdk.providers import find_provider
from deepseek_v4_sdk.testing import MockProvider, script
from tests.support.modes import connect, in_both_modes
from tests.support.profiles import examples
from tests.support.talks import PROVIDERS, WRONG, asks, late, result, user

steady = examples(25)


def named(conversation: Conversation, *given: Any, **more: Any) -> list[tuple[int, str, bool]]:
    return [(problem.index, problem.kind, problem.fatal) for problem in conversation.validate(*given, **more)]


@pytest.mark.parametrize("what", WRONG)
def test_a_problem_is_named(what: str) -> None:
    messages, problems = WRONG[what]
    conversation = Conversation(messages)
    assert sorted(named(conversation)) == sorted(problems)
    for problem in conversation.validate():
        assert problem.text.startswith(f"messages[{problem.index}]")


def test_no_kind_is_forgotten() -> None:
    kinds = {kind for _, problems in WRONG.values() for _, kind, _ in problems}
    assert kinds | {"missing_reasoning"} == set(get_args(ProblemKind))


TEXTS = {
    "an orphan": "messages[1] is a result for 'a', a call that no assistant message before it has made",
    "a second result": "messages[3] is a second result for the call 'a': leave one out",
    "no result": "messages[1] calls a tool ('a') that has no result: add a tool message for it right after",
    "a user message between": (
        "messages[2] is between the tool calls of messages[1] and their results: put it after messages[3]"
    ),
    "an id in two turns": (
        "messages[3].tool_calls[0] has the id 'a', which messages[1] has too: it goes out under another"
    ),
    "arguments that are a list": (
        "messages[1].tool_calls[0] has arguments that are not a JSON object; "
        "they are sent as one argument named 'arguments'"
    ),
    "a developer": "messages[0] has the role developer and goes out as system",
    "a reminder at the end": (
        "messages[1] is a latest_reminder, and last: it would follow the opening of the answer; "
        "its place is before the last user message"
    ),
}


@pytest.mark.parametrize("what", TEXTS)
def test_a_problem_says_what_to_do(what: str) -> None:
    assert [problem.text for problem in Conversation(WRONG[what][0]).validate()] == [TEXTS[what]]


LATE = {
    "vllm": "here it becomes bare text in its place",
    "sglang": "here it is pulled to the front",
    "deepseek": "here it is pulled to the front",
}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_a_server_treats_in_its_own_way(provider: str) -> None:
    """By provider and by client alike."""
    url = None if provider in {"nvidia", "deepseek"} else "http://localhost:8000"
    client = DeepSeekV4(provider, base_url=url, api_key="key")
    thoughtless = Conversation([user(), asks("a", reasoning=None), result("a")])
    reminded = Conversation([user(), ReminderMessage("r"), user()])
    told = Conversation([user(), late()])
    for asked in (client, find_provider(provider)):
        needs = [(1, "missing_reasoning", True)] if provider == "deepseek" else []
        assert named(thoughtless, asked) == needs
        assert named(thoughtless, asked, thinking=False) == []
        refused = provider in {"nvidia", "dynamo"}
        assert named(reminded, asked) == [(1, "reminder", refused)]
        assert ("does not exist here" in reminded.validate(asked)[0].text) is refused
        assert named(told, asked) == [(1, "late_system", True)]
        assert LATE.get(provider, "it is rendered differently by every server") in told.validate(asked)[0].text


def test_reasoning_is_missed_since_the_last_user_message_alone() -> None:
    asked = find_provider("deepseek")
    earlier = [user(), asks("a", reasoning=None), result("a"), AssistantMessage("x"), user()]
    assert named(Conversation(earlier), asked) == []
    assert named(Conversation([*earlier, asks("b", reasoning=""), result("b")]), asked) == []
    assert named(Conversation([*earlier, asks("b", reasoning=None), result("b")]), asked) == [
        (5, "missing_reasoning", True)
    ]


FATAL = [what for what, (_, problems) in WRONG.items() if any(fatal for _, _, fatal in problems)]


@pytest.mark.parametrize("what", FATAL)
def test_a_fatal_problem_is_refused_before_anything_is_sent(what: str) -> None:
    messages, problems = WRONG[what]
    mock = MockProvider(default=script.text("never"))
    first = min(index for index, _, fatal in problems if fatal)
    for given_messages in (messages, Conversation(messages)):
        with DeepSeekV4(mock) as client:
            with pytest.raises(InvalidRequestError, match=rf"messages\[{first}\]") as raised:
                client.chat(given_messages)
            with pytest.raises(InvalidRequestError):
                client.stream(given_messages)
        more = sum(fatal for _, _, fatal in problems) - 1
        assert (f"(and {more} more" in str(raised.value)) is (more > 0)
    assert mock.requests == []


@in_both_modes
@pytest.mark.parametrize("what", [what for what in WRONG if what not in FATAL and what != "a reminder at the end"])
def test_what_is_not_fatal_is_sent(what: str, mode: Any) -> None:
    mock = MockProvider(script.text("Yes."))
    assert connect(mode, mock).chat(Conversation(WRONG[what][0])).text == "Yes."


MESSAGE = st.sampled_from(
    [user(), late(), SystemMessage("s", late=True), ReminderMessage("r"), AssistantMessage("x")]
    + [SystemMessage("d", developer=True)]
    + [asks(*ids, reasoning=reasoning) for ids in ("a", "b", "ab", "aa") for reasoning in (None, "Hm.")]
    + [asks("a", arguments="["), result("a"), result("b"), result("c")]
)
EDIT = st.tuples(
    st.sampled_from(["append", "insert", "set", "delete", "validate", "clear"]), st.integers(0, 9), MESSAGE
)


@steady
@given(st.lists(EDIT, max_size=25))
def test_what_was_seen_in_steps_is_what_is_seen_at_once(edits: list[tuple[str, int, Message]]) -> None:
    conversation = Conversation()
    for kind, place, message in edits:
        if kind == "append":
            conversation.append(message)
        elif kind == "insert":
            conversation.insert(place, message)
        elif kind == "clear" and place == 0:
            conversation.clear()
        elif kind == "set" and place < len(conversation):
            conversation[place] = message
        elif kind == "delete" and place < len(conversation):
            del conversation[place]
        elif kind == "validate":
            conversation.validate()
    for provider in (None, *map(find_provider, PROVIDERS)):
        assert conversation.validate(provider) == Conversation(list(conversation)).validate(provider)


def test_a_long_conversation_is_walked_over_once(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    see = History._see

    def counted(self: History, index: int, message: Message) -> None:
        seen.append(index)
        see(self, index, message)

    monkeypatch.setattr(History, "_see", counted)
    conversation = Conversation()
    with DeepSeekV4(MockProvider(default=script.text("Yes."))) as client:
        for number in range(1250):
            conversation.add(user()).add(asks(f"c{number}")).add_tool_result(f"c{number}", "x").add(
                AssistantMessage(".")
            )
            if number % 50 == 0:
                conversation.validate(client)
        for _ in range(3):
            client.chat(conversation.user("Go on."))
    assert len(conversation) == 5003
    assert seen == list(range(5003))


def test_a_request_keeps_to_the_messages_it_was_made_of() -> None:
    """What is added before the request is sent, or sent again, is no part of it."""
    mock = MockProvider(script.error(503), script.text("Yes."))
    conversation = Conversation().user("Go.")
    with DeepSeekV4(mock) as client:
        stream = client.stream(conversation)
        assert conversation.add(asks("a")).validate()  # a call without a result
        with stream:
            assert stream.reply().text == "Yes."
    assert [len(request.body["messages"]) for request in mock.requests] == [1, 1]
