"""Adapters between httpx's transports and clients, and our transports.

Only programs that bring objects of httpx load this; our own transports do without.
"""

from __future__ import annotations

import sys
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, cast

import httpx

from deepseek_v4_sdk.errors import ConfigurationError
from deepseek_v4_sdk.providers import HttpCall
from deepseek_v4_sdk.transport.clock import DEADLINE, SystemClock
from deepseek_v4_sdk.transport.connection import (
    AsyncIteratedResponse,
    AsyncTransport,
    CommonTransport,
    IteratedResponse,
    Transport,
    head_of,
    timeouts_of,
)
from deepseek_v4_sdk.transport.request import Open

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator

    from deepseek_v4_sdk.exchange import ResponseHead
    from deepseek_v4_sdk.transport.clock import Clock, Deadline
    from deepseek_v4_sdk.transport.connection import AsyncResponse, Response
    from deepseek_v4_sdk.transport.http_clients import AsyncHttpClient, HttpClient

__all__ = [
    "adapt",
    "as_async_transport",
    "as_httpx_transport",
    "check_http_client",
]


# The attributes that lead from an answer of httpx to its connection of httpcore, and how deep to search.
_INNER = ("_httpcore_stream", "_stream", "_connection")
_DEPTH = 8


def check_http_client(transport: object, *, awaited: bool) -> None:
    """Refuse an object that cannot send the requests of a client of this kind.

    Raises:
        ConfigurationError: It is a client of the other kind, or not a client.
    """
    if _base_of(transport, awaited=awaited) is not None:
        return
    send = getattr(transport, "send", None)
    if send is None or iscoroutinefunction(send) != awaited:
        ours, theirs = ("AsyncDeepSeekV4", "httpx.AsyncClient") if awaited else ("DeepSeekV4", "httpx.Client")
        kind = f"{type(transport).__module__.partition('.')[0]}.{type(transport).__name__}"
        raise ConfigurationError(f"http_client is {kind}: {ours} needs an {theirs}, or an object of its shape")


def adapt(brought: object, *, awaited: bool, owned: bool = False) -> CommonTransport:
    """Make a transport of a transport or a client of httpx; a transport of the SDK needs no change.

    Args:
        brought: The object. One that has a method `exchange_clock` is a server in this process with its own time.
        awaited: Whether the client is async.
        owned: Whether closing the result closes the object.
    """
    if isinstance(brought, CommonTransport):
        return brought
    made: CommonTransport
    if awaited:
        made = as_async_transport(cast("httpx.AsyncBaseTransport | AsyncHttpClient", brought), owned=owned)
    else:
        made = as_transport(cast("httpx.BaseTransport | HttpClient", brought), owned=owned)
    made.make_clock = cast("Callable[[], Clock] | None", getattr(brought, "exchange_clock", None))
    return made


def as_transport(brought: httpx.BaseTransport | HttpClient, *, owned: bool = False) -> Transport:
    """Make a transport that passes requests to a transport or a client of httpx."""
    if _base_of(brought, awaited=False) is not None:
        return _HttpxTransport(cast("httpx.BaseTransport", brought), owned=owned)
    return _HttpxClient(cast("HttpClient", brought))


def as_async_transport(brought: httpx.AsyncBaseTransport | AsyncHttpClient, *, owned: bool = False) -> AsyncTransport:
    """Make a transport that passes requests to a transport or a client of httpx."""
    if _base_of(brought, awaited=True) is not None:
        return _AsyncHttpxTransport(cast("httpx.AsyncBaseTransport", brought), owned=owned)
    return _AsyncHttpxClient(cast("AsyncHttpClient", brought))


def as_httpx_transport(transport: Transport | AsyncTransport) -> httpx.BaseTransport | httpx.AsyncBaseTransport:
    """Make a transport of httpx, of the same kind, that passes requests, which were made of ours, to a transport."""
    return _AsHttpxTransport(transport) if isinstance(transport, Transport) else _AsAsyncHttpxTransport(transport)


def _extensions(step: Open) -> dict[str, object]:
    return {"timeout": timeouts_of(step), DEADLINE: step.deadline}


def _base_of(transport: object, *, awaited: bool) -> type | None:
    """The class that makes it a transport of httpx, or of a compatible library such as httpx2; None for others."""
    name = "AsyncBaseTransport" if awaited else "BaseTransport"
    return next((cls for cls in type(transport).__mro__ if cls.__name__ == name), None)


def _own_request(step: Open, transport: object, *, awaited: bool) -> Any:
    """Make the request with the class of the transport's own library."""
    call, base = step.call, _base_of(transport, awaited=awaited)
    # The method shows the owner of the class: openai 3.57 writes its own name into the classes that it exports.
    method = getattr(base, "handle_async_request" if awaited else "handle_request", None)
    library = sys.modules.get(getattr(method, "__module__", "").partition(".")[0], httpx)
    made = getattr(library, "Request", httpx.Request)
    return made(call.method, call.url, headers=call.headers, content=call.body, extensions=_extensions(step))


def _head(response: httpx.Response) -> ResponseHead:
    return head_of(response.status_code, response.headers.raw)


def _was_read(response: Any) -> bool:
    """Whether a hook of the client, or its replacement, has read the answer: then it returns the unpacked bytes.

    Otherwise the received bytes are taken, because the client's library unpacks without a limit.
    """
    return bool(getattr(response, "is_stream_consumed", True)) or not hasattr(response, "iter_raw")


def _parser_of(response: Any) -> Any:
    """The connection of h11 that reads an answer, which knows the bytes after it, or None.

    Neither httpx nor httpcore has a public way to it. Where it is not found, no check is made.
    """
    part = getattr(response, "stream", None)
    for _ in range(_DEPTH):
        if part is None or hasattr(part, "_h11_state"):
            break
        part = next((inner for name in _INNER if (inner := getattr(part, name, None)) is not None), None)
    return getattr(part, "_h11_state", None)


def _guarded(response: Any) -> Any:
    """Wrap the answer, so that it closes its connection when more bytes follow.

    httpx closes an answer when its end is read, and from then on other requests may use the connection.
    """
    if (parser := _parser_of(response)) is not None:
        close = response.stream.close

        def close_all() -> None:
            if parser.trailing_data[0]:
                response.extensions["network_stream"].close()
            close()

        response.stream.close = close_all
    return response


def _async_guarded(response: Any) -> Any:
    """The async form of `_guarded`."""
    if (parser := _parser_of(response)) is not None:
        close = response.stream.aclose

        async def close_all() -> None:
            if parser.trailing_data[0]:
                await response.extensions["network_stream"].aclose()
            await close()

        response.stream.aclose = close_all
    return response


def _in_time(deadline: Deadline) -> asyncio.Timeout:
    """Make a timeout for a wait until the deadline. A mock's clock cannot measure a wait that takes real time."""
    import asyncio

    return asyncio.timeout(deadline.left() if isinstance(deadline.clock, SystemClock) else None)


def _their_request(client: HttpClient | AsyncHttpClient, step: Open) -> object:
    call = step.call
    return client.build_request(
        call.method, call.url, headers=list(call.headers), content=call.body, extensions=_extensions(step)
    )


def _step(request: httpx.Request) -> Open:
    """The step that a request was made of, for the transport; httpx has added headers that are computed again."""
    headers = tuple((name, value) for name, value in request.headers.multi_items() if name != "content-length")
    call = HttpCall(request.method, str(request.url), headers, request.content or None)
    return Open(call, request.extensions["timeout"]["connect"], request.extensions[DEADLINE], CommonTransport)


class _HttpxTransport(Transport):
    def __init__(self, transport: httpx.BaseTransport, *, owned: bool) -> None:
        self.adapted = self._transport = transport
        self._owned = owned

    def close(self) -> None:
        if self._owned:  # else its owner closes it
            self._transport.close()

    def send(self, step: Open) -> IteratedResponse:
        response = _guarded(self._transport.handle_request(_own_request(step, self._transport, awaited=False)))
        return IteratedResponse(
            _head(response), cast("Iterable[bytes]", response.stream), response.close, step.deadline
        )


class _HttpxClient(Transport):
    drains = False

    def __init__(self, client: HttpClient) -> None:
        self.adapted = self._client = client  # its owner closes it

    def send(self, step: Open) -> IteratedResponse:
        client = self._client
        response = _guarded(client.send(_their_request(client, step), stream=True, follow_redirects=False))
        blocks = response.iter_bytes() if _was_read(response) else response.iter_raw()
        return IteratedResponse(_head(response), blocks, response.close, step.deadline)


class _AsyncHttpxTransport(AsyncTransport):
    def __init__(self, transport: httpx.AsyncBaseTransport, *, owned: bool) -> None:
        self.adapted = self._transport = transport
        self._owned = owned

    async def aclose(self) -> None:
        if self._owned:  # else its owner closes it
            await self._transport.aclose()

    async def send(self, step: Open) -> AsyncIteratedResponse:
        async with _in_time(step.deadline):
            response = _async_guarded(
                await self._transport.handle_async_request(_own_request(step, self._transport, awaited=True))
            )
        blocks = cast("AsyncIterable[bytes]", response.stream)
        return AsyncIteratedResponse(_head(response), blocks, response.aclose, step.deadline)


class _AsyncHttpxClient(AsyncTransport):
    drains = False

    def __init__(self, client: AsyncHttpClient) -> None:
        self.adapted = self._client = client  # its owner closes it

    async def send(self, step: Open) -> AsyncIteratedResponse:
        client = self._client
        async with _in_time(step.deadline):
            sent = client.send(_their_request(client, step), stream=True, follow_redirects=False)
            response = _async_guarded(await sent)
        blocks = response.aiter_bytes() if _was_read(response) else response.aiter_raw()
        return AsyncIteratedResponse(_head(response), blocks, response.aclose, step.deadline)


class _AsHttpxTransport(httpx.BaseTransport):
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._transport.send(_step(request))
        return httpx.Response(response.head.status, headers=response.head.headers, stream=_Stream(response))

    def close(self) -> None:
        self._transport.close()


class _AsAsyncHttpxTransport(httpx.AsyncBaseTransport):
    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._transport.send(_step(request))
        return httpx.Response(response.head.status, headers=response.head.headers, stream=_AsyncStream(response))

    async def aclose(self) -> None:
        await self._transport.aclose()


class _Stream(httpx.SyncByteStream):
    """The body of an answer, for httpx."""

    def __init__(self, response: Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        while block := self._response.read():
            yield block

    def close(self) -> None:
        self._response.close()


class _AsyncStream(httpx.AsyncByteStream):
    """The body of an answer, for httpx."""

    def __init__(self, response: AsyncResponse) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while block := await self._response.read():
            yield block

    async def aclose(self) -> None:
        await self._response.close()
