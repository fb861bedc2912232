"""Programs that fork: `python -m tests.transport.forking NAME,NAME URL`. They end with 0, or say what went wrong."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import threading
import time
import traceback
from contextlib import suppress
from importlib import import_module
from importlib.abc import MetaPathFinder
from typing import TYPE_CHECKING, Any

import httpx

from deepseek_v4_sdk import (
    AsyncDeepSeekV4,
    ConfigurationError,
    ConnectionFailedError,
    Conversation,
    DeepSeekV4,
    Ledger,
    RateLimits,
    StreamInUseError,
    Timeouts,
)
from deepseek_v4_sdk.call.retry import RetryPolicy
from deepseek_v4_sdk.support import forks
from deepseek_v4_sdk.testing import MockProvider, script
from deepseek_v4_sdk.testing.server import MockServer
from deepseek_v4_sdk.tokens import count_text
from tests.support.any_name import ANY_NAME

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST = 20.0
"""How long a child may take, in seconds."""
_UNRAISABLE: list[object] = []


def start(body: Callable[[], object]) -> int:
    """Run a function in a child."""
    if child := os.fork():
        return child
    code = 1
    try:
        body()
        gc.collect()
        assert not _UNRAISABLE, _UNRAISABLE
        code = 0
    except BaseException:  # noqa: BLE001  # a child that unwinds would run the parent's program
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def end(*children: int, within: float = LONGEST) -> None:
    """Wait for children, and for no longer than so many seconds."""
    ends = time.monotonic() + within
    for child in children:
        while not (found := os.waitpid(child, os.WNOHANG))[0]:
            if time.monotonic() > ends:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                raise AssertionError("a child hangs")
            time.sleep(0.005)
        assert found[1] == 0, "a child failed"


def arguments(url: str, **given: Any) -> dict[str, Any]:
    return {"base_url": url, "model": "m", "max_retries": 0, "timeout": Timeouts(total=15), "limits": "off", **given}


def check(client: DeepSeekV4, *questions: str) -> None:
    for question in questions:
        assert client.chat(question).text == f"to {question}", question


async def check_async(client: AsyncDeepSeekV4, *questions: str) -> None:
    for question in questions:
        reply = await client.chat(question)
        assert reply.text == f"to {question}", question


def kept(url: str, ca_bundle: str | None = None) -> None:
    """A client has a kept connection when its process forks: each has answers of its own."""
    client = DeepSeekV4("vllm", **arguments(url, ca_bundle=ca_bundle))
    check(client, "warm")
    children = [start(lambda number=number: check(client, f"{number}.1", f"{number}.2")) for number in range(3)]
    check(client, "p.1", "p.2")
    end(*children)
    check(client, "p.3")
    end(start(lambda: end(start(lambda: check(client, "of a child's child")))))


def kept_async(url: str, ca_bundle: str | None = None, transport: Any = "httpx") -> None:
    """The same of an async client, whose loop goes on behind the fork."""
    client = AsyncDeepSeekV4("vllm", transport=transport, **arguments(url, ca_bundle=ca_bundle))
    loop = asyncio.new_event_loop()
    loop.run_until_complete(check_async(client, "warm"))

    def child(number: int) -> None:
        asyncio.run(check_async(client, f"{number}.1", f"{number}.2"))
        asyncio.run(client.aclose())

    children = [start(lambda number=number: child(number)) for number in range(3)]
    loop.run_until_complete(check_async(client, "p.1", "p.2"))
    end(*children)
    loop.run_until_complete(check_async(client, "p.3"))
    loop.run_until_complete(client.aclose())
    loop.close()


def kept_aiohttp(url: str, ca_bundle: str | None = None) -> None:
    """The same over aiohttp."""
    kept_async(url, ca_bundle, "aiohttp")


def busy(url: str) -> None:
    """Threads chat and wait for places while their process forks."""
    ledger = Ledger()
    client = DeepSeekV4("vllm", **arguments(url, limits=RateLimits(concurrency=2), hooks=[ledger]))
    over = threading.Event()
    wrong: list[BaseException] = []

    def chat(number: int) -> None:
        try:
            while not over.is_set():
                check(client, f"of thread {number}")
        except BaseException as error:  # noqa: BLE001
            wrong.append(error)

    threads = [threading.Thread(target=chat, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    try:
        for number in range(12):
            time.sleep(0.003 * number)
            end(start(lambda number=number: check(client, f"of child {number}")))
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert not wrong, wrong


class Slow(MetaPathFinder):
    """Holds the import of one module until it may go on."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.begun, self.go_on = threading.Event(), threading.Event()

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        """Nothing is found here, only late."""
        if fullname == self.name and not self.begun.is_set():
            self.begun.set()
            self.go_on.wait(LONGEST)
            time.sleep(0.1)  # a fork that does not wait is over by then


def imported(url: str) -> None:
    """Another thread imports what a retry needs when its process forks: a child's retry does not wait for ever."""
    client = DeepSeekV4("vllm", **arguments(url))
    check(client, "warm")
    sys.modules.pop("tenacity", None)
    slow = Slow("tenacity")
    sys.meta_path.insert(0, slow)
    thread = threading.Thread(target=import_module, args=("tenacity",))
    thread.start()
    slow.begun.wait()
    os.register_at_fork(before=slow.go_on.set)  # it runs before the hook of the package
    failed = ConnectionFailedError("x")
    child = start(lambda: RetryPolicy().wait(failed, 1, 0.5))
    thread.join()
    end(child)


def of_a_program(_: str) -> None:
    """What a program imports in another thread is not waited for."""
    slow = Slow("a_module_of_the_users")
    sys.meta_path.insert(0, slow)

    def use() -> None:
        with suppress(ModuleNotFoundError):
            import_module(slow.name)

    thread = threading.Thread(target=use)
    thread.start()
    slow.begun.wait()
    assert not forks._is_importing()
    slow.go_on.set()
    thread.join()


def locked(url: str) -> None:
    """Other threads hold every lock that there is: a child uses what they guard."""
    ledger, mock = Ledger(), MockProvider(default=script.text("Hi"), flavor=ANY_NAME)
    client = DeepSeekV4("vllm", **arguments(url, limits=RateLimits(concurrency=1), hooks=[ledger]))
    mocked = DeepSeekV4(mock, model="m", hooks=[ledger])
    replicas = [url, url.replace("127.0.0.1", "localhost")]
    pool = DeepSeekV4("vllm", **{**arguments(url), "base_url": None}, endpoints=replicas)
    chat = Conversation().user("word " * 50)

    def use() -> None:
        check(client, "x")
        check(pool, "y")
        mocked.chat("x")
        budget = mocked.budget(window=10_000)
        budget.fit(chat)
        assert count_text("Hello") > 0
        assert ledger.total.requests >= 2

    use()
    locks = list(forks._LOCKS)
    assert len(locks) > 8
    for lock in locks:
        lock.acquire()
    try:
        child = start(use)
    finally:
        for lock in locks:
            lock.release()
    end(child)


def stream(url: str) -> None:
    """A stream is open when its process forks: it stays the parent's, whatever the child does."""
    ledger = Ledger()
    client = DeepSeekV4("vllm", **arguments(url, hooks=[ledger]))
    opened = client.stream("x").__enter__()
    held = [opened]

    def child() -> None:
        for use in (opened.reply, lambda: next(opened)):
            try:
                use()
            except StreamInUseError as error:
                assert "process" in str(error)  # noqa: PT017
            else:
                raise AssertionError("read in a child")
        held.pop().close()
        assert ledger.total.requests == 0
        check(client, "y")
        assert ledger.total.requests == 1

    end(start(child))
    check_held = opened.reply().text
    assert check_held == "to x", check_held


def left(url: str) -> None:
    """A parent leaves a stream while its child lives: the server is told at once, and tells so by its next answer."""
    client = DeepSeekV4("vllm", **arguments(url))
    opened = client.stream("x").__enter__()
    back, forth = os.pipe()
    child = start(lambda: os.read(back, 1))
    opened.close()
    check(client, "y")
    os.write(forth, b".")
    end(child)


def ids(url: str) -> None:
    """A stream that was prepared before the fork goes out from each process under an id of its own."""
    prepared = DeepSeekV4("vllm", **arguments(url)).stream("x")

    def read() -> None:
        assert prepared.reply().text == "to x"

    end(start(read), start(read))
    read()


def brought(url: str) -> None:
    """An HTTP client of the user's that has connections is refused in a child; one without is not."""
    with httpx.Client() as theirs, httpx.Client() as unused:
        client = DeepSeekV4("vllm", http_client=theirs, **arguments(url))
        fresh = DeepSeekV4("vllm", http_client=unused, **arguments(url))
        check(client, "x")

        def child() -> None:
            for one in (client, client.with_options(max_retries=1)):
                try:
                    one.chat("y")
                except ConfigurationError as error:
                    assert "http_client" in str(error)  # noqa: PT017
                else:
                    raise AssertionError("two processes share a connection")
            check(fresh, "z")
            check(client.with_options(http_client=httpx.Client()), "z")

        end(start(child))
        check(client, "y")


def served(_: str) -> None:
    """A mock on a socket stays with the process that serves it."""
    with MockServer(MockProvider(default=script.text("Hi"), flavor=ANY_NAME)) as server:
        client = DeepSeekV4("vllm", **arguments(server.url))
        assert client.chat("x").text == "Hi"

        def child() -> None:
            assert client.chat("x").text == "Hi"
            server.__exit__(None, None, None)

        end(start(child))
        assert client.chat("x").text == "Hi"
        back, forth = os.pipe()
        lives = start(lambda: os.read(back, 1))
    try:
        with httpx.Client() as theirs:
            theirs.get(server.url)
        raise AssertionError("a child holds the port")
    except httpx.ConnectError:
        os.write(forth, b".")
    end(lives)


if __name__ == "__main__":
    sys.unraisablehook = _UNRAISABLE.append
    for name in sys.argv[1].split(","):
        globals()[name](*sys.argv[2:])
    gc.collect()
    assert not _UNRAISABLE, _UNRAISABLE
