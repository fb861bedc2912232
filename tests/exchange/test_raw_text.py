"""Raw output: any split of it gives the same parts, and they are those that the server's own parsers give."""

from __future__ import annotations

from typing import Any

import pytest

from deepseek_v4_sdk import DeepSeekV4, Reply, UnsupportedOptionError
from deepseek_v4_sdk.dsml import Arguments, CallStart, Text
from deepseek_v4_sdk.errors import DeepSeekV4Error, EmptyTurnError, ReasoningExhaustedError
from deepseek_v4_sdk.exchange.raw_text import RawText, Reasoning
from deepseek_v4_sdk.providers import Completions, find_provider
from deepseek_v4_sdk.testing import MockProvider, script
from deepseek_v4_sdk.testing.flavors.dynamo import DynamoFlavor
from deepseek_v4_sdk.testing.flavors.nim import NimFlavor
from deepseek_v4_sdk.testing.flavors.sglang import SGLangFlavor
from deepseek_v4_sdk.testing.flavors.vllm import VLLMFlavor
from tests.exchange.raw_cases import CALLS, CASES, TOOLS, RawCase

FLAVORS: dict[str, Any] = {
    "vllm": VLLMFlavor(),
    "sglang": SGLangFlavor(),
    "nim of vllm": NimFlavor("vllm"),
    "nim of sglang": NimFlavor("sglang"),
    "dynamo": DynamoFlavor(),
}
RULES = {name: find_provider(name).data.completions or Completions() for name in ("vllm", "sglang", "dynamo")}


def parts(pieces: list[Any]) -> tuple[str, str, list[tuple[str, str]]]:
    """Joined reasoning, text and calls."""
    calls: list[tuple[str, str]] = []
    for piece in pieces:
        if isinstance(piece, CallStart):
            calls.append((piece.name, ""))
        elif isinstance(piece, Arguments):
            calls[-1] = (calls[-1][0], calls[-1][1] + piece.text)
    reasoning = "".join(piece.text for piece in pieces if isinstance(piece, Reasoning))
    return reasoning, "".join(piece.text for piece in pieces if isinstance(piece, Text)), calls


def read(case: RawCase, rules: Completions, size: int, *, cut: bool = False) -> tuple[str, str, list[tuple[str, str]]]:
    tools = [tool["name"] for tool in case.options.get("tools", [])]
    reader = RawText(tools, rules, thinks=case.options.get("thinking") != "off")
    pieces = [
        piece for start in range(0, len(case.output), size) for piece in reader.feed(case.output[start : start + size])
    ]
    return parts([*pieces, *reader.finish(cut=cut)])


BLANKS = {
    "blanks": RawCase(f" \n\nOne \n\n</think>\n\nTwo  {CALLS}", {"tools": TOOLS}),
    "blanks before calls": RawCase(f"One</think> \n\n\n{CALLS}", {"tools": TOOLS}),
    "call in reasoning": RawCase(f"One{CALLS}", {"tools": TOOLS}),
    "thinks again": RawCase("One</think>Two<think>Three </think>Four</think>."),
    "call after no line end": RawCase(f"One</think>Two{CALLS.lstrip()}", {"tools": TOOLS}),
    "mark in an argument": RawCase("One</think>" + CALLS.replace("<b>", "<think></think>"), {"tools": TOOLS}),
    "quoted": RawCase("One</think>Say `" + CALLS.strip().replace("\n", "") + "` or not.", {"tools": TOOLS}),
}


@pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
@pytest.mark.parametrize("name", [*CASES, *BLANKS])
def test_any_split_gives_the_same_parts(name: str, rules: Completions) -> None:
    case = {**CASES, **BLANKS}[name]
    whole = read(case, rules, len(case.output))
    for size in (1, 2, 3, 5, 7, 11, 64):
        assert read(case, rules, size) == whole


def test_each_servers_blanks() -> None:
    """Those of the tables: of the reasoning's end, around it, or none."""
    case = RawCase("\n\n One \n \n</think>\n\n Two \n")
    assert read(case, RULES["vllm"], 3)[:2] == ("\n\n One", "\n\n Two \n")
    assert read(case, RULES["sglang"], 3)[:2] == (" One \n ", " Two \n")
    assert read(case, RULES["dynamo"], 3)[:2] == ("\n\n One \n \n", "\n\n Two \n")


def test_calls_stay_out_of_quotations() -> None:
    reasoning, text, calls = read(BLANKS["quoted"], RULES["vllm"], 4)
    assert (reasoning, calls) == ("One", [])
    assert text == BLANKS["quoted"].output.partition("</think>")[2]


def test_a_call_ends_the_reasoning_and_holds_marks() -> None:
    assert read(BLANKS["call in reasoning"], RULES["sglang"], 4)[0] == "One"
    assert [name for name, _ in read(BLANKS["call in reasoning"], RULES["sglang"], 4)[2]] == ["get_weather", "now"]
    (_, arguments), _ = read(BLANKS["mark in an argument"], RULES["vllm"], 4)[2]
    assert "<think></think>" in arguments


def test_thinking_begins_again_only_where_the_server_reads_it_so() -> None:
    case = BLANKS["thinks again"]
    assert read(case, RULES["vllm"], 2)[:2] == ("OneThree", "TwoFour.")
    assert read(case, RULES["sglang"], 2)[:2] == ("One", "Two<think>Three Four.")
    assert read(case, RULES["dynamo"], 2)[:2] == ("One", case.output.partition("</think>")[2])


def test_half_a_character_and_half_an_opening_are_dropped_at_a_cut() -> None:
    half = RawCase("One</think>Caf\N{REPLACEMENT CHARACTER}")
    assert read(half, RULES["sglang"], 3, cut=True)[1] == "Caf"
    assert read(half, RULES["sglang"], 3)[1] == "Caf\N{REPLACEMENT CHARACTER}"
    opening = RawCase("One</think>Look." + CALLS[:14], {"tools": TOOLS})
    assert read(opening, RULES["vllm"], 3, cut=True)[1] == "Look."


def ask(case: RawCase, flavor: Any, wire: str, **options: Any) -> Reply:
    mock = MockProvider(script.raw_model_output(case.output), flavor=flavor)
    with DeepSeekV4(mock) as client:
        reply = client.chat("Hi", wire=wire, **{**case.options, **options})  # type: ignore[arg-type]
    if wire == "raw":
        assert mock.requests[0].path == "/v1/completions"
    return reply


def meaning(reply: Reply) -> tuple[object, ...]:
    calls = [(call.name, call.arguments, call.recovered) for call in reply.tool_calls]
    return reply.reasoning, reply.text, calls, reply.finish_reason


@pytest.mark.parametrize("flavor", FLAVORS.values(), ids=FLAVORS)
@pytest.mark.parametrize("name", CASES)
def test_an_answer_is_the_same_by_either_route(name: str, flavor: Any) -> None:
    raw, chat = ask(CASES[name], flavor, "raw"), ask(CASES[name], flavor, "stream")
    assert meaning(raw) == meaning(chat)
    assert raw.repairs == chat.repairs
    assert (raw.usage.prompt_tokens, raw.usage.completion_tokens) == (
        chat.usage.prompt_tokens,
        chat.usage.completion_tokens,
    )


def test_the_prompt_is_the_one_of_a_chat_as_tokens() -> None:
    mock = MockProvider(script.text("a"), script.text("b"), flavor="sglang")
    with DeepSeekV4(mock) as client:
        for wire in ("raw", "stream"):
            client.chat("Say <think> and <｜User｜>.", tools=TOOLS, wire=wire)  # type: ignore[call-overload]
    rendered, chat = mock.requests
    assert rendered.prompt == chat.prompt
    body = rendered.body
    assert isinstance(body["prompt"], list)
    assert body.keys() - {"model"} == {"prompt", "max_tokens", "stream", "stream_options"}


def test_the_limit_is_always_sent() -> None:
    """Without it, these servers give 16 tokens."""
    for flavor in ("vllm", "sglang"):
        mock = MockProvider(script.text("word " * 40), script.text("word " * 40), flavor=flavor, window=2000)
        with DeepSeekV4(mock) as client:
            reply = client.chat("Hi", wire="raw", thinking="off")
            assert reply.text == "word " * 40
            prompt = mock.requests[0].body["prompt"]
            assert isinstance(prompt, list)
            assert mock.requests[0].body["max_tokens"] == 2000 - len(prompt) == reply.max_tokens_sent
            assert client.chat("Hi", wire="raw", thinking="off", max_tokens=3).finish_reason == "length"


def test_reasoning_is_counted_here() -> None:
    reply = ask(CASES["text"], "vllm", "raw")
    assert reply.usage.reasoning_tokens == 3


def test_cut_answers_are_seen() -> None:
    case = CASES["text"]
    with pytest.raises(ReasoningExhaustedError):
        ask(case, "vllm", "raw", max_tokens=2)
    assert ask(case, "sglang", "raw", max_tokens=6).finish_reason == "length"
    with pytest.raises(DeepSeekV4Error) as caught:
        ask(CASES["calls"], "sglang", "raw", max_tokens=40)
    assert caught.value.partial is not None
    assert caught.value.partial.partial_tool_calls[0].name == "get_weather"


def test_an_empty_answer_is_an_empty_turn() -> None:
    with pytest.raises(EmptyTurnError):
        ask(RawCase("</think>"), "vllm", "raw")


@pytest.mark.parametrize(
    ("option", "options"),
    [
        ("tool_choice", {"tools": TOOLS, "tool_choice": "required"}),
        ("parallel_tool_calls", {"tools": TOOLS, "parallel_tool_calls": False}),
        ("logprobs", {"logprobs": True}),
        ("tools", {"tools": [{**TOOLS[1], "strict": True}]}),
    ],
)
def test_options_without_effect_there_are_refused(option: str, options: dict[str, Any]) -> None:
    mock = MockProvider(script.text("a"))
    with DeepSeekV4(mock) as client, pytest.raises(UnsupportedOptionError) as caught:
        client.chat("Hi", wire="raw", **options)
    assert caught.value.option == option
    assert mock.requests == []


def test_a_format_needs_a_grammar_that_waits_for_the_reasoning() -> None:
    asked = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}
    mock = MockProvider(script.text("{}"), default=script.text("{}"), flavor="sglang")
    with DeepSeekV4(mock) as client:
        with pytest.raises(UnsupportedOptionError):
            client.chat("Hi", wire="raw", response_format=asked)
        assert client.chat("Hi", wire="raw", response_format=asked, thinking="off").text == "{}"
    assert mock.requests[0].body["response_format"] == asked


@pytest.mark.parametrize("flavor", ["nvidia", "deepseek"])
def test_servers_without_the_route_are_named(flavor: str) -> None:
    mock = MockProvider(script.text("a"), flavor=flavor)
    with DeepSeekV4(mock, model="pro") as client, pytest.raises(UnsupportedOptionError, match="rendered prompt"):
        client.chat("Hi", wire="raw")
