"""A real server of Redis on a free port, which keeps nothing on disk."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
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


def _free_port() -> int:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class RedisServer:
    """It can be killed and started again on the same port; then it has forgotten everything.

    Args:
        folder: Its working directory.
        options: Further options of `redis-server`.
        authority: With TLS: the file of the authority that clients trust.
    """

    def __init__(
        self, folder: str | Path = "/", options: Mapping[str, object] | None = None, authority: Path | None = None
    ) -> None:
        self._program = found_redis()
        self.port = _free_port()
        while self.port > 55_535:  # a node of a cluster listens on a second port, 10,000 higher
            self.port = _free_port()
        self._tls = authority is not None
        self.url = (
            f"rediss://127.0.0.1:{self.port}/0?ssl_ca_certs={authority}"
            if self._tls
            else f"redis://127.0.0.1:{self.port}/0"
        )
        self._folder, self._options = folder, options or {}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        ports = {"port": 0, "tls-port": self.port} if self._tls else {"port": self.port}
        options = {**ports, "bind": "127.0.0.1", "save": "", "appendonly": "no", "databases": 1, **self._options}
        arguments = [part for name, value in options.items() for part in (f"--{name}", str(value))]
        self._process = subprocess.Popen(
            [self._program, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self._folder
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
