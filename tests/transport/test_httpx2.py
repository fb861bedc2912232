"""Clients and transports of httpx2, and of any library of httpx's shape, carry requests as httpx's do."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Iterator
from importlib import import_module
from typing import Any

import pytest

from deepseek_v4_sdk import AsyncDeepSeekV4, ConfigurationError, DeepSeekV4, ServerError
from tests.support.wire import DONE, finish, say

BODY = b"".join([say("Hi"), finish("stop"), DONE])


class Library:
    """What a library of httpx's shape has."""

    def __init__(self, name: str) -> None:
        self.module: Any = import_module(name)

    def transport(self) -> Any:
        return self.module.MockTransport(self._answer)

    def _answer(self, request: Any) -> Any:
        assert isinstance(request, self.module.Request)
        assert request.headers["accept-encoding"] == "identity"
        return self.module.Response(200, headers={"content-type": "text/event-stream"}, content=BODY)


@pytest.fixture(params=["httpx", "httpx2"])
def library(request: pytest.FixtureRequest) -> Library:
    return Library(request.param)


@pytest.mark.parametrize("form", ["client", "transport"])
def test_sync(library: Library, form: str) -> None:
    transport = library.transport()
    brought = transport if form == "transport" else library.module.Client(transport=transport)
    with DeepSeekV4("vllm", base_url="http://localhost", model="m", http_client=brought) as client:
        assert client.chat("x").text == "Hi"
    if form == "client":
        brought.close()


def test_a_transport_whose_class_another_library_calls_its_own(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As openai does on import: it exports what it takes from httpx2 under its own name."""
    for base in (library.module.BaseTransport, library.module.AsyncBaseTransport):
        monkeypatch.setattr(base, "__module__", "pytest")
    test_sync(library, "transport")
    test_async(library, "transport")


@pytest.mark.parametrize("form", ["client", "transport"])
def test_async(library: Library, form: str) -> None:
    async def ask() -> str:
        transport = library.transport()
        brought = transport if form == "transport" else library.module.AsyncClient(transport=transport)
        async with AsyncDeepSeekV4("vllm", base_url="http://localhost", model="m", http_client=brought) as client:
            text = (await client.chat("x")).text
        if form == "client":
            await brought.aclose()
        return text

    assert asyncio.run(ask()) == "Hi"


def blocks_of(body: bytes) -> Iterator[bytes]:
    for at in range(0, len(body), 65536):
        yield body[at : at + 65536]


async def async_blocks_of(body: bytes) -> AsyncIterator[bytes]:
    for block in blocks_of(body):
        yield block


def chat_over(library: Library, kind: str, body: bytes, *, reads: bool = False) -> str:
    """The text of an answer of gzip through a client of the library, one of whose hooks may read it first."""

    def answer(_: Any) -> Any:
        headers = {"content-type": "text/event-stream", "content-encoding": "gzip"}
        blocks = blocks_of if kind == "sync" else async_blocks_of
        return library.module.Response(200, headers=headers, content=blocks(gzip.compress(body)))

    transport = library.module.MockTransport(answer)
    if kind == "sync":
        hooks: dict[str, list[Any]] = {"response": [library.module.Response.read]} if reads else {}
        with library.module.Client(transport=transport, event_hooks=hooks) as brought:
            return (
                DeepSeekV4("vllm", base_url="http://localhost", model="m", http_client=brought, max_retries=0)
                .chat("x")
                .text
            )

    async def ask() -> str:
        hooks: dict[str, list[Any]] = {"response": [library.module.Response.aread]} if reads else {}
        async with library.module.AsyncClient(transport=transport, event_hooks=hooks) as brought:
            client = AsyncDeepSeekV4("vllm", base_url="http://localhost", model="m", http_client=brought, max_retries=0)
            return (await client.chat("x")).text

    return asyncio.run(ask())


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_what_is_compressed_is_unpacked_here_and_within_bounds(library: Library, kind: str) -> None:
    assert chat_over(library, kind, BODY) == "Hi"
    assert chat_over(library, kind, BODY, reads=True) == "Hi"
    with pytest.raises(ServerError, match="unpacks to more than 200 times its size"):
        chat_over(library, kind, b"data: " + b" " * 30_000_000)


def test_one_of_the_other_kind_is_refused(library: Library) -> None:
    with pytest.raises(ConfigurationError, match="AsyncDeepSeekV4 needs"):
        AsyncDeepSeekV4("vllm", base_url="http://localhost", model="m", http_client=library.module.HTTPTransport())
