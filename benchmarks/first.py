"""What does the first request of a process cost compared with the tenth? Nothing should be left to load by then."""

from __future__ import annotations

import asyncio
import json
import sys
from importlib.util import find_spec

from measure import Goal, Result, cpu, in_processes
from peers import BARE, BARE_AIOHTTP, OURS, OURS_AIOHTTP, OURS_SYNC, makers
from replay_server import replay_server

GOALS = [Goal(name, "", 2) for name in (OURS, OURS_SYNC, OURS_AIOHTTP)]


def ask(name: str, url: str) -> None:
    """Send eleven requests, and print the first's CPU in those of the tenth."""
    times: list[float] = []
    if name == OURS_SYNC:
        from deepseek_v4_sdk import DeepSeekV4

        client = DeepSeekV4("vllm", base_url=f"{url}/plain", model="m")
        for _ in range(12):
            started = cpu()
            client.chat("Hi")
            times.append(cpu() - started)
    else:

        async def run() -> None:
            read, close = makers()[name](f"{url}/plain")
            for _ in range(12):
                started = cpu()
                await read(None)
                times.append(cpu() - started)
            await close()

        asyncio.run(run())
    print(json.dumps({"times": times[0] / sorted(times[7:])[2], "ms": times[0] * 1e3}))


def main(*, rounds: int = 7) -> list[Result]:
    """Measure, each try in its own process."""
    names = [
        OURS_SYNC,
        *(name for name in makers() if name in {OURS, OURS_AIOHTTP, BARE, BARE_AIOHTTP} or find_spec(name)),
    ]
    with replay_server(3) as url:
        found = in_processes({name: [__file__, name, url] for name in names}, rounds=rounds)
    title = "The first small streamed request of a process, connecting included, in times of the tenth: CPU"
    return [Result("first", title, "times", found["times"], GOALS)]


if __name__ == "__main__":
    if len(sys.argv) > 1:
        ask(sys.argv[1], sys.argv[2])
    else:
        for result in main():
            print(result.table())
