"""Lines: one open HTTP answer at a time, over whatever carries requests. This is where the I/O happens.

Our own carriers take a request as it is and give an answer; what httpx has, transports and clients, is fitted to that.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from inspect import iscoroutinefunction
from types import AsyncGeneratorType
from typing import TYPE_CHECKING, Any, Protocol, cast

import httpx

from deepseek_v4_sdk.errors import ConfigurationError
from deepseek_v4_sdk.exchange import Head
from deepseek_v4_sdk.providers import HttpCall
from deepseek_v4_sdk.transport.clock import DEADLINE, TimeLeft
from deepseek_v4_sdk.transport.failures import as_failure
from deepseek_v4_sdk.transport.steps import Open

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Coroutine, Iterable, Iterator

    from deepseek_v4_sdk.transport.clock import Deadline

__all__ = [
    "Answer",
    "AsyncAnswer",
    "AsyncCarrier",
    "AsyncClientLike",
    "AsyncLine",
    "Carrier",
    "ClientLike",
    "Line",
    "check_carrier",
    "head_of",
    "timeouts_of",
]

# Where the end of an answer is not there yet, this is how long it is waited for, so that the connection can be kept.
_DRAIN_SECONDS = 0.02


class Answer(Protocol):
    """An open answer, whose head has come."""

    @property
    def head(self) -> Head:
        """The head."""
        ...

    def read(self) -> bytes:
        """Wait for a block of the body; empty at the end."""
        ...

    def close(self) -> None:
        """Close it at once; unless its end was read, the connection with it."""
        ...


class AsyncAnswer(Protocol):
    """The async form of `Answer`."""

    @property
    def head(self) -> Head:
        """The head."""
        ...

    async def read(self) -> bytes:
        """Wait for a block of the body; empty at the end."""
        ...

    async def close(self) -> None:
        """Close it at once; unless its end was read, the connection with it."""
        ...


class Carrier(httpx.BaseTransport, ABC):
    """What carries requests of ours. Reads end at the step's deadline, which moves.

    It is a transport of httpx as well, for those who look in between, as a recorder does.
    """

    @abstractmethod
    def carry(self, step: Open) -> Answer:
        """Send a request and wait for the head of its answer."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Carry a request that was one of ours."""
        answer = self.carry(_step(request))
        return httpx.Response(answer.head.status, headers=answer.head.headers, stream=_Stream(answer))


class AsyncCarrier(httpx.AsyncBaseTransport, ABC):
    """The async form of `Carrier`."""

    @abstractmethod
    async def carry(self, step: Open) -> AsyncAnswer:
        """Send a request and wait for the head of its answer."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Carry a request that was one of ours."""
        answer = await self.carry(_step(request))
        return httpx.Response(answer.head.status, headers=answer.head.headers, stream=_AsyncStream(answer))


class _Stream(httpx.SyncByteStream):
    """The body of an answer, for httpx."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        while block := self._answer.read():
            yield block

    def close(self) -> None:
        self._answer.close()


class _AsyncStream(httpx.AsyncByteStream):
    """The body of an answer, for httpx."""

    def __init__(self, answer: AsyncAnswer) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while block := await self._answer.read():
            yield block

    async def aclose(self) -> None:
        await self._answer.close()


class ClientLike(Protocol):
    """An `httpx.Client`, or what has its shape."""

    def build_request(self, method: str, url: str, **options: Any) -> Any:
        """Make a request."""
        ...

    def send(self, request: Any, **options: Any) -> Any:
        """Send it."""
        ...


class AsyncClientLike(Protocol):
    """An `httpx.AsyncClient`, or what has its shape."""

    def build_request(self, method: str, url: str, **options: Any) -> Any:
        """Make a request."""
        ...

    def send(self, request: Any, **options: Any) -> Coroutine[Any, Any, Any]:
        """Send it."""
        ...


def check_carrier(carrier: object, *, awaited: bool) -> None:
    """Refuse what cannot carry the requests of a client of this kind.

    Raises:
        ConfigurationError: It is a client of the other kind, or none.
    """
    if isinstance(carrier, httpx.AsyncBaseTransport if awaited else httpx.BaseTransport):
        return
    send = getattr(carrier, "send", None)
    if send is None or iscoroutinefunction(send) != awaited:
        ours, theirs = ("AsyncDeepSeekV4", "httpx.AsyncClient") if awaited else ("DeepSeekV4", "httpx.Client")
        kind = f"{type(carrier).__module__.partition('.')[0]}.{type(carrier).__name__}"
        raise ConfigurationError(f"http_client is {kind}: {ours} needs an {theirs}, or an object of its shape")


def timeouts_of(step: Open) -> dict[str, float]:
    """The timeouts of a request, as httpx and httpcore take them."""
    left = TimeLeft(step.deadline)
    return {"connect": step.connect, "pool": step.connect, "read": left, "write": left}


def _extensions(step: Open) -> dict[str, object]:
    return {"timeout": timeouts_of(step), DEADLINE: step.deadline}


def _own_request(step: Open) -> httpx.Request:
    call = step.call
    return httpx.Request(call.method, call.url, headers=call.headers, content=call.body, extensions=_extensions(step))


def _step(request: httpx.Request) -> Open:
    """The step that a request was made of, for the carrier that has it; httpx has added what is counted again."""
    headers = tuple((name, value) for name, value in request.headers.multi_items() if name != "content-length")
    call = HttpCall(request.method, str(request.url), headers, request.content or None)
    return Open(call, request.extensions["timeout"]["connect"], request.extensions[DEADLINE], lambda: None)


def _their_request(client: ClientLike | AsyncClientLike, step: Open) -> object:
    call = step.call
    return client.build_request(
        call.method, call.url, headers=list(call.headers), content=call.body, extensions=_extensions(step)
    )


def _hurry(deadline: Deadline) -> None:
    deadline.at = deadline.clock.now() + _DRAIN_SECONDS


def head_of(status: int, fields: Iterable[tuple[bytes, bytes]]) -> Head:
    """A head of the fields as they came: a name that comes again goes on with a comma."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in fields:
        name = raw_name.decode("latin-1").lower()
        try:
            value = raw_value.decode()
        except UnicodeDecodeError:
            value = raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return Head(status, headers)


class _Response:
    """An answer of httpx, of a transport or of a client."""

    __slots__ = ("_blocks", "_response", "head")

    def __init__(self, response: httpx.Response, blocks: Iterable[bytes]) -> None:
        self._response = response
        self._blocks = iter(blocks)
        self.head = head_of(response.status_code, response.headers.raw)

    def read(self) -> bytes:
        for block in self._blocks:
            if block:
                return block
        return b""

    def close(self) -> None:
        self._response.close()


class Line:
    """One open answer of a sync client."""

    __slots__ = ("_answer", "_deadline")

    def __init__(self) -> None:
        self._answer: Answer | None = None
        self._deadline: Deadline | None = None

    def open(self, step: Open) -> Head:
        """Send the request and wait for the head; what was open before is closed."""
        self.close()
        carrier: Carrier | httpx.BaseTransport | ClientLike = step.carrier()
        self._deadline = step.deadline
        if isinstance(carrier, Carrier):
            self._answer = answer = carrier.carry(step)
            return answer.head
        if isinstance(carrier, httpx.BaseTransport):
            response = carrier.handle_request(_own_request(step))
            blocks = cast("Iterable[bytes]", response.stream)
        else:
            response = carrier.send(_their_request(carrier, step), stream=True, follow_redirects=False)
            blocks = response.iter_bytes()  # an answer may have been read, or be compressed
            self._deadline = None
        self._answer = _Response(response, blocks)
        return self._answer.head

    def read(self) -> bytes:
        """Wait for a block of the body; empty at the end."""
        return b"" if self._answer is None else self._answer.read()

    def drain(self) -> None:
        """Take the end of the body if it is there. A client of the user's could wait long for it: not there."""
        if self._deadline is not None:
            _hurry(self._deadline)
            self.read()

    def close(self) -> None:
        """Close the answer."""
        answer, self._answer, self._deadline = self._answer, None, None
        if answer is not None:
            try:
                answer.close()
            except Exception as error:  # a connection that was broken cannot be closed well
                if as_failure(error) is None:
                    raise


class _AsyncResponse:
    """An answer of httpx, of a transport or of a client."""

    __slots__ = ("_blocks", "_response", "head")

    def __init__(self, response: httpx.Response, blocks: AsyncIterable[bytes]) -> None:
        self._response = response
        self._blocks: AsyncIterator[bytes] = aiter(blocks)
        self.head = head_of(response.status_code, response.headers.raw)

    async def read(self) -> bytes:
        async for block in self._blocks:
            if block:
                return block
        return b""

    async def close(self) -> None:
        blocks = self._blocks
        await self._response.aclose()
        if isinstance(blocks, AsyncGeneratorType) and not blocks.ag_running:
            await blocks.aclose()  # else the loop would do so, some time later


class AsyncLine:
    """One open answer of an async client."""

    __slots__ = ("_answer", "_deadline")

    def __init__(self) -> None:
        self._answer: AsyncAnswer | None = None
        self._deadline: Deadline | None = None

    async def open(self, step: Open) -> Head:
        """Send the request and wait for the head; what was open before is closed."""
        await self.close()
        carrier: AsyncCarrier | httpx.AsyncBaseTransport | AsyncClientLike = step.carrier()
        self._deadline = step.deadline
        if isinstance(carrier, AsyncCarrier):
            self._answer = answer = await carrier.carry(step)
            return answer.head
        if isinstance(carrier, httpx.AsyncBaseTransport):
            response = await carrier.handle_async_request(_own_request(step))
            blocks = cast("AsyncIterable[bytes]", response.stream)
        else:
            response = await carrier.send(_their_request(carrier, step), stream=True, follow_redirects=False)
            blocks = response.aiter_bytes()
            self._deadline = None
        self._answer = _AsyncResponse(response, blocks)
        return self._answer.head

    async def read(self) -> bytes:
        """Wait for a block of the body; empty at the end."""
        return b"" if self._answer is None else await self._answer.read()

    async def drain(self) -> None:
        """Take the end of the body if it is there. A client of the user's could wait long for it: not there."""
        if self._deadline is not None:
            _hurry(self._deadline)
            await self.read()

    async def close(self) -> None:
        """Close the answer."""
        answer, self._answer, self._deadline = self._answer, None, None
        if answer is not None:
            try:
                await answer.close()
            except Exception as error:  # a connection that was broken cannot be closed well
                if as_failure(error) is None:
                    raise
