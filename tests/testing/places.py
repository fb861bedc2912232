"""A mock reached in process and on a socket, sync and async, by plain httpx and by the SDK's clients."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import httpx

from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4, DeepSeekV4Error, Reply
from deepseek_v4_sdk.testing import MockProvider
from deepseek_v4_sdk.testing.server import MockServer

__all__ = [
    "FLAVORS",
    "MODELS",
    "MODES",
    "NO_TLS",
    "PLACES",
    "TOOL",
    "Mode",
    "Place",
    "Seen",
    "ask",
    "fetch",
    "request_body",
]

Mode: TypeAlias = Literal["sync", "async"]
Place: TypeAlias = Literal["process", "socket"]
MODES: tuple[Mode, ...] = ("sync", "async")
PLACES: tuple[Place, ...] = ("process", "socket")

MODELS = {
    "nvidia": "deepseek-ai/deepseek-v4-pro-0813",
    "nim": "deepseek-ai/deepseek-v4-pro-0813",
    "vllm": "deepseek-ai/DeepSeek-V4-Pro",
    "sglang": "deepseek-ai/DeepSeek-V4-Pro",
    "deepseek": "deepseek-v4-pro",
    "dynamo": "deepseek-ai/DeepSeek-V4-Pro",
}
FLAVORS = tuple(MODELS)

TOOL = {
    "type": "function",
    "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
}


@dataclass(frozen=True)
class Seen:
    """An answer as it came: its blocks, and how it ended."""

    status: int
    headers: httpx.Headers
    blocks: tuple[bytes, ...]
    ended: Literal["whole", "cut", "reset", "silent"]

    @property
    def body(self) -> bytes:
        return b"".join(self.blocks)

    @property
    def events(self) -> list[bytes]:
        """The events of a whole stream, each with its empty line."""
        return [event + b"\n\n" for event in self.body.split(b"\n\n")[:-1]]


NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # loading certificates for each client would take half of the time

_ENDS: dict[type[httpx.TransportError], Any] = {
    httpx.RemoteProtocolError: "cut",
    httpx.ReadError: "reset",
    httpx.ReadTimeout: "silent",
}


def request_body(flavor: str, *, stream: bool = True, thinking: bool = True, **more: object) -> dict[str, object]:
    """A request that every server of the flavor takes."""
    body: dict[str, object] = {"model": MODELS[flavor], "messages": [{"role": "user", "content": "Hi"}], **more}
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    if flavor == "deepseek":
        return body | {"thinking": {"type": "enabled" if thinking else "disabled"}}
    return body | {"chat_template_kwargs": {"thinking": thinking}}


def fetch(
    server: MockServer,
    place: Place,
    mode: Mode,
    mock: MockProvider,
    body: object = None,
    *,
    method: str = "POST",
    path: str = "/v1/chat/completions",
    read: float = 20.0,
) -> Seen:
    """Ask with plain httpx, and take the answer block by block."""
    server.mock = mock
    base = "http://mock" if place == "process" else server.url
    given: Any = {"base_url": base, "timeout": httpx.Timeout(20.0, read=read), "verify": NO_TLS}
    if place == "process":
        given["transport"] = mock.transport
    blocks: list[bytes] = []
    if mode == "sync":
        with (
            httpx.Client(**given) as client,
            client.stream(method, path, json=body) as response,
        ):
            try:
                blocks.extend(response.iter_raw())
            except httpx.TransportError as error:
                return Seen(response.status_code, response.headers, tuple(blocks), _ENDS[type(error)])
            return Seen(response.status_code, response.headers, tuple(blocks), "whole")

    async def run() -> Seen:
        async with (
            httpx.AsyncClient(**given) as client,
            client.stream(method, path, json=body) as response,
        ):
            try:
                async for block in response.aiter_raw():
                    blocks.append(block)  # noqa: PERF401  # those before a failure are kept
            except httpx.TransportError as error:
                return Seen(response.status_code, response.headers, tuple(blocks), _ENDS[type(error)])
            return Seen(response.status_code, response.headers, tuple(blocks), "whole")

    return asyncio.run(run())


def ask(
    server: MockServer,
    place: Place,
    mode: Mode,
    mock: MockProvider,
    flavor: str,
    options: Any = None,
    **arguments: Any,
) -> Reply | DeepSeekV4Error:
    """Ask with the SDK's own client."""
    server.mock = mock
    provider: Any = mock
    given = {"model": MODELS[flavor], **arguments}
    if place == "socket":
        provider = flavor
        given |= {"base_url": server.url, "api_key": "key-of-a-test"}
    try:
        if mode == "sync":
            with DeepSeekV4(provider, **given) as client:
                return client.chat("Hi", **(options or {}))

        async def run() -> Reply:
            async with AsyncDeepSeekV4(provider, **given) as client:
                return await client.chat("Hi", **(options or {}))

        return asyncio.run(run())
    except DeepSeekV4Error as error:
        return error
