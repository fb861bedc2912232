"""A client with a server that fails and others that take over, all of them mocks under the names of their wires."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4, Finished, Reply
from deepseek_v4_sdk.testing import MockProvider
from deepseek_v4_sdk.testing.flavors import Flavor
from tests.support.any_name import ANY_NAME

__all__ = ["call", "in_all_ways", "named"]

in_all_ways = pytest.mark.parametrize("way", ["chat", "stream", "async chat", "async stream"])


class Named(MockProvider):
    """A mock that goes by the name of its flavor."""

    @property
    def name(self) -> str:
        return self.data.name


def named(flavor: str | Flavor, *steps: Any, **options: Any) -> MockProvider:
    """A mock that goes by the name of its flavor."""
    return Named(*steps, flavor=ANY_NAME if flavor == "vllm" else flavor, count_tokens=False, **options)


def call(way: str, provider: Any, *, question: Any = "Hello", chat: Any = None, **arguments: Any) -> Reply:
    """One question, asked in one of the four ways."""
    given: dict[str, Any] = {"model": "pro", **arguments}
    options: dict[str, Any] = chat or {}
    if not way.startswith("async"):
        with DeepSeekV4(provider, **given) as client:
            if way == "chat":
                return client.chat(question, **options)
            with client.stream(question, **options) as stream:
                *_, last = stream
                assert isinstance(last, Finished)
                return last.reply

    async def run() -> Reply:
        async with AsyncDeepSeekV4(provider, **given) as client:
            if way == "async chat":
                return await client.chat(question, **options)
            async with client.stream(question, **options) as stream:
                events = [event async for event in stream]
                assert isinstance(events[-1], Finished)
                return events[-1].reply

    return asyncio.run(run())
