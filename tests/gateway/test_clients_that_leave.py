"""The official clients close a stream in the middle: the request to the server ends, on every kind of server."""

from __future__ import annotations

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
