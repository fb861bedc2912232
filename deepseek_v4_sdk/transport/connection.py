"""Response streams: one open HTTP answer at a time, over any transport. This is where the I/O happens.

A transport takes an unchanged request and returns a response. The registry of transports adapts what users brought:
httpx's transports and clients.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import AsyncGeneratorType
from typing import TYPE_CHECKING, ClassVar, Protocol, cast

from deepseek_v4_sdk.exchange import ResponseHead
from deepseek_v4_sdk.support.forks import PROCESS
from deepseek_v4_sdk.transport.clock import TimeLeft
from deepseek_v4_sdk.transport.failures import as_failure

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable

    from deepseek_v4_sdk.transport.clock import Clock, Deadline
    from deepseek_v4_sdk.transport.hints import ConnectionHints
    from deepseek_v4_sdk.transport.request import Open

__all__ = [
    "AsyncIteratedResponse",
    "AsyncResponse",
    "AsyncResponseStream",
    "AsyncTransport",
    "CommonTransport",
    "IteratedResponse",
    "Response",
    "ResponseStream",
    "Transport",
    "head_of",
    "timeouts_of",
]

# Seconds to wait for the end of an answer that has not arrived yet, so that the connection can be kept.
_DRAIN_SECONDS = 0.02


class Response(Protocol):
    """An open answer, whose head has arrived."""

    @property
    def head(self) -> ResponseHead:
        """The head."""
        ...

    def read(self) -> bytes:
        """Wait for a block of the body; empty at the end."""
        ...

    def close(self) -> None:
        """Close it at once; unless its end was read, this closes the connection too."""
        ...


class AsyncResponse(Protocol):
    """The async form of `Response`."""

    @property
    def head(self) -> ResponseHead:
        """The head."""
        ...

    def read(self) -> Awaitable[bytes]:
        """Wait for a block of the body; empty at the end."""
        ...

    async def close(self) -> None:
        """Close it at once; unless its end was read, this closes the connection too."""
        ...


class CommonTransport:
    """The common part of sync and async transports: everything that carries requests is one, also what a user brought.

    Code that does no I/O knows transports as this. The client's kind decides which of the two kinds it has.
    """

    drains: ClassVar[bool] = True
    """Whether a read ends at the deadline: otherwise waiting for the end of an answer could take any time."""
    proxy_host: str | None = None
    """The host of the proxy for requests."""
    hints: ConnectionHints | None = None
    """The settings of its connections; None where the user brought the transport."""
    adapted: object | None = None
    """The transport or client of httpx to which it passes requests; None where it has its own connections."""
    make_clock: Callable[[], Clock] | None = None
    """Makes the clock of an exchange, where a server in this process has its own time, as a mock has; else None."""

    @property
    def own_server(self) -> object | None:
        """The server in this process that has its own time, and so its own rate limiters; None for any other."""
        return self.adapted if self.make_clock is not None else None


class Transport(CommonTransport, ABC):
    """Sends requests. Reads end at the step's deadline, which moves."""

    @abstractmethod
    def send(self, step: Open) -> Response:
        """Send a request and wait for the head of its answer."""

    def close(self) -> None:  # one from the user has none
        """Close its own connections."""


class AsyncTransport(CommonTransport, ABC):
    """The async form of `Transport`."""

    @abstractmethod
    async def send(self, step: Open) -> AsyncResponse:
        """Send a request and wait for the head of its answer."""

    async def aclose(self) -> None:  # one from the user has none
        """Close its own connections."""


class IteratedResponse:
    """An answer whose body is an iterator of blocks.

    Args:
        head: The head.
        blocks: The body. Empty blocks are skipped.
        close: Closes it.
        deadline: The time by which a block that is not empty must have arrived.
    """

    __slots__ = ("_blocks", "_close", "_deadline", "head")

    def __init__(
        self,
        head: ResponseHead,
        blocks: Iterable[bytes],
        close: Callable[[], object],
        deadline: Deadline,
    ) -> None:
        self.head = head
        self._blocks = iter(blocks)
        self._close = close
        self._deadline = deadline

    def read(self) -> bytes:
        """Wait for a block; empty at the end."""
        for block in self._blocks:
            if block:
                return block
            self._deadline.check()
        return b""

    def close(self) -> None:
        """Close it."""
        self._close()


class AsyncIteratedResponse:
    """The async form of `IteratedResponse`."""

    __slots__ = ("_blocks", "_close", "_deadline", "head")

    def __init__(
        self,
        head: ResponseHead,
        blocks: AsyncIterable[bytes],
        close: Callable[[], Awaitable[object]],
        deadline: Deadline,
    ) -> None:
        self.head = head
        self._blocks: AsyncIterator[bytes] = aiter(blocks)
        self._close = close
        self._deadline = deadline

    async def read(self) -> bytes:
        """Wait for a block; empty at the end."""
        async for block in self._blocks:
            if block:
                return block
            self._deadline.check()
        return b""

    async def close(self) -> None:
        """Close it, and its iterator: otherwise the loop would do that, some time later."""
        await self._close()
        blocks = self._blocks
        if isinstance(blocks, AsyncGeneratorType) and not blocks.ag_running:
            await blocks.aclose()


def timeouts_of(step: Open) -> dict[str, float]:
    """The timeouts of a request, in the form of httpx and httpcore."""
    left = TimeLeft(step.deadline)
    return {"connect": step.connect, "pool": step.connect, "read": left, "write": left}


def _hurry(deadline: Deadline) -> None:
    deadline.at = deadline.clock.now() + _DRAIN_SECONDS


def head_of(status: int, fields: Iterable[tuple[bytes, bytes]]) -> ResponseHead:
    """Make a head of the received fields: the values of a repeated name are joined by a comma."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in fields:
        name = raw_name.decode("latin-1").lower()
        try:
            value = raw_value.decode()
        except UnicodeDecodeError:
            value = raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return ResponseHead(status, headers)


class ResponseStream:
    """One open answer of a sync client."""

    __slots__ = ("_deadline", "_process", "_response")

    def __init__(self) -> None:
        self._process = 0
        self._response: Response | None = None
        self._deadline: Deadline | None = None

    def open(self, step: Open) -> ResponseHead:
        """Send the request and wait for the head; this closes the answer that was open before."""
        self.close()
        transport = cast("Transport", step.transport())  # of the kind of the client
        self._deadline = step.deadline if transport.drains else None
        self._process = PROCESS.generation
        self._response = response = transport.send(step)
        return response.head

    def read(self) -> bytes:
        """Wait for a block of the body; empty at the end."""
        return b"" if self._response is None else self._response.read()

    def drain(self) -> None:
        """Read the end of the body if it has arrived. A client of the user's could wait long for it: it does not."""
        if self._deadline is not None:
            _hurry(self._deadline)
            self.read()

    def close(self) -> None:
        """Close the answer. An answer of the parent process stays open there."""
        response, self._response, self._deadline = self._response, None, None
        if response is not None and self._process == PROCESS.generation:
            try:
                response.close()
            except Exception as error:  # closing a broken connection may fail
                if as_failure(error) is None:
                    raise


async def _nothing() -> bytes:
    return b""


class AsyncResponseStream:
    """One open answer of an async client."""

    __slots__ = ("_deadline", "_process", "_response")

    def __init__(self) -> None:
        self._process = 0
        self._response: AsyncResponse | None = None
        self._deadline: Deadline | None = None

    async def open(self, step: Open) -> ResponseHead:
        """Send the request and wait for the head; this closes the answer that was open before."""
        await self.close()
        transport = cast("AsyncTransport", step.transport())  # of the kind of the client
        self._deadline = step.deadline if transport.drains else None
        self._process = PROCESS.generation
        self._response = response = await transport.send(step)
        return response.head

    def read(self) -> Awaitable[bytes]:
        """Wait for a block of the body; empty at the end."""
        return _nothing() if self._response is None else self._response.read()

    async def drain(self) -> None:
        """Read the end of the body if it has arrived. A client of the user's could wait long for it: it does not."""
        if self._deadline is not None:
            _hurry(self._deadline)
            await self.read()

    async def close(self) -> None:
        """Close the answer. An answer of the parent process stays open there."""
        response, self._response, self._deadline = self._response, None, None
        if response is not None and self._process == PROCESS.generation:
            try:
                await response.close()
            except Exception as error:  # closing a broken connection may fail
                if as_failure(error) is None:
                    raise
