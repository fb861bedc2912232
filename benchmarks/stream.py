"""What does one event of a stream cost? One answer of many pieces, each in an HTTP chunk of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack

import httpx
from measure import in_turn, table
from pydantic_core import from_json, to_json
from replay_server import replay_server

from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4, TextDelta

QUESTION = "Tell me a long story."
BODY = to_json({"messages": [{"role": "user", "content": QUESTION}], "stream": True})
HEADERS = {"content-type": "application/json"}


def _pieces(buffer: bytes) -> tuple[int, bytes]:
    """Count the pieces of text in whole events; gives the rest."""
    *events, rest = buffer.split(b"\n\n")
    count = 0
    for event in events:
        if event != b"data: [DONE]":
            choices = from_json(event[6:])["choices"]
            count += bool(choices and choices[0]["delta"].get("content"))
    return count, rest


def contenders(url: str, chunks: int, stack: ExitStack) -> dict[str, Callable[[], None]]:
    """Everyone who reads the same stream, each checked for having read all of it. Clients are made once."""
    loop = stack.enter_context(asyncio.Runner())
    address = f"{url}/stream/v1/chat/completions"
    client = stack.enter_context(DeepSeekV4("vllm", base_url=f"{url}/stream"))
    async_client = AsyncDeepSeekV4("vllm", base_url=f"{url}/stream")
    bare, async_bare = stack.enter_context(httpx.Client(trust_env=False)), httpx.AsyncClient(trust_env=False)
    stack.callback(lambda: loop.run(async_bare.aclose()))
    stack.callback(lambda: loop.run(async_client.aclose()))

    def ours() -> int:
        with client.stream(QUESTION) as stream:
            return sum(type(event) is TextDelta for event in stream)

    async def ours_async() -> int:
        count = 0
        async with async_client.stream(QUESTION) as stream:
            async for event in stream:
                count += type(event) is TextDelta
        return count

    def httpx_sync() -> int:
        total, rest = 0, b""
        with bare.stream("POST", address, content=BODY, headers=HEADERS) as response:
            for block in response.iter_raw():
                count, rest = _pieces(rest + block)
                total += count
        return total

    async def httpx_async() -> int:
        total, rest = 0, b""
        async with async_bare.stream("POST", address, content=BODY, headers=HEADERS) as response:
            async for block in response.aiter_raw():
                count, rest = _pieces(rest + block)
                total += count
        return total

    readers: dict[str, Callable[[], int]] = {
        "deepseek_v4_sdk": ours,
        "deepseek_v4_sdk, async": lambda: loop.run(ours_async()),
        "httpx + split + from_json": httpx_sync,
        "httpx + split + from_json, async": lambda: loop.run(httpx_async()),
        **_openai(url, stack, loop),
    }
    return {name: _checked(read, chunks) for name, read in readers.items()}


def _openai(url: str, stack: ExitStack, loop: asyncio.Runner) -> dict[str, Callable[[], int]]:
    try:
        import openai
    except ImportError:
        return {}
    client = stack.enter_context(openai.OpenAI(base_url=f"{url}/stream/v1", api_key="none"))
    async_client = openai.AsyncOpenAI(base_url=f"{url}/stream/v1", api_key="none")
    stack.callback(lambda: loop.run(async_client.close()))
    messages = [{"role": "user", "content": QUESTION}]

    def sync() -> int:
        chunks = client.chat.completions.create(model="m", messages=messages, stream=True)
        return sum(bool(chunk.choices and chunk.choices[0].delta.content) for chunk in chunks)

    async def awaited() -> int:
        count = 0
        async for chunk in await async_client.chat.completions.create(model="m", messages=messages, stream=True):
            count += bool(chunk.choices and chunk.choices[0].delta.content)
        return count

    return {"openai": sync, "openai, async": lambda: loop.run(awaited())}


def _checked(read: Callable[[], int], chunks: int) -> Callable[[], None]:
    def run() -> None:
        count = read()
        if count != chunks:
            raise RuntimeError(f"{count} of {chunks} pieces")

    return run


def main(*, chunks: int = 20_000, rounds: int = 5) -> None:
    """Measure, and print the table."""
    with replay_server(chunks) as url, ExitStack() as stack:
        results = in_turn(contenders(url, chunks, stack), rounds=rounds, units=chunks)
    table(f"One stream of {chunks:,} pieces: CPU per piece", "µs", results, "openai, async")


if __name__ == "__main__":
    main()
