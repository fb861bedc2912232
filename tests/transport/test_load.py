"""Five hundred streams at once, over real sockets, through four replicas and one that takes over, with faults.

Sync and async clients share one process and one key, and so the limits; the servers count what reaches them.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest

from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4, DeepSeekV4Error, Ledger, RateLimits, Reply, Timeouts
from deepseek_v4_sdk.testing import MockProvider, faults, script
from deepseek_v4_sdk.testing.faults import Chaos
from deepseek_v4_sdk.testing.flavors.base import Flavor
from deepseek_v4_sdk.testing.server import MockServer
from deepseek_v4_sdk.traffic import registry
from deepseek_v4_sdk.traffic.rate_limiter import RateLimiter
from tests.support.any_name import ANY_NAME

EACH = 250
SECOND = 1.0  # the window of the limits
A_SECOND, AT_ONCE, RETRIES = 80, 4, 2
FAULTS = (faults.status(500), faults.status(503), faults.reset(), faults.cut(after_bytes=700))


class CountingServer(MockServer):
    """Notes when each request came, and how many answers were running at a time."""

    def __init__(self, mock: MockProvider) -> None:
        super().__init__(mock)
        self.arrivals: list[float] = []
        self.running = 0
        self.most = 0

    async def _send(self, answer: Any, scope: Any, send: Any) -> None:
        self.arrivals.append(time.monotonic())
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await super()._send(answer, scope, send)
        finally:
            self.running -= 1

    def busiest(self, seconds: float) -> int:
        """The most requests within so many seconds."""
        times = self.arrivals
        return max(
            (sum(start <= moment < start + seconds for moment in times[place:]) for place, start in enumerate(times)),
            default=0,
        )


def server(flavor: Flavor | str, rate: float, seed: int) -> CountingServer:
    answer = script.text("Owls hunt at night, and sleep by day; that is all there is to say.") | faults.slow_prefill(
        0.03
    )
    chaos = Chaos(seed, rate, FAULTS)
    return CountingServer(MockProvider(flavor=flavor, default=answer, chaos=chaos, count_tokens=False))


Outcome = Reply | DeepSeekV4Error


@pytest.mark.timeout(300)
def test_every_request_is_accounted_for_and_no_limit_exceeded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "RateLimiter", partial(RateLimiter, SECOND))  # so that several minutes pass
    ledger = Ledger()
    with ExitStack() as stack:
        replicas = [stack.enter_context(server(ANY_NAME, 0.2, seed)) for seed in range(4)]
        behind = stack.enter_context(server("sglang", 0.0, 9))
        arguments: dict[str, Any] = {
            "endpoints": [replica.url for replica in replicas],
            "model": "m",
            "limits": RateLimits(requests_per_minute=A_SECOND, concurrency=AT_ONCE),
            "max_retries": RETRIES,
            "hooks": [ledger],
            "timeout": Timeouts(connect=60, first_event=200, idle=200, total=280),
            "fallback": [{"provider": "sglang", "base_url": behind.url}],
        }

        def ask(client: DeepSeekV4, number: int) -> Outcome:
            try:
                with client.stream(f"question {number}") as stream:
                    return list(stream)[-1].reply  # type: ignore[union-attr]
            except DeepSeekV4Error as error:
                return error

        async def ask_async(client: AsyncDeepSeekV4, number: int) -> Outcome:
            try:
                async with client.stream(f"question {number}") as stream:
                    return await stream.reply()
            except DeepSeekV4Error as error:
                return error

        def play() -> list[Outcome]:
            with DeepSeekV4("vllm", **arguments) as client, ThreadPoolExecutor(EACH) as threads:
                return list(threads.map(lambda number: ask(client, number), range(EACH)))

        async def play_all() -> list[Outcome]:
            async with AsyncDeepSeekV4("vllm", **arguments) as client:
                sync = asyncio.get_running_loop().run_in_executor(None, play)
                mine = await asyncio.gather(*(ask_async(client, number) for number in range(EACH, 2 * EACH)))
                return [*await sync, *mine]

        outcomes = asyncio.run(play_all())

    servers = [*replicas, behind]
    replies = [outcome for outcome in outcomes if isinstance(outcome, Reply)]
    failures = Counter(type(outcome).__name__ for outcome in outcomes if not isinstance(outcome, Reply))
    asked = sum(len(each.mock.requests) for each in servers)
    listed = sum(len(outcome.attempts) for outcome in outcomes)
    print(
        len(replies), dict(failures), asked, [each.most for each in servers], [each.busiest(SECOND) for each in servers]
    )

    assert len(outcomes) == 2 * EACH
    assert {reply.text for reply in replies} == {"Owls hunt at night, and sleep by day; that is all there is to say."}
    assert set(failures) <= {"StreamInterruptedError"}  # what broke off in the middle is nobody's to repeat
    assert len(replies) > 2 * EACH * 0.9
    # Every request that reached a server is in some call's list and in the ledger, and no other.
    assert asked == listed == ledger.total.requests
    assert ledger.total.counted == len(replies)
    assert ledger.total.completion_tokens == sum(reply.usage.completion_tokens or 0 for reply in replies)
    assert ledger.total.unknown + ledger.total.refused == asked - len(replies)
    # No storm: a fifth of the requests fail, and each is followed by one.
    assert max(len(outcome.attempts) for outcome in outcomes) <= 1 + RETRIES
    assert asked <= 2 * EACH * 1.5
    # The limits as the servers saw them, over both clients. A request may take a while to arrive.
    assert {each.most for each in replicas} == {AT_ONCE}
    assert all(each.busiest(SECOND / 2) <= A_SECOND for each in replicas)
    for each in replicas:
        seconds = each.arrivals[-1] - each.arrivals[0]
        assert seconds > (len(each.arrivals) - 1) // A_SECOND * SECOND - SECOND / 2
    assert min(len(each.arrivals) for each in replicas) > EACH / 4
    assert 0 < len(behind.arrivals) == sum(reply.provider == "sglang" for reply in replies)
