"""The vendor's own encoder as judge: it accepts what is sent to DeepSeek's API, and what it streams is understood."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import deepseek_recipe as recipe
import httpx
import pytest

from deepseek_v4_sdk import DeepSeekV4
from deepseek_v4_sdk.chat import Conversation
from deepseek_v4_sdk.errors import DeepSeekV4Error, InvalidRequestError
from deepseek_v4_sdk.providers import find_provider
from deepseek_v4_sdk.testing import MockProvider, script
from tests.providers.golden import cases, frames_for
from tests.providers.golden_cases import FRAMES, PROMPT, TOOLS
from tests.providers.hosted import KINDS, Network, Talk, encoded
from tests.providers.recipe import CALLS, RESULTS, STRICT, USER, calls, convert, refused, results, sent, streamed


def assistant(**more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": None, **more}


HISTORIES: dict[str, list[Any]] = {
    "one question": [USER],
    "system and reminder": [{"role": "system", "content": "s"}, {"role": "latest_reminder", "content": "r"}, USER],
    "a finished turn": [USER, assistant(content="x", reasoning="Hm."), USER],
    "a finished turn without reasoning": [USER, assistant(content="x"), USER],
    "a round of tools": [USER, assistant(reasoning="Hm.", tool_calls=CALLS), *RESULTS],
    "a round whose reasoning is empty": [USER, assistant(reasoning="", tool_calls=CALLS), *RESULTS],
    "a round with text": [USER, assistant(content="I look.", reasoning="Hm.", tool_calls=CALLS), *RESULTS],
    "two rounds": [
        USER,
        assistant(reasoning="Hm.", tool_calls=CALLS),
        *RESULTS,
        assistant(reasoning="So.", tool_calls=calls("q", "p")),
        *results("p", "q"),
    ],
    "rounds of an earlier question": [USER, assistant(tool_calls=CALLS), *RESULTS, assistant(content="x"), USER],
    "parts of text": [{"role": "user", "content": [{"type": "text", "text": "a json"}, {"type": "text", "text": "b"}]}],
}


@pytest.mark.parametrize("case", [name for name, given in cases().items() if "model" not in given])
def test_each_option_that_is_sent_is_accepted(case: str) -> None:
    given = {name: None if value == "absent" else value for name, value in cases()[case].items()}
    for frame in frames_for(given):
        try:
            body = sent(PROMPT, **{**FRAMES[frame], **given})
        except DeepSeekV4Error:
            continue  # the golden file says which are refused before they are sent
        convert(body)


@pytest.mark.parametrize("history", HISTORIES)
@pytest.mark.parametrize(
    ("thinking", "wire", "model", "tools"),
    list(product(["off", "low", "high", "max"], ["stream", "plain"], ["pro", "flash"], [(), TOOLS])),
)
def test_each_history_is_accepted(history: str, thinking: str, wire: str, model: str, tools: Any) -> None:
    body = sent(HISTORIES[history], thinking=thinking, wire=wire, model=model, tools=list(tools))
    conversation = convert(body).conversation
    assert conversation.thinking_mode is (thinking != "off")
    if thinking != "off":
        # Effort "high" is the one that the encoder leaves unnamed or names: both mean it.
        assert str(conversation.reasoning_effort or "high") == thinking


THOUGHTLESS = [USER, assistant(tool_calls=CALLS), *RESULTS]


def test_calls_whose_reasoning_was_lost_are_refused_here_and_by_the_judge() -> None:
    with pytest.raises(InvalidRequestError, match=r"messages\[1\] calls tools and lacks its reasoning"):
        sent(THOUGHTLESS, model="pro")
    status, answer = refused({"model": "deepseek-v4-pro", "messages": THOUGHTLESS})
    assert (status, b"must be passed back" in answer) == (400, True)


def test_without_thinking_and_once_repaired_they_are_accepted() -> None:
    convert(sent(THOUGHTLESS, model="pro", thinking="off"))
    talk = Conversation(THOUGHTLESS)
    provider: Any = find_provider("deepseek")
    talk.repair(provider)
    convert(sent(talk, model="pro"))


def test_the_calls_keep_their_order_and_their_results_in_the_prompt() -> None:
    body = sent(HISTORIES["a round of tools"], model="pro", tools=list(TOOLS))
    prompt = recipe.DeepseekV4Encoding().render_conversation(convert(body).conversation).prompt
    assert prompt.index("for z") < prompt.index("for a")


@pytest.mark.parametrize("thinking", ["off", "high"])
def test_strict_tools_and_a_prefix_are_accepted(thinking: str) -> None:
    strict = {"name": "f", "parameters": STRICT, "strict": True}
    convert(sent([USER], thinking=thinking, model="pro", tools=[strict]))
    begun = {"role": "assistant", "content": "1, 2,", "prefix": True, "reasoning": "Count."}
    conversation = convert(sent([USER, begun], thinking=thinking, model="pro")).conversation
    assert conversation.messages[-1].prefix is True


@pytest.mark.parametrize(
    ("model", "thinking", "top_p", "told"),
    [
        ("pro", "high", 0.5, "no_effect"),
        ("pro", "off", 0.5, None),
        ("flash", "high", 0.5, "raised"),
        ("flash", "high", 0.96, None),
        ("flash", "off", 0.5, "no_effect"),
        ("flash", "off", 0.96, "no_effect"),
    ],
)
def test_what_is_said_of_top_p_is_what_the_encoder_makes_of_it(
    model: str, thinking: str, top_p: float, told: str | None
) -> None:
    notes = encoded(find_provider("deepseek"), [USER], model=model, thinking=thinking, top_p=top_p).repairs
    used = convert(sent([USER], model=model, thinking=thinking, top_p=top_p)).inference_options.top_p
    assert (told is None) == (abs(used - top_p) < 1e-6)
    assert [note.kind for note in notes if note.kind in {"no_effect", "raised"}] == ([told] if told else [])
    if told == "raised":
        assert abs(used - 0.95) < 1e-6


MARKUP = (
    '\n\n<｜DSML｜tool_calls>\n<｜DSML｜invoke name="get_weather">\n<｜DSML｜parameter name="city" string="true">Paris'
    '</｜DSML｜parameter>\n</｜DSML｜invoke>\n<｜DSML｜invoke name="now">\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>'
)
SAID: dict[str, tuple[str, str, str, list[tuple[str, Any]]]] = {
    "text": ("Hm, é.</think>The answer.", "Hm, é.", "The answer.", []),
    "no thought": ("</think>The answer.", "", "The answer.", []),
    "calls": (f"Hm.</think>{MARKUP}", "Hm.", "", [("get_weather", {"city": "Paris"}), ("now", {})]),
    "text and calls": (
        f"Hm.</think>I look.{MARKUP}",
        "Hm.",
        "I look.",
        [("get_weather", {"city": "Paris"}), ("now", {})],
    ),
}


@pytest.mark.parametrize("size", [1, 3, 17, 10_000])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("said", SAID)
def test_what_it_streams_is_understood(said: str, kind: str, size: int) -> None:
    markup, reasoning, text, calls = SAID[said]
    given: dict[str, Any] = {"model": "pro", "tools": list(TOOLS)}
    blocks = streamed(markup, size, sent([USER], **given))
    network = Network(script.raw(*blocks, "data: [DONE]\n\n"), flavor="deepseek")
    reply = Talk(kind, "deepseek", network, api_key="k").chat([USER], **given)
    assert (reply.reasoning or "", reply.text.strip()) == (reasoning, text)
    assert [(call.name, call.parsed) for call in reply.tool_calls] == calls
    assert reply.finish_reason == ("tool_calls" if calls else "stop")
    assert reply.usage.prompt_tokens == 10
    assert reply.usage.cached_tokens == 4
    assert (reply.id, reply.model) == ("reply-1", "deepseek-v4-pro")


@pytest.mark.parametrize("kind", KINDS)
def test_a_cut_answer_is_a_cut_answer(kind: str) -> None:
    blocks = streamed("Hm.</think>The ans", 3, sent([USER], model="pro"), finish="Length")
    network = Network(script.raw(*blocks, "data: [DONE]\n\n"), flavor="deepseek")
    reply = Talk(kind, "deepseek", network, api_key="k", model="pro").chat([USER])
    assert (reply.text, reply.finish_reason) == ("The ans", "length")


def test_the_mock_streams_as_the_vendor_does() -> None:
    """The same keys in the same kinds of chunks; ids, counts and cuts are free."""
    turn = script.think("Hm.") + script.text("The answer.")
    mock = MockProvider(turn, flavor="deepseek")
    with DeepSeekV4(mock, model="pro") as client:
        client.chat([USER])
    body = mock.requests[0].body
    with httpx.Client(transport=MockProvider(turn, flavor="deepseek").transport, base_url="http://mock") as plain:
        spoken = plain.post("/chat/completions", json=dict(body)).text.split("\n\n")[:-1]
    theirs = [json.loads(event[6:]) for event in streamed("Hm.</think>The answer.", 3, dict(body))]
    ours = [json.loads(event[6:]) for event in spoken if "[DONE]" not in event]
    for mine, other in ((ours[0], theirs[0]), (ours[1], theirs[1]), (ours[-2], theirs[-2]), (ours[-1], theirs[-1])):
        assert mine.keys() == other.keys()
        assert mine["choices"][0].keys() == other["choices"][0].keys()
        assert mine["choices"][0]["delta"].keys() == other["choices"][0]["delta"].keys()
        assert type(mine["usage"]) is type(other["usage"])
