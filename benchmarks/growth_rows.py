"""The rows of growth.py, and those of calls: requests, answers, streams, tools and errors of any size."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import httpx

from deepseek_v4_sdk import AssistantMessage, Conversation, DeepSeekV4, DeepSeekV4Error, ToolCall, ToolMessage, tool
from deepseek_v4_sdk.testing import MockProvider, script

Run: TypeAlias = Callable[[], object]
Make: TypeAlias = Callable[[int, Path], Run]

MODEL = "deepseek-ai/DeepSeek-V4-Pro"
LEAK = '<｜DSML｜invoke name="now">\n</｜DSML｜invoke>\n'
ANY = {"type": "object", "properties": {}}
NOW = [{"name": "now", "parameters": ANY}]


@dataclass(frozen=True)
class Row:
    """One function, and what of its input grows.

    Attributes:
        name: The function.
        grows: The growing quantity.
        size: How much of it is 1x.
        make: Makes an input of a size, with a folder to write into, and gives what is measured.
        linear: Whether the work is to grow as the input does.
    """

    name: str
    grows: str
    size: int
    make: Make
    linear: bool


ROWS: list[Row] = []


def row(name: str, grows: str, size: int, *, linear: bool = True) -> Callable[[Make], Make]:
    """A row of the table."""

    def kept(make: Make) -> Make:
        ROWS.append(Row(name, grows, size, make, linear))
        return make

    return kept


def simple(name: str, grows: str, size: int, make: Callable[[int], Run]) -> None:
    """A row that needs no folder."""
    row(name, grows, size)(lambda size, _: make(size))


def event(delta: dict[str, Any], reason: str | None = None) -> bytes:
    """A chunk of a stream."""
    told = {"id": "c", "model": MODEL, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}
    return b"data: " + json.dumps(told).encode() + b"\n\n"


def called(**entry: Any) -> bytes:
    """A chunk with a piece of a tool call."""
    return event({"tool_calls": [entry]})


def ended(*events: bytes, reason: str = "stop") -> bytes:
    """A whole stream."""
    return b"".join((*events, event({}, reason), b"data: [DONE]\n\n"))


class IteratedResponse(httpx.SyncByteStream):
    """A body in blocks."""

    def __init__(self, body: bytes, size: int) -> None:
        self._body = body
        self._size = size

    def __iter__(self) -> Iterator[bytes]:
        return (self._body[at : at + self._size] for at in range(0, len(self._body), self._size))


def client(body: bytes, status: int = 200, *, size: int = 65_536) -> DeepSeekV4:
    """A client whose server answers everything with that."""
    kind = "text/event-stream" if body.startswith(b"data:") else "application/json"

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(status, headers={"content-type": kind}, stream=IteratedResponse(body, size))

    carrier = httpx.Client(transport=httpx.MockTransport(answer))
    return DeepSeekV4("vllm", base_url="http://localhost", model=MODEL, max_retries=0, http_client=carrier)


def reading(body: bytes, *, tools: Any = (), size: int = 65_536) -> Run:
    """A stream read to its end."""

    def run() -> None:
        with client(body, size=size).stream("x", tools=tools) as stream:
            for _ in stream:
                pass

    return run


def failing(run: Run) -> Run:
    """An operation that ends with an error, whose text is read."""

    def tried() -> None:
        try:
            run()
        except (DeepSeekV4Error, ValueError, TypeError) as error:
            if not str(error):
                raise
        else:
            raise AssertionError("no error")

    return tried


def talk(messages: int) -> Conversation:
    """A conversation with calls."""
    conversation = Conversation().system("Be brief.")
    for number in range(messages // 4):
        conversation.user(f"Question {number}: " + "why " * 20)
        conversation.add(AssistantMessage(None, "Hm.", (ToolCall(f"c{number}", "now", '{"p": 1}'),)))
        conversation.add(ToolMessage(f"Page {number}\n" + "a line of it\n" * 5, f"c{number}"))
        conversation.add(AssistantMessage("so " * 20))
    return conversation.user("So?")


def specs(count: int) -> list[dict[str, Any]]:
    """So many tools."""
    return [{"name": f"tool{number}", "description": "Looks.", "parameters": ANY} for number in range(count)]


def words(size: int) -> str:
    """A text of so many characters."""
    return "word " * (size // 5)


def chatting(message: Any, *, tools: Any = (), answer: str = "yes") -> Run:
    """A plain call."""
    body = ended(event({"content": answer}))
    return lambda: client(body).chat(message, tools=tools)


simple("chat", "messages", 1_000, lambda n: chatting(talk(n)))
simple("chat", "characters of a message", 500_000, lambda n: chatting(words(n)))
simple("chat", "tools", 250, lambda n: chatting("x", tools=specs(n)))
simple("chat", "characters of the answer", 500_000, lambda n: chatting("x", answer=words(n)))
simple("stream", "events", 2_000, lambda n: reading(ended(*[event({"content": "word "})] * n)))
simple(
    "stream",
    "events of reasoning",
    2_000,
    lambda n: reading(ended(*[event({"reasoning": "word "})] * n, event({"content": "a"}))),
)
simple("stream", "comments", 10_000, lambda n: reading(ended(event({"content": "a"}), b": ping\n\n" * n)))
simple("stream", "characters of an event", 500_000, lambda n: reading(ended(event({"content": words(n)}))))
simple("stream", "bytes, 7 a block", 50_000, lambda n: reading(ended(event({"content": "word "}) * (n // 120)), size=7))
simple(
    "stream",
    "bytes of an event, 100 a block",
    200_000,
    lambda n: reading(ended(event({"content": words(n)})), size=100),
)
simple(
    "stream",
    "tool calls",
    500,
    lambda n: reading(
        ended(
            *(called(index=at, id=f"c{at}", function={"name": "now", "arguments": "{}"}) for at in range(n)),
            reason="tool_calls",
        ),
        tools=NOW,
    ),
)
simple(
    "stream",
    "fragments of a call's arguments",
    2_000,
    lambda n: reading(
        ended(
            called(index=0, id="c", function={"name": "now", "arguments": '{"a": "'}),
            *[called(index=0, function={"arguments": "word "})] * n,
            called(index=0, function={"arguments": '"}'}),
            reason="tool_calls",
        ),
        tools=NOW,
    ),
)
simple(
    "stream",
    "calls left in the text",
    500,
    lambda n: reading(ended(event({"content": f"<｜DSML｜tool_calls>\n{LEAK * n}</｜DSML｜tool_calls>\n"})), tools=NOW),
)


def parsing(answer: str, schema: Any) -> Run:
    """An answer read as a type."""
    body = ended(event({"content": answer}))
    return lambda: client(body).parse("x", schema, retries=0)


simple("parse", "items", 1_000, lambda n: parsing(json.dumps([{"a": 1}] * n), list[dict[str, int]]))
simple("parse", "wrong items", 1_000, lambda n: failing(parsing(json.dumps(["a"] * n), list[int])))
simple("parse", "brackets in front", 2_000, lambda n: failing(parsing("{[ " * (n // 2), int)))


def total(values: list[int]) -> int:
    """The sum."""
    return sum(values)


def running(*turns: Any, tools: Any, **options: Any) -> Run:
    """A run of tools."""
    steps = [*turns, script.text("Done.")]
    return lambda: DeepSeekV4(MockProvider(*steps, count_tokens=False), model=MODEL).run_tools("x", tools, **options)


def checked(values: list[Any]) -> Run:
    """The arguments of one call, checked."""
    call = ToolCall("c", "total", json.dumps({"values": values}))
    return lambda: tool(total).check(call)


def one() -> str:
    """One."""
    return "1"


@row("run_tools", "calls in one answer", 100)
def many_calls(size: int, _: Path) -> Run:
    """Calls side by side."""
    return running(script.turn(*[script.tool_call("one")] * size), tools=[one])


@row("run_tools", "characters of a result", 500_000)
def long_result(size: int, _: Path) -> Run:
    """A tool that says much."""

    def much() -> str:
        """Much."""
        return words(size)

    return running(script.tool_call("much"), tools=[much])


@row("run_tools", "rounds: each sends all before it", 10, linear=False)
def many_rounds(size: int, _: Path) -> Run:
    """Calls one after another."""
    return running(*[script.tool_call("one")] * size, tools=[one], max_rounds=size + 1)


simple("tool.check", "items of the arguments", 2_000, lambda n: checked(list(range(n))))
simple("tool.check", "wrong items", 1_000, lambda n: failing(checked(["a"] * n)))


def refused(size: int) -> Run:
    """A refusal that says much."""
    body = json.dumps({"error": {"message": "wrong " * (size // 6)}}).encode()
    return failing(lambda: client(body, 400).chat("x"))


def broken(size: int) -> Run:
    """A stream that ends with an error that says much."""
    body = event({"content": "a"}) + b'data: {"error": {"message": "' + b"wrong " * (size // 6) + b'"}}\n\n'
    return failing(reading(body))


def listing(count: int) -> Run:
    """Models of a server."""
    body = json.dumps({"object": "list", "data": [{"id": f"m{at}", "object": "model"} for at in range(count)]})
    return client(body.encode()).models


simple("an error", "bytes of its body", 500_000, refused)
simple("an error", "bytes of its event", 500_000, broken)
simple("models", "models", 500, listing)
