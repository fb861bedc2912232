"""One chat through a client with connections of its own, sync or async alike."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4, DeepSeekV4Error, Reply

__all__ = ["MODES", "async_client", "chat", "failure", "in_each_async_mode", "in_each_mode"]

MODES = ("sync", "async", "aiohttp")
in_each_mode = pytest.mark.parametrize("mode", MODES)
in_each_async_mode = pytest.mark.parametrize("mode", MODES[1:])


def async_client(mode: str, provider: Any = "vllm", **arguments: Any) -> AsyncDeepSeekV4:
    """An async client over its own connections, or over aiohttp."""
    return AsyncDeepSeekV4(provider, **arguments, transport="aiohttp" if mode == "aiohttp" else "httpx")


def chat(mode: str, url: str, *, times: int = 1, provider: Any = "vllm", call: Any = None, **arguments: Any) -> Reply:
    """Ask so many times, one after another; the last reply."""
    given: dict[str, Any] = {"base_url": url, "model": "m", "max_retries": 0, **arguments}
    options: dict[str, Any] = call or {}
    if mode == "sync":
        with DeepSeekV4(provider, **given) as client:
            return [client.chat("x", **options) for _ in range(times)][-1]

    async def run() -> Reply:
        async with async_client(mode, provider, **given) as client:
            return [await client.chat("x", **options) for _ in range(times)][-1]

    return asyncio.run(run())


def failure(mode: str, url: str, **arguments: Any) -> Any:
    """The error that asking ends with."""
    with pytest.raises(DeepSeekV4Error) as caught:
        chat(mode, url, **arguments)
    return caught.value
