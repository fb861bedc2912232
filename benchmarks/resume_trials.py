"""Break answers of real servers at random places, let them go on, and compare with the unbroken answer.

It measures no client. The servers are vLLM and SGLang with scripted output, in pairs or one of each kind; the answers
come through a proxy here that cuts the connection.

    python benchmarks/resume_trials.py --server vllm=http://localhost:8000 --server vllm=http://localhost:8001
    python benchmarks/resume_trials.py --server vllm=http://localhost:8000 --server sglang=http://localhost:30000
"""

from __future__ import annotations

import argparse
import random
import selectors
import socket
import statistics
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from deepseek_v4_sdk import ChatOptions, DeepSeekV4, DeepSeekV4Error, Reply, StreamResumed, tool


class CuttingProxy:
    """A TCP proxy that closes the next answer after a number of its bytes, once."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._target = (parts.hostname or "localhost", parts.port or 80)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.cut_after: int | None = None
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            client, _ = self._listener.accept()
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.create_connection(self._target) as server, selectors.DefaultSelector() as ready:
            ready.register(client, selectors.EVENT_READ, server)
            ready.register(server, selectors.EVENT_READ, client)
            left: int | None = None
            while True:
                for key, _ in ready.select():
                    source = client if key.fileobj is client else server
                    block = source.recv(65536)
                    if not block:
                        return
                    if source is client and block.startswith(b"POST"):
                        left, self.cut_after = self.cut_after, None
                    if source is server and left is not None:
                        block, left = block[:left], left - len(block)
                    key.data.sendall(block)
                    if left is not None and left <= 0:
                        return


@tool
def get_weather(city: str, days: int = 1, unit: str = "") -> str:
    """Look the weather up."""
    return f"{city} {days} {unit}"


@dataclass
class Outcome:
    """The result of a number of trials."""

    whole: int = 0
    raised: list[str] = field(default_factory=list)
    differ: list[str] = field(default_factory=list)
    breaks: int = 0
    seams: list[float] = field(default_factory=list)
    cached: list[float] = field(default_factory=list)


def options_of(question: str) -> ChatOptions:
    return {"max_tokens": 6000, "tools": [get_weather] if "tools" in question else []}


def client_of(servers: list[tuple[str, str]], key: str, model: str) -> DeepSeekV4:
    """A client of the first server; others of its kind are replicas, the rest are fallbacks."""
    kind = servers[0][0]
    rest = [
        {"provider": each, "base_url": url, "api_key": key, "model": model} for each, url in servers if each != kind
    ]
    return DeepSeekV4(
        kind,
        endpoints=[url for each, url in servers if each == kind],
        api_key=key,
        model=model,
        on_interrupt="resume",
        timeout=600,
        max_retries=1 if rest else 3,
        fallback=rest,
    )


def ask(client: DeepSeekV4, question: str, outcome: Outcome | None = None) -> Reply:
    last = time.monotonic()
    with client.stream(question, **options_of(question)) as stream:
        for event in stream:
            now = time.monotonic()
            if isinstance(event, StreamResumed) and outcome is not None:
                outcome.breaks += 1
                outcome.seams.append(now - last)
            last = now
        return stream.reply()


def meaning(reply: Reply) -> tuple[object, ...]:
    calls = [(call.name, call.parsed) for call in reply.tool_calls]
    return reply.reasoning, reply.text, calls, reply.finish_reason


def main() -> None:
    read = argparse.ArgumentParser(description=__doc__)
    read.add_argument("--server", action="append", required=True, help="KIND=URL; two of one kind are replicas")
    read.add_argument("--key", default="secret")
    read.add_argument("--script", default="resume_fast")
    read.add_argument("--trials", type=int, default=20)
    read.add_argument("--seed", type=int, default=1)
    read.add_argument("--model", default="deepseek-ai/DeepSeek-V4-Flash")
    given = read.parse_args()
    servers = [(kind, url) for kind, _, url in (each.partition("=") for each in given.server)]
    kind, question = servers[0][0], f"[[script:{given.script}]]"
    proxies = [CuttingProxy(url) for _, url in servers]
    client = client_of(
        [(each, proxy.url) for (each, _), proxy in zip(servers, proxies, strict=True)], given.key, given.model
    )
    same = sum(each == kind for each, _ in servers)
    began = time.monotonic()
    whole = ask(client, question)
    seconds = time.monotonic() - began
    size = _size(client, question)
    print(f"{kind}: {given.script}, {whole.usage.completion_tokens} tokens in {seconds:.1f} s, about {size:,} bytes")
    dice, outcome = random.Random(given.seed), Outcome()
    for number in range(given.trials):
        place = dice.randint(600, size)
        for proxy in proxies[:same]:
            proxy.cut_after = place
        try:
            reply = ask(client, question, outcome)
        except DeepSeekV4Error as error:
            outcome.raised.append(
                f"{place}: {type(error).__name__}: {str(error)[:120]} {getattr(error, '__notes__', '')}"
            )
            continue
        finally:
            for proxy in proxies:
                proxy.cut_after = None
        if meaning(reply) == meaning(whole):
            outcome.whole += 1
        else:
            outcome.differ.append(f"{place}: {difference(whole, reply)}")
        last = reply.attempts[-1].usage
        if reply.usage.resumed is not None and last is not None and last.cached_tokens is not None:
            outcome.cached.append(last.cached_tokens / max(1, last.prompt_tokens or 1))
        print(f"  {number + 1}: cut after {place:,} bytes, {outcome.breaks} breaks so far", flush=True)
    print(f"{outcome.whole} of {given.trials} whole, {outcome.breaks} breaks")
    if outcome.seams:
        print(f"seam: median {statistics.median(outcome.seams):.2f} s, longest {max(outcome.seams):.2f} s")
    if outcome.cached:
        print(f"cached part of the prompt on the way back: median {statistics.median(outcome.cached):.0%}")
    for line in (*outcome.raised, *outcome.differ):
        print("  ", line)


def _size(client: DeepSeekV4, question: str) -> int:
    """The bytes of an answer on the wire, roughly: one event of 250 bytes for each token."""
    return 250 * (ask(client, question).usage.completion_tokens or 1)


def difference(one: Reply, other: Reply) -> str:
    for name in ("reasoning", "text"):
        first, second = getattr(one, name) or "", getattr(other, name) or ""
        if first != second:
            at = next(
                (place for place, (a, b) in enumerate(zip(first, second, strict=False)) if a != b),
                min(len(first), len(second)),
            )
            return f"{name} differs at {at}: {first[at - 10 : at + 20]!r}, {second[at - 10 : at + 20]!r}"
    return f"calls {[call.arguments for call in other.tool_calls]}, {other.finish_reason}"


if __name__ == "__main__":
    main()
