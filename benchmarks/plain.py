"""What does one small call cost? Calls one after another on an open connection, each answered by one JSON document."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from importlib.util import find_spec

import httpx
from measure import Goal, Result, in_turn
from peers import HEADERS, MESSAGES, OPENAI, OPENAI_SYNC, OURS, OURS_AIOHTTP, OURS_SYNC, PATH
from pydantic_core import from_json, to_json
from replay_server import replay_server

from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4

QUESTION = "Hello"
GOALS = [
    Goal(OURS, OPENAI, 0.25),
    Goal(OURS_SYNC, OPENAI_SYNC, 0.22),
    Goal(OURS_AIOHTTP, OPENAI, 0.28, 0.2),
]


def contenders(url: str, calls: int, stack: ExitStack) -> dict[str, Callable[[], None]]:
    """Everyone who makes the same calls. Clients are made once."""
    loop = stack.enter_context(asyncio.Runner())
    client = stack.enter_context(DeepSeekV4("vllm", base_url=url))
    found = {OURS_SYNC: _times(calls, lambda: client.chat(QUESTION, wire="plain").text)}

    def awaited(call: Callable[[], Awaitable[str | None]]) -> Callable[[], None]:
        async def run() -> None:
            for _ in range(calls):
                _check(await call())

        return lambda: loop.run(run())

    def closing(close: Callable[[], Awaitable[object]]) -> None:
        async def run() -> None:
            await close()

        stack.callback(lambda: loop.run(run()))

    def ours(ours_async: AsyncDeepSeekV4) -> Callable[[], None]:
        closing(ours_async.aclose)

        async def ask() -> str:
            return (await ours_async.chat(QUESTION, wire="plain")).text

        return awaited(ask)

    found[OURS] = ours(AsyncDeepSeekV4("vllm", base_url=url))
    if find_spec("aiohttp"):
        found[OURS_AIOHTTP] = ours(AsyncDeepSeekV4("vllm", base_url=url, transport="aiohttp"))
    bare, async_bare = stack.enter_context(httpx.Client(trust_env=False)), httpx.AsyncClient(trust_env=False)
    closing(async_bare.aclose)
    body = {"messages": MESSAGES}

    def httpx_sync() -> str:
        answer = bare.post(url + PATH, content=to_json(body), headers=HEADERS).content
        return from_json(answer)["choices"][0]["message"]["content"]

    async def httpx_async() -> str:
        answer = (await async_bare.post(url + PATH, content=to_json(body), headers=HEADERS)).content
        return from_json(answer)["choices"][0]["message"]["content"]

    found["httpx + from_json, sync"] = _times(calls, httpx_sync)
    found["httpx + from_json"] = awaited(httpx_async)
    found |= _peers(url, calls, stack, awaited, closing)
    return found


def _peers(
    url: str,
    calls: int,
    stack: ExitStack,
    awaited: Callable[[Callable[[], Awaitable[str | None]]], Callable[[], None]],
    closing: Callable[[Callable[[], Awaitable[object]]], None],
) -> dict[str, Callable[[], None]]:
    found: dict[str, Callable[[], None]] = {}
    if find_spec("openai"):
        import openai

        theirs = stack.enter_context(openai.OpenAI(base_url=f"{url}/v1", api_key="none"))
        theirs_async = openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none")
        closing(theirs_async.close)

        async def create() -> str | None:
            answer = await theirs_async.chat.completions.create(model="m", messages=MESSAGES)
            return answer.choices[0].message.content

        def create_sync() -> str | None:
            return theirs.chat.completions.create(model="m", messages=MESSAGES).choices[0].message.content

        found[OPENAI], found[OPENAI_SYNC] = awaited(create), _times(calls, create_sync)
    if find_spec("langchain_nvidia_ai_endpoints"):
        from langchain_nvidia_ai_endpoints import ChatNVIDIA

        chain = ChatNVIDIA(base_url=f"{url}/v1", model="deepseek-ai/deepseek-v4-pro", api_key="nvapi-none")
        found["langchain-nvidia-ai-endpoints, sync"] = _times(calls, lambda: chain.invoke(QUESTION).content)
    return found


def _times(count: int, call: Callable[[], str | None]) -> Callable[[], None]:
    def run() -> None:
        for _ in range(count):
            _check(call())

    return run


def _check(text: str | None) -> None:
    if not text:
        raise RuntimeError("no text")


def main(*, calls: int = 500, rounds: int = 5) -> list[Result]:
    """Measure small calls, made by each contender in turn."""
    with replay_server(3) as server, ExitStack() as stack:
        taken = in_turn(contenders(f"{server}/plain", calls, stack), rounds=rounds, units=calls)
    title = f"{calls:,} small calls that do not stream, one after another: CPU per call"
    return [Result("plain", title, "µs", taken, GOALS, OPENAI)]


if __name__ == "__main__":
    for result in main():
        print(result.table())
