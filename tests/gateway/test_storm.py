"""300 callers at once while the servers fail at random: each gets a whole answer, or an error in its API's shape.

In the suite each caller asks twice over its connection, which takes two seconds of CPU: another round would begin from
nothing else than the connections and the memory of the process. `STORM_SECONDS=600` asks for so long, to see
that these stay as they are, and prints the figures; `.ci/run` and `make nightly` take 20 seconds.
"""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import ssl
import sys
import time
from collections import Counter

import httpx
import pytest

from deepseek_v4_sdk.gateway import Gateway
from deepseek_v4_sdk.testing import Chaos, MockProvider, script
from deepseek_v4_sdk.testing.faults import ALL
from tests.gateway.serving import PATHS, client_for, events_of, question, served

CALLERS = 300
SECONDS = float(os.environ.get("STORM_SECONDS", "0"))
SAID = "It is sunny in Rome, and it will stay so until the evening."
STEP = script.think("Where was that again?") + script.text(SAID)


def verdict(route: str, answer: httpx.Response) -> str:
    """Whether an answer is whole, or an error in the shape of the API; fails on anything else."""
    if answer.status_code != 200:
        assert answer.json()["error"]["message"]
        return "refused"
    found = events_of(answer.text)
    last = found[-1]
    if route == "chat":
        if last.data != "[DONE]":
            assert last.data["error"]["message"]
            return "broken"
        text = "".join(each.data["choices"][0]["delta"].get("content") or "" for each in found[:-1])
    elif route == "messages":
        if last.name != "message_stop":
            assert last.name == "error"
            return "broken"
        deltas = (each.data["delta"] for each in found if each.name == "content_block_delta")
        text = "".join(delta.get("text", "") for delta in deltas)
    else:
        if last.name != "response.completed":
            assert last.name == "response.failed"
            return "broken"
        text = "".join(each.data["delta"] for each in found if each.name == "response.output_text.delta")
    assert text == SAID
    return "whole"


async def storm(base: str, mock: MockProvider, seconds: float) -> Counter[str]:
    """Let every caller ask, twice and for so many seconds at least.

    Each caller has a pool with one connection. The pool that httpx shares among callers closes a connection that
    another caller has just begun to use, when it counts as idle for too long: a caller would get a ReadError that
    no server had a part in. So a connection that breaks here is the gateway's fault.
    """
    tally: Counter[str] = Counter()
    ends = time.monotonic() + seconds
    one = httpx.Limits(max_connections=1, keepalive_expiry=30)  # the gateway keeps it for 75 seconds
    unused = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # else each client reads the certificates of the machine

    async def caller(number: int) -> None:
        route = tuple(PATHS)[number % 3]
        headers = {"x-api-key": f"caller-{number % 7}"}
        async with httpx.AsyncClient(
            base_url=base, headers=headers, limits=one, verify=unused, timeout=None, trust_env=False
        ) as http:
            asked = 0
            while asked < 2 or time.monotonic() < ends:
                answer = await http.post(PATHS[route], json=question(route, stream=True))
                tally[verdict(route, answer)] += 1
                asked += 1
                if len(mock.requests) > 2 * CALLERS:
                    mock.requests.clear()  # what the mock keeps would look like a leak

    await asyncio.gather(*[caller(number) for number in range(CALLERS)])
    return tally


def memory() -> float:
    """Megabytes that this process has now (on Linux), or had at most."""
    gc.collect()
    if sys.platform == "linux":
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123  # it is no file of a disk
            return int(file.read().split()[1]) * resource.getpagesize() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


@pytest.mark.timeout(SECONDS + 120)
def test_every_caller_gets_a_whole_answer_or_an_error() -> None:
    faults = tuple(fault for fault in ALL if "slow_prefill" not in repr(fault))
    mock = MockProvider(default=STEP, chaos=Chaos(seed=11, rate=0.4, faults=faults), count_tokens=False)
    client = client_for(mock, max_retries=0)
    with served(Gateway(client)) as gateway:
        tally = asyncio.run(storm(gateway.base, mock, 0))
        mock.requests.clear()
        first = memory()
        if SECONDS:
            tally = asyncio.run(storm(gateway.base, mock, SECONDS))
            mock.requests.clear()
        last = memory()
        metrics = gateway.gateway.metrics
    assert tally["whole"] > tally.total() * 0.4
    assert tally["broken"]
    assert tally["refused"]
    assert metrics.in_flight == 0
    if SECONDS:
        print(f"\n{dict(tally)}, {first:.0f} MB at first, {last:.0f} MB at the end, load {os.getloadavg()[0]:.1f}")
        assert last < first * 1.2 + 20
