"""The cost and the memory of sending 4.5 MB of text, in one message and in a thousand.

Each try is its own process: its CPU is that of the second request, its memory the peak over what it had before.
"""

from __future__ import annotations

import asyncio
import json
import resource
import socket
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from measure import Goal, Result, cpu, in_processes
from peers import HEADERS, OPENAI, OURS, OURS_AIOHTTP, OURS_SYNC, PATH
from replay_server import replay_server

RAW = "socket + to_json"
WORD = "The quick brown fox jumps over the lazy dog. "
GOALS = [Goal(OURS_SYNC, RAW, 1.1), Goal(OURS, RAW, 1.1)]
GOALS_MANY = [Goal(OURS, OPENAI, 0.1), Goal(OURS_SYNC, OPENAI, 0.1)]
GOALS_MEMORY = [Goal(OURS_SYNC, "", 2.2), Goal(OURS, "", 2.2), Goal(OURS_AIOHTTP, "", 2.2)]


def messages_of(size: int, count: int) -> list[dict[str, str]]:
    """So many bytes of text, evenly in so many messages."""
    text = WORD * (size // count // len(WORD.encode()))
    roles = ("assistant", "user")
    return [{"role": roles[(count - place) % 2], "content": text + str(place)} for place in range(count)]


def send(name: str, url: str, messages: list[dict[str, str]]) -> None:
    """Send the request twice; print the CPU of the second, and the peak of memory."""
    one = _contender(name, url)
    one([{"role": "user", "content": "Hi"}])
    before, peaks = _memory("VmRSS"), Path("/proc/self/clear_refs")
    if peaks.exists():
        peaks.write_text("5")
    body = sum(len(message["content"]) for message in messages)  # ASCII, and next to nothing around it
    times: list[float] = []
    for _ in range(3):
        started = cpu()
        one(messages)
        times.append((cpu() - started) * 1e3)
        if len(times) == 1:
            peak = _memory("VmHWM") if peaks.exists() else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"ms": sorted(times)[1], "memory": (peak - before) / body}))


def _contender(name: str, url: str) -> Callable[[list[dict[str, str]]], object]:
    if name == RAW:
        return lambda messages: _raw(url, messages)
    if name == OURS_SYNC:
        from deepseek_v4_sdk import DeepSeekV4

        client = DeepSeekV4("vllm", base_url=f"{url}/plain", model="m")
        return lambda messages: client.chat(messages, wire="plain")
    if name == OPENAI:
        import openai

        theirs = openai.OpenAI(base_url=f"{url}/plain/v1", api_key="none")
        return lambda messages: theirs.chat.completions.create(model="m", messages=messages)
    from deepseek_v4_sdk import AsyncDeepSeekV4

    ours = AsyncDeepSeekV4(
        "vllm", base_url=f"{url}/plain", model="m", transport="aiohttp" if "aiohttp" in name else "httpx"
    )
    loop = asyncio.Runner()

    async def ask(messages: list[dict[str, str]]) -> object:
        return await ours.chat(messages, wire="plain")

    return lambda messages: loop.run(ask(messages))


_open: list[socket.socket] = []


def _raw(url: str, messages: list[dict[str, str]]) -> None:
    from pydantic_core import from_json, to_json

    parts = urlsplit(url)
    if not _open:
        _open.append(socket.create_connection((parts.hostname, parts.port)))
    body = to_json({"model": "m", "messages": messages})
    fields = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())
    head = f"POST /plain{PATH} HTTP/1.1\r\nhost: x\r\n{fields}content-length: {len(body)}\r\n\r\n"
    _open[0].sendall(head.encode())
    _open[0].sendall(body)
    answer = _open[0].recv(65536)
    from_json(answer.partition(b"\r\n\r\n")[2])


def _memory(name: str) -> int:
    status = Path("/proc/self/status")
    lines = status.read_text("utf-8").splitlines() if status.exists() else []
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(name)), 0)


def main(*, size: int = 4_500_000, rounds: int = 5) -> list[Result]:
    """Measure."""
    names = [RAW, OURS, OURS_SYNC]
    names += [OURS_AIOHTTP] if find_spec("aiohttp") else []
    names += [OPENAI] if find_spec("openai") else []
    results: list[Result] = []
    with replay_server(3) as url:
        for count, goals in ((1, GOALS), (1000, GOALS_MANY)):
            programs = {name: [__file__, name, url, str(size), str(count)] for name in names}
            found = in_processes(programs, rounds=rounds)
            what = "one message" if count == 1 else f"{count:,} messages"
            title = f"A request of {size / 1e6:g} MB in {what}: CPU"
            results.append(Result(f"large_{count}", title, "ms", found["ms"], goals, RAW if count == 1 else OPENAI))
            if count == 1:
                title = "The same: the peak of memory over what the process had, in sizes of the body"
                results.append(Result("large_memory", title, "bodies", found["memory"], GOALS_MEMORY))
    return results


if __name__ == "__main__":
    if len(sys.argv) > 1:
        send(sys.argv[1], sys.argv[2], messages_of(int(sys.argv[3]), int(sys.argv[4])))
    else:
        for result in main():
            print(result.table())
