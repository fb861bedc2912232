"""Lines: one open HTTP answer at a time, over whatever carries requests. This is where the I/O happens."""

from __future__ import annotations

from inspect import iscoroutinefunction
from types import AsyncGeneratorType
from typing import TYPE_CHECKING, Any, Protocol, cast

import httpx

from deepseek_v4_sdk.errors import ConfigurationError
from deepseek_v4_sdk.exchange import Head
from deepseek_v4_sdk.transport.clock import DEADLINE, Deadline, TimeLeft
from deepseek_v4_sdk.transport.failures import as_failure

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Coroutine, Iterable, Iterator

    from deepseek_v4_sdk.transport.steps import Open

__all__ = ["AsyncClientLike", "AsyncLine", "ClientLike", "Line", "check_carrier"]

# Where the end of an answer is not there yet, this is how long it is waited for, so that the connection can be kept.
_DRAIN_SECONDS = 0.02


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


def _extensions(step: Open) -> dict[str, object]:
    left = TimeLeft(step.deadline)
    timeout = {"connect": step.connect, "pool": step.connect, "read": left, "write": left}
    return {"timeout": timeout, DEADLINE: step.deadline}


def _own_request(step: Open) -> httpx.Request:
    call = step.call
    return httpx.Request(call.method, call.url, headers=call.headers, content=call.body, extensions=_extensions(step))


def _their_request(client: ClientLike | AsyncClientLike, step: Open) -> object:
    call = step.call
    return client.build_request(
        call.method, call.url, headers=list(call.headers), content=call.body, extensions=_extensions(step)
    )


def _head(response: httpx.Response) -> Head:
    return Head(response.status_code, {name.lower(): value for name, value in response.headers.items()})


def _hurry(deadline: Deadline) -> None:
    deadline.at = deadline.clock.now() + _DRAIN_SECONDS


class Line:
    """One open answer of a sync client.

    Args:
        carrier: A transport of ours or of the mock, or a client the user brought.
    """

    __slots__ = ("_blocks", "_carrier", "_deadline", "_response")

    def __init__(self, carrier: httpx.BaseTransport | ClientLike) -> None:
        self._carrier = carrier
        self._response: httpx.Response | None = None
        self._blocks: Iterator[bytes] = iter(())
        self._deadline: Deadline | None = None

    def open(self, step: Open) -> Head:
        """Send the request and wait for the head; what was open before is closed."""
        self.close()
        carrier = self._carrier
        if isinstance(carrier, httpx.BaseTransport):
            self._response = response = carrier.handle_request(_own_request(step))
            self._blocks = iter(cast("Iterable[bytes]", response.stream))
            self._deadline = step.deadline
        else:
            self._response = response = carrier.send(_their_request(carrier, step), stream=True, follow_redirects=False)
            self._blocks = response.iter_bytes()  # an answer may have been read, or be compressed
        return _head(response)

    def read(self) -> bytes:
        """Wait for a block of the body; empty at the end."""
        for block in self._blocks:
            if block:
                return block
        return b""

    def drain(self) -> None:
        """Take the end of the body if it is there. A client of the user's could wait long for it: not there."""
        if self._deadline is not None:
            _hurry(self._deadline)
            self.read()

    def close(self) -> None:
        """Close the answer."""
        response, self._response, self._deadline, self._blocks = self._response, None, None, iter(())
        if response is not None:
            try:
                response.close()
            except Exception as error:  # a connection that was broken cannot be closed well
                if as_failure(error) is None:
                    raise


class AsyncLine:
    """One open answer of an async client.

    Args:
        carrier: A transport of ours or of the mock, or a client the user brought.
    """

    __slots__ = ("_blocks", "_carrier", "_deadline", "_response")

    def __init__(self, carrier: httpx.AsyncBaseTransport | AsyncClientLike) -> None:
        self._carrier = carrier
        self._response: httpx.Response | None = None
        self._blocks: AsyncIterator[bytes] | None = None
        self._deadline: Deadline | None = None

    async def open(self, step: Open) -> Head:
        """Send the request and wait for the head; what was open before is closed."""
        await self.close()
        carrier = self._carrier
        if isinstance(carrier, httpx.AsyncBaseTransport):
            self._response = response = await carrier.handle_async_request(_own_request(step))
            self._blocks = aiter(cast("AsyncIterable[bytes]", response.stream))
            self._deadline = step.deadline
        else:
            self._response = response = await carrier.send(
                _their_request(carrier, step), stream=True, follow_redirects=False
            )
            self._blocks = response.aiter_bytes()
        return _head(response)

    async def read(self) -> bytes:
        """Wait for a block of the body; empty at the end."""
        if self._blocks is not None:
            async for block in self._blocks:
                if block:
                    return block
        return b""

    async def drain(self) -> None:
        """Take the end of the body if it is there. A client of the user's could wait long for it: not there."""
        if self._deadline is not None:
            _hurry(self._deadline)
            await self.read()

    async def close(self) -> None:
        """Close the answer."""
        response, blocks = self._response, self._blocks
        self._response, self._deadline, self._blocks = None, None, None
        if response is not None:
            try:
                await response.aclose()
                if isinstance(blocks, AsyncGeneratorType) and not blocks.ag_running:
                    await blocks.aclose()  # else the loop would do so, some time later
            except Exception as error:  # a connection that was broken cannot be closed well
                if as_failure(error) is None:
                    raise
