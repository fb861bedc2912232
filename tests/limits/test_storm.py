"""Processes that share one key against a server that counts: it never counts more than the limits allow."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.limits.redis_server import RedisServer
from tests.limits.storm import LIMITS, CountingServer, storm

MAPS = """
import json, sys
from deepseek_v4_sdk import DeepSeekV4
from deepseek_v4_sdk.limits import RedisLimits
from tests.limits.storm import LIMITS, MODEL
limits = RedisLimits(sys.argv[1], LIMITS)
limits._window = 0.5
with DeepSeekV4("vllm", base_url=sys.argv[2], model=MODEL, api_key="one-key", limits=limits) as client:
    with client.map([str(number) for number in range(60)], max_tokens=100) as results:
        print(json.dumps([None if each.error is None else str(each.error) for each in results]))
"""


def test_a_small_storm() -> None:
    found = storm(2, 2.0, 0.5, kills=0)
    assert found["overshoots"] == 0, found
    assert found["errors"] == 0, found
    assert found["requests"] > 0


def test_two_maps_in_two_processes(redis: RedisServer) -> None:
    server = CountingServer(0.5, LIMITS)
    command = [sys.executable, "-c", MAPS, redis.url, server.url]
    maps = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    outputs = [each.communicate(timeout=100)[0] for each in maps]
    server.close()
    assert [json.loads(output) for output in outputs] == [[None] * 60] * 2
    assert server.requests == 120
    assert server.overshoots == 0, server.most


@pytest.mark.storm
@pytest.mark.timeout(300)
@pytest.mark.parametrize("outage", [False, True])
def test_a_storm(outage: bool) -> None:
    """Eight processes for a minute; without Redis each has its part, and together they may have used more before."""
    found = storm(8, 60.0, 2.0, kills=0 if outage else 4, outage=outage)
    print(json.dumps(found, indent=2))
    assert found["errors"] == 0, found
    if outage:
        assert found["most"]["requests"] <= 2 * (LIMITS.requests_per_minute or 0), found
    else:
        assert found["overshoots"] == 0, found
