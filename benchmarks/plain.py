"""What does one small call cost? Calls one after another on an open connection."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack

import httpx
from measure import in_turn, table
from pydantic_core import from_json, to_json
from replay_server import replay_server

from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4

QUESTION = "Hello"
BODY = {"messages": [{"role": "user", "content": QUESTION}]}
HEADERS = {"content-type": "application/json"}


def contenders(url: str, calls: int, stack: ExitStack) -> dict[str, Callable[[], None]]:
    """Everyone who makes the same calls. Clients are made once."""
    loop = stack.enter_context(asyncio.Runner())
    address = f"{url}/plain/v1/chat/completions"
    client = stack.enter_context(DeepSeekV4("vllm", base_url=f"{url}/plain"))
    async_client = AsyncDeepSeekV4("vllm", base_url=f"{url}/plain")
    bare, async_bare = stack.enter_context(httpx.Client(trust_env=False)), httpx.AsyncClient(trust_env=False)
    stack.callback(lambda: loop.run(async_bare.aclose()))
    stack.callback(lambda: loop.run(async_client.aclose()))

    def httpx_sync() -> str:
        answer = bare.post(address, content=to_json(BODY), headers=HEADERS).content
        return from_json(answer)["choices"][0]["message"]["content"]

    async def httpx_async() -> str:
        answer = (await async_bare.post(address, content=to_json(BODY), headers=HEADERS)).content
        return from_json(answer)["choices"][0]["message"]["content"]

    async def ours_async() -> str:
        return (await async_client.chat(QUESTION, wire="plain")).text

    async def ours_async_streaming() -> str:
        return (await async_client.chat(QUESTION)).text

    return {
        "deepseek_v4_sdk, plain": _times(calls, lambda: client.chat(QUESTION, wire="plain").text),
        "deepseek_v4_sdk, plain, async": _awaited(loop, calls, ours_async),
        "deepseek_v4_sdk, streaming": _times(calls, lambda: client.chat(QUESTION).text),
        "deepseek_v4_sdk, streaming, async": _awaited(loop, calls, ours_async_streaming),
        "httpx + from_json": _times(calls, httpx_sync),
        "httpx + from_json, async": _awaited(loop, calls, httpx_async),
        **_openai(url, calls, stack, loop),
    }


def _openai(url: str, calls: int, stack: ExitStack, loop: asyncio.Runner) -> dict[str, Callable[[], None]]:
    try:
        import openai
    except ImportError:
        return {}
    client = stack.enter_context(openai.OpenAI(base_url=f"{url}/plain/v1", api_key="none"))
    async_client = openai.AsyncOpenAI(base_url=f"{url}/plain/v1", api_key="none")
    stack.callback(lambda: loop.run(async_client.close()))
    messages = BODY["messages"]

    def sync() -> str | None:
        return client.chat.completions.create(model="m", messages=messages).choices[0].message.content

    async def awaited() -> str | None:
        return (await async_client.chat.completions.create(model="m", messages=messages)).choices[0].message.content

    return {"openai": _times(calls, sync), "openai, async": _awaited(loop, calls, awaited)}


def _times(count: int, call: Callable[[], str | None]) -> Callable[[], None]:
    def run() -> None:
        for _ in range(count):
            _check(call())

    return run


def _awaited(loop: asyncio.Runner, count: int, call: Callable[[], Awaitable[str | None]]) -> Callable[[], None]:
    async def run() -> None:
        for _ in range(count):
            _check(await call())

    return lambda: loop.run(run())


def _check(text: str | None) -> None:
    if not text:
        raise RuntimeError("no text")


def main(*, calls: int = 500, rounds: int = 5) -> None:
    """Measure, and print the table."""
    with replay_server(3) as url, ExitStack() as stack:
        results = in_turn(contenders(url, calls, stack), rounds=rounds, units=calls)
    table(f"{calls:,} small calls, one after another: CPU per call", "µs", results, "openai")


if __name__ == "__main__":
    main()
