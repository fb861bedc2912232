"""A server in its own process that sends bytes made beforehand: it costs next to nothing, so the client's cost shows.

`/stream/...` answers with many events, one HTTP chunk each; `/written/...` with the same, each in its own write;
`/tools/...` with a call whose arguments come in as many small pieces; `/paced/<streams>/<seconds>/...` with 150 events
a second, each sent separately and with the time of sending; `/plain/...` with a small JSON answer, or with a small
stream when the request asks for one.
"""

from __future__ import annotations

import argparse
import asyncio
import heapq
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ID, MODEL = "chatcmpl-8ec6a1b2c3d4e5f6", "deepseek-ai/DeepSeek-V4-Pro"
USAGE = {"prompt_tokens": 84, "total_tokens": 96, "completion_tokens": 12, "prompt_tokens_details": None}


def event(choices: list[object], **more: object) -> bytes:
    """One event of a stream, as vLLM writes it."""
    frame = {"id": ID, "object": "chat.completion.chunk", "created": 1795280909, "model": MODEL, "choices": choices}
    return b"data: " + json.dumps({**frame, **more}, separators=(",", ":")).encode() + b"\n\n"


def choice(delta: object, reason: str | None = None) -> list[object]:
    """The choices of one event."""
    return [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason, "token_ids": None}]


HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n"
FIRST = event(choice({"role": "assistant", "content": ""}))
RATE = 150
END = b"\n\n\r\n"
"""The end of an HTTP chunk with an event."""


def chunked(events: list[bytes]) -> bytes:
    """Events in an HTTP chunk each."""
    return b"".join(b"%x\r\n%s\r\n" % (len(block), block) for block in events)


def ending(reason: str) -> bytes:
    """The last events, and the end of the body."""
    return chunked([event(choice({}, reason)), event([], usage=USAGE), b"data: [DONE]\n\n"]) + b"0\r\n\r\n"


def stream(chunks: int) -> bytes:
    """A whole HTTP answer: a stream of so many pieces of text."""
    texts = [event(choice({"content": f" word{number % 10}"}), kv_transfer_params=None) for number in range(chunks)]
    return HEAD + chunked([FIRST, *texts]) + ending("stop")


def tool_call(chunks: int) -> bytes:
    """A whole HTTP answer: a call whose arguments, one long text, come in so many pieces of 16 bytes."""
    whole = '{"text": "' + "abcdefghijklmno " * (chunks - 1) + 'end"}'
    pieces = [whole[at : at + 16] for at in range(0, len(whole), 16)]
    opening = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "write", "arguments": ""}}
    deltas = [opening, *({"index": 0, "function": {"arguments": piece}} for piece in pieces)]
    return HEAD + chunked([FIRST, *(event(choice({"tool_calls": [delta]})) for delta in deltas)]) + ending("tool_calls")


class Pacer:
    """Send an event on each of many streams, 150 times a second, at its time."""

    def __init__(self) -> None:
        self._streams: list[tuple[float, int, asyncio.Transport, int]] = []  # next turn, a number, where, how often yet
        self._count = 0
        self._task: asyncio.Task[None] | None = None

    def add(self, transport: asyncio.Transport, seconds: float) -> None:
        """One more stream. It begins somewhere within the first interval, so that not all come at once."""
        self._count += 1
        begins = time.monotonic() + (self._count * 0.618 % 1) / RATE
        heapq.heappush(self._streams, (begins, self._count, transport, int(seconds * RATE)))
        transport.write(HEAD + chunked([FIRST]))
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        before, after = event(choice({"content": "@"}), kv_transfer_params=None).split(b"@")
        size = b"%x\r\n" % (len(before) + len(after) + 14)
        frame, end = size + before, after + b"\r\n"
        while self._streams:
            due, number, transport, left = self._streams[0]
            if (wait := due - time.monotonic()) > 0:
                await asyncio.sleep(wait)
                continue
            if not left or transport.is_closing():
                heapq.heappop(self._streams)
                transport.write(ending("stop"))
                continue
            heapq.heapreplace(self._streams, (due + 1 / RATE, number, transport, left - 1))
            transport.write(b"%s%014.4f%s" % (frame, time.monotonic(), end))
            if number % 16 == 0:
                await asyncio.sleep(0)


def plain() -> bytes:
    """A whole HTTP answer: a small JSON reply."""
    message = {"role": "assistant", "content": "Hello there.", "refusal": None, "reasoning": None}
    reply = {
        "id": ID,
        "object": "chat.completion",
        "created": 1795280909,
        "model": MODEL,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop", "stop_reason": None}],
        "usage": USAGE,
    }
    body = json.dumps(reply).encode()
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)


class Replay(asyncio.Protocol):
    """Reads requests as far as it must, and sends what was made beforehand."""

    def __init__(self, long: bytes, call: bytes, short: bytes, small: bytes, pacer: Pacer) -> None:
        self._long, self._call, self._short, self._small, self._pacer = long, call, short, small, pacer
        self._read = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each request that is complete."""
        self._read += data
        while (end := self._read.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._read[:end]).lower()
            marker = head.find(b"content-length:")
            length = int(head[marker + 15 :].split(b"\r\n", 1)[0]) if marker >= 0 else 0
            if len(self._read) < end + 4 + length:
                return
            body = bytes(self._read[end + 4 : end + 4 + length])
            del self._read[: end + 4 + length]
            if head.startswith(b"post /stream"):
                self._transport.write(self._long)
            elif head.startswith(b"post /written"):
                for block in self._long.split(END):
                    self._transport.write(block + END)
            elif head.startswith(b"post /tools"):
                self._transport.write(self._call)
            elif head.startswith(b"post /paced"):
                self._pacer.add(self._transport, float(head.split(b"/")[3]))
            elif b'"stream":true' in body.replace(b" ", b""):
                self._transport.write(self._short)
            else:
                self._transport.write(self._small)


async def serve(chunks: int) -> None:
    """Serve on a free port of this machine, and print it."""
    answers, pacer = (stream(chunks), tool_call(chunks), stream(3), plain()), Pacer()
    make = asyncio.get_running_loop().create_server
    server = await make(lambda: Replay(*answers, pacer), "127.0.0.1", 0, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def replay_server(chunks: int) -> Iterator[str]:
    """Run the server in its own process; return its URL."""
    command = [sys.executable, str(Path(__file__).resolve()), "--chunks", str(chunks)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--chunks", type=int, required=True)
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(parser.parse_args().chunks))
