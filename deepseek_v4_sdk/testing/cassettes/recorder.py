"""`Recorder`: a real provider whose exchanges are kept, one line of a file each."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

import httpx

from deepseek_v4_sdk._late_types import late_type
from deepseek_v4_sdk.providers import Provider, ProviderData, Target, find_provider
from deepseek_v4_sdk.providers.provider import own_transport
from deepseek_v4_sdk.support.redaction import never_raises
from deepseek_v4_sdk.testing.cassettes.cassette import CassetteError, read_cassette
from deepseek_v4_sdk.testing.cassettes.cassette_writer import CassetteWriter, RecordingInProgress
from deepseek_v4_sdk.testing.cassettes.proxy import DelegatingProvider
from deepseek_v4_sdk.testing.transport import clock_of

if TYPE_CHECKING:
    from pydantic import SecretStr
else:
    SecretStr = late_type("pydantic", "SecretStr")

__all__ = ["Recorder", "RecordingTransport"]


class Recorder(DelegatingProvider):
    """A provider that delegates to a real one, and records the requests and answers.

    Each exchange becomes a line when it has ended, however it ended. One recorder serves many clients and threads, sync
    and async. Neither the key nor the address is kept, and only a short list of the headers.

    Args:
        provider: The provider: a name such as "vllm", or a provider object.
        path: The file. Its folder is made where it is missing.
        base_url: The server's address, where the client is given none.
        api_key: The key, or a function that gives it at each request; else the client finds it as always.
        if_exists: The treatment of an existing file: "raise", "append" to it, or "replace" it, which happens when
            the first exchange has ended.

    Raises:
        CassetteError: The file exists; or it is to be appended to, and is broken. In a call: the request holds the key
            in its body, and was not sent; or the answer does, and is not kept.
        ConfigurationError: There is no such provider.
    """

    def __init__(
        self,
        provider: str | Provider,
        *,
        path: str | os.PathLike[str],
        base_url: str | None = None,
        api_key: str | SecretStr | Callable[[], str | SecretStr] | None = None,
        if_exists: Literal["raise", "append", "replace"] = "raise",
    ) -> None:
        super().__init__(find_provider(provider) if isinstance(provider, str) else provider)
        file = Path(path)
        if file.exists() and if_exists != "replace":
            if if_exists == "raise":
                raise CassetteError(f"{file} exists: give another path, or if_exists='replace' or 'append'")
            read_cassette(file)
        self._writer = CassetteWriter(file, fresh=if_exists == "replace")
        self._base_url = base_url
        self._key = _as_secret(api_key) if isinstance(api_key, str) else api_key

    @property
    def path(self) -> Path:
        """The file."""
        return self._writer.path

    @property
    def saved(self) -> int:
        """The number of written exchanges."""
        return self._writer.saved

    @property
    def data(self) -> ProviderData:
        """The features of the provider, at the given address."""
        data = self._inner.data
        needs_key = data.needs_key and self._key is None
        return replace(data, base_url=self._base_url or data.base_url, needs_key=needs_key)

    @property
    def transport(self) -> RecordingTransport | None:
        """The provider's own transport, recorded; None where the client's carries the requests."""
        own = own_transport(self._inner)
        return None if own is None else self.wrap_transport(own)

    def wrap_transport(self, transport: httpx.BaseTransport | httpx.AsyncBaseTransport) -> RecordingTransport:
        """A transport that sends requests as this one does, and records them."""
        return RecordingTransport(transport, self._begin)

    @never_raises
    def __repr__(self) -> str:
        return f"Recorder({self.name!r}, path={str(self.path)!r}, saved={self.saved})"

    def _seen(self, target: Target) -> Target:
        key = self._key
        if key is not None:
            target = replace(target, key=lambda: _as_secret(key() if callable(key) else key))
        return super()._seen(target)

    def _begin(self, request: httpx.Request, body: bytes) -> RecordingInProgress:
        path = self._route(request.url.path)
        return self._writer.begin(self.data.name, request, path, body, clock_of(request.extensions))


class RecordingTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Carries requests as another transport does, and records them. It is of the other's kind.

    Args:
        transport: The other transport.
    """

    def __init__(
        self,
        transport: httpx.BaseTransport | httpx.AsyncBaseTransport,
        _begin: Callable[[httpx.Request, bytes], RecordingInProgress],
    ) -> None:
        self._transport = transport
        self._begin = _begin
        if (clock := getattr(transport, "exchange_clock", None)) is not None:
            self.exchange_clock = clock

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and wait for the head of its answer."""
        take = self._begin(request, request.read())
        with take.watch():
            response = cast("httpx.BaseTransport", self._transport).handle_request(request)
        take.head(response)
        response.stream = _Body(response.stream, take)
        return response

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and wait for the head of its answer."""
        take = self._begin(request, await request.aread())
        with take.watch():
            response = await cast("httpx.AsyncBaseTransport", self._transport).handle_async_request(request)
        take.head(response)
        response.stream = _Body(response.stream, take)
        return response

    def close(self) -> None:
        """Close every connection."""
        cast("httpx.BaseTransport", self._transport).close()

    async def aclose(self) -> None:
        """Close every connection."""
        await cast("httpx.AsyncBaseTransport", self._transport).aclose()


class _Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that is recorded while it is read. Closing it, not leaving its iterator, shows that it was left."""

    def __init__(self, stream: httpx.SyncByteStream | httpx.AsyncByteStream, take: RecordingInProgress) -> None:
        self._stream = stream
        self._take = take

    def __iter__(self) -> Iterator[bytes]:
        take = self._take
        take.asks()
        with take.watch():
            for block in cast("httpx.SyncByteStream", self._stream):
                take.block(block)
                yield block
                take.asks()
        take.end("whole")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        take = self._take
        take.asks()
        blocks = aiter(cast("httpx.AsyncByteStream", self._stream))
        try:
            with take.watch():
                async for block in blocks:
                    take.block(block)
                    yield block
                    take.asks()
        finally:
            if isinstance(blocks, AsyncGenerator):
                await blocks.aclose()
        take.end("whole")

    def close(self) -> None:
        cast("httpx.SyncByteStream", self._stream).close()
        self._take.end("left")

    async def aclose(self) -> None:
        await cast("httpx.AsyncByteStream", self._stream).aclose()
        self._take.end("left")


def _as_secret(key: str | SecretStr) -> SecretStr:
    from pydantic import SecretStr  # loaded when there is a key

    return SecretStr(key) if isinstance(key, str) else key
