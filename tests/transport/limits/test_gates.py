"""Which gate a request goes through, and what the headers of an answer say of the next ones."""

from __future__ import annotations

import math

import pytest

from deepseek_v4_sdk import RateLimits
from deepseek_v4_sdk.providers import HttpCall
from deepseek_v4_sdk.traffic.rate_limiter import RateLimiter
from deepseek_v4_sdk.traffic.registry import LimiterRegistry, pause_in_headers


def find(gates: LimiterRegistry, key: str, now: float = 0.0) -> RateLimiter:
    call = HttpCall("POST", "http://host/v1/chat/completions", (("authorization", f"Bearer {key}"),), b"")
    return gates.find("vllm", "http://host", call, "", None, now, RateLimits())


def test_keys_that_change_with_each_request_fill_no_memory_and_drop_nothing_that_counts() -> None:
    gates = LimiterRegistry()
    busy = find(gates, "busy")
    busy.reserve(0.0, 1, RateLimits(concurrency=1), math.inf)
    for number in range(1000):
        find(gates, f"key {number}")
    assert len(gates._limiters) <= 256
    assert find(gates, "busy") is busy
    assert find(gates, "key 999") is find(gates, "key 999")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"x-ratelimit-remaining-requests": "1", "x-ratelimit-reset-requests": "30"}, None),
        ({"x-ratelimit-remaining-requests": "0"}, None),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "30"}, 30),
        ({"x-ratelimit-remaining-tokens": " 0 ", "x-ratelimit-reset-tokens": " 250ms "}, 0.25),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "1h1m30.5s"}, 3690.5),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "7"}, 7),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "soon"}, None),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "in 7s"}, None),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "-7"}, None),
        (
            {
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-requests": "2s",
                "x-ratelimit-remaining-tokens": "0",
                "x-ratelimit-reset-tokens": "1m",
            },
            60,
        ),
    ],
)
def test_how_long_there_is_no_room(headers: dict[str, str], seconds: float | None) -> None:
    assert pause_in_headers(headers) == seconds
