"""Where the tokens of a prompt go: the parts add up, each is what its texts have, and the bar fits the terminal."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepseek_v4_sdk import BudgetError, ContextBudget, Conversation, count_text
from deepseek_v4_sdk.chat import AssistantMessage, ToolCall, ToolMessage, read_messages
from deepseek_v4_sdk.context import Measure, PromptCounter
from deepseek_v4_sdk.errors import ContextLengthExceededError, InvalidRequestError, UnsupportedOptionError
from deepseek_v4_sdk.prompt import Dialect, Generation
from tests.counting.whole import FORMATS, from_nothing
from tests.prompt import conversations as some
from tests.support.profiles import examples

TOOL = {"name": "look", "description": "Look it up.", "parameters": {"type": "object"}}
PARTS = ("system", "tools", "user", "answers", "reasoning", "results")
every_format = pytest.mark.parametrize(("dialect", "generation"), FORMATS, ids=lambda value: str(value))


def talk() -> Conversation:
    return (
        Conversation()
        .system("Be brief.")
        .user("What do cats do?")
        .add(AssistantMessage("", "I could look.", (ToolCall("c1", "look", "{}"), ToolCall("c2", "look", "{}"))))
        .add(ToolMessage("Cats sleep. " * 20, "c1"))
        .add(ToolMessage("Cats purr. " * 10, "c2"))
        .add(AssistantMessage("They sleep and purr.", "Both then."))
        .user("And dogs?")
    )


def budget_of(dialect: Dialect, generation: Generation, window: int = 65_536, **more: Any) -> ContextBudget:
    return ContextBudget(window, counter=PromptCounter.rendering(dialect, generation), **more)


def parts(measured: Measure) -> list[int]:
    return [getattr(measured, name) for name in PARTS]


@every_format
def test_each_part_has_the_tokens_of_its_texts(dialect: Dialect, generation: Generation) -> None:
    measured = budget_of(dialect, generation).measure(talk(), [TOOL])
    assert sum(parts(measured)) == measured.total
    assert measured.reasoning == count_text("I could look.") + count_text("Both then.")
    results = count_text("Cats sleep. " * 20) + count_text("Cats purr. " * 10)
    assert results < measured.results < results + 30
    assert count_text("What do cats do?And dogs?") < measured.user < count_text("What do cats do?And dogs?") + 6
    assert measured.tools > 150
    assert measured.left == 65_536 - 4_096 - measured.total
    assert measured.left_out == 0


@every_format
@pytest.mark.parametrize(("tools", "thinking"), [((), "high"), ((TOOL,), "off")])
def test_reasoning_that_the_format_leaves_out_costs_nothing(
    dialect: Dialect, generation: Generation, tools: tuple[Any, ...], thinking: Any
) -> None:
    budget = budget_of(dialect, generation)
    measured = budget.measure(talk(), tools, thinking=thinking)
    assert measured.reasoning == 0
    assert measured.left_out == count_text("I could look.") + count_text("Both then.")
    mute = [message.to_dict() for message in talk()]
    for message in mute:
        message.pop("reasoning", None)
    assert budget.measure(mute, tools, thinking=thinking).total == measured.total


def test_what_is_left_out_is_counted_anew_for_another_form() -> None:
    budget = budget_of("vllm", "2026-08")
    thoughts = count_text("I could look.") + count_text("Both then.")
    for tools, expected in (((), thoughts), ((TOOL,), 0), ((), thoughts)):
        assert budget.measure(talk(), tools).left_out == expected


def test_reasoning_is_left_out_as_the_conversation_goes_on() -> None:
    """vLLM shows the reasoning of the last turn until the user speaks again."""
    budget, conversation = budget_of("vllm", "2026-08"), Conversation().user("Hi")
    conversation.add(AssistantMessage("Hello", "A greeting."))
    assert (budget.measure(conversation).reasoning, budget.measure(conversation).left_out) == (3, 0)
    conversation.user("Bye")
    assert (budget.measure(conversation).reasoning, budget.measure(conversation).left_out) == (0, 3)
    for _ in range(3):
        conversation.add(AssistantMessage("Hello", "A greeting.")).user("Bye")
    assert budget.measure(conversation).left_out == 12


@examples(30)
@given(some.conversations, some.tool_lists(), st.sampled_from(FORMATS), st.sampled_from(("off", "high")))
def test_parts_and_turns_of_any_conversation_add_up(
    messages: list[some.Message], tools: list[some.Message], form: tuple[Dialect, Generation], thinking: Any
) -> None:
    budget = budget_of(*form)
    with suppress(InvalidRequestError, UnsupportedOptionError):  # what no server would take has no prompt
        measured = budget.measure(messages, tools, thinking=thinking)
        again = budget.measure(messages, tools, thinking=thinking)
        assert measured == again
        assert sum(parts(measured)) == measured.total
        request = budget.counter.request(messages, {"tools": tools, "thinking": thinking})
        assert measured.total == from_nothing(request.messages, budget.counter.form(request)).total
        told = json.loads(json.dumps(measured.to_dict()))
        assert told["total"] == measured.total
        # The rest is the head: system messages at the front, and what the format itself writes around all of them.
        assert sum(turn.tokens for turn in measured.turns) <= measured.total


def test_turns() -> None:
    turns = budget_of("vllm", "2026-08").measure(talk(), [TOOL]).turns
    assert [(turn.index, turn.messages) for turn in turns] == [(1, 5), (6, 1)]
    assert turns[0].reasoning == count_text("I could look.") + count_text("Both then.")
    assert turns[0].results > count_text("Cats sleep. " * 20)
    assert turns[1].tokens == 1 + count_text("And dogs?")
    late = Conversation([*read_messages("Hi"), AssistantMessage("Hello")]).user("a").user("b")
    assert [turn.index for turn in budget_of("vllm", "2026-08").measure(late).turns] == [0, 2]


@pytest.mark.parametrize("width", [20, 33, 80, 200])
@pytest.mark.parametrize("window", [600, 1_200, 1_048_576])
def test_the_bar_fits_and_names_what_it_shows(width: int, window: int) -> None:
    measured = budget_of("vllm", "2026-08", window, reserve_output=200).measure(talk(), [TOOL])
    drawn, *legend = measured.bar(width).splitlines()
    assert len(drawn) == width
    assert all(len(line) <= width for line in legend)
    assert "".join(dict.fromkeys(drawn)) == ("stuaro.-" if measured.left > 0 else "stuaro-")
    said = " ".join(" ".join(legend).split())
    assert f"{measured.total:,} of {window:,} tokens (configured), " in said
    assert (f"{-measured.left:,} too many" if measured.left < 0 else f"{measured.left:,} left") in said
    for name, sign in zip(PARTS, "stuaro", strict=True):
        assert f"{sign} {name} {getattr(measured, name):,}" in said
        assert abs(drawn.count(sign) / width - getattr(measured, name) / max(window, measured.total)) < 0.35
    assert drawn.isascii()


def test_the_bar_is_in_proportion() -> None:
    measured = budget_of("vllm", "2026-08", 4_000, reserve_output=1_000).measure("word " * 2_000, thinking="off")
    drawn = measured.bar(80).splitlines()[0]
    assert drawn == "s" + "u" * 40 + "." * 19 + "-" * 20


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"window": 0}, "window is 0"),
        ({"window": True}, "window is True"),
        ({"window": 100, "reserve_output": -1}, "reserve_output is -1"),
        ({"window": 100, "reserve_output": 60, "reserve_reasoning": 40}, "leave nothing of the window of 100"),
        ({"window": 100, "reserve_output": 10, "low_water": 0}, "low_water is 0"),
        ({"window": 100, "reserve_output": 10, "low_water": 1.1}, "low_water is 1.1"),
        ({"window": 100, "reserve_output": 10, "low_water": "half"}, "low_water is 'half'"),
    ],
)
def test_numbers_that_make_no_budget(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(BudgetError, match=said):
        ContextBudget(**arguments)


def test_room() -> None:
    budget = ContextBudget(1_000, 300, 100)
    assert (budget.room, budget.reserved, budget.window_source) == (600, 400, "configured")
    assert budget.to_dict() == {
        "window": 1_000,
        "window_source": "configured",
        "reserve_output": 300,
        "reserve_reasoning": 100,
        "room": 600,
        "low_water": 0.6,
        "max_output": None,
    }


def test_what_is_left_for_the_answer() -> None:
    """Not exact without a server: what versions of a format differ in is kept free."""
    budget = ContextBudget(1_000, 100)
    prompt = budget.measure("word " * 500, thinking="off").total
    assert budget.max_tokens_for("word " * 500, thinking="off") == 1_000 - prompt - 100
    assert ContextBudget(1_000, 100, max_output=64).max_tokens_for("Hi") == 64
    with pytest.raises(ContextLengthExceededError, match="window 1,000") as raised:
        budget.max_tokens_for("word " * 1_000, thinking="off")
    error = raised.value
    assert (error.status_code, error.limit, error.prompt_tokens) == (None, 1_000, prompt + 500)
