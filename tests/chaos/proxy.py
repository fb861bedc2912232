"""A TCP proxy on the loopback interface, in a thread of its own, that does to each request what its plan says."""

from __future__ import annotations

import asyncio
import fcntl
import re
import socket
import struct
import termios
import threading
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from tests.chaos.plans import CALM, Direction, Plan, draw_late, draw_plan

if TYPE_CHECKING:
    from collections.abc import Collection
    from types import TracebackType

__all__ = ["MARK", "Proxy"]

MARK = "x-chaos"
"""The header by which the proxy knows which run a request belongs to."""
_MARKED = re.compile(rb"x-chaos: (\d+)")
_STRUCTURE = re.compile(rb'[{"]')
_INTERIM = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"
_REFUSALS = (401, 413, 429, 503)
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_RESET = struct.pack("ii", 1, 0)


class Broken(Exception):
    """The plan ends the connection."""


class _Pair:
    """A client's connection and the one to the server that belongs to it."""

    def __init__(self, proxy: Proxy, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self._proxy = proxy
        self._writers: dict[Direction, asyncio.StreamWriter] = {"up": server, "down": client}
        self._plan = CALM
        self._passed: dict[Direction, int] = {"up": 0, "down": 0}
        self._number = -1  # of the run that is served
        self._last = -1  # of the run that was served last, while the connection is idle
        self._answer = b""  # what the server has said to it
        self._is_spoilt = False  # bytes were sent that belong to nobody

    async def carry(self, direction: Direction, reader: asyncio.StreamReader) -> None:
        """Carry blocks until one side has no more."""
        while block := await reader.read(65_536):
            if direction == "up" and (found := _MARKED.search(block)):
                self._begin(int(found[1]))
                if self._plan.kind == "refusal":
                    await self._refuse()
            await self._carry(direction, block)

    def _begin(self, number: int) -> None:
        """A request has come."""
        self._number, self._last, self._plan = number, -1, self._proxy.next_plan(number)
        self._passed, self._answer = {"up": 0, "down": 0}, b""
        if self._is_spoilt:
            self._proxy.misused.add(number)

    async def _refuse(self) -> None:
        status = _REFUSALS[self._plan.size % len(_REFUSALS)]
        body = b'{"error": {"message": "refused on the way"}}'
        head = b"HTTP/1.1 %d Refused\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        await self._send("down", head % (status, len(body)) + body)
        await asyncio.sleep(0.005)
        raise Broken

    def close(self) -> None:
        """Close both, at once when the plan is a reset."""
        for writer in self._writers.values():
            if self._plan.kind == "reset":
                with suppress(OSError):
                    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                writer.transport.abort()
            writer.close()

    async def _carry(self, direction: Direction, block: bytes) -> None:
        plan, start = self._plan, self._passed[direction]
        self._passed[direction] += len(block)
        if direction == "down" and self._number >= 0:
            if not self._answer:
                await self._before_answer(plan)
            self._answer += block
            if is_whole(self._answer):
                await self._end_answer(block, plan)
                return
        if plan.direction != direction or plan.kind == "calm":
            await self._send(direction, block)
        elif plan.kind in {"split", "slow"}:
            size = plan.size if plan.kind == "slow" else max(plan.size, len(block) // 40)
            for place in range(0, len(block), size):
                await self._send(direction, block[place : place + size])
                await asyncio.sleep(plan.seconds)
        elif plan.after < start + len(block):
            await self._strike(direction, block, max(0, plan.after - start), plan)
        else:
            await self._send(direction, block)

    async def _before_answer(self, plan: Plan) -> None:
        if plan.kind == "interim":
            await self._send("down", _INTERIM * plan.size)
        while plan.kind == "flood":
            await self._send("down", _INTERIM * 20)
            await asyncio.sleep(0.002)

    async def _end_answer(self, block: bytes, plan: Plan) -> None:
        """Send the last block of an answer, and what the plan puts behind it."""
        number, proxy = self._number, self._proxy
        foreign = proxy.foreign_to(number)
        proxy.answers[number] = self._answer
        if len(proxy.answers) > 2:
            del proxy.answers[next(iter(proxy.answers))]
        self._answer, self._number, self._last = b"", -1, number
        if plan.kind in {"doubled", "trailing"}:
            self._is_spoilt = True
            block += foreign if plan.kind == "doubled" else foreign[: plan.size]
        await self._send("down", block)

    async def speak_late(self, numbers: Collection[int]) -> None:
        """Send what belongs to nobody, if the connection is idle after one of these runs, and wait until it arrived."""
        late = draw_late(self._proxy.seed, self._last, self._proxy.foreign_to(self._last))
        writer = self._writers["down"]
        if self._last not in numbers or self._is_spoilt or writer.is_closing() or not late:
            return
        self._is_spoilt = True
        self._proxy.plans["late"] += 1
        with suppress(OSError):
            await self._send("down", late)
            sock = writer.get_extra_info("socket")
            while not writer.is_closing() and _unconfirmed(sock):  # noqa: ASYNC110  # the system tells nobody
                await asyncio.sleep(0.001)

    async def _strike(self, direction: Direction, block: bytes, place: int, plan: Plan) -> None:
        """The moment of the plan is in this block."""
        if plan.kind == "corrupt":
            found = _STRUCTURE.search(block, place)
            if found is not None:
                self._plan = CALM
                block = block[: found.start()] + b"\xff" + block[found.end() :]
            await self._send(direction, block)
            return
        await self._send(direction, block[:place])
        if plan.kind in {"cut", "reset"}:
            await asyncio.sleep(0.002)  # what was sent before may arrive
            raise Broken
        self._plan = CALM
        if plan.kind == "stall":
            await asyncio.sleep(plan.seconds)
        else:
            await self._send(direction, block[place : place + plan.size])
        await self._send(direction, block[place:])

    async def _send(self, direction: Direction, block: bytes) -> None:
        writer = self._writers[direction]
        writer.write(block)
        await writer.drain()


def _unconfirmed(sock: socket.socket) -> int:
    """How many bytes were sent of which the other side's system has not said that it has them."""
    return int(struct.unpack("i", fcntl.ioctl(sock, termios.TIOCOUTQ, bytes(4)))[0])


def is_whole(answer: bytes) -> bool:
    """Whether an answer of the server has come to its end."""
    head, found, body = answer.partition(b"\r\n\r\n")
    length = _LENGTH.search(head)
    return bool(found) and (len(body) >= int(length[1]) if length else body.endswith(b"\r\n0\r\n\r\n"))


class Proxy:
    """Stands between clients and one server while the `with` block lasts.

    Args:
        url: The server's base URL.
        seed: Which plans.

    Attributes:
        url: The proxy's base URL.
        seed: Which plans.
        open: How many connections of clients are open.
        plans: How often each kind of plan was drawn.
        answers: The last answers, by the runs they belong to.
        misused: The runs that asked on a connection on which bytes had come that belong to nobody.
    """

    def __init__(self, url: str, seed: int) -> None:
        parts = urlsplit(url)
        self._server = (parts.hostname, parts.port)
        self.seed = seed
        self._pairs: set[_Pair] = set()
        self._attempts: Counter[int] = Counter()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="chaos-proxy")
        self.url = ""
        self.open = 0
        self.plans: Counter[str] = Counter()
        self.answers: dict[int, bytes] = {}
        self.misused: set[int] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()

    def next_plan(self, number: int) -> Plan:
        """The plan of the next request of that run."""
        self._attempts[number] += 1
        plan = draw_plan(self.seed, number, self._attempts[number])
        self.plans[plan.kind] += 1
        return plan

    def foreign_to(self, number: int) -> bytes:
        """An answer to another run, or the beginning of any."""
        return next((answer for other, answer in self.answers.items() if other != number), b"HTTP/1.1 200 OK\r\n")

    def speak_late(self, numbers: Collection[int]) -> None:
        """Let bytes come on connections that are idle after these runs, and return when they have arrived.

        The caller uses none of these connections meanwhile: if a request were on its way, no client could tell that the
        bytes are not its answer. Afterwards every client can, so that none of these connections may be used again.
        """

        async def speak() -> None:
            await asyncio.wait_for(asyncio.gather(*(pair.speak_late(numbers) for pair in self._pairs)), 10)

        asyncio.run_coroutine_threadsafe(speak(), self._loop).result()

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(lambda loop, context: None)  # a peer that has gone is no news here
        self._end = asyncio.Event()
        tasks: set[asyncio.Task[None]] = set()

        def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.ensure_future(self._serve(reader, writer))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        server = await asyncio.start_server(accepted, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._ready.set()
        await self._end.wait()
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0.01)  # transports close in the loop's next turns

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            try:
                back, forth = await asyncio.open_connection(*self._server)
            except OSError:
                writer.close()
                return
            pair = _Pair(self, writer, forth)
            self._pairs.add(pair)
            ways = [asyncio.ensure_future(pair.carry("up", reader)), asyncio.ensure_future(pair.carry("down", back))]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
                self._pairs.discard(pair)
                pair.close()
        finally:
            self.open -= 1
