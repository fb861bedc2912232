"""The cost of a map and of a bare gather with a semaphore, in one run: `python -m tests.batch.overhead 10000`.

The figures are of CPU time, which other programs on the machine do not change.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from deepseek_v4_sdk import AsyncDeepSeekV4
from deepseek_v4_sdk.testing import MockProvider, script

AT_ONCE = 64


async def mapped(client: AsyncDeepSeekV4, rows: int, **options: Any) -> float:
    begin = time.process_time()
    requests = (f"row {number}" for number in range(rows))
    async with client.map(requests, concurrency=AT_ONCE, **options) as results:
        assert len([None async for _ in results]) == rows
    return (time.process_time() - begin) / rows


async def bare(client: AsyncDeepSeekV4, rows: int) -> float:
    begin, room = time.process_time(), asyncio.Semaphore(AT_ONCE)

    async def ask(text: str) -> None:
        async with room:
            await client.chat(text)

    await asyncio.gather(*(ask(f"row {number}") for number in range(rows)))
    return (time.process_time() - begin) / rows


async def main(rows: int) -> str:
    client = AsyncDeepSeekV4(MockProvider(default=script.text("ok"), count_tokens=False))
    await client.chat("warm")
    with tempfile.TemporaryDirectory() as folder:
        times = await bare(client, rows), await mapped(client, rows)
        journaled = await mapped(client, rows, journal=Path(folder) / "rows.jsonl")
    shown = f"{rows} rows: bare {times[0] * 1e6:.0f} µs a row, map {times[1] * 1e6:.0f} ({times[1] / times[0]:.2f})"
    return f"{shown}, with a journal {journaled * 1e6:.0f} ({journaled / times[0]:.2f})"


if __name__ == "__main__":
    print(asyncio.run(main(int(sys.argv[1]))))
