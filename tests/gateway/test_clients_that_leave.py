"""The official clients close a stream in the middle: the request to the server ends, on every kind of server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import openai
import pytest

from deepseek_v4_sdk import AsyncDeepSeekV4
from deepseek_v4_sdk.gateway import Gateway
from deepseek_v4_sdk.testing import MockProvider, faults, script
from deepseek_v4_sdk.testing.server import MockServer
from tests.gateway.serving import ASK, FLAVORS, Served, served

MODELS = {"deepseek": "deepseek-v4-pro", "nvidia": "deepseek-ai/deepseek-v4-pro-0813"}
SLOW = script.text("one two three four five") | faults.stall(after=2, seconds=60)
TALK: Any = ASK


@contextmanager
def upstream(flavor: str) -> Iterator[tuple[MockServer, Served]]:
    """A gateway in front of a server that stalls, both on a port."""
    with MockServer(MockProvider(default=SLOW, flavor=flavor, count_tokens=False)) as server:
        key = "a-key" if flavor in MODELS else None
        client = AsyncDeepSeekV4(
            flavor, base_url=server.url, api_key=key, model=MODELS.get(flavor, "deepseek-ai/DeepSeek-V4-Pro")
        )
        with served(Gateway(client)) as gateway:
            yield server, gateway


def ends(server: MockServer) -> bool:
    """Whether the request to the server ends within two seconds."""
    deadline = time.monotonic() + 2
    while not server.disconnects and time.monotonic() < deadline:
        time.sleep(0.01)
    return server.disconnects == 1


@pytest.mark.parametrize("flavor", FLAVORS)
@pytest.mark.parametrize("api", ["chat", "responses"])
def test_openai(flavor: str, api: str) -> None:
    with (
        upstream(flavor) as (server, gateway),
        openai.OpenAI(base_url=gateway.url, api_key="any", max_retries=0) as client,
    ):
        stream: Any
        if api == "chat":
            stream = client.chat.completions.create(model="m", messages=TALK, stream=True)
        else:
            stream = client.responses.create(model="m", input="Hello", stream=True)
        next(iter(stream))
        stream.close()
        assert ends(server)


@pytest.mark.parametrize("flavor", FLAVORS)
def test_anthropic(flavor: str) -> None:
    import anthropic  # it takes seconds, and every worker of the suite imports this file

    with (
        upstream(flavor) as (server, gateway),
        anthropic.Anthropic(base_url=gateway.base, api_key="any", max_retries=0) as client,
    ):
        with client.messages.stream(model="m", max_tokens=100, messages=TALK) as stream:
            next(iter(stream))
        assert ends(server)


OTHERS = [
    pytest.mark.integrations,
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.parametrize("flavor", FLAVORS),
]
"""`make integrations` runs these clients, the suite does not. What they warn of is not ours."""


class TestOthers:
    pytestmark = OTHERS

    def test_langchain_openai(self, flavor: str) -> None:
        chat = pytest.importorskip("langchain_openai").ChatOpenAI
        with upstream(flavor) as (server, gateway):
            stream = chat(base_url=gateway.url, api_key="any", model="m", max_retries=0).stream("Hello")
            next(stream)
            stream.close()
            assert ends(server)

    def test_pydantic_ai(self, flavor: str) -> None:
        pydantic_ai = pytest.importorskip("pydantic_ai")
        openai_models = pytest.importorskip("pydantic_ai.models.openai")
        providers = pytest.importorskip("pydantic_ai.providers.openai")

        async def leave(url: str) -> None:
            provider = providers.OpenAIProvider(base_url=url, api_key="any")
            model = openai_models.OpenAIChatModel("m", provider=provider)
            async with pydantic_ai.Agent(model).run_stream("Hello") as result:
                async for _ in result.stream_text(debounce_by=None):
                    break

        with upstream(flavor) as (server, gateway):
            asyncio.run(leave(gateway.url))
            assert ends(server)

    def test_litellm(self, flavor: str) -> None:
        litellm = pytest.importorskip("litellm")
        with upstream(flavor) as (server, gateway):
            stream = litellm.completion(
                model="openai/m", api_base=gateway.url, api_key="any", messages=TALK, stream=True, num_retries=0
            )
            next(stream)
            stream.completion_stream.close()  # its own wrapper has no way to close a stream
            assert ends(server)
