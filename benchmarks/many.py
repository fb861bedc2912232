"""What does an event cost while many streams are open? All are begun at once, and read side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from measure import Goal, Result, in_turn, on_loop
from peers import BARE_AIOHTTP, OPENAI, OURS, OURS_AIOHTTP, Maker, makers
from replay_server import replay_server

GOALS = [
    Goal(OURS, OPENAI, 0.2, 0.15),
    Goal(OURS_AIOHTTP, OPENAI, 0.08, 0.06),
    Goal(OURS, BARE_AIOHTTP, 1.6),
    Goal(OURS_AIOHTTP, BARE_AIOHTTP, 1.5),
]


def main(*, streams: int = 500, chunks: int = 100, rounds: int = 3) -> list[Result]:
    """Measure: each round makes a client, reads all streams at once, and closes the client."""

    def contender(make: Maker) -> Callable[[], None]:
        async def run() -> None:
            read, close = make(f"{url}/stream")
            counts = await asyncio.gather(*[read(None) for _ in range(streams)])
            await close()
            if set(counts) != {chunks}:
                raise RuntimeError(f"{set(counts)} of {chunks} pieces")

        return on_loop(loop, run)

    with replay_server(chunks) as url, asyncio.Runner() as loop:
        contenders = {name: contender(make) for name, make in makers("langchain-openai").items()}
        taken = in_turn(contenders, rounds=rounds, units=streams * chunks)
    title = f"{streams} streams of {chunks} pieces at once, connecting included: CPU per piece"
    return [Result("many", title, "µs", taken, GOALS, OPENAI)]


if __name__ == "__main__":
    for result in main():
        print(result.table())
