"""Fitting: the laws on any conversation, for each format and strategy; cuts are rare, and the prefix holds between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepseek_v4_sdk import BudgetError, ContextBudget, Conversation
from deepseek_v4_sdk.chat import (
    AssistantMessage,
    HistoryRules,
    Message,
    SystemMessage,
    Thinking,
    ToolCall,
    ToolMessage,
    UserMessage,
    first_fatal,
)
from deepseek_v4_sdk.context import ClipResults, DropOldest, FitPlan, PromptCounter, Strategy, Summarise, TrimDraft
from deepseek_v4_sdk.errors import InvalidRequestError
from deepseek_v4_sdk.prompt import Dialect, Generation
from deepseek_v4_sdk.providers import PROVIDER_NAMES, find_provider
from deepseek_v4_sdk.tokens.stable_prefix import STABLE_PREFIXES
from tests.context.talks import TOOL, growing, talks
from tests.counting.whole import FORMATS, from_nothing
from tests.support.profiles import examples, sampled

RULES: list[HistoryRules] = [find_provider(name).data.history for name in PROVIDER_NAMES]
Format = tuple[Dialect, Generation]


def tell(messages: Conversation) -> str:
    return f"{len(messages)} messages were here, the last of them from {messages[-1].role}."


STRATEGIES: dict[str, Sequence[Strategy] | Strategy | None] = {
    "default": None,
    "drop": DropOldest(),
    "clip": ClipResults(20),
    "summarise": Summarise(tell, 60),
    "clip and drop": (ClipResults(20), DropOldest()),
    "drop and clip": [DropOldest(), ClipResults(20)],
    "clip and summarise": (ClipResults(20), Summarise(tell, 60)),
    "none": (),
}
CUTTING = [name for name in STRATEGIES if name not in {"none", "clip"}]  # these free too little
every_format = pytest.mark.parametrize("form", FORMATS, ids="-".join)


def budget_of(form: Format, window: int, **more: Any) -> ContextBudget:
    return ContextBudget(window, **{"reserve_output": 50, **more}, counter=PromptCounter.rendering(*form))


def tokens_of(budget: ContextBudget, messages: Sequence[Message], options: dict[str, Any]) -> int:
    """The tokens of a prompt, with nothing taken over from any count before."""
    request = budget.counter.request(messages, options)
    return from_nothing(request.messages, budget.counter.form(request)).total


def check_plan(budget: ContextBudget, messages: list[Message], plan: FitPlan, options: dict[str, Any]) -> None:
    left, given = list(plan.messages), Conversation(messages)
    assert plan.tokens_before == tokens_of(budget, messages, options)
    assert plan.tokens_after == tokens_of(budget, left, options) <= budget.room
    if plan.tokens_before <= budget.room:
        assert (left, plan.dropped, plan.clipped, plan.changed) == (messages, (), (), False)
        assert (plan.kept_prefix_tokens, plan.lost_cache_tokens) == (plan.tokens_after, 0)
    # What stays, stays as it was and in its order; the rest is named.
    kept = [at for at in range(len(messages)) if at not in plan.dropped]
    own = [message for message in left if not _is_summary(message)]
    assert len(own) == len(kept)
    for at, message in zip(kept, own, strict=True):
        before = messages[at]
        if at in plan.clipped:
            assert isinstance(message, ToolMessage)
            assert isinstance(before, ToolMessage)
            assert message.tool_call_id == before.tool_call_id
            assert "left out" in message.content
            assert len(message.content) < len(before.content) + 60
        else:
            assert message is before
    pinned = [at for at, message in enumerate(messages) if isinstance(message, SystemMessage)]
    pinned += [max(at for at, message in enumerate(messages) if isinstance(message, UserMessage)), len(messages) - 1]
    assert not set(pinned) & set(plan.dropped)
    for rules in RULES:
        for thinking in (True, False):
            was, now = given.history, plan.messages.history
            if first_fatal(was.problems(rules, thinking=thinking)) is None:
                assert first_fatal(now.problems(rules, thinking=thinking)) is None
    assert 0 <= plan.lost_cache_tokens <= plan.tokens_after - plan.kept_prefix_tokens


def check_excess(
    budget: ContextBudget, messages: list[Message], excess: int | None, name: str, options: dict[str, Any]
) -> None:
    """It does not fit, by so many tokens."""
    total = tokens_of(budget, messages, options)
    assert excess is not None
    assert 0 < excess <= total + 60 - budget.room
    if name == "none":
        assert excess == total - budget.room
    if name == "drop":
        # Not even the least is small enough.
        last = next(at for at in range(len(messages) - 1, -1, -1) if isinstance(messages[at], UserMessage))
        least = [message for message in messages[:last] if isinstance(message, SystemMessage)]
        assert tokens_of(budget, [*least, *messages[last:]], options) > budget.room


def _is_summary(message: Message) -> bool:
    return isinstance(message, UserMessage) and str(message.content).startswith("What happened so far")


@examples(25)
@given(
    talks(),
    st.sampled_from(FORMATS),
    st.sampled_from(list(STRATEGIES)),
    st.sampled_from((300, 450, 700, 1_000, 2_000)),
    st.booleans(),
    st.sampled_from(("off", "high")),
)
def test_the_laws(
    messages: list[Message], form: Format, name: str, window: int, tooled: bool, thinking: Thinking
) -> None:
    STABLE_PREFIXES.clear()
    strategy = STRATEGIES[name]
    options: dict[str, Any] = {"tools": [TOOL] if tooled else None, "thinking": thinking}
    budget = budget_of(form, window)
    try:
        plan = budget.fit(messages, strategy=strategy, **options)
    except BudgetError as error:
        check_excess(budget, messages, error.excess, name, options)
        return
    check_plan(budget, messages, plan, options)
    assert budget.fit(messages, strategy=strategy, **options).messages == plan.messages
    assert not budget.fit(plan.messages, strategy=strategy, **options).changed
    # It goes on from there, whatever comes next.
    grown = [*messages, AssistantMessage("So."), UserMessage("And?")]
    if tokens_of(budget, [*plan.messages, *grown[-2:]], options) <= budget.room:
        again = budget.fit(grown, strategy=strategy, **options)
        assert list(again.messages) == [*plan.messages, *grown[-2:]]
        check_plan(budget, grown, again, options)


@pytest.mark.parametrize(("name", "form", "tools"), sampled(product(CUTTING, FORMATS, [[TOOL], None]), 7))
def test_cuts_are_rare_and_the_prefix_holds_between_them(form: Format, name: str, tools: Any) -> None:
    """Over ten rooms there is one cut for each 40 % of a room at most, and each request goes on from the one before."""
    strategy = STRATEGIES[name]
    budget = budget_of(form, 3_050)
    cuts, sent, rounds = 0, [], 0
    longest = None
    for conversation in growing(170, turn=3):
        plan = budget.fit(conversation, tools, strategy=strategy)
        rounds, longest = rounds + 1, conversation
        now = list(plan.messages)
        assert plan.tokens_after <= budget.room
        if now[: len(sent)] != sent:
            cuts += 1
            assert plan.tokens_after <= 0.6 * budget.room
            assert 0 < plan.kept_prefix_tokens < plan.tokens_after
        else:
            assert (plan.kept_prefix_tokens, plan.lost_cache_tokens) == (plan.tokens_after, 0)
        sent = now
    assert longest is not None
    added = budget.fit(longest, tools, strategy=strategy).tokens_before
    assert added > 10 * budget.room
    assert 8 < cuts <= added / (0.4 * budget.room) + 1
    assert rounds == 340


@every_format
def test_what_is_left_may_take_the_place_of_the_conversation(form: Format) -> None:
    budget, conversation = budget_of(form, 4_050), Conversation()
    cuts = seen = 0
    for whole in growing(150):
        conversation.extend(list(whole)[seen:])
        seen = len(whole)
        plan = budget.fit(conversation, [TOOL])
        cuts += plan.changed
        conversation = plan.messages
    assert 8 < cuts < 25


@every_format
def test_one_long_turn_loses_its_oldest_rounds(form: Format) -> None:
    """An agent that works for hours on one question: the question stays."""
    budget = budget_of(form, 2_050)
    plan = None
    for conversation in growing(100, turn=1_000):
        plan = budget.fit(conversation, [TOOL], strategy=DropOldest())
    assert plan is not None
    assert [message.role for message in plan.messages][:4] == ["system", "user", "assistant", "tool"]
    assert "Question 0" in str(plan.messages[1].content)
    assert plan.messages[-1] is conversation[-1]
    assert plan.dropped == tuple(range(2, 2 + len(plan.dropped)))
    assert not plan.messages.validate()


def test_the_last_turn_stays_whole_as_long_as_it_fits() -> None:
    """Older turns go first, all of them if need be, before a round of the last one does."""
    budget = budget_of(("vllm", "2026-08"), 2_050)
    states = list(growing(16, turn=100))
    old = Conversation().system("S").user("old " * 500).add(AssistantMessage("old " * 400))
    conversation = Conversation([*old, *states[-1][1:14]])
    plan = budget.fit(conversation, strategy=DropOldest())
    assert plan.dropped == (1, 2)
    assert 0.6 * budget.room < plan.tokens_after <= budget.room


def test_results_that_were_not_read_are_clipped_last_of_all() -> None:
    budget = budget_of(("recipe", "2026-08"), 1_550)
    calls = tuple(ToolCall(f"c{number}", "look", "{}") for number in range(3))
    conversation = Conversation().system("S").user("q").add(AssistantMessage("", "r", calls))
    for call in calls:
        conversation.add_tool_result(call, f"{call.id}\n" + "line\n" * 600)
    plan = budget.fit(conversation, [TOOL], strategy=(DropOldest(), ClipResults(100)))
    assert (plan.dropped, plan.clipped) == ((), (3, 4, 5))
    assert plan.tokens_after <= budget.room
    first = str(plan.messages[3].content)
    assert first.startswith("c0\nline\n")
    assert "\n[... about 1,1" in first
    assert first.endswith("line\n")
    with pytest.raises(BudgetError, match="does not fit") as raised:
        budget.fit(conversation, [TOOL], strategy=DropOldest())
    assert raised.value.excess == budget.measure(conversation, [TOOL]).total - budget.room


def test_a_large_result_is_clipped_once_and_stays_so() -> None:
    budget = budget_of(("vllm", "2026-08"), 3_050)
    conversation = Conversation().user("q").add(AssistantMessage("", "r", (ToolCall("c", "look", "{}"),)))
    conversation.add_tool_result("c", "line\n" * 1_800).add(AssistantMessage("a")).user("word " * 1_000)
    plan = budget.fit(conversation)
    assert (plan.dropped, plan.clipped) == ((), (2,))
    again = budget.fit(conversation.add(AssistantMessage("b")).user("c"))
    assert again.messages[2] == plan.messages[2]
    assert again.clipped == (2,)
    assert str(plan) == f"1 result clipped: {plan.tokens_after:,} tokens instead of {plan.tokens_before:,}"


def test_a_summary_takes_the_place_of_what_was_dropped() -> None:
    heard: list[Conversation] = []

    def summarise(messages: Conversation) -> str:
        heard.append(messages)
        return f"summary {len(heard)}"

    budget = budget_of(("vllm", "2026-08"), 2_050)
    strategy = Summarise(summarise, 100)
    plan = None
    for conversation in growing(40):
        plan = budget.fit(conversation, [TOOL], strategy=strategy)
    assert plan is not None
    assert len(heard) > 2
    assert heard[0][0].role == "user"
    assert heard[1][0].content == "What happened so far, in short:\n\nsummary 1"
    summaries = [message for message in plan.messages if _is_summary(message)]
    assert [message.content for message in summaries] == [f"What happened so far, in short:\n\nsummary {len(heard)}"]
    assert plan.messages[1] is summaries[0]
    assert not any(isinstance(message, SystemMessage) for messages in heard for message in messages)


@pytest.mark.parametrize(
    ("summarise", "said"), [(lambda _: "long " * 5_000, "left out"), (lambda _: "", ""), (lambda _: None, "NoneType")]
)
def test_summaries_that_are_none(summarise: Callable[[Conversation], Any], said: str) -> None:
    budget = budget_of(("vllm", "2026-08"), 2_050)
    conversation = [*growing(12)][-1]
    if said == "NoneType":
        with pytest.raises(BudgetError, match="summary is NoneType"):
            budget.fit(conversation, strategy=Summarise(summarise, 100))
        return
    plan = budget.fit(conversation, strategy=Summarise(summarise, 100))
    summaries = [str(message.content) for message in plan.messages if _is_summary(message)]
    assert len(summaries) == bool(said)
    assert all(said in summary and len(summary) < 1_000 for summary in summaries)


def test_a_strategy_of_ones_own() -> None:
    class DropAllButTheLastTurn:
        def apply(self, draft: TrimDraft) -> None:
            draft.target = 0
            draft.drop_oldest()

    budget = budget_of(("vllm", "2026-08"), 2_050)
    conversation = [*growing(12)][-1]
    plan = budget.fit(conversation, strategy=DropAllButTheLastTurn())
    assert [message.role for message in plan.messages][:2] == ["system", "user"]
    assert "Question 10" in str(plan.messages[1].content)


def test_low_water() -> None:
    conversation = [*growing(30, turn=1)][-1]
    left = [budget_of(("vllm", "2026-08"), 2_050, low_water=low).fit(conversation).tokens_after for low in (0.3, 0.9)]
    assert left[0] <= 600
    assert 1_200 < left[1] <= 1_800


def test_what_is_no_conversation_is_refused_and_named() -> None:
    budget = budget_of(("vllm", "2026-08"), 2_050)
    with pytest.raises(InvalidRequestError, match=r"messages\[1\] calls a tool"):
        budget.fit(Conversation().user("q").add(AssistantMessage("", "r", (ToolCall("c", "look", "{}"),))).user("b"))
    for wrong in (0, True, "many"):
        with pytest.raises(BudgetError, match="max_tokens"):
            ClipResults(wrong)  # type: ignore[arg-type]


def test_threads_share_a_budget() -> None:
    from concurrent.futures import ThreadPoolExecutor

    budget = budget_of(("vllm", "2026-08"), 2_050)
    jobs = [Conversation(state) for state in growing(40)]
    alone = [budget_of(("vllm", "2026-08"), 2_050).fit(job).tokens_after for job in jobs]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda job: budget.fit(job), jobs))
    assert all(plan.tokens_after <= budget.room for plan in together)
    assert len(alone) == len(together)
