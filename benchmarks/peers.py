"""The contenders: this client, the same work with bare HTTP libraries, and other clients where they are installed.

A reader makes an async client once, and reads a stream per call: it counts the pieces, and passes each to `note`.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Callable
from importlib.util import find_spec
from typing import Any

import httpx

from deepseek_v4_sdk import AsyncDeepSeekV4, TextDelta

QUESTION = "Tell me a long story."
MESSAGES = [{"role": "user", "content": QUESTION}]
BODY = b'{"messages":[{"role":"user","content":"Tell me a long story."}],"stream":true}'
HEADERS = {"content-type": "application/json"}
PATH = "/v1/chat/completions"

OURS, OURS_AIOHTTP, OURS_SYNC = "deepseek_v4_sdk", "deepseek_v4_sdk, aiohttp", "deepseek_v4_sdk, sync"
BARE, BARE_SYNC, BARE_AIOHTTP = "httpx + split + orjson", "httpx + split + orjson, sync", "aiohttp + split + orjson"
OPENAI, OPENAI_SYNC = "openai", "openai, sync"

Note = Callable[[str], object]
Read = Callable[[Note | None], Awaitable[int]]
Close = Callable[[], Awaitable[object]]
Maker = Callable[[str], tuple[Read, Close]]


def _ours(**arguments: Any) -> Maker:
    def make(url: str) -> tuple[Read, Close]:
        client = AsyncDeepSeekV4("vllm", base_url=url, **arguments)

        async def read(note: Note | None) -> int:
            count = 0
            async with client.stream(QUESTION) as stream:
                async for event in stream:
                    if type(event) is TextDelta:
                        count += 1
                        if note is not None:
                            note(event.text)
            return count

        return read, client.aclose

    return make


def pieces(buffer: bytes) -> tuple[list[str], bytes]:
    """The pieces of text in whole events, and the rest."""
    from orjson import loads

    *events, rest = buffer.split(b"\n\n")
    texts: list[str] = []
    for event in events:
        if event != b"data: [DONE]":
            choices = loads(event[6:])["choices"]
            if choices and (text := choices[0]["delta"].get("content")):
                texts.append(text)
    return texts, rest


async def _pieces_of(blocks: AsyncIterable[bytes], note: Note | None) -> int:
    count, rest = 0, b""
    async for block in blocks:
        texts, rest = pieces(rest + block)
        count += len(texts)
        if note is not None:
            for text in texts:
                note(text)
    return count


def _bare(url: str) -> tuple[Read, Close]:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    client = httpx.AsyncClient(trust_env=False, limits=limits, timeout=None)

    async def read(note: Note | None) -> int:
        async with client.stream("POST", url + PATH, content=BODY, headers=HEADERS) as response:
            return await _pieces_of(response.aiter_raw(), note)

    return read, client.aclose


def _bare_aiohttp(url: str) -> tuple[Read, Close]:
    import aiohttp

    sessions: list[aiohttp.ClientSession] = []

    async def read(note: Note | None) -> int:
        if not sessions:
            sessions.append(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
        async with sessions[0].post(url + PATH, data=BODY, headers=HEADERS) as response:
            return await _pieces_of(response.content.iter_any(), note)

    async def close() -> None:
        for session in sessions:
            await session.close()

    return read, close


def _openai(url: str) -> tuple[Read, Close]:
    import openai

    client = openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none")

    async def read(note: Note | None) -> int:
        count = 0
        async for chunk in await client.chat.completions.create(model="m", messages=MESSAGES, stream=True):
            if chunk.choices and (text := chunk.choices[0].delta.content):
                count += 1
                if note is not None:
                    note(text)
        return count

    return read, client.close


async def _nothing() -> None:
    pass


def _langchain(kind: Callable[[str], Any]) -> Maker:
    def make(url: str) -> tuple[Read, Close]:
        client = kind(url)

        async def read(note: Note | None) -> int:
            count = 0
            async for chunk in client.astream(QUESTION):
                if text := chunk.content:
                    count += 1
                    if note is not None:
                        note(text)
            return count

        return read, _nothing

    return make


def _langchain_nvidia(url: str) -> Any:
    from langchain_nvidia_ai_endpoints import ChatNVIDIA

    return ChatNVIDIA(base_url=f"{url}/v1", model="deepseek-ai/deepseek-v4-pro", api_key="nvapi-none")


def _langchain_openai(url: str) -> Any:
    from langchain_openai import ChatOpenAI

    return ChatOpenAI(base_url=f"{url}/v1", model="m", api_key="none", stream_usage=True)


_MAKERS: dict[str, tuple[str, Maker]] = {
    OURS: ("deepseek_v4_sdk", _ours()),
    OURS_AIOHTTP: ("aiohttp", _ours(transport="aiohttp")),
    BARE: ("orjson", _bare),
    BARE_AIOHTTP: ("aiohttp", _bare_aiohttp),
    OPENAI: ("openai", _openai),
    "langchain-nvidia-ai-endpoints": ("langchain_nvidia_ai_endpoints", _langchain(_langchain_nvidia)),
    "langchain-openai": ("langchain_openai", _langchain(_langchain_openai)),
}


def missing() -> list[str]:
    """Packages of peers that are not installed here."""
    return sorted({package for package, _ in _MAKERS.values() if find_spec(package) is None})


def makers(*leave_out: str) -> dict[str, Maker]:
    """The installed contenders, by name."""
    absent = missing()
    return {
        name: make
        for name, (package, make) in _MAKERS.items()
        if package not in absent and name not in leave_out and not ("orjson" in name and "orjson" in absent)
    }
