"""`RedisLimits` in clients: against a mock on a socket and a real server of Redis."""

from __future__ import annotations

import asyncio
import logging
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from deepseek_v4_sdk import AsyncDeepSeekV4, ConfigurationError, DeepSeekV4, LocalLimitError, RateLimits
from deepseek_v4_sdk.limits import RedisLimits
from deepseek_v4_sdk.limits.redis_ledger import RedisLedger
from deepseek_v4_sdk.testing import MockProvider, script
from deepseek_v4_sdk.testing.server import MockServer
from deepseek_v4_sdk.traffic.registry import LIMITERS
from tests.limits.members import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from deepseek_v4_sdk.traffic.shared_limiter import Answer, Question, SharedLimiter
    from tests.limits.redis_server import RedisServer

MODEL, KEY = "deepseek-ai/DeepSeek-V4-Pro", "sk-a-key-that-stays-here"


@pytest.fixture
def server() -> Iterator[MockServer]:
    with MockServer(MockProvider(default=script.text("Hello."), flavor="vllm")) as server:
        yield server


def client(server: MockServer, redis: RedisServer, **limits: int) -> DeepSeekV4:
    return DeepSeekV4(
        "vllm", base_url=server.url, model=MODEL, api_key=KEY, limits=RedisLimits(redis.url, RateLimits(**limits))
    )


def limiter_of(client: DeepSeekV4 | AsyncDeepSeekV4) -> SharedLimiter | None:
    """The limiter that its first call made."""
    made = LIMITERS._of_owners.get(client._replica_set.shared_limits, {})
    return next(iter(made.values()), None)  # type: ignore[return-value]


def waits(client: DeepSeekV4) -> bool:
    limiter = limiter_of(client)
    return limiter is not None and bool(limiter._queue)


def test_two_clients_with_one_key(redis: RedisServer, server: MockServer) -> None:
    with client(server, redis, requests_per_minute=3) as one, client(server, redis, requests_per_minute=3) as two:
        assert [each.chat("Hello").text for each in (one, two, one)] == ["Hello."] * 3
        for each in (one, two):
            with pytest.raises(LocalLimitError, match="no room within the time"):
                each.chat("Hello", timeout=5)


def test_another_key_is_another_bucket(redis: RedisServer, server: MockServer) -> None:
    with client(server, redis, requests_per_minute=1) as one, one.with_options(api_key="another") as two:
        assert one.chat("Hello").text == two.chat("Hello").text


def test_an_async_client_and_its_twin(redis: RedisServer, server: MockServer) -> None:
    async def main() -> list[Any]:
        async with AsyncDeepSeekV4(
            "vllm",
            base_url=server.url,
            model=MODEL,
            api_key=KEY,
            limits=RedisLimits(redis.url, RateLimits(requests_per_minute=5)),
        ) as here:
            calls = [here.chat("Hello", timeout=5) for _ in range(6)]
            replies = await asyncio.gather(*calls, return_exceptions=True)
            with here.as_sync() as twin, pytest.raises(LocalLimitError):
                await asyncio.to_thread(twin.chat, "Hello", timeout=5)
            return replies

    replies = asyncio.run(main())
    assert sum(isinstance(each, LocalLimitError) for each in replies) == 1
    assert sum(getattr(each, "text", "") == "Hello." for each in replies) == 5


def test_several_event_loops(redis: RedisServer, server: MockServer) -> None:
    here = client(server, redis, requests_per_minute=3).as_async()
    for _ in range(3):
        assert asyncio.run(here.chat("Hello")).text == "Hello."
    with pytest.raises(LocalLimitError):
        asyncio.run(here.chat("Hello", timeout=5))


def test_a_call_that_is_cancelled_while_it_asks(redis: RedisServer, server: MockServer) -> None:
    here = client(server, redis, requests_per_minute=1, concurrency=1).as_async()

    async def main() -> None:
        task = asyncio.create_task(here.chat("Hello"))
        limiter: SharedLimiter | None = None
        while limiter is None or not limiter._asking:
            await asyncio.sleep(0)
            limiter = limiter_of(here)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await here.aclose()

    asyncio.run(main())
    limiter = limiter_of(here)
    assert limiter is not None
    until(lambda: not limiter._asking and not limiter._changed)
    assert not limiter._running


def state(redis: RedisServer) -> dict[str, str]:
    return next((held for key, held in redis.everything().items() if key.endswith(":state")), {})


def test_a_call_that_waits_goes_when_another_ends(redis: RedisServer, server: MockServer) -> None:
    with client(server, redis, concurrency=1) as one, client(server, redis, concurrency=1) as two:
        with one.stream("Hello") as stream:
            next(iter(stream))
            waiting = threading.Thread(target=two.chat, args=("Hello",))
            waiting.start()
            until(lambda: waits(two))
        waiting.join(20)
        assert not waiting.is_alive()


def test_one_round_trip_on_the_way_of_a_call(
    redis: RedisServer, server: MockServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    ask = RedisLedger.ask

    def counted(self: RedisLedger, question: Question) -> Answer | None:
        asked.append(threading.current_thread().name)
        return ask(self, question)

    monkeypatch.setattr(RedisLedger, "ask", counted)
    with client(server, redis, requests_per_minute=100, concurrency=10) as here:
        for _ in range(10):
            here.chat("Hello")
    assert asked.count(threading.current_thread().name) == 10


def test_the_key_is_not_in_redis(redis: RedisServer, server: MockServer) -> None:
    commands: list[str] = []
    with redis.client() as watching, watching.monitor() as monitor, client(server, redis, concurrency=2) as here:
        here.chat("Hello")
        with redis.client() as other:
            other.echo("that is all")
        for command in monitor.listen():
            commands.append(str(command["command"]))
            if "that is all" in commands[-1]:
                break
    assert any("EVALSHA" in command for command in commands)
    everything = "".join(commands) + str(redis.everything())
    assert KEY not in everything
    assert server.url.removeprefix("http://") not in everything


def test_a_mock_in_the_process_has_limits_of_its_own(redis: RedisServer) -> None:
    limits = RedisLimits(redis.url, RateLimits(requests_per_minute=1))
    with DeepSeekV4(MockProvider(default=script.text("Hello.")), limits=limits) as here:
        here.chat("Hello")
        with pytest.raises(LocalLimitError):
            here.chat("Hello", timeout=5)
    assert redis.everything() == {}


HOLDS_A_PLACE = """
import sys
from deepseek_v4_sdk import DeepSeekV4, RateLimits
from deepseek_v4_sdk.limits import RedisLimits
limits = RedisLimits(sys.argv[1], RateLimits(concurrency=1))
limits._ledger._lease = 3.0
client = DeepSeekV4("vllm", base_url=sys.argv[2], model=sys.argv[3], api_key=sys.argv[4], limits=limits)
with client.stream("Hello") as stream:
    next(iter(stream))
    print("holds it", flush=True)
    sys.stdin.read()
"""


def test_the_place_of_a_killed_process_comes_back(redis: RedisServer, server: MockServer) -> None:
    command = [sys.executable, "-c", HOLDS_A_PLACE, redis.url, server.url, MODEL, KEY]
    with (
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process,
        client(server, redis, concurrency=1) as here,
    ):
        assert process.stdout is not None
        assert process.stdout.readline() == b"holds it\n"
        with pytest.raises(LocalLimitError):
            here.chat("Hello", timeout=0.1)
        process.send_signal(signal.SIGKILL)
        assert here.chat("Hello", timeout=30).text == "Hello."


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")
def test_a_forked_child_is_another_member(redis: RedisServer, server: MockServer) -> None:
    with client(server, redis, requests_per_minute=2) as here:
        here.chat("Hello")
        child = os.fork()
        if child == 0:
            here.chat("Hello")
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        with pytest.raises(LocalLimitError):
            here.chat("Hello", timeout=5)
    [members] = [held for key, held in redis.everything().items() if key.endswith(":members")]
    assert len(members) == 2


def test_a_process_that_ends_leaves(redis: RedisServer, server: MockServer) -> None:
    command = [sys.executable, "-c", HOLDS_A_PLACE, redis.url, server.url, MODEL, KEY]
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True, timeout=60)
    assert not [key for key in redis.everything() if key.endswith(":members")]


def test_limits_that_nobody_uses_leave(redis: RedisServer, server: MockServer) -> None:
    here = client(server, redis, requests_per_minute=2)
    here.chat("Hello")
    ledger = here._replica_set.shared_limits._ledger  # type: ignore[union-attr]
    here.close()
    LIMITERS.forget()
    del here
    until(lambda: not ledger._thread.is_alive())


class TestArguments:
    def test_the_limits_of_the_provider(self, redis: RedisServer) -> None:
        limits = RedisLimits(redis.url)
        assert DeepSeekV4("nvidia", api_key=KEY, limits=limits)._replica_set._limits[""].requests_per_minute == 40
        with pytest.raises(ConfigurationError, match="vllm has no known limits to share"):
            DeepSeekV4("vllm", base_url="http://localhost:1", limits=limits)

    @pytest.mark.parametrize("url", ["http://localhost:6379", "localhost:6379", ""])
    def test_a_url_of_something_else(self, url: str) -> None:
        with pytest.raises(ConfigurationError, match="the URL begins with"):
            RedisLimits(url)

    def test_something_else_than_limits(self) -> None:
        with pytest.raises(ConfigurationError, match=r"give RateLimits\(\.\.\.\) or 'provider'"):
            RedisLimits("redis://localhost", 40)  # type: ignore[arg-type]

    def test_the_package_is_missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delitem(sys.modules, "deepseek_v4_sdk.limits.redis_ledger")
        monkeypatch.setitem(sys.modules, "redis", None)
        with pytest.raises(ConfigurationError, match="RedisLimits needs a package"):
            RedisLimits("redis://localhost")

    def test_a_profile(
        self, redis: RedisServer, server: MockServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = tmp_path / "own.toml"
        table = f'[profiles.p]\nprovider = "vllm"\nbase_url = "{server.url}"\nmodel = "{MODEL}"\n'
        table += 'shared_limits_env = "SHARED"\n'
        file.write_text(table + "limits = { requests_per_minute = 2 }\n", "utf-8")
        with pytest.raises(ConfigurationError, match=r"own\.toml:5.*the variable SHARED is not set"):
            DeepSeekV4.from_profile("p", path=file)
        monkeypatch.setenv("SHARED", "http://:secret@host")
        with pytest.raises(ConfigurationError, match="the URL begins with 'http'") as caught:
            DeepSeekV4.from_profile("p", path=file)
        assert "secret" not in str(caught.value)
        monkeypatch.setenv("SHARED", redis.url)
        with DeepSeekV4.from_profile("p", path=file) as one, DeepSeekV4.from_profile("p", path=file) as two:
            assert [each.chat("Hello").text for each in (one, two)] == ["Hello."] * 2
            with pytest.raises(LocalLimitError):
                one.chat("Hello", timeout=5)
        file.write_text(table + 'limits = "off"\n', "utf-8")
        with pytest.raises(ConfigurationError, match="leaves nothing to share"):
            DeepSeekV4.from_profile("p", path=file)

    def test_valkey(self, redis: RedisServer, server: MockServer) -> None:
        limits = RedisLimits(redis.url.replace("redis://", "valkey://"), RateLimits(requests_per_minute=2))
        with DeepSeekV4("vllm", base_url=server.url, model=MODEL, api_key=KEY, limits=limits) as here:
            here.chat("Hello")
        assert redis.everything()

    def test_a_copy_in_another_process_has_the_same_limits(self) -> None:
        limits = RedisLimits("redis://:secret@localhost:1", RateLimits(concurrency=3))
        again = pickle.loads(pickle.dumps(limits))
        assert again.limits == RateLimits(concurrency=3)
        assert again._url.get_secret_value() == "redis://:secret@localhost:1"
        assert "secret" not in repr(limits)


class TestOutage:
    def test_each_process_keeps_to_its_part_and_returns(
        self, redis_apart: RedisServer, server: MockServer, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO, "deepseek_v4_sdk")
        with (
            client(server, redis_apart, requests_per_minute=8) as one,
            client(server, redis_apart, requests_per_minute=8) as two,
        ):
            for _ in range(3):
                one.chat("Hello")
            two.chat("Hello")
            one.chat("Hello")  # its answer says that there are two

            def outage() -> None:
                redis_apart.kill()
                for _ in range(3):
                    two.chat("Hello")
                for each in (one, two):  # four requests each: their part
                    with pytest.raises(LocalLimitError):
                        each.chat("Hello", timeout=5)

            with pytest.warns(UserWarning, match="the Redis of the shared limits cannot be used"):
                outage()
            warnings = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
            assert len(warnings) == 2  # one for each of the two
            assert "keeps to its part of the limits" in warnings[0]
            redis_apart.start()
            until(lambda: state(redis_apart).get("requests") == "8")  # each brought its own
            with pytest.raises(LocalLimitError):
                one.chat("Hello", timeout=5)
            assert "can be used again" in caplog.text

    def test_a_call_that_waits_goes_on(self, redis_apart: RedisServer, server: MockServer) -> None:
        with client(server, redis_apart, concurrency=1) as one, client(server, redis_apart, concurrency=1) as two:
            with one.stream("Hello") as stream:
                next(iter(stream))
                waiting = threading.Thread(target=two.chat, args=("Hello",))
                waiting.start()
                until(lambda: waits(two))
                redis_apart.kill()
                waiting.join(20)
            assert not waiting.is_alive()

    def test_it_was_never_there(self, server: MockServer, caplog: pytest.LogCaptureFixture) -> None:
        limits = RedisLimits("redis://user:secret@127.0.0.1:1", RateLimits(requests_per_minute=2))
        with DeepSeekV4("vllm", base_url=server.url, model=MODEL, api_key=KEY, limits=limits) as here:
            for _ in range(2):
                assert here.chat("Hello").text == "Hello."
            with pytest.raises(LocalLimitError):
                here.chat("Hello", timeout=5)
            assert asyncio.run(here.as_async().models())
        assert "secret" not in caplog.text
        assert caplog.text.count("cannot be used") == 1

    def test_an_async_client(self, redis_apart: RedisServer, server: MockServer) -> None:
        async def main() -> None:
            here = client(server, redis_apart, requests_per_minute=4).as_async()
            for _ in range(2):
                await here.chat("Hello")
            await asyncio.to_thread(redis_apart.kill)
            for _ in range(2):
                await here.chat("Hello")
            with pytest.raises(LocalLimitError):
                await here.chat("Hello", timeout=5)
            await here.aclose()

        asyncio.run(main())

    def test_it_forgets_everything_between_two_questions(self, redis: RedisServer, server: MockServer) -> None:
        """A restart that no question meets: the counts come back with the next one."""
        with client(server, redis, requests_per_minute=2) as here:
            for _ in range(2):
                here.chat("Hello")
            with redis.client() as other:
                other.flushall()
            with pytest.raises(LocalLimitError):
                here.chat("Hello", timeout=5)


def test_the_time_of_a_call_that_ends_before_there_is_a_place(redis: RedisServer, server: MockServer) -> None:
    with (
        client(server, redis, concurrency=1) as one,
        client(server, redis, concurrency=1) as two,
        one.stream("Hello") as stream,
    ):
        next(iter(stream))
        began = time.monotonic()
        with pytest.raises(LocalLimitError):
            two.chat("Hello", timeout=0.2)
        assert time.monotonic() - began >= 0.2
