"""Answering one request: ask upstream, write the answer in the form of the API, and stop when the caller leaves."""

from __future__ import annotations

import asyncio
import logging
import traceback
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal

from pydantic_core import to_json

from deepseek_v4_sdk import (
    DeepSeekV4Error,
    Finished,
    ReasoningDelta,
    Reply,
    StreamInterruptedError,
    StreamRestarted,
    TextDelta,
    ToolCallDelta,
    ToolCallReady,
    ToolCallStarted,
    UnsupportedOptionError,
)
from deepseek_v4_sdk.gateway.errors import Failure, failure_of
from deepseek_v4_sdk.gateway.turn import Asking, Outcome, Route, Writer, adapt, check_bars, cut_by_length, outcome_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, MutableMapping

    from deepseek_v4_sdk import AsyncChatStream, ChatEvent, Usage
    from deepseek_v4_sdk.gateway.memory import ReasoningMemory
    from deepseek_v4_sdk.gateway.models import Upstream

    _Message = MutableMapping[str, Any]
    _Receive = Callable[[], Awaitable[_Message]]
    _Send = Callable[[_Message], Awaitable[None]]

__all__ = ["LOG", "Relay", "caller_error", "note_headers", "write_answer"]

LOG = logging.getLogger("deepseek_v4_sdk.gateway")
"""The access log: routes, statuses and times; no key, text or id."""

_TEXTS: frozenset[type] = frozenset({TextDelta, ReasoningDelta})
_FIRST_TOKENS = (TextDelta, ReasoningDelta, ToolCallStarted)


class Relay:
    """Answers one request. It is an ASGI application that is called once.

    Args:
        route: The API.
        asking: The request.
        upstream: The client to ask.
        memory: Takes the reasoning of the answer.
        recovered: "error" or "run", for calls that were read from markup in ASCII bars.
        silence: Seconds of silence after which a stream gets a ping.
        headers: Headers of the answer.
        ended: A callback that runs when the answer has ended.

    Attributes:
        status: The HTTP status that was sent; 499 where the caller left before.
        error: The class name of the error, or None.
        first_token: Seconds until the first token, or None.
        usage: The tokens, where the server counted.
    """

    def __init__(
        self,
        route: Route,
        asking: Asking,
        upstream: Upstream,
        *,
        memory: ReasoningMemory,
        recovered: Literal["error", "run"],
        silence: float,
        headers: Mapping[str, str],
        ended: Callable[[Relay], None],
    ) -> None:
        self._route = route
        self._asking = asking
        self._asked = asking.asked
        self._upstream = upstream
        self._memory = memory
        self._recovered: Literal["error", "run"] = recovered
        self._silence = silence
        self._headers = headers
        self._ended = ended
        self._began = monotonic()
        self._sent_at = self._began
        self._started = False
        self._sending = asyncio.Lock()
        self.status = 499
        self.error: str | None = None
        self.first_token: float | None = None
        self.usage: Usage | None = None

    @property
    def upstream(self) -> Upstream:
        """The client to ask."""
        return self._upstream

    @property
    def seconds(self) -> float:
        """Seconds since it began."""
        return monotonic() - self._began

    async def __call__(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        """Answer, unless the caller leaves before."""
        tasks = [asyncio.ensure_future(self._answer(send)), asyncio.ensure_future(_left(receive))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._ended(self)

    async def _answer(self, send: _Send) -> None:
        writer = self._route.writer(self._asking) if self._asked.stream else None
        beating = None if writer is None else asyncio.ensure_future(self._beat(writer, send))
        try:
            outcome = await self._ask(writer, send)
            self._memory.remember(self._asking.context.caller, self._asked.messages, outcome.reply.message)
            if writer is not None:
                await self._start(writer, send)
                await self._write(send, writer.end(outcome), more=False)
            else:
                await self._plain(send, 200, self._route.whole(self._asking, outcome))
        except Exception as error:  # noqa: BLE001  # every error goes to the caller in the shape of the API
            await self._fail(error, writer, send)
        finally:
            if beating is not None:
                beating.cancel()

    async def _ask(self, writer: Writer | None, send: _Send) -> Outcome:
        """Ask, pass the pieces on, and return the outcome.

        Raises:
            DeepSeekV4Error: The answer is not whole, and no limit of tokens is the reason.
        """
        stream: AsyncChatStream | None = None
        reply: Reply | None = None
        try:
            stream = await self._open()
            self._note_repairs(stream.partial)
            async for batch in stream.batches():
                events = self._checked(batch)
                if isinstance(last := batch[-1], Finished):
                    reply = last.reply
                if writer is None:
                    continue
                if not self._started and any(isinstance(event, _FIRST_TOKENS) for event in events):
                    await self._start(writer, send)  # before the events are written: they are numbered
                if written := writer.events(events):
                    await self._write(send, written)
            if reply is None:
                reply = await stream.reply()
            self.usage = reply.usage
            self._note_repairs(reply)  # in time for a plain answer
            return outcome_of(reply, recovered=self._recovered, one_call=self._asked.one_call)
        except DeepSeekV4Error as error:
            self.usage = error.partial.usage if error.partial is not None else None
            if (cut := cut_by_length(error)) is None:
                raise
            return cut
        finally:
            if stream is not None:
                await stream.close()

    async def _open(self) -> AsyncChatStream:
        asked = self._asked
        model = await self._upstream.model_for(asked.model or None)
        while True:
            try:
                options: dict[str, Any] = {"on_unsupported": "nearest", **asked.options, "model": model}
                stream = self._upstream.client.stream(asked.messages, **options)
                return await stream.__aenter__()
            except UnsupportedOptionError as error:
                if not adapt(asked, error):
                    raise

    def _note_repairs(self, partial: Reply) -> None:
        for repair in partial.repairs:
            self._asked.noted.note(f"{repair.kind}: {repair.detail}")

    def _checked(self, batch: list[ChatEvent]) -> list[ChatEvent]:
        """The events to hand on.

        Raises:
            LostToolCallError: A call was read out of markup in ASCII bars.
            StreamInterruptedError: The answer restarted, and the caller has pieces of the first one.
        """
        if self.first_token is None and isinstance(batch[0], _FIRST_TOKENS):
            self.first_token = self.seconds
        if set(map(type, batch)) <= _TEXTS:  # nearly always
            return batch
        for event in batch:
            if isinstance(event, ToolCallReady) and self._recovered != "run":
                check_bars(event.call)
            elif isinstance(event, StreamRestarted) and self._started:
                raise StreamInterruptedError("the answer broke off and restarted, which this stream cannot show")
        if self._asked.one_call:
            return [each for each in batch if not (isinstance(each, ToolCallStarted | ToolCallDelta) and each.index)]
        return batch

    async def _fail(self, error: Exception, writer: Writer | None, send: _Send) -> None:
        failure = caller_error(error)
        self.error = failure.kind
        if writer is not None and self._started:
            await self._write(send, writer.fail(failure), more=False)
            return
        body = self._route.error(failure, self._asking.id)
        await self._plain(send, failure.status, body, failure.headers())

    async def _plain(
        self, send: _Send, status: int, body: Mapping[str, object], more: Mapping[str, str] | None = None
    ) -> None:
        async with self._sending:
            self._started = True
            self.status = status
            headers = {**self._headers, **note_headers(self._asked.noted), **(more or {})}
            await write_answer(send, status, to_json(body), headers)

    async def _start(self, writer: Writer, send: _Send) -> None:
        if self._started:
            return
        self._started = True
        self.status = 200
        headers = {
            "content-type": "text/event-stream; charset=utf-8",
            "cache-control": "no-cache",
            "x-accel-buffering": "no",  # a proxy that buffers a stream makes it useless
            **self._headers,
            **note_headers(self._asked.noted),
        }
        async with self._sending:  # both in one: nothing may come between
            await send({"type": "http.response.start", "status": 200, "headers": _raw(headers)})
            await send({"type": "http.response.body", "body": writer.begin(), "more_body": True})

    async def _write(self, send: _Send, data: bytes, *, more: bool = True) -> None:
        async with self._sending:
            self._sent_at = monotonic()
            await send({"type": "http.response.body", "body": data, "more_body": more})

    async def _beat(self, writer: Writer, send: _Send) -> None:
        """Send a ping when nothing was sent for a while; the first one also begins the answer."""
        while True:
            wait = self._sent_at + self._silence - monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
                continue
            await self._start(writer, send)
            await self._write(send, writer.ping)


def caller_error(error: Exception) -> Failure:
    """The error for a caller. The log gets the kind and the place of an unexpected error, and not its text."""
    failure = failure_of(error)
    if failure.code == "internal":
        frames = traceback.extract_tb(error.__traceback__)[-4:]
        places = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))
        LOG.error("%s at %s", type(error).__name__, places)
    return failure


def note_headers(noted: Any) -> dict[str, str]:
    """The headers that say what was left out and what was changed."""
    headers: dict[str, str] = {}
    if noted.ignored:
        headers["x-deepseek-v4-ignored"] = _printable(", ".join(noted.ignored))
    if noted.notes:
        headers["x-deepseek-v4-notes"] = _printable("; ".join(noted.notes))
    return headers


def _printable(text: str) -> str:
    kept = "".join(each if " " <= each <= "~" else "?" for each in text)
    return kept if len(kept) <= 2000 else f"{kept[:1997]}..."


async def write_answer(send: _Send, status: int, body: bytes, headers: Mapping[str, str]) -> None:
    """Send a whole answer of JSON."""
    every = {"content-type": "application/json", "content-length": str(len(body)), **headers}
    await send({"type": "http.response.start", "status": status, "headers": _raw(every)})
    await send({"type": "http.response.body", "body": body})


def _raw(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()]


async def _left(receive: _Receive) -> None:
    """Wait until the caller has left."""
    while (await receive())["type"] != "http.disconnect":
        pass
