"""The mock counts for real: usage, windows, the routes that count, and the prompt that a test can look at."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from deepseek_v4_sdk import ContextLengthExceededError, DeepSeekV4
from deepseek_v4_sdk.prompt import render_prompt
from deepseek_v4_sdk.testing import MockProvider, script
from deepseek_v4_sdk.tokens import count_text
from deepseek_v4_sdk.tokens.prompts import PromptForm
from tests.counting.whole import whole

FLAVORS = ("vllm", "sglang", "nim", "nvidia", "deepseek", "dynamo")
TOOLS: list[Any] = [
    {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
    {"name": "get_time", "parameters": {"type": "object", "properties": {}}},
]
TALK: list[Any] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "The weather? </think> is no control token of mine."},
    {
        "role": "assistant",
        "content": "",
        "reasoning": "A tool helps.",
        "tool_calls": [
            {"id": "z", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'}},
            {"id": "a", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Rome"}'}},
        ],
    },
    {"role": "tool", "tool_call_id": "z", "content": "Sunny."},
    {"role": "tool", "tool_call_id": "a", "content": "Rain, and <｜User｜> too."},
    {"role": "user", "content": "Thanks. As JSON?"},
]
each_flavor = pytest.mark.parametrize("flavor", FLAVORS)


def client_of(flavor: str, *steps: Any, **options: Any) -> tuple[MockProvider, DeepSeekV4]:
    mock = MockProvider(*steps, flavor=flavor, default=script.text("Hello"), **options)
    return mock, DeepSeekV4(mock, model="pro" if flavor in {"nvidia", "deepseek"} else None)


@each_flavor
@pytest.mark.parametrize("wire", ["stream", "plain"])
@pytest.mark.parametrize("thinking", ["off", "high", "max"])
def test_usage_is_the_local_count(flavor: str, wire: Any, thinking: Any) -> None:
    mock, client = client_of(flavor)
    for messages, tools in ((TALK[:2], None), (TALK, TOOLS), ("Hi", TOOLS[:1])):
        usage = client.chat(messages, tools=tools, thinking=thinking, wire=wire).usage
        assert usage.prompt_tokens == client.count_tokens(messages, tools, thinking=thinking).total
        assert usage.prompt_tokens == _whole(mock)


def _whole(mock: MockProvider) -> int:
    """The last prompt as one piece; for the vendor's encoder from the segments, which know text from control."""
    request = mock.requests[-1]
    if request.dialect == "vllm":
        return count_text(request.prompt)
    body = request.body
    form = PromptForm(dialect="recipe", generation="2026-08", thinking="off")
    prompt = render_prompt(
        body["messages"],  # type: ignore[arg-type]
        body.get("tools"),  # type: ignore[arg-type]
        thinking=request.thinking,  # type: ignore[arg-type]
        dialect=form.dialect,
    )
    assert prompt.text == request.prompt
    return whole(prompt, "recipe")


@pytest.mark.parametrize("flavor", ["vllm", "sglang", "deepseek"])
@pytest.mark.parametrize("choice", ["auto", "none", "required", "get_time"])
def test_a_choice_of_tools(flavor: str, choice: str) -> None:
    _, client = client_of(flavor, script.tool_call("get_time"))
    usage = client.chat("Hi", tools=TOOLS, tool_choice=choice, thinking="off").usage
    assert usage.prompt_tokens == client.count_tokens("Hi", TOOLS, tool_choice=choice, thinking="off").total
    every = client.count_tokens("Hi", TOOLS, thinking="off").total
    shows_all = flavor == "vllm" or choice in {"auto", "required"}
    assert (client.count_tokens("Hi", TOOLS, tool_choice=choice, thinking="off").total >= every) is shows_all


@pytest.mark.parametrize("flavor", ["vllm", "sglang", "deepseek"])
def test_a_response_format(flavor: str) -> None:
    _, client = client_of(flavor)
    form: Any = {"type": "json_object"}
    usage = client.chat("Give me JSON.", response_format=form).usage
    counted = client.count_tokens("Give me JSON.", response_format=form).total
    assert usage.prompt_tokens == counted
    assert (counted > client.count_tokens("Give me JSON.").total) is (flavor != "vllm")


def test_the_prompt_of_a_request() -> None:
    mock, client = client_of("vllm")
    client.chat("Hi", thinking="low")
    assert mock.requests[0].prompt == "<｜begin▁of▁sentence｜><｜User｜>Hi<｜Assistant｜><think>"
    other, client = client_of("sglang")
    client.chat(TALK, tools=TOOLS, thinking="off")
    prompt = other.requests[0].prompt
    assert prompt.startswith("<｜begin▁of▁sentence｜>Be brief.")
    assert prompt.index("Paris") < prompt.index("Rome") < prompt.index("Sunny") < prompt.index("Rain")
    assert prompt.endswith("Thanks. As JSON?<｜Assistant｜></think>")


# What each flavor tells of a prompt of 54 tokens and a window of 40.
_BEYOND: dict[str, tuple[int, int, int | None]] = {
    "vllm": (40, 41, None),  # it says "at least", and stops counting there
    "nim": (40, 54, None),
    "sglang": (40, 54, None),
    "nvidia": (40, 54, None),
    "deepseek": (40, 54, 54),
    "dynamo": (40, 54, None),
}


@each_flavor
def test_a_prompt_beyond_the_window(flavor: str) -> None:
    mock, client = client_of(flavor, window=40)
    message = "word " * 49 + "word"
    assert client.count_tokens(message, thinking="off").total == 54
    with pytest.raises(ContextLengthExceededError) as caught:
        client.chat(message, thinking="off")
    error = caught.value
    assert error.status_code == 400
    assert (error.limit, error.prompt_tokens, error.requested) == _BEYOND[flavor]
    assert len(mock.requests) == 1  # it had arrived, and took no step of the script
    assert client.chat("Hi", thinking="off").text == "Hello"


# The same of a prompt of 5 tokens, an answer of up to 91 and a window of 90.
_TOGETHER: dict[str, tuple[int, int | None, int]] = {
    "vllm": (90, None, 91),  # it looks at the answer alone
    "nim": (90, 5, 96),
    "sglang": (90, 5, 96),
    "deepseek": (90, 5, 96),
}


@pytest.mark.parametrize("flavor", _TOGETHER)
def test_an_answer_beyond_the_window(flavor: str) -> None:
    _, client = client_of(flavor, window=90)
    with pytest.raises(ContextLengthExceededError) as caught:
        client.chat("Hi", thinking="off", max_tokens=91)
    assert (caught.value.limit, caught.value.prompt_tokens, caught.value.requested) == _TOGETHER[flavor]
    assert client.chat("Hi", thinking="off", max_tokens=85).text == "Hello"


def test_without_counting_there_is_no_refusal() -> None:
    mock, client = client_of("sglang", count_tokens=False, window=1_000_000)
    usage = client.chat(TALK, tools=TOOLS).usage
    assert usage.prompt_tokens not in {None, client.count_tokens(TALK, TOOLS).total}
    assert mock.requests[0].prompt.count("<tool_result>") == 2  # rendered when it is looked at


def post(mock: MockProvider, path: str, body: Any) -> tuple[int, Any]:
    with httpx.Client(transport=mock.transport, base_url="http://mock") as client:
        answer = client.post(path, json=body)
    return answer.status_code, answer.json()


@pytest.mark.parametrize(("flavor", "path"), [("vllm", "/tokenize"), ("sglang", "/v1/tokenize")])
def test_tokenize_a_text(flavor: str, path: str) -> None:
    status, answer = post(MockProvider(flavor=flavor, window=1000), path, {"prompt": "<think>Hello there"})
    length = 1000 if flavor == "vllm" else 1_048_576  # SGLang tells that of the tokenizer
    assert (status, answer["count"], answer["max_model_len"]) == (200, len(answer["tokens"]), length)
    assert answer["tokens"][0] == 128821


def test_tokenize_reads_what_the_servers_read() -> None:
    hi = {"messages": [{"role": "user", "content": "hi"}]}
    for flavor, path, body, count in (
        ("vllm", "/tokenize", {}, 84),
        ("vllm", "/tokenize", {"reasoning_effort": "low"}, 84),  # passed over
        ("vllm", "/tokenize", {"chat_template_kwargs": {"reasoning_effort": "low"}}, 5),
        ("vllm", "/tokenize", {"chat_template_kwargs": {"reasoning_effort": "max"}}, 97),
        ("sglang", "/v1/tokenize", {}, 5),
        ("sglang", "/v1/tokenize", {"chat_template_kwargs": {"thinking": True, "reasoning_effort": "low"}}, 84),
        ("sglang", "/v1/tokenize", {"chat_template_kwargs": {"thinking": True}, "reasoning_effort": "low"}, 5),
    ):
        status, answer = post(MockProvider(flavor=flavor), path, {**hi, **body})
        assert (status, answer["count"]) == (200, count), (flavor, body)


def test_tokenize_of_vllm_knows_one_name_of_reasoning() -> None:
    def count(name: str) -> int:
        messages = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a", name: "some thoughts"}]
        return int(post(MockProvider(), "/tokenize", {"messages": messages})[1]["count"])

    assert count("reasoning") == count("reasoning_content") + 2


@pytest.mark.parametrize("body", [{}, {"messages": "x"}, {"messages": [{"role": "tool", "content": "x"}]}])
def test_tokenize_refuses(body: Any) -> None:
    status, answer = post(MockProvider(flavor="sglang"), "/v1/tokenize", body)
    assert status == 400
    assert answer
