"""A real server of Redis on a free port, which keeps nothing on disk."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import closing
from types import TracebackType
from typing import Any, Self

import pytest
from redis import Redis
from redis.exceptions import RedisError

__all__ = ["RedisServer", "found_redis"]


def found_redis() -> str:
    """The program; the test is skipped where it is not installed, or fails with `REQUIRE_REDIS=1`."""
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    if found is None:
        if os.environ.get("REQUIRE_REDIS") == "1":
            pytest.fail("REQUIRE_REDIS=1, and there is no redis-server")
        pytest.skip("there is no redis-server")
    return found


class RedisServer:
    """It can be killed and started again on the same port; then it has forgotten everything."""

    def __init__(self) -> None:
        self._program = found_redis()
        with closing(socket.socket()) as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        options = {"port": self.port, "bind": "127.0.0.1", "save": "", "appendonly": "no", "databases": 1}
        arguments = [part for name, value in options.items() for part in (f"--{name}", str(value))]
        self._process = subprocess.Popen(
            [self._program, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/"
        )
        ends = time.monotonic() + 20
        while time.monotonic() < ends:
            try:
                with self.client() as client:
                    client.ping()
            except RedisError:
                time.sleep(0.01)
            else:
                return
        raise AssertionError("redis-server did not start")

    def kill(self) -> None:
        """End it as a crash does."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(10)
            self._process = None

    def client(self) -> Redis:
        return Redis.from_url(self.url)

    def everything(self) -> dict[str, Any]:
        """All that it holds."""
        with Redis.from_url(self.url, decode_responses=True) as client:
            read = {"hash": client.hgetall, "zset": lambda key: client.zrange(key, 0, -1, withscores=True)}
            return {key: read[client.type(key)](key) for key in client.scan_iter()}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
