"""Options as users write them: by keyword, gathered in a dict, and passed on by a function of their own."""

from __future__ import annotations

from typing import Unpack, assert_type, cast

from deepseek_v4_sdk import ChatOptions, DeepSeekV4, Reply, Thinking, Timeouts, ToolSpec


def by_keyword(client: DeepSeekV4) -> None:
    client.chat("Hello", thinking="off", temperature=0.2, max_tokens=10, stop=["\n"], seed=1, logprobs=5)
    client.chat("Hello", timeout=Timeouts(total=10), metadata={"who": 1}, extra_body={"deep": {"er": [1]}})
    client.chat("Hello", temperature=None, tools=None)  # None is "not given"


def tools(client: DeepSeekV4) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string", "enum": ["Paris"]}}, "required": ["city"]}
    bare = {"name": "now", "description": "The time in a city.", "parameters": schema}
    client.chat("Hello", tools=[bare], tool_choice="now")
    client.chat("Hello", tools=[{"type": "function", "function": bare}], tool_choice="required")
    spec = ToolSpec("weather", parameters=schema)
    client.chat("Hello", tools=[spec, bare], tool_choice={"type": "function", "function": {"name": "now"}})
    specs = (spec,)
    client.chat("Hello", tools=specs, parallel_tool_calls=False)


def gathered(client: DeepSeekV4) -> None:
    options: ChatOptions = {"thinking": "low", "top_p": 0.9}
    options["max_tokens"] = 100
    assert_type(client.chat("Hello", **options), Reply)


def passed_on(client: DeepSeekV4, question: str, **options: Unpack[ChatOptions]) -> str:
    options.setdefault("thinking", "high")
    return client.chat(question, **options).text


def chosen(client: DeepSeekV4, *, hard: bool) -> str:
    level: Thinking = "max" if hard else "off"
    return passed_on(client, "Hello", thinking=level)


def from_outside(client: DeepSeekV4, level: str) -> Reply:
    """A level out of a file or the command line: the client checks it, and refuses any other word."""
    return client.chat("Hello", thinking=cast("Thinking", level))


def wrong(client: DeepSeekV4) -> None:
    client.chat("Hello", temprature=0.2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.chat("Hello", thinking="medium")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    client.chat("Hello", max_tokens="many")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    client.stream("Hello", wire="socket")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    client.chat(42)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    DeepSeekV4("mock", retries=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    DeepSeekV4.from_profile("prod", tries=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.with_options(thinking=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
