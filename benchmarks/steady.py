"""Does a program that takes many replies grow, or stop for the garbage collector?"""

from __future__ import annotations

import asyncio
import gc
import time
from pathlib import Path

from measure import Goal, Result
from replay_server import replay_server

from deepseek_v4_sdk import AsyncDeepSeekV4

MEMORY, STALL = "memory of the last nine tenths, MB more", "longest stop of the garbage collector, ms"
GOALS = [Goal(MEMORY, "", 1), Goal(STALL, "", 5)]


def _memory() -> float:
    status = Path("/proc/self/statm")
    return int(status.read_text("utf-8").split()[1]) * 4096 / 1e6 if status.exists() else 0.0


def main(*, replies: int = 100_000) -> list[Result]:
    """Take small streamed replies, four at once."""
    stops: list[float] = []
    began = 0.0

    def noted(phase: str, _: dict[str, int]) -> None:
        nonlocal began
        if phase == "start":
            began = time.thread_time()
        else:
            stops.append((time.thread_time() - began) * 1e3)

    async def run(url: str) -> float:
        async with AsyncDeepSeekV4("vllm", base_url=f"{url}/plain", model="m") as client:

            async def take(count: int) -> None:
                for _ in range(count):
                    await client.chat("Hi")

            async def all_of(count: int) -> None:
                await asyncio.gather(*[take(count // 4) for _ in range(4)])

            await all_of(replies // 10)
            gc.collect()
            before = _memory()
            gc.callbacks.append(noted)
            await all_of(replies - replies // 10)
            gc.callbacks.remove(noted)
            return _memory() - before

    with replay_server(3) as url:
        grown = asyncio.run(run(url))
    figures = {MEMORY: [max(0.0, grown)], STALL: [max(stops, default=0.0)]}
    return [Result("steady", f"{replies:,} streamed replies, four at once", "", figures, GOALS)]


if __name__ == "__main__":
    for result in main():
        print(result.table())
