"""A server of its own process that sends bytes made beforehand: it costs next to nothing, so the client's cost shows.

`/stream/...` answers with many events, one HTTP chunk each; `/plain/...` with a small JSON answer, or with a small
stream when the request asks for one.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
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


def stream(chunks: int) -> bytes:
    """A whole HTTP answer: a stream of so many pieces of text."""
    events = [event(choice({"role": "assistant", "content": ""}))]
    events += [event(choice({"content": f" word{number % 10}"}), kv_transfer_params=None) for number in range(chunks)]
    events += [event(choice({}, "stop")), event([], usage=USAGE), b"data: [DONE]\n\n"]
    body = b"".join(b"%x\r\n%s\r\n" % (len(block), block) for block in events) + b"0\r\n\r\n"
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n"
    return head + body


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

    def __init__(self, long: bytes, short: bytes, small: bytes) -> None:
        self._long, self._short, self._small = long, short, small
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
            elif b'"stream":true' in body.replace(b" ", b""):
                self._transport.write(self._short)
            else:
                self._transport.write(self._small)


async def serve(chunks: int) -> None:
    """Serve on a free port of this machine, and print it."""
    answers = stream(chunks), stream(3), plain()
    server = await asyncio.get_running_loop().create_server(lambda: Replay(*answers), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def replay_server(chunks: int) -> Iterator[str]:
    """Run the server in a process of its own; gives its URL."""
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
