"""Clients and transports of httpx2, and of any library of httpx's shape, carry requests as httpx's do."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import Any

import pytest

from deepseek_v4_sdk import AsyncDeepSeekV4, ConfigurationError, DeepSeekV4
from tests.exchange.wire import DONE, finish, say

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


def test_one_of_the_other_kind_is_refused(library: Library) -> None:
    with pytest.raises(ConfigurationError, match="AsyncDeepSeekV4 needs"):
        AsyncDeepSeekV4("vllm", base_url="http://localhost", model="m", http_client=library.module.HTTPTransport())
