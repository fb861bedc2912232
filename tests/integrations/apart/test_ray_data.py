"""Ray Data on one machine: rows side by side, a row that fails, and a worker that is killed in the middle."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import ray
import ray.data
from ray.data import ActorPoolStrategy

from deepseek_v4_sdk import RateLimits
from deepseek_v4_sdk.integrations.ray_data import ChatBatches
from deepseek_v4_sdk.limits import RedisLimits
from deepseek_v4_sdk.testing import MockProvider, faults, script
from deepseek_v4_sdk.testing.server import MockServer

if TYPE_CHECKING:
    from collections.abc import Iterator

ROWS, SECONDS = 200, 1.0


@pytest.fixture(scope="module", autouse=True)
def cluster() -> Iterator[None]:
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, configure_logging=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    yield
    ray.shutdown()


class Killing(ChatBatches):
    """The process of the first actor kills itself when a number of its rows are in the journal."""

    def __init__(self, *, once: str, after: int, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._once, self._after, self._folder = once, after, arguments["journal"]

    async def __call__(self, batch: Any) -> Any:
        async def watch() -> None:
            while sum(1 for _ in _held(self._folder, f"-{os.getpid()}-")) < self._after:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            try:
                os.close(os.open(self._once, os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                return
            os.kill(os.getpid(), signal.SIGKILL)

        watching = asyncio.create_task(watch())
        try:
            async for made in super().__call__(batch):
                yield made
        finally:
            watching.cancel()


def _held(folder: Any, name: str = "") -> Iterator[str]:
    for path in Path(folder).glob(f"*{name}*.jsonl"):
        for line in path.read_bytes().split(b"\n")[:-1]:
            yield json.loads(line)["id"]


def _asked(request: Any) -> str:
    return str(request.body["messages"][-1]["content"])


def _mock(**arguments: Any) -> MockProvider:
    def answer(request: Any) -> Any:
        if _asked(request).endswith(" 13"):
            return script.error(400, "an unlucky row")
        return script.text(f"answer to {_asked(request)}") | faults.slow_prefill(arguments["seconds"])

    return MockProvider(default=script.from_function(answer), count_tokens=False)


def _dataset(count: int, blocks: int) -> Any:
    rows = [{"key": number, "prompt": f"row {number}"} for number in range(count)]
    return ray.data.from_items(rows, override_num_blocks=blocks)


def _run(url: str, dataset: Any, kind: type[ChatBatches] = ChatBatches, **arguments: Any) -> dict[int, dict[str, Any]]:
    given = {"provider": "vllm", "base_url": url, "column": "prompt", "id_column": "key", "max_retries": 0, **arguments}
    done = dataset.map_batches(
        kind, fn_constructor_kwargs=given, compute=ActorPoolStrategy(size=2), batch_size=25, batch_format="pyarrow"
    )
    return {row["key"]: row for row in done.take_all()}


def test_rows_are_side_by_side_and_failures_are_columns() -> None:
    mock = _mock(seconds=SECONDS)
    with MockServer(mock) as server:
        begin = time.monotonic()
        rows = _run(server.url, _dataset(ROWS, 8), concurrency=32)
        seconds = time.monotonic() - begin
    print(f"{ROWS} rows of {SECONDS} s: {seconds:.1f} s")
    assert seconds < 90
    assert sorted(rows) == list(range(ROWS))
    assert {number: row["answer"] for number, row in rows.items() if row["error"] is None} == {
        number: f"answer to row {number}" for number in range(ROWS) if number != 13
    }
    assert (rows[13]["answer"], rows[13]["error_type"], rows[13]["attempts"]) == (None, "BadRequestError", 1)
    assert "an unlucky row" in rows[13]["error"]


@pytest.mark.skipif(shutil.which("redis-server") is None, reason="redis-server is not installed")
def test_a_limit_in_redis_holds_for_all_actors(tmp_path: Path) -> None:
    """Six at a time for two actors: a request begins when the sixth before it has ended."""
    begun: list[float] = []

    def answer(request: Any) -> Any:
        begun.append(time.monotonic())
        return script.text("Hi") | faults.slow_prefill(0.3)

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    command = ["redis-server", "--port", str(port), "--save", "", "--dir", str(tmp_path)]
    redis = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        with MockServer(MockProvider(default=script.from_function(answer), count_tokens=False)) as server:
            limits = RedisLimits(f"redis://127.0.0.1:{port}", RateLimits(concurrency=6))
            rows = _run(server.url, _dataset(80, 4), concurrency=16, limits=limits)
    finally:
        redis.kill()
        redis.wait()
    assert {row["error"] for row in rows.values()} == {None}
    assert len(rows) == 80
    gaps = [later - earlier for earlier, later in zip(sorted(begun), sorted(begun)[6:], strict=False)]
    print(f"shortest time of seven requests: {min(gaps):.3f} s")
    assert min(gaps) >= 0.29


def test_a_killed_worker_costs_only_the_rows_in_flight(tmp_path: Path) -> None:
    mock = _mock(seconds=0.2)
    folder = tmp_path / "journal"
    folder.mkdir()
    with MockServer(mock) as server:
        arguments = {"journal": str(folder), "once": str(tmp_path / "killed"), "after": 15}
        rows = _run(server.url, _dataset(ROWS, 8), Killing, concurrency=8, **arguments)
        assert (tmp_path / "killed").exists()
        sent = Counter(map(_asked, mock.requests))
        again = _run(server.url, _dataset(ROWS, 8), journal=str(folder))
        assert Counter(map(_asked, mock.requests)) == sent
    print(f"{sum(sent.values()) - ROWS} rows were sent twice")
    assert sorted(rows) == list(range(ROWS))
    assert sum(sent.values()) - ROWS <= 8  # rows that were in flight
    assert {key: row["answer"] for key, row in again.items()} == {key: row["answer"] for key, row in rows.items()}
    assert rows[13]["error_type"] == "BadRequestError"
