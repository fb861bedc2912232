"""Clients against a hostile network: every answer is whole or a typed error, nothing hangs, and nothing is left open.

`CHAOS_RUNS` says how many runs there are in all (2,000 by default), `CHAOS_SEED` which: `make chaos RUNS=50000 SEED=7`.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4
from deepseek_v4_sdk.providers import PROVIDER_NAMES
from deepseek_v4_sdk.testing import MockProvider, script
from deepseek_v4_sdk.testing.server import MockServer
from tests.chaos.proxy import Proxy
from tests.chaos.runs import Received, Run, answer_to, draw_run, turn_of
from tests.chaos.tally import FAULTS, PROPERTY
from tests.support.calls import MODES, async_client, in_each_mode

RUNS = int(os.environ.get("CHAOS_RUNS", "864"))
SEED = int(os.environ.get("CHAOS_SEED", "0"))
EACH = -(-RUNS // (3 * len(PROVIDER_NAMES)))
AT_ONCE = 8
ROUND = 6
"""How many runs of one loop, or of the sync client, lie between two moments at which bytes come on idle connections."""
LOOPS = 4
"""On how many event loops an async client plays its runs."""
ROOT = Path(__file__).parents[2]
_OPEN = Path("/proc/self/fd")


def descriptors() -> int:
    return len(list(_OPEN.iterdir())) if _OPEN.exists() else 0


def hear(client: DeepSeekV4, run: Run) -> Received:
    """One run of the sync client."""
    heard = Received()
    started = time.monotonic()
    try:
        if run.way in {"chat", "plain"}:
            heard.reply = client.chat(run.question, **run.options)
        else:
            with client.stream(run.question, **run.options) as stream:
                for event in stream:
                    heard.events.append(event)
                    if run.way == "left":
                        break
                else:
                    heard.reply = stream.reply()
    except Exception as error:  # noqa: BLE001  # judged later: a foreign one fails the test
        heard.error = error
    heard.seconds = time.monotonic() - started
    return heard


async def hear_async(client: AsyncDeepSeekV4, run: Run) -> Received:
    """The same of the async client."""
    heard = Received()
    started = time.monotonic()
    try:
        if run.way in {"chat", "plain"}:
            heard.reply = await client.chat(run.question, **run.options)
        else:
            async with client.stream(run.question, **run.options) as stream:
                async for event in stream:
                    heard.events.append(event)
                    if run.way == "left":
                        break
                else:
                    heard.reply = await stream.reply()
    except Exception as error:  # noqa: BLE001  # judged later: a foreign one fails the test
        heard.error = error
    heard.seconds = time.monotonic() - started
    return heard


def rounds_of(runs: list[Run]) -> list[list[Run]]:
    return [runs[place : place + ROUND] for place in range(0, len(runs), ROUND)]


def play(mode: str, runs: list[Run], arguments: dict[str, Any], proxy: Proxy) -> list[Received]:
    """All runs through one client, several at once; half of them may be tried again.

    After each round all connections that it used are idle, and bytes come on some of them.

    An async client plays them on several loops: two threads have one after another.
    """
    if mode == "sync":
        with DeepSeekV4(**arguments, max_retries=0) as client, ThreadPoolExecutor(AT_ONCE) as threads:
            patient = client.with_options(max_retries=2)
            each: list[Received] = []
            for share in rounds_of(runs):
                each += threads.map(lambda run: hear(patient if run.number % 2 else client, run), share)
                proxy.speak_late({run.number for run in share})
            return each
    several = async_client(mode, **arguments, max_retries=0)
    heard: dict[int, Received] = {}

    def on_a_loop(share: list[Run]) -> None:
        asyncio.run(play_share(several, share, heard, proxy))

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(on_a_loop, [runs[place::LOOPS] for place in range(LOOPS)]))
    asyncio.run(several.aclose())
    return [heard[run.number] for run in runs]


async def play_share(client: AsyncDeepSeekV4, runs: list[Run], heard: dict[int, Received], proxy: Proxy) -> None:
    """A share of the runs, on the loop that runs."""
    room = asyncio.Semaphore(AT_ONCE // 2)
    patient = client.with_options(max_retries=2)

    async def one(run: Run) -> None:
        async with room:
            heard[run.number] = await hear_async(patient if run.number % 2 else client, run)

    for share in rounds_of(runs):
        await asyncio.gather(*map(one, share))
        await asyncio.to_thread(proxy.speak_late, {run.number for run in share})
    gc.collect()
    for _ in range(10):  # httpcore's inner generators are closed by the loop, in its next turns
        await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}


def wait_until_gone(proxy: Proxy) -> None:
    ends = time.monotonic() + 10
    while proxy.open and time.monotonic() < ends:
        time.sleep(0.01)
    assert proxy.open == 0, "connections are left open"


@pytest.mark.timeout(120 + EACH)
@in_each_mode
@pytest.mark.parametrize("flavor", PROVIDER_NAMES)
def test_whole_or_a_typed_error(flavor: str, mode: str, record_property: Any) -> None:
    place = 3 * PROVIDER_NAMES.index(flavor) + MODES.index(mode)
    model = "pro" if flavor in {"nvidia", "deepseek"} else "deepseek-ai/DeepSeek-V4-Pro"
    runs = [draw_run(SEED, number) for number in range(place * EACH, (place + 1) * EACH)]
    gc.collect()
    opened, threads = descriptors(), set(threading.enumerate())
    mock = MockProvider(flavor=flavor, default=script.from_function(answer_to), count_tokens=False)
    with MockServer(mock) as server, Proxy(server.url, SEED) as proxy:
        arguments = {
            "provider": flavor,
            "base_url": proxy.url,
            "api_key": "key-of-the-test",
            "model": model,
            "limits": "off",
        }
        heard = play(mode, runs, arguments, proxy)
        with DeepSeekV4(**arguments, timeout=60) as client:
            undisturbed = client.chat(runs[0].question)
        wait_until_gone(proxy)
    gc.collect()
    assert set(threading.enumerate()) == threads
    assert descriptors() <= opened
    counts = Counter(
        one.check_completeness(run, SEED, 2 * (run.number % 2)) for run, one in zip(runs, heard, strict=True)
    )
    assert not proxy.misused, "a connection was used again behind bytes that belong to nobody"
    record_property(PROPERTY, json.dumps(counts))
    record_property(FAULTS, json.dumps(proxy.plans))
    print(flavor, mode, dict(counts), dict(proxy.plans))
    assert counts.total() == len(runs)
    assert undisturbed.text == turn_of(runs[0].number).text
    assert len(proxy.plans) > 8 or EACH < 48, "few kinds of damage were done"


@pytest.mark.timeout(300 + EACH)
def test_processes_that_are_forked_meanwhile(record_property: Any) -> None:
    """Each process has its own answers: a run that another one was told of would fail as it is judged."""
    first = 3 * len(PROVIDER_NAMES) * EACH
    mock = MockProvider(default=script.from_function(answer_to), count_tokens=False)
    with MockServer(mock) as server, Proxy(server.url, SEED) as proxy:
        command = [sys.executable, "-W", "error::ResourceWarning", "-m", "tests.chaos.forked"]
        command += [proxy.url, str(SEED), str(first), str(first + EACH)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        wait_until_gone(proxy)
    assert not proxy.misused
    assert done.returncode == 0, done.stderr
    assert sum(json.loads(done.stdout).values()) == EACH
    record_property(PROPERTY, done.stdout)
