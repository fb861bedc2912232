"""What does one event of a stream cost? One answer of many pieces, each in its own HTTP chunk."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from importlib.util import find_spec

import httpx
from measure import Goal, Result, in_turn, on_loop
from peers import (
    BARE,
    BARE_AIOHTTP,
    BARE_SYNC,
    BODY,
    HEADERS,
    MESSAGES,
    OPENAI,
    OPENAI_SYNC,
    OURS,
    OURS_AIOHTTP,
    OURS_SYNC,
    PATH,
    QUESTION,
    makers,
    pieces,
)
from replay_server import replay_server

from deepseek_v4_sdk import DeepSeekV4, TextDelta

GOALS = [
    Goal(OURS, OPENAI, 0.14, 0.12),
    Goal(OURS, BARE, 1.3),
    Goal(OURS, BARE_AIOHTTP, 1.15, 1),
    Goal(OURS_SYNC, OPENAI_SYNC, 0.14, 0.12),
    Goal(OURS_AIOHTTP, OPENAI, 0.045, 0.035),
]


def main(*, chunks: int = 20_000, rounds: int = 5) -> list[Result]:
    """Measure one stream, read by each contender in turn."""
    with replay_server(chunks) as server, ExitStack() as stack:
        loop = stack.enter_context(asyncio.Runner())
        url = f"{server}/stream"
        readers: dict[str, Callable[[], object]] = {}
        for name, make in makers().items():
            read, close = make(url)
            stack.callback(lambda close=close: loop.run(_awaited(close())))
            readers[name] = on_loop(loop, lambda read=read: read(None))
        readers |= _sync(url, stack)
        contenders = {name: _checked(run, chunks) for name, run in readers.items()}
        taken = in_turn(contenders, rounds=rounds, units=chunks)
    title = f"One stream of {chunks:,} pieces: CPU per piece"
    return [Result("stream", title, "µs", taken, GOALS, OPENAI)]


async def _awaited(call: Awaitable[object]) -> object:
    return await call


def _sync(url: str, stack: ExitStack) -> dict[str, Callable[[], object]]:
    client = stack.enter_context(DeepSeekV4("vllm", base_url=url))
    readers: dict[str, Callable[[], object]] = {}

    def ours() -> int:
        with client.stream(QUESTION) as stream:
            return sum(type(event) is TextDelta for event in stream)

    readers[OURS_SYNC] = ours
    if find_spec("orjson"):
        bare = stack.enter_context(httpx.Client(trust_env=False))

        def httpx_sync() -> int:
            count, rest = 0, b""
            with bare.stream("POST", url + PATH, content=BODY, headers=HEADERS) as response:
                for block in response.iter_raw():
                    texts, rest = pieces(rest + block)
                    count += len(texts)
            return count

        readers[BARE_SYNC] = httpx_sync
    if find_spec("openai"):
        import openai

        theirs = stack.enter_context(openai.OpenAI(base_url=f"{url}/v1", api_key="none"))

        def sync() -> int:
            chunks = theirs.chat.completions.create(model="m", messages=MESSAGES, stream=True)
            return sum(bool(chunk.choices and chunk.choices[0].delta.content) for chunk in chunks)

        readers[OPENAI_SYNC] = sync
    return readers


def _checked(read: Callable[[], object], chunks: int) -> Callable[[], None]:
    def run() -> None:
        count = read()
        if count != chunks:
            raise RuntimeError(f"{count} of {chunks} pieces")

    return run


if __name__ == "__main__":
    for result in main():
        print(result.table())
