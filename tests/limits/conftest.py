"""The server of Redis of this folder's tests: one for each worker, emptied before each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.limits.redis_server import RedisServer


@pytest.fixture(scope="session")
def running_redis() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture
def redis(running_redis: RedisServer) -> RedisServer:
    with running_redis.client() as client:
        client.flushall()
    return running_redis
