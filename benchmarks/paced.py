"""How many streams can one process hold, when each brings 150 events a second?

It holds them when the event loop is never late by more than 100 ms, and 99 of 100 events are delivered within 100 ms of
being sent. Each event is sent separately and carries the time of sending. A contender gets more streams until it fails.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

from measure import Goal, Result, cpu, in_processes
from peers import BARE_AIOHTTP, OPENAI, OURS, OURS_AIOHTTP, makers
from replay_server import replay_server

RATE, LATEST, FEW = 150, 0.1, 16
TRIES = 3
GOALS = [Goal(OURS, OPENAI, 1.5, None, more=True), Goal(OURS_AIOHTTP, OPENAI, 5, 7, more=True)]


async def holds(name: str, url: str, streams: int, seconds: float) -> bool:
    """Whether a contender holds so many streams."""
    read, close = makers()[name](f"{url}/paced/{streams}/{seconds:g}")
    late: list[float] = []
    lags: list[float] = []
    now = time.monotonic

    async def watch() -> None:
        while True:
            before = now()
            await asyncio.sleep(0.02)
            lags.append(now() - before - 0.02)

    began = now() + 0.15 + 0.003 * streams  # connecting is not what is measured

    def note(text: str) -> None:
        sent = float(text)
        if sent > began:
            late.append(now() - sent)

    watcher = asyncio.create_task(watch())
    try:
        async with asyncio.timeout(seconds * 2 + 10):
            await asyncio.gather(*[read(note) for _ in range(streams)])
    except TimeoutError:
        return False
    finally:
        watcher.cancel()
        await close()
    late.sort()
    lags = lags[int((0.15 + 0.003 * streams) / 0.02) :] or lags
    wanted = 0.9 * streams * RATE * (seconds - 0.15 - 0.003 * streams)
    return bool(late) and len(late) >= wanted and late[int(len(late) * 0.99)] < LATEST and max(lags) < LATEST


def most(name: str, seconds: float, highest: int) -> int:
    """The most streams that a contender holds, to about a twelfth."""
    with replay_server(1) as url:

        def held_by(streams: float) -> bool:
            """Whether it holds them in one of a few tries: somebody else may have taken the core in the others."""
            return any(asyncio.run(holds(name, url, int(streams), seconds)) for _ in range(TRIES))

        held, streams = 0, 16.0
        while streams <= highest and held_by(streams):
            held, streams = int(streams), streams * 1.5
        low, high = held, streams
        while low and high / low > 1.09 and high <= highest * 1.5:
            middle = (low * high) ** 0.5
            if middle > highest:
                break
            if held_by(middle):
                low = held = int(middle)
            else:
                high = middle
        return held


def cost(name: str, seconds: float) -> float:
    """The CPU of an event while a few streams are open: it needs no quiet machine."""
    with replay_server(1) as url:
        started = cpu()
        asyncio.run(holds(name, url, FEW, seconds))
        return (cpu() - started) / (FEW * RATE * seconds) * 1e6


def main(*, seconds: float = 4, highest: int = 480, rounds: int = 1) -> list[Result]:
    """Measure, each contender in its own process."""
    programs = {name: [__file__, name, str(seconds), str(highest)] for name in makers("langchain-openai")}
    figures = in_processes(programs, rounds=rounds)
    title = f"Streams of {RATE} events a second that one process holds (looked for up to {highest})"
    each = f"An event of {FEW} such streams, each waking the event loop: CPU"
    return [
        Result("paced", title, "streams", figures["streams"], GOALS, OPENAI),
        Result("paced_cpu", each, "µs", figures["µs"], [Goal(OURS, BARE_AIOHTTP, 1.4, 1.2)], OPENAI),
    ]


if __name__ == "__main__":
    if len(sys.argv) > 1:
        contender, length, bound = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
        print(json.dumps({"streams": most(contender, length, bound), "µs": cost(contender, length)}))
    else:
        for result in main():
            print(result.table())
