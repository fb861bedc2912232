"""What does a streamed event cost in the gateway, compared with a bare relay? CPU of the gateway's process.

The upstream writes 2,000 pieces as fast as it can, each on its own; 50 callers read at once.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from measure import Goal, Result, clean_environment
from replay_server import replay_server

RELAY, OURS, OURS_AIOHTTP = "a bare relay", "the gateway", "the gateway on aiohttp"
GOALS = [Goal(OURS, RELAY, 2.5, 1.8), Goal(OURS_AIOHTTP, RELAY, 2.5, 1.8)]
ROUTES = {
    "chat": ("/v1/chat/completions", {"messages": [{"role": "user", "content": "Hi"}]}, b'"content":" word'),
    "messages": ("/v1/messages", {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 9}, b'"text":" word'),
}


def main(*, callers: int = 50, chunks: int = 2_000, rounds: int = 3) -> list[Result]:
    """Measure: in each round each contender serves all callers at once."""
    results: list[Result] = []
    with replay_server(chunks) as url, ExitStack() as stack:
        names = {RELAY: "relay", OURS: "gateway", OURS_AIOHTTP: "gateway-aiohttp"}
        served = {name: stack.enter_context(_server(word, f"{url}/written")) for name, word in names.items()}
        for route, (path, body, mark) in ROUTES.items():
            taken: dict[str, list[float]] = {name: [] for name in served}
            for number in range(rounds + 1):
                for name, (process, base) in served.items():
                    before = _cpu(process)
                    counted = b'"content":" word' if name == RELAY else mark
                    asyncio.run(
                        _call(f"{base}{path}", {"model": "m", "stream": True, **body}, counted, callers, chunks)
                    )
                    if number:  # the first round warms up
                        taken[name].append((_cpu(process) - before) / callers / chunks * 1e6)
            title = f"{callers} callers of /v1/{route}, {chunks:,} pieces each: CPU of the gateway per piece"
            results.append(Result(f"gateway_{route}", title, "µs", taken, GOALS if route == "chat" else [], RELAY))
    return results


@contextmanager
def _server(name: str, upstream: str) -> Iterator[tuple[int, str]]:
    program = str(Path(__file__).with_name("gateway_servers.py"))
    command = [sys.executable, program, name, upstream]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=clean_environment()) as process:
        try:
            assert process.stdout is not None
            yield process.pid, f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


def _cpu(process: int) -> float:
    """Seconds of CPU, user and system, that another process has taken (Linux)."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _call(url: str, body: dict[str, object], mark: bytes, callers: int, chunks: int) -> None:
    import aiohttp

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def read() -> int:
            headers = {"content-type": "application/json"}
            async with session.post(url, data=json.dumps(body), headers=headers) as answer:
                return (await answer.read()).count(mark)

        counts = await asyncio.gather(*[read() for _ in range(callers)])
    if set(counts) != {chunks}:
        raise RuntimeError(f"{set(counts)} of {chunks} pieces")


if __name__ == "__main__":
    for result in main():
        print(f"\n{result.table()}")
