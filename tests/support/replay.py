"""Servers that answer with given bytes, and notice what becomes of each answer; asked through the real clients."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

import httpx

from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4, DeepSeekV4Error, Finished, Reply
from deepseek_v4_sdk.chat import ChatEvent
from deepseek_v4_sdk.providers import Provider, find_provider
from deepseek_v4_sdk.testing.answer import Part, ServerAnswer, Wait
from deepseek_v4_sdk.testing.clock import VirtualClock
from deepseek_v4_sdk.transport.clock import DEADLINE, Deadline

__all__ = [
    "JSON",
    "MODEL",
    "Mode",
    "Outcome",
    "Part",
    "Played",
    "Replay",
    "ServerAnswer",
    "Wait",
    "answer",
    "ask",
    "async_client_for",
    "both",
    "client_for",
    "hear",
]

MODEL = "deepseek-ai/DeepSeek-V4-Pro"
STREAM = {"content-type": "text/event-stream; charset=utf-8"}
JSON = {"content-type": "application/json"}

Mode: TypeAlias = Literal["sync", "async"]
both: tuple[Mode, ...] = ("sync", "async")


def answer(*parts: Part, status: int = 200, headers: Mapping[str, str] = STREAM) -> ServerAnswer:
    """An HTTP answer, by default a stream."""
    return ServerAnswer(status, headers, parts)


class Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that comes in its parts, and tells its replay when it is closed."""

    def __init__(self, parts: tuple[Part, ...], deadline: Deadline, replay: Replay) -> None:
        self._parts = parts
        self._deadline = deadline
        self._replay = replay
        self._closed = False

    def __iter__(self) -> Iterator[bytes]:
        for part in self._parts:
            if block := self._take(part):
                yield block

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for place, part in enumerate(self._parts):
            await self._replay.between_blocks(place)
            if block := self._take(part):
                yield block

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._replay.open -= 1
            self._replay.body_closed()

    async def aclose(self) -> None:
        self.close()

    def _take(self, part: Part) -> bytes:
        if isinstance(part, Exception):
            raise part
        if isinstance(part, bytes):
            return part
        left = self._deadline.at - self._deadline.clock.now()
        self._deadline.clock.sleep(min(left, part.seconds))
        if part.seconds > left:
            raise httpx.ReadTimeout("silence")
        return b""


class Replay(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Answers the requests with the given answers, in order, on a still clock; an exception is raised instead.

    Like a pool of `slots` connections it refuses a request while so many answers are open.
    """

    def __init__(self, *answers: ServerAnswer | Exception, slots: int = 8) -> None:
        self._answers = list(answers)
        self._slots = slots
        self.open = 0
        self.paths: list[str] = []

    def exchange_clock(self) -> VirtualClock:
        return VirtualClock(datetime(2026, 11, 23, 12, tzinfo=UTC))

    async def between_blocks(self, place: int) -> None:
        """Called before each part of an async body."""

    def body_closed(self) -> None:
        """Called when an answer was closed."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.paths.append(request.url.path)
        if self.open >= self._slots:
            raise httpx.PoolTimeout("no slot is free")
        found = self._answers.pop(0)
        if isinstance(found, Exception):
            raise found
        self.open += 1
        body = Body(found.parts, request.extensions[DEADLINE], self)
        return httpx.Response(found.status, headers=dict(found.headers), stream=body)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0)
        return self.handle_request(request)


class Played:
    """One of the real providers, with a replay in place of its server."""

    def __init__(self, server: str | Provider, transport: Replay) -> None:
        self._inner = find_provider(server) if isinstance(server, str) else server
        self.transport = transport

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def client_for(replay: Replay, server: str | Provider = "vllm", **arguments: Any) -> DeepSeekV4:
    """A sync client of a replay."""
    return DeepSeekV4(Played(server, replay), **{"model": MODEL, **arguments})


def async_client_for(replay: Replay, server: str = "vllm", **arguments: Any) -> AsyncDeepSeekV4:
    """An async client of a replay."""
    return AsyncDeepSeekV4(Played(server, replay), **{"model": MODEL, **arguments})


@dataclass
class Outcome:
    """What a user got: the events before the last one, and the reply or the error."""

    events: list[ChatEvent] = field(default_factory=list)
    reply: Reply | None = None
    error: DeepSeekV4Error | None = None

    @property
    def answered(self) -> Reply:
        """The reply, which there must be."""
        assert self.error is None, repr(self.error)
        assert self.reply is not None
        return self.reply

    @property
    def partial(self) -> Reply:
        """What came with the error, which there must be."""
        assert self.error is not None, self.reply
        assert self.error.partial is not None
        return self.error.partial


def ask(answered: ServerAnswer, server: str = "vllm", mode: Mode = "sync", retries: int = 0, **options: Any) -> Outcome:
    """Ask through a real client, and take all events."""
    replay = Replay(*[answered] * (retries + 1))
    outcome = hear((client_for if mode == "sync" else async_client_for)(replay, server, max_retries=retries), options)
    assert replay.open == 0
    return outcome


def hear(client: DeepSeekV4 | AsyncDeepSeekV4, options: dict[str, Any]) -> Outcome:
    """Take all events of a chat."""
    outcome = Outcome()
    try:
        if isinstance(client, DeepSeekV4):
            with client.stream("x", **options) as stream:
                outcome.events.extend(stream)
        else:
            asyncio.run(_hear(client, outcome.events, options))
    except DeepSeekV4Error as error:
        outcome.error = error
    else:
        last = outcome.events.pop()
        assert isinstance(last, Finished)
        outcome.reply = last.reply
    return outcome


async def _hear(client: AsyncDeepSeekV4, events: list[ChatEvent], options: dict[str, Any]) -> None:
    async with client.stream("x", **options) as stream:
        async for event in stream:
            events.append(event)  # noqa: PERF401  # those before an error count too
