"""A repair takes out and moves what it lists, invents nothing, and leaves nothing for a second one."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepseek_v4_sdk.chat import AssistantMessage, Conversation, Message, SystemMessage, ToolMessage
from deepseek_v4_sdk.providers import find_provider
from tests.support.profiles import examples
from tests.support.talks import WRONG, asks, late, result, user

steady = examples(50)
PAIRING = {"orphan_result", "second_result", "missing_result", "foreign_message", "duplicate_id"}
DEEPSEEK = find_provider("deepseek")

MENDED: dict[str, tuple[list[Message], list[Message], list[str]]] = {
    "an interrupted turn": (
        [user(), asks("a", "b"), result("a"), user("Stop.")],
        [user(), asks("a"), result("a"), user("Stop.")],
        ["messages[1]: the call 'b' of 'get_weather' without a result was taken out"],
    ),
    "a turn of which nothing is left": (
        [user(), asks("a", reasoning=None), user("Stop.")],
        [user(), user("Stop.")],
        [
            "messages[1]: the call 'a' of 'get_weather' without a result was taken out",
            "messages[1], of which nothing was left, was taken out",
        ],
    ),
    "a foreign message": (
        [user(), asks("a", "b"), late(), result("b"), user("And?"), result("a"), user("So?")],
        [user(), asks("a", "b"), result("b"), result("a"), late(), user("And?"), user("So?")],
        ["messages[2] was moved after the results", "messages[4] was moved after the results"],
    ),
    "orphans": (
        [result("x"), user(), asks("a"), result("x"), result("a"), result("a"), user(), result("a")],
        [user(), asks("a"), result("a"), user()],
        [
            "messages[0], a result for 'x' that no call waits for, was taken out",
            "messages[3], a result for 'x' too many, was taken out",
            "messages[5], a result for 'a' too many, was taken out",
            "messages[7], a result for 'a' too many, was taken out",
        ],
    ),
    "ids of an earlier turn": (
        [user(), asks("a"), result("a", "1"), asks("a"), result("a", "2"), asks("a_2"), result("a_2", "3")],
        [user(), asks("a"), result("a", "1"), asks("a_2"), result("a_2", "2"), asks("a_2_2"), result("a_2_2", "3")],
        [
            "messages[3]: the id 'a', which an earlier call has too, became 'a_2'",
            "messages[5]: the id 'a_2', which an earlier call has too, became 'a_2_2'",
        ],
    ),
    "an id twice in a turn": (
        [user(), asks("a", "a", "a"), result("a", "1"), result("a", "2"), result("a", "3")],
        [user(), asks("a", "a_2", "a_3"), result("a", "1"), result("a_2", "2"), result("a_3", "3")],
        [
            "messages[1]: the id 'a', which an earlier call has too, became 'a_2'",
            "messages[1]: the id 'a', which an earlier call has too, became 'a_3'",
        ],
    ),
    "results in another order": (
        [user(), asks("a", "b"), result("b"), result("a")],
        [user(), asks("a", "b"), result("b"), result("a")],
        [],
    ),
}


@pytest.mark.parametrize("what", MENDED)
def test_it_does_what_it_says(what: str) -> None:
    broken, whole, done = MENDED[what]
    conversation = Conversation(broken)
    assert conversation.repair() == done
    assert list(conversation) == whole


def test_reasoning_that_a_server_insists_on_becomes_empty_and_is_named_by_its_old_place() -> None:
    broken = [user(), result("x"), asks("a", reasoning=None), result("a")]
    taken_out = ["messages[1], a result for 'x' that no call waits for, was taken out"]
    assert Conversation(broken).repair() == Conversation(broken).repair(DEEPSEEK, thinking=False) == taken_out
    conversation = Conversation(broken)
    assert conversation.repair(DEEPSEEK) == [
        *taken_out,
        "messages[2] had no reasoning, which must be sent back: it became empty",
    ]
    assert conversation.validate(DEEPSEEK) == []


@pytest.mark.parametrize("what", WRONG)
def test_every_known_problem_of_pairing_is_mended(what: str) -> None:
    conversation = Conversation(WRONG[what][0])
    conversation.repair()
    assert not PAIRING & {problem.kind for problem in conversation.validate()}


IDS = st.lists(st.sampled_from(["a", "b", "a_2"]), min_size=1, max_size=3)
MESSAGE = st.one_of(
    st.sampled_from([user(), user("More."), late(), SystemMessage("s", late=True), AssistantMessage("x")]),
    st.builds(lambda ids, reasoning: asks(*ids, reasoning=reasoning), IDS, st.sampled_from([None, "Hm."])),
    st.builds(result, st.sampled_from(["a", "b", "c", "a_2"]), st.sampled_from(["1", "2"])),
)


def contents(messages: list[Message]) -> list[str]:
    """What the messages say, without ids."""
    said: list[str] = []
    for message in messages:
        calls = "".join(call.arguments for call in getattr(message, "tool_calls", ()))
        said.append(f"{message.role} {message.content!r} {getattr(message, 'reasoning', None)!r} {calls}")
    return said


@steady
@given(st.lists(MESSAGE, max_size=14))
def test_laws(messages: list[Message]) -> None:
    conversation = Conversation(messages)
    before = conversation.copy()
    done = conversation.repair()
    assert not PAIRING & {problem.kind for problem in conversation.validate()}

    once = list(conversation)
    assert (conversation.repair(), list(conversation)) == ([], once)
    assert bool(done) is (once != list(before))

    # What is not a call or a result stays, in its order; what is gone is listed.
    def others(given_messages: list[Message]) -> list[Message]:
        return [message for message in given_messages if not isinstance(message, AssistantMessage | ToolMessage)]

    assert others(once) == others(list(before))
    taken = [int(place) for line in done if "taken out" in line for place in re.findall(r"^messages\[(\d+)\],", line)]
    left = [message for index, message in enumerate(before) if index not in taken]
    assert len(left) == len(once)
    lost_calls = sum("without a result was taken out" in line for line in done)
    calls = [sum(len(getattr(message, "tool_calls", ())) for message in part) for part in (list(before), once)]
    assert calls[0] - calls[1] == lost_calls
    if not lost_calls:
        assert sorted(contents(left)) == sorted(contents(once))
