"""The server of Redis of this folder's tests: one for each worker, emptied before each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deepseek_v4_sdk.limits.redis_ledger import _LEDGERS
from tests.limits.redis_server import RedisServer


@pytest.fixture(scope="session")
def running_redis() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture
def redis(running_redis: RedisServer) -> Iterator[RedisServer]:
    with running_redis.client() as client:
        client.flushall()
    yield running_redis
    for ledger in list(_LEDGERS):  # none joins in the next test
        ledger.close(10.0)


@pytest.fixture
def redis_apart() -> Iterator[RedisServer]:
    """One that the test may kill."""
    with RedisServer() as server:
        yield server
