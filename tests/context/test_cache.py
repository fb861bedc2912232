"""The prefix cache: what two requests share, where they part and why, volatile heads, and hits counted."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepseek_v4_sdk import (
    CacheReport,
    CacheUse,
    ContextBudget,
    Conversation,
    DeepSeekV4,
    cache_report,
    cache_use,
    lint_cache,
)
from deepseek_v4_sdk.chat import AssistantMessage, Usage
from deepseek_v4_sdk.context import PromptCounter
from deepseek_v4_sdk.prompt import Dialect, Generation, render_prompt
from deepseek_v4_sdk.providers import find_provider
from deepseek_v4_sdk.testing import MockProvider, make_reply, make_usage
from tests.counting.whole import FORMATS
from tests.support.profiles import examples
from tests.support.segment_counts import prompt_tokens

every_format = pytest.mark.parametrize(("dialect", "generation"), FORMATS, ids=lambda value: str(value))


def tool(name: str, description: str = "Looks it up.") -> dict[str, Any]:
    return {"name": name, "description": description, "parameters": {"type": "object"}}


TOOLS = [tool("look"), tool("find"), tool("ask")]
LONG = "The quick brown fox jumps over the lazy dog. " * 30


def budget_of(dialect: Dialect = "vllm", generation: Generation = "2026-08") -> ContextBudget:
    return ContextBudget(65_536, counter=PromptCounter.rendering(dialect, generation))


def talk(*more: str, system: str = LONG) -> Conversation:
    talk = Conversation().system(system).user("What do cats do?")
    for index, text in enumerate(more):
        talk = talk.add(AssistantMessage(text, f"Hm {text}")) if index % 2 == 0 else talk.user(text)
    return talk


def by_hand(request: dict[str, Any], dialect: Dialect, generation: Generation) -> list[int]:
    """The tokens of a request, rendered and encoded in one piece."""
    options = {name: value for name, value in request.items() if name != "messages"}
    prompt = render_prompt(
        list(request["messages"]),
        options.pop("tools", None),
        dialect=dialect,
        generation=generation,
        **options,
    )
    return prompt_tokens(prompt, dialect)


texts = st.text(st.sampled_from("ab \n<think>|\N{FULLWIDTH VERTICAL LINE}é你"), max_size=12)
turns = st.lists(st.tuples(texts, texts, texts), max_size=3)


@st.composite
def requests(draw: Any) -> dict[str, Any]:
    messages: list[dict[str, Any]] = []
    if system := draw(texts):
        messages.append({"role": "system", "content": system})
    for said, thought, answered in draw(turns):
        messages.append({"role": "user", "content": said})
        messages.append({"role": "assistant", "content": answered or "x", "reasoning": thought})
    messages.append({"role": "user", "content": draw(texts) or "?"})
    request: dict[str, Any] = {"messages": messages, "thinking": draw(st.sampled_from(["off", "low", "high", "max"]))}
    if tools := draw(st.permutations(TOOLS).map(lambda found: found[:2]) | st.just([])):
        request["tools"] = tools
    return request


@st.composite
def pairs(draw: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two requests; often the second is the first one gone on, or with one thing changed."""
    first = draw(requests())
    second = dict(first)
    change = draw(st.integers(0, 4))
    if change == 0:
        second = draw(requests())
    elif change == 1:
        answer = {"role": "assistant", "content": draw(texts) or "y", "reasoning": draw(texts)}
        second["messages"] = [*first["messages"], answer, {"role": "user", "content": draw(texts) or "!"}]
    elif change == 2:
        place = draw(st.integers(0, len(first["messages"]) - 1))
        messages = [dict(message) for message in first["messages"]]
        messages[place]["content"] = draw(texts) or "z"
        second["messages"] = messages
    elif change == 3:
        second["thinking"] = draw(st.sampled_from(["off", "low", "high", "max"]))
    return first, second


@every_format
@examples(8)
@given(pair=pairs())
def test_the_common_prefix_is_that_of_the_token_lists(
    dialect: Dialect, generation: Generation, pair: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    if generation == "2026-04" and "low" in {request["thinking"] for request in pair}:
        pair = tuple({**request, "thinking": "high"} for request in pair)  # type: ignore[assignment]
    before, after = (by_hand(request, dialect, generation) for request in pair)
    common = 0
    while common < min(len(before), len(after)) and before[common] == after[common]:
        common += 1
    report = cache_report(*pair, budget=budget_of(dialect, generation))
    assert (report.before, report.after, report.common) == (len(before), len(after), common)
    assert report.lost == len(before) - common
    assert (report.divergence is None) is (report.lost == 0)
    if report.divergence is not None:
        assert report.divergence.token == common
    assert report.cached <= common


def told(before: object, after: object, **more: Any) -> tuple[int | None, str]:
    report = cache_report(before, after, **more)  # type: ignore[arg-type]
    assert report.divergence is not None
    return report.divergence.message, report.divergence.field


def with_tools(conversation: Conversation, *tools: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"messages": conversation, "tools": [*tools], **more}


def test_a_conversation_that_goes_on() -> None:
    """With tools the format keeps everything, and nothing is lost; without, the opening of the last answer is."""
    before, after = talk(), talk("They sleep.", "And dogs?")
    kept = cache_report(with_tools(before, *TOOLS), with_tools(after, *TOOLS))
    assert (kept.lost, kept.divergence) == (0, None)
    bare = cache_report(before, after)
    assert (bare.lost, bare.divergence and bare.divergence.message) == (1, 2)
    assert "leaves the reasoning of earlier turns out" in str(bare)
    assert cache_report(before, before).cached == cache_report(before, before).after - 1


@pytest.mark.parametrize("dialect", ["vllm", "recipe"])
def test_where_two_requests_part(dialect: Dialect) -> None:
    on = {"budget": budget_of(dialect)}
    plain = talk("They sleep.", "And dogs?")
    assert told(with_tools(plain, thinking="high"), with_tools(plain, thinking="max"), **on) == (None, "thinking")
    assert told(with_tools(plain, thinking="low"), with_tools(plain, thinking="off"), **on) == (None, "thinking")
    assert told(talk(), talk(system="Another"), **on) == (0, "content")
    assert told(with_tools(plain, *TOOLS), with_tools(plain, *TOOLS[::-1]), **on) == (0, "tools")
    assert told(with_tools(plain, *TOOLS), with_tools(plain, *TOOLS[:2], tool("ask", "Asks.")), **on) == (0, "tools")
    no_system = Conversation().user("Hi")
    assert told(with_tools(no_system, *TOOLS), with_tools(no_system, *TOOLS[:2]), **on) == (None, "tools")
    assert told(plain, talk("They sleep.", "And birds?"), **on) == (3, "content")
    assert told(talk("a", "b", "c", "d"), talk("a", "x", "c", "d"), **on) == (3, "content")
    assert told(plain, talk(), **on)[1] == "removed"


USER = {"role": "user", "content": "What do cats do?"}
ANSWER = {"role": "assistant", "content": "Purr.", "reasoning": "Hm."}
MORE = {"role": "user", "content": "And dogs?"}
SHAPE = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}


@pytest.mark.parametrize("dialect", ["vllm", "recipe"])
@pytest.mark.parametrize(
    ("before", "after", "message", "why"),
    [
        ([USER, ANSWER, MORE], [USER], 1, "the later request ends sooner"),
        ([USER], [USER, MORE], 1, "messages[1]: the earlier request expected something else here"),
        ([USER, MORE], [USER], 0, "messages[0] joins the text before or after it differently"),
        ([USER, MORE], [USER, ANSWER], 0, "messages[0] joins the text before or after it differently"),
    ],
)
def test_why_two_requests_without_thinking_part(
    before: list[Any], after: list[Any], message: int, why: str, dialect: Dialect
) -> None:
    first, second = ({"messages": messages, "thinking": "off"} for messages in (before, after))
    divergence = cache_report(first, second, budget=budget_of(dialect)).divergence
    assert divergence is not None
    assert (divergence.message, divergence.why) == (message, why)


def test_vllm_keeps_the_reasoning_of_an_answer_that_is_last_and_leaves_it_out_once_it_is_not() -> None:
    first, second = ({"messages": messages, "thinking": "high"} for messages in ([USER, ANSWER], [USER, ANSWER, MORE]))
    divergence = cache_report(first, second, budget=budget_of("vllm")).divergence
    assert divergence is not None
    assert (divergence.message, divergence.field) == (1, "reasoning")
    assert divergence.why == "messages[1]: without tools the format leaves the reasoning of earlier turns out"


def test_a_shape_that_is_asked_for_stands_at_the_head() -> None:
    before, after = with_tools(talk(), *TOOLS), with_tools(talk(), *TOOLS, response_format=SHAPE)
    assert told(before, after) == (0, "response_format")


def test_a_choice_of_tools_that_shows_in_the_prompt() -> None:
    """DeepSeek's own encoder prints no tools for "none"; vLLM's server prints them all."""
    before, after = with_tools(talk(), *TOOLS), with_tools(talk(), *TOOLS, tool_choice="none")
    assert told(before, after, budget=budget_of("recipe")) == (0, "tool_choice")
    assert cache_report(before, after, budget_of("vllm")).divergence is None


def test_blocks() -> None:
    """vLLM and SGLang keep V4's prompts in blocks of 256 tokens; below one nothing hits."""
    for name, block in (("vllm", 256), ("sglang", 256), ("dynamo", 256), ("deepseek", None), ("nvidia", None)):
        assert find_provider(name).data.cache_block == block
    report = CacheReport(before=1_000, after=1_200, common=800, block=256, divergence=None)
    assert (report.cached, report.lost) == (768, 200)
    assert CacheReport(before=255, after=400, common=255, block=256, divergence=None).cached == 0
    assert CacheReport(before=512, after=512, common=512, block=256, divergence=None).cached == 256
    assert "768 of them cached at best (blocks of 256)" in str(report)


HEADS = [
    ("Now it is 2026-11-21T22:08:24Z.", "timestamp"),
    ("The time is 9:30.", "timestamp"),
    ("Session 123e4567-e89b-12d3-a456-426614174000", "uuid"),
    ("Today is 2026-11-21.", "date"),
    ("Today is November 21, 2026.", "date"),
    ("Started at 1795298904.", "epoch"),
    ("Trace 4bf92f3577b34da6a3ce929d0e0e4736 follows", "random_id"),
]


@pytest.mark.parametrize(("text", "kind"), HEADS)
@pytest.mark.parametrize("dialect", ["vllm", "recipe"])
def test_what_will_change_in_a_head(dialect: Dialect, text: str, kind: str) -> None:
    system = f"{LONG}{text} {LONG}"
    (problem,) = lint_cache(talk(system=system), budget=budget_of(dialect))
    assert (problem.kind, problem.where, problem.request) == (kind, "messages[0]", 0)
    # All from there on misses the cache: the report of two requests with different texts says the same.
    report = cache_report(talk(system=system), talk(system=f"{LONG}{LONG}"), budget_of(dialect))
    assert report.after < problem.tokens + report.common <= report.before
    in_a_tool = with_tools(talk(), *TOOLS, tool("now", text))
    assert [(found.kind, found.where) for found in lint_cache(in_a_tool)] == [(kind, "tools[3]")]


def test_what_stands_in_a_head_for_good() -> None:
    """The texts of the format itself, versions, prices, ports and hashes in what the user says are none of it."""
    system = "Version 0.33.0 on port 8000 costs 1,048,576 of 3.14. Use deadbeef, and 5:1 odds."
    quiet = with_tools(talk(system=system).user("It is 12:00:00 on 2026-11-21."), *TOOLS, thinking="max")
    assert lint_cache(quiet) == []
    assert lint_cache() == []


def test_what_changed_from_request_to_request() -> None:
    first, second = with_tools(talk(), *TOOLS), with_tools(talk("They sleep.", "And dogs?"), *TOOLS)
    assert lint_cache(first, second) == []
    assert lint_cache(talk(), talk("They sleep.", "And dogs?")) == []
    reordered = {**second, "tools": TOOLS[::-1]}
    (problem,) = lint_cache(first, second, reordered)
    assert (problem.kind, problem.where, problem.request) == ("changed", "messages[0]", 2)
    assert "same in another order" in str(problem)
    (problem,) = lint_cache(first, {**second, "thinking": "max"})
    assert (problem.where, problem.text) == ("thinking", "thinking went from 'high' to 'max'")


def test_a_head_full_of_dates_is_read_once() -> None:
    """It is a few problems, not thousands, and takes no more than a moment."""
    system = "2026-11-21 10:00:00 a line of a log\n" * 20_000
    assert len(lint_cache(talk(system=system))) == 1


def test_hits_of_answers() -> None:
    with DeepSeekV4(MockProvider(flavor="deepseek"), model="pro") as client:
        reply = client.chat("Hi")
    assert cache_use(reply) == CacheUse(hit=0, miss=reply.usage.prompt_tokens or 0, reported=1)
    with DeepSeekV4(MockProvider(flavor="sglang")) as client:
        untold = client.chat("Hi")  # without --enable-cache-report
    assert cache_use(untold) == CacheUse(unreported=1)
    assert cache_use(untold).rate is None
    replies = [make_reply(usage=make_usage(1_000, cached_tokens=cached)) for cached in (0, 512, 768)]
    use = cache_use([*replies, untold, make_reply(usage=Usage(prompt_tokens=5))])
    assert use == CacheUse(hit=1_280, miss=1_720, reported=3, unreported=2)
    assert use.rate == pytest.approx(1_280 / 3_000)
