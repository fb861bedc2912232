"""A conversation that goes on is counted as from nothing, whatever was counted before, at the cost of what is new."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepseek_v4_sdk import Conversation, DeepSeekV4
from deepseek_v4_sdk.chat import (
    AssistantMessage,
    Message,
    ReminderMessage,
    SystemMessage,
    ToolCall,
    ToolMessage,
    ToolSpec,
    UserMessage,
    read_messages,
)
from deepseek_v4_sdk.errors import InvalidRequestError, UnsupportedOptionError
from deepseek_v4_sdk.tokens import prompts
from deepseek_v4_sdk.tokens.prompts import PromptCount, PromptForm, count_prompt
from deepseek_v4_sdk.tokens.stable_prefix import STABLE_PREFIXES, StablePrefix, StablePrefixes
from tests.counting.whole import FORMATS, from_nothing, whole
from tests.prompt import conversations as some
from tests.support.profiles import examples

TOOL = ToolSpec("f", "Does something.", {"type": "object"})
LOOK = {"type": "object", "properties": {}}
FORMS = [
    PromptForm(dialect=dialect, generation=generation, thinking=thinking, tools=tools)
    for dialect, generation in FORMATS
    for thinking, tools in (("off", ()), ("high", ()), ("max", (TOOL,)))
]
VLLM = PromptForm(dialect="vllm", generation="2026-08", thinking="high")
RECIPE = PromptForm(dialect="recipe", generation="2026-08", thinking="high")
_REFUSED = (InvalidRequestError, UnsupportedOptionError)


def count_or_error(messages: Sequence[Message], form: PromptForm, *, fresh: bool = False) -> PromptCount | str:
    try:
        return from_nothing(messages, form) if fresh else count_prompt(messages, form)
    except _REFUSED as refused:
        return str(refused)


def check(messages: Sequence[Message], form: PromptForm) -> None:
    counted = count_or_error(messages, form)
    assert counted == count_or_error(messages, form, fresh=True)
    if isinstance(counted, PromptCount):
        assert counted.total == whole(form.render(messages), form.dialect)


@examples(30)
@given(st.data(), st.sampled_from(FORMS))
def test_a_random_walk(data: st.DataObject, form: PromptForm) -> None:
    """Turns are added, messages changed, taken out, moved in and cut off, and every state is counted."""
    STABLE_PREFIXES.clear()
    messages: list[Message] = list(_turn(data))
    for _ in range(data.draw(st.integers(2, 7))):
        place = data.draw(st.integers(0, len(messages)))
        match data.draw(st.sampled_from(("add", "add", "add", "change", "drop", "insert", "cut", "copy"))):
            case "add":
                messages += _turn(data)
            case "change" if place < len(messages):
                messages[place] = _turn(data)[0]
            case "drop" if place < len(messages):
                del messages[place]
            case "insert":
                messages[place:place] = _turn(data)
            case "cut":
                del messages[max(place, 1) :]
            case _:
                messages = [replace(message) for message in messages]  # equal, and other objects
        if messages:
            check(messages, form)


def _turn(data: st.DataObject) -> tuple[Message, ...]:
    return read_messages(data.draw(some.turns()))


QUESTION = [UserMessage("q"), AssistantMessage("a", "thought")]
CALLS = [
    UserMessage("q"),
    AssistantMessage("", "r", (ToolCall("c2", "f", "{}"), ToolCall("c1", "f", "{}"))),
    ToolMessage("two", "c2"),
    ToolMessage("one", "c1"),
    AssistantMessage("done", "r"),
]

LATE = [*QUESTION, UserMessage("q"), SystemMessage("Be very brief."), AssistantMessage("a")]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: f"{form.dialect}-{form.generation}-{form.thinking}")
@pytest.mark.parametrize(
    "states",
    [
        pytest.param([[*QUESTION, UserMessage("b")], [*QUESTION, AssistantMessage("b")]], id="the question is gone"),
        pytest.param(
            [[*QUESTION, UserMessage("b"), SystemMessage("S" * 50)], [*QUESTION, UserMessage("b")]], id="late"
        ),
        pytest.param([[*QUESTION, UserMessage("b")], [*QUESTION, UserMessage("b"), SystemMessage("S")]], id="system"),
        pytest.param([[*CALLS, UserMessage("b")], [*CALLS[:3], UserMessage("b")]], id="a result is gone"),
        pytest.param([CALLS, [*CALLS[:2], CALLS[3], CALLS[2], CALLS[4]]], id="results in another order"),
        pytest.param([[*CALLS[:3]], CALLS[:4], CALLS], id="results one by one"),
        pytest.param([[*CALLS, UserMessage("b")], [*CALLS[:2], UserMessage("b")]], id="no result is left"),
        pytest.param([[*LATE, UserMessage("b")], [*QUESTION, UserMessage("b")]], id="back before a late system text"),
        pytest.param(
            [[*QUESTION, UserMessage("b")], [*QUESTION, ReminderMessage("R"), UserMessage("b")]], id="reminder"
        ),
        pytest.param([[*CALLS, *QUESTION, UserMessage("b")], [*CALLS, UserMessage("other")], CALLS], id="going back"),
        pytest.param([[*CALLS, UserMessage("b")], [SystemMessage("S"), *CALLS, UserMessage("b")]], id="a new head"),
    ],
)
def test_states_that_follow_each_other(states: list[list[Message]], form: PromptForm) -> None:
    for messages in states:
        check(messages, form)


def test_a_refusal_names_the_message_by_its_place() -> None:
    count_prompt([*QUESTION, UserMessage("b")], RECIPE)
    with pytest.raises(InvalidRequestError, match=r"messages\[3\]"):
        count_prompt([*QUESTION, UserMessage("b"), ToolMessage("x", "nobody")], RECIPE)


def test_a_format_that_needs_a_word_in_an_old_message() -> None:
    form = replace(RECIPE, response_format={"type": "json_object"})
    messages = [UserMessage("Give me JSON."), AssistantMessage("{}"), UserMessage("b"), AssistantMessage("{}")]
    check(messages[:3], form)
    check([*messages, UserMessage("c")], form)
    assert len(STABLE_PREFIXES) == 1


def test_a_message_to_be_continued_is_checked_against_all() -> None:
    form = replace(RECIPE, thinking="off")
    last = AssistantMessage("And", extra={"prefix": True})
    for before in (QUESTION, CALLS):  # after calls there is no continuing
        check([*before, UserMessage("b")], form)
        check([*before, UserMessage("b"), last], form)


def test_forms_do_not_mix() -> None:
    messages = [SystemMessage("S"), *CALLS, UserMessage("b")]
    forms = [*FORMS, replace(VLLM, tools=(TOOL,)), replace(VLLM, tools=(replace(TOOL, parameters=LOOK),))]
    forms += [replace(VLLM, tools=(replace(TOOL, parameters={"type": "object", "x": x}),)) for x in (1, True, 1.0)]
    forms += [replace(RECIPE, tools=(TOOL,), tool_choice="none")]
    for _ in range(2):
        for form in forms:
            check(messages, form)


def test_senders_do_not_mix() -> None:
    def shout(messages: tuple[Message, ...]) -> tuple[Message, ...]:
        return tuple(UserMessage("LOUD " * 9) if isinstance(message, UserMessage) else message for message in messages)

    loud, quiet = replace(VLLM, as_sent=shout, renderer_id=object()), replace(VLLM, renderer_id=object())
    messages = [*QUESTION, UserMessage("b")]
    for form in (loud, quiet, loud, quiet):
        check(messages, form)
    assert count_prompt(messages, loud).total > count_prompt(messages, quiet).total


class Seen:
    """What rendering and counting were given, in place of the time they take."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rendered = 0
        self.counted = 0
        render, count = prompts.render_prompt, prompts.count_segment

        def see_rendering(messages: Any, *args: Any, **options: Any) -> Any:
            self.rendered += len(messages)
            return render(messages, *args, **options)

        def see_counting(segment: Any, *args: Any) -> Any:
            self.counted += 1
            return count(segment, *args)

        monkeypatch.setattr(prompts, "render_prompt", see_rendering)
        monkeypatch.setattr(prompts, "count_segment", see_counting)

    def take(self) -> tuple[int, int]:
        taken, self.rendered, self.counted = (self.rendered, self.counted), 0, 0
        return taken


def long_conversation(turns: int, words: int) -> Conversation:
    conversation = Conversation().system("Be brief.")
    for number in range(turns):
        conversation.user(f"{number} " + "question " * words)
        conversation.add(AssistantMessage("", "r", (ToolCall(f"c{number}", "f", '{"a": 1}'),)))
        conversation.add(ToolMessage("result " * words, f"c{number}"))
        conversation.add(AssistantMessage(f"{number} " + "answer " * words, "r"))
    return conversation


@pytest.mark.parametrize("provider", ["vllm", "sglang"])
def test_one_more_message_costs_one_more_message(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """5,000 messages and a million tokens: the next count renders and counts the end alone."""
    client = DeepSeekV4(provider, base_url="http://localhost", model="m")
    conversation = long_conversation(1250, 260).user("So?")
    assert len(conversation) == 5002
    seen = Seen(monkeypatch)
    first = client.count_tokens(conversation, [TOOL])
    assert first.total > 950_000
    assert seen.take()[0] == 5002
    for number in range(3):
        conversation.add(AssistantMessage("Well.", "r"))
        conversation.user(f"Go on {number}.")
        counted = client.count_tokens(conversation, [TOOL])
        rendered, segments = seen.take()
        assert rendered <= 5
        assert segments <= 8
    assert counted.per_message[:5000] == first.per_message[:5000]
    # The same as a plain list, which is read anew each time.
    assert client.count_tokens([message.to_dict() for message in conversation], [TOOL]) == counted
    assert seen.take()[0] <= 5


def test_a_branch_costs_what_is_new(monkeypatch: pytest.MonkeyPatch) -> None:
    messages = [*long_conversation(100, 3), UserMessage("So?")]
    count_prompt(messages, VLLM)
    seen = Seen(monkeypatch)
    count_prompt([*messages[:-5], UserMessage("Another question")], VLLM)
    count_prompt([*messages[:200], UserMessage("changed"), *messages[201:]], VLLM)
    count_prompt(messages, VLLM)  # the old branch is still known
    assert seen.take()[0] < 250


def test_what_is_kept_is_bounded_by_entries() -> None:
    for number in range(100):
        count_prompt([UserMessage(f"{number}"), AssistantMessage("a"), UserMessage("b")], VLLM)
    assert len(STABLE_PREFIXES) == 16


def test_what_is_kept_is_bounded_by_tokens() -> None:
    kept = StablePrefixes(entries=16, tokens=100)
    for number in range(8):
        kept.keep(StablePrefix(b"", None, (UserMessage(str(number)),), (40,), (), (0,), 0), grown_from=None)
        assert len(kept) == min(number + 1, 2)
    kept.keep(StablePrefix(b"", None, (UserMessage("large"),), (1000,), (), (0,), 0), grown_from=None)
    assert len(kept) == 1  # the latest one stays, however large


def test_a_conversation_that_grows_is_one_entry() -> None:
    messages = list(QUESTION)
    for _ in range(10):
        count_prompt([*messages, UserMessage("b")], VLLM)
        messages += [UserMessage("b"), AssistantMessage("c")]
    assert len(STABLE_PREFIXES) == 1


def test_threads_count_the_same() -> None:
    talks = [[SystemMessage(f"S{number}"), *CALLS, *QUESTION * number, UserMessage("b")] for number in range(30)]
    forms = [VLLM, RECIPE, replace(VLLM, tools=(TOOL,))]
    jobs = [([*talk[: end - 1], UserMessage("x")], form) for talk in talks for form in forms for end in (7, len(talk))]
    expected = [from_nothing(*job) for job in jobs]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda job: count_prompt(*job), jobs * 3)) == expected * 3
    assert len(STABLE_PREFIXES) <= 16
