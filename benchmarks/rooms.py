"""Where does the time of a streamed event go? The parts of a call one by one, on the same answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from measure import Result, in_turn, on_loop
from peers import OURS, QUESTION, makers
from replay_server import replay_server

from deepseek_v4_sdk.chat import ChatRequest, read_event
from deepseek_v4_sdk.exchange.assembler import Assembler
from deepseek_v4_sdk.exchange.output_repair import OutputRepair
from deepseek_v4_sdk.exchange.sse import SSEDecoder
from deepseek_v4_sdk.providers import HttpCall, find_provider
from deepseek_v4_sdk.transport.clock import Deadline, SystemClock
from deepseek_v4_sdk.transport.direct_transport import AsyncDirectTransport
from deepseek_v4_sdk.transport.request import Open


def main(*, chunks: int = 20_000, rounds: int = 5) -> list[Result]:
    """Measure each part separately, and the whole."""
    with replay_server(chunks) as server, asyncio.Runner() as loop:
        url = f"{server}/stream"
        clock, carrier = SystemClock(), AsyncDirectTransport()
        call = HttpCall("POST", f"{url}/v1/chat/completions", (("content-type", "application/json"),), b"{}")

        async def network() -> list[bytes]:
            answer = await carrier.send(Open(call, 5.0, Deadline(clock, clock.now() + 600), lambda: carrier))
            blocks: list[bytes] = []
            while block := await answer.read():
                blocks.append(block)
            await answer.close()
            return blocks

        blocks = loop.run(network())
        messages = _split(blocks)
        payloads = [read_event(data) for _, data in messages if data != b"[DONE]"]
        request = ChatRequest.build(QUESTION, {}, {})
        provider = find_provider("vllm")

        def take_apart() -> None:
            assembler = Assembler()
            sink = OutputRepair(assembler, request, reasoning_in_text=False).sink
            for payload in payloads:
                provider.decode(payload, sink)
            assembler.take()

        read, close = makers()[OURS](url)
        rooms: dict[str, Callable[[], object]] = {
            "network, HTTP and joining of chunks": on_loop(loop, network),
            "server-sent events": lambda: _split(blocks),
            "JSON": lambda: [read_event(data) for _, data in messages if data != b"[DONE]"],
            "taking apart, one object an event": take_apart,
            "the whole": on_loop(loop, lambda: read(None)),
        }
        taken = in_turn(rooms, rounds=rounds, units=chunks)
        loop.run(carrier.aclose())
        loop.run(close())
    parts = list(zip(*(taken[name] for name in list(rooms)[:-1]), strict=True))
    taken["call, timers, delivery (the rest)"] = [
        max(0.0, whole - sum(part)) for whole, part in zip(taken["the whole"], parts, strict=True)
    ]
    return [Result("rooms", "The packages of a streamed event: CPU per piece", "µs", taken, [], "the whole")]


def _split(blocks: list[bytes]) -> list[tuple[str, bytes]]:
    decoder = SSEDecoder()
    return [event for block in blocks for event in decoder.feed(block)]


if __name__ == "__main__":
    for result in main():
        print(result.table())
