"""What does the mock cost? A plain request in process, compared with only the client, and the memory of 10,000 streams.

The mock's own part is the difference between a client on the mock and one on a transport that gives back ready bytes.
"""

from __future__ import annotations

import gc
import statistics
import sys
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import httpx

from deepseek_v4_sdk import DeepSeekV4
from deepseek_v4_sdk.testing import MockProvider, script

MODEL = "deepseek-ai/DeepSeek-V4-Pro"
SAID = script.think("A greeting.") + script.text("Hello, how can I help you today?")
MODELS = {"vllm": MODEL, "sglang": MODEL, "deepseek": "deepseek-v4-pro"}
GOAL = 200  # microseconds of CPU, of the mock's own part of a plain request, without counting
FLAT = 1.0  # MiB that 10,000 streams may leave


class Canned(httpx.BaseTransport):
    """The same answer to every request, and the mock's clock."""

    def __init__(self, mock: MockProvider, model: str) -> None:
        with httpx.Client(transport=mock.transport, base_url="http://mock") as client:
            body = {"model": model, "messages": [{"role": "user", "content": "Hi"}]}
            answer = client.post("/v1/chat/completions", json=body)
        self._content, self._headers = answer.content, answer.headers
        self.exchange_clock = mock.transport.exchange_clock

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers=self._headers, content=self._content, request=request)


class CannedProvider(MockProvider):
    """A mock whose answers were made before."""

    def __init__(self, flavor: str) -> None:
        super().__init__(default=SAID, flavor=flavor)
        self.transport = Canned(MockProvider(default=SAID, flavor=flavor), MODELS[flavor])  # type: ignore[assignment]


def asking(provider: MockProvider, flavor: str, requests: int) -> Callable[[], None]:
    """So many plain requests of one client."""
    client = DeepSeekV4(provider, model=MODELS[flavor])

    def run() -> None:
        for _ in range(requests):
            assert client.chat("Hi", wire="plain").text == "Hello, how can I help you today?"
        provider.requests.clear()

    return run


def medians(*contenders: Callable[[], None], rounds: int) -> list[float]:
    """The seconds of CPU of each: the median of rounds in which each has its turn, after one that does not count."""
    taken: list[list[float]] = [[] for _ in contenders]
    for number in range(rounds + 1):
        for run, seconds in zip(contenders, taken, strict=True):
            gc.collect()
            started = time.process_time()
            run()
            if number:
                seconds.append(time.process_time() - started)
    return [statistics.median(seconds) for seconds in taken]


def overhead(requests: int, rounds: int) -> None:
    """The mock's part of a plain request, with and without counting."""
    for flavor in MODELS:
        client, mock, counting = medians(
            asking(CannedProvider(flavor), flavor, requests),
            asking(MockProvider(default=SAID, flavor=flavor, count_tokens=False), flavor, requests),
            asking(MockProvider(default=SAID, flavor=flavor), flavor, requests),
            rounds=rounds,
        )
        each = 1e6 / requests
        print(
            f"  {flavor:<10} client {client * each:>6.0f}   the mock's own {(mock - client) * each:>6.0f} (goal {GOAL})"
            f"   with counting {(counting - client) * each:>6.0f}   microseconds of CPU"
        )


def resident() -> float:
    """MiB of this process."""
    gc.collect()
    for line in Path("/proc/self/status").read_text("utf-8").splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise OSError("this system does not report the memory of a process")


def stream(client: DeepSeekV4, streams: int) -> None:
    for number in range(streams):
        with client.stream("Hi") as answer:
            if number % 10:
                for _ in answer:
                    pass
            else:
                next(answer)  # one in ten is left early


def memory(streams: int) -> None:
    """The memory that streams leave: with a mock for each 100, and with one mock, which keeps its requests."""
    mock = MockProvider(default=SAID, count_tokens=False)
    stream(DeepSeekV4(mock, model=MODEL), streams // 10)  # warm up
    mock.requests.clear()
    before = resident()
    for _ in range(streams // 100):
        with DeepSeekV4(MockProvider(default=SAID, count_tokens=False), model=MODEL) as client:
            stream(client, 100)
    left = resident() - before
    print(f"  {streams:,} streams, a mock for each 100: {left:+.2f} MiB of {before:.0f} (goal {FLAT} at 10,000)")
    before = resident()
    with DeepSeekV4(mock, model=MODEL) as client:
        stream(client, streams)
    kept = resident() - before
    print(f"  {streams:,} streams of one mock: {kept:+.2f} MiB, in its list of {len(mock.requests):,} requests")


def main(*, tiny: bool) -> None:
    print(", ".join(f"{name} {metadata.version(name)}" for name in ("deepseek-v4-sdk", "httpx")))
    overhead(*((20, 1) if tiny else (500, 7)))
    memory(200 if tiny else 10_000)


if __name__ == "__main__":
    main(tiny="--tiny" in sys.argv)
