"""Processes that share one key against a server that counts: `python -m tests.limits.storm` runs eight for a minute.

The limits hold for windows of two seconds. Half of the processes are sync, half async; now and then one is killed, and
another takes its place. With `--outage` Redis is killed in the middle, and comes back.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import subprocess
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4, DeepSeekV4Error, RateLimits
from deepseek_v4_sdk.limits import RedisLimits
from tests.limits.redis_server import RedisServer

LIMITS = RateLimits(requests_per_minute=100, tokens_per_minute=15_000, concurrency=12)
MODEL, ANSWER_TOKENS = "deepseek-ai/DeepSeek-V4-Pro", 100


@dataclass
class CountingServer:
    """A server with limits of its own, which it does not enforce: it counts where it would have refused."""

    window: float
    limits: RateLimits
    requests: int = 0
    overshoots: int = 0
    most: dict[str, int] = field(default_factory=lambda: {"requests": 0, "tokens": 0, "running": 0})

    def __post_init__(self) -> None:
        self._recent: deque[tuple[float, int]] = deque()
        self._running = 0
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        assert self._ready.wait(10)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join(10)

    async def _serve(self) -> None:
        self._loop, self._closing = asyncio.get_running_loop(), asyncio.Event()
        async with await asyncio.start_server(self._talk, "127.0.0.1", 0) as server:
            self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            self._ready.set()
            await self._closing.wait()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                length = int(head.partition("content-length:")[2].split()[0])
                body = await reader.readexactly(length)
                tokens = int((len(body) // 3 + ANSWER_TOKENS) * random.uniform(0.3, 1.0))
                self._count(tokens)
                try:
                    await asyncio.sleep(random.uniform(0.05, 0.3))
                    writer.write(_answer(tokens))
                finally:
                    self._running -= 1
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def _count(self, tokens: int) -> None:
        now = time.monotonic()
        self._recent.append((now, tokens))
        while self._recent[0][0] <= now - self.window:
            self._recent.popleft()
        self._running += 1
        self.requests += 1
        counts = {
            "requests": (len(self._recent), self.limits.requests_per_minute),
            "tokens": (sum(each for _, each in self._recent), self.limits.tokens_per_minute),
            "running": (self._running, self.limits.concurrency),
        }
        for kind, (count, allowed) in counts.items():
            self.most[kind] = max(self.most[kind], count)
            self.overshoots += allowed is not None and count > allowed


def _answer(tokens: int) -> bytes:
    usage = {"prompt_tokens": tokens - 1, "completion_tokens": 1, "total_tokens": tokens}
    common = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": MODEL}
    delta = {"role": "assistant", "content": "Hello."}
    events: list[dict[str, Any]] = [
        {**common, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]},
        {**common, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        {**common, "choices": [], "usage": usage},
    ]
    body = "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"
    head = f"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {len(body)}\r\n\r\n"
    return (head + body).encode()


def work(url: str, redis_url: str, window: float, ends: float, *, awaited: bool) -> dict[str, int]:
    """Ask until it is over: eight calls side by side."""
    limits = RedisLimits(redis_url, LIMITS)
    limits._window = window
    options: dict[str, Any] = {"base_url": url, "api_key": "one-key", "model": MODEL, "limits": limits}
    done = {"answers": 0, "errors": 0}

    def note(error: Exception | None) -> None:
        done["answers" if error is None else "errors"] += 1

    async def asking(client: AsyncDeepSeekV4) -> None:
        while time.time() < ends:
            try:
                await client.chat("Hello", max_tokens=ANSWER_TOKENS, timeout=60)
                note(None)
            except DeepSeekV4Error as error:
                note(error)

    async def main() -> None:
        async with AsyncDeepSeekV4("vllm", **options) as client:
            await asyncio.gather(*(asking(client) for _ in range(8)))

    def ask(client: DeepSeekV4) -> None:
        while time.time() < ends:
            try:
                client.chat("Hello", max_tokens=ANSWER_TOKENS, timeout=60)
                note(None)
            except DeepSeekV4Error as error:
                note(error)

    if awaited:
        asyncio.run(main())
        return done
    with DeepSeekV4("vllm", **options) as client:
        threads = [threading.Thread(target=ask, args=(client,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return done


def storm(processes: int, seconds: float, window: float, *, kills: int, outage: bool = False) -> dict[str, Any]:
    """Run it, and return what the server and the processes counted."""
    with RedisServer() as redis:
        server = CountingServer(window, LIMITS)

        def start(number: int) -> subprocess.Popen[str]:
            arguments = [server.url, redis.url, str(window), str(number % 2)]
            command = [sys.executable, "-m", "tests.limits.storm", "--worker", *arguments]
            return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

        def begin(worker: subprocess.Popen[str]) -> None:
            assert worker.stdin is not None
            worker.stdin.write(f"{ends}\n")
            worker.stdin.flush()

        workers = [start(number) for number in range(processes)]
        for worker in workers:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"
        ends = time.time() + seconds
        for worker in workers:
            begin(worker)
        killed = []
        for number in range(kills):
            time.sleep(seconds / (kills + 1))
            workers[number].kill()
            killed.append(workers[number])
            workers[number] = start(number)
            begin(workers[number])
        if outage:
            time.sleep(seconds / 2)
            redis.kill()
            time.sleep(min(5.0, seconds / 4))
            redis.start()
        outputs = [worker.communicate(timeout=seconds + 120)[0] for worker in workers]
        for worker in killed:
            worker.communicate()
        server.close()
    done = [json.loads(output.removeprefix("ready\n")) for output in outputs]
    return {
        "requests": server.requests,
        "possible": int(seconds / window * (LIMITS.requests_per_minute or 0)),
        "overshoots": server.overshoots,
        "most": server.most,
        "answers of each": [each["answers"] for each in done],
        "errors": sum(each["errors"] for each in done),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worker", nargs=4)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--window", type=float, default=2.0)
    parser.add_argument("--kills", type=int, default=4)
    parser.add_argument("--outage", action="store_true")
    given = parser.parse_args()
    if given.worker:
        url, redis_url, window, awaited = given.worker
        print("ready", flush=True)
        ends = float(sys.stdin.readline())
        print(json.dumps(work(url, redis_url, float(window), ends, awaited=awaited == "1")))
        return
    found = storm(given.processes, given.seconds, given.window, kills=given.kills, outage=given.outage)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
