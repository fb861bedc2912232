"""What does an event cost that wakes the event loop, layer by layer? Each is sent when the client has the one before.

So each event is one wake-up, however much else the machine does. The layers below the client's are the same bytes read
with less around them.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import socket
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection

from measure import Goal, Result, cpu, in_processes
from peers import BARE_AIOHTTP, BODY, OURS, OURS_AIOHTTP, PATH, makers
from replay_server import FIRST, HEAD, choice, chunked, ending, event

from deepseek_v4_sdk.exchange.sse import SSEDecoder
from deepseek_v4_sdk.providers import HttpCall
from deepseek_v4_sdk.transport.clock import Deadline, SystemClock
from deepseek_v4_sdk.transport.direct_transport import AsyncDirectTransport
from deepseek_v4_sdk.transport.request import Open

LOOP, BLOCKS, EVENTS = "1 a protocol of asyncio", "2 and the connection, HTTP", "3 and server-sent events"
GOALS = [Goal(OURS, BARE_AIOHTTP, 1.4, 1.2)]
ONE = chunked([event(choice({"content": " word"}), kv_transfer_params=None)])


def serve(port: Connection, events: int) -> None:
    """Answer one request with a stream; before each event wait for a byte from the second connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port.send(listener.getsockname()[1])
        paces, _ = listener.accept()
        reads, _ = listener.accept()
        reads.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        request = b""
        while not request.endswith(b"}"):
            request += reads.recv(65536)
        reads.sendall(HEAD + chunked([FIRST]))
        time.sleep(0.2)  # it is read before the first of the events
        for _ in range(events):
            reads.sendall(ONE)
            paces.recv(1)
        reads.sendall(ending("stop"))
        paces.recv(1)


class _Protocol(asyncio.Protocol):
    """Counts blocks, and wakes a task for each."""

    arrived: asyncio.Future[None] | None = None

    def data_received(self, data: bytes) -> None:
        if self.arrived is not None and not self.arrived.done():
            self.arrived.set_result(None)


async def _loop(url: str, events: int, note: Callable[[str], object]) -> None:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_connection(_Protocol, "127.0.0.1", int(url.rpartition(":")[2]))
    transport.write(b"POST / HTTP/1.1\r\n\r\n{}")
    for number in range(events + 1):
        protocol.arrived = loop.create_future()
        await protocol.arrived
        if number:
            note("")
    transport.close()


async def _blocks(url: str, each: Callable[[bytes], object]) -> None:
    clock, transport = SystemClock(), AsyncDirectTransport()
    call = HttpCall("POST", f"{url}{PATH}", (("content-type", "application/json"),), BODY)
    answer = await transport.send(Open(call, 5.0, Deadline(clock, clock.now() + 600), lambda: transport))
    while block := await answer.read():
        each(block)
    await answer.close()
    await transport.aclose()


async def _layer(name: str, url: str, events: int, note: Callable[[str], object]) -> None:
    left, decoder = events + 1, SSEDecoder()

    def each(block: bytes) -> None:
        nonlocal left
        left -= len(decoder.feed(block)) if name == EVENTS else 1
        if 0 <= left < events:
            note("")

    if name == LOOP:
        await _loop(url, events, note)
    elif name in {BLOCKS, EVENTS}:
        await _blocks(url, each)
    else:
        read, close = makers()[name](url)
        await read(note)
        await close()


def ask(name: str, events: int) -> float:
    """The CPU of an event in microseconds, after the first tenth."""
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("fork").Process(target=serve, args=(there, events))
    server.start()
    port: int = here.recv()
    count, times = 0, [0.0, 0.0]
    with socket.create_connection(("127.0.0.1", port)) as paces:

        def note(text: str) -> None:
            nonlocal count
            del text
            count += 1
            if count in {events // 10, events}:
                times[count == events] = cpu()
            paces.send(b" ")

        asyncio.run(_layer(name, f"http://127.0.0.1:{port}", events, note))
    server.join()
    return (times[1] - times[0]) / (events - events // 10) * 1e6


def main(*, events: int = 10_000, rounds: int = 5) -> list[Result]:
    """Measure, each contender in its own process."""
    names = [LOOP, BLOCKS, EVENTS, *(name for name in makers() if name in {OURS, OURS_AIOHTTP, BARE_AIOHTTP, "openai"})]
    programs = {name: [__file__, name, str(events)] for name in names}
    figures = in_processes(programs, rounds=rounds)
    title = "An event that wakes the event loop, layer by layer: CPU"
    return [Result("wakeup", title, "µs", figures["µs"], GOALS, BARE_AIOHTTP)]


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps({"µs": ask(sys.argv[1], int(sys.argv[2]))}))
    else:
        for result in main():
            print(result.table())
