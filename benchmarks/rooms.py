"""Where does the time of a streamed event go? The parts of a call one by one, on the same answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from measure import Result, in_turn, on_loop
from peers import OURS, QUESTION, makers
from replay_server import replay_server

from deepseek_v4_sdk.chat import ChatRequest, Timeouts
from deepseek_v4_sdk.exchange import ChatExchange, ResponseHead
from deepseek_v4_sdk.exchange.sse import SSEDecoder
from deepseek_v4_sdk.providers import HttpCall, Target, find_provider
from deepseek_v4_sdk.transport.clock import Deadline, SystemClock
from deepseek_v4_sdk.transport.direct_transport import AsyncDirectTransport
from deepseek_v4_sdk.transport.request import Open

NETWORK, SSE = "network and HTTP", "server-sent events"
EVENTS, REST = "their JSON, by the frame that they share, and one object an event", "call, timers, delivery (the rest)"


def main(*, chunks: int = 20_000, rounds: int = 5) -> list[Result]:
    """Measure each part separately, and the whole."""
    with replay_server(chunks) as server, asyncio.Runner() as loop:
        url = f"{server}/stream"
        clock, transport = SystemClock(), AsyncDirectTransport()
        call = HttpCall("POST", f"{url}/v1/chat/completions", (("content-type", "application/json"),), b"{}")

        async def network() -> list[bytes]:
            answer = await transport.send(Open(call, 5.0, Deadline(clock, clock.now() + 600), lambda: transport))
            blocks: list[bytes] = []
            while block := await answer.read():
                blocks.append(block)
            await answer.close()
            return blocks

        blocks = loop.run(network())
        request, provider = ChatRequest.build(QUESTION, {}, {}), find_provider("vllm")
        encoded = provider.encode(request, Target(url, lambda: None))
        head = ResponseHead(200, {"content-type": "text/event-stream"})

        def events() -> None:
            exchange = ChatExchange(request, encoded, provider, Timeouts(), 0.0, 600.0, len)
            exchange.opened(head, 0.0)
            for block in blocks:
                exchange.received(block, 0.0)
            exchange.outcome()

        read, close = makers()[OURS](url)
        rooms: dict[str, Callable[[], object]] = {
            NETWORK: on_loop(loop, network),
            SSE: lambda: _split(blocks),
            EVENTS: events,
            "the whole": on_loop(loop, lambda: read(None)),
        }
        taken = in_turn(rooms, rounds=rounds, units=chunks)
        loop.run(transport.aclose())
        loop.run(close())
    taken[EVENTS] = [both - sse for both, sse in zip(taken[EVENTS], taken[SSE], strict=True)]
    parts = list(zip(*(taken[name] for name in (NETWORK, SSE, EVENTS)), strict=True))
    taken[REST] = [whole - sum(part) for whole, part in zip(taken["the whole"], parts, strict=True)]
    return [Result("rooms", "The packages of a streamed event: CPU per piece", "µs", taken, [], "the whole")]


def _split(blocks: list[bytes]) -> list[tuple[str, bytes]]:
    decoder = SSEDecoder()
    return [event for block in blocks for event in decoder.feed(block)]


if __name__ == "__main__":
    for result in main():
        print(result.table())
