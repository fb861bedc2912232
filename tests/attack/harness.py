"""What attacks are made of: answers as bytes, servers that send them as they like, and every kind of client.

An attack is a function that a `HostileServer` calls with each connection. What a client makes of it is asked with
`ask`, which gives for each question the text of the answer or the error.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from typing import Any, TypeAlias

import httpx
import pytest

from deepseek_v4_sdk import AsyncDeepSeekV4, DeepSeekV4, DeepSeekV4Error, Timeouts
from tests.support.hostile_server import HEAD, HostileServer, chunk_of
from tests.support.wire import DONE, finish, plain, say

__all__ = [
    "OUR_WAYS",
    "SHORT",
    "WAYS",
    "Attack",
    "HostileServer",
    "answered",
    "ask",
    "bare_answer",
    "in_each_way",
    "in_each_way_of_ours",
    "json_answer",
    "stream_answer",
]

Attack: TypeAlias = Callable[[socket.socket, HostileServer], None]

OUR_WAYS = ("sync", "async", "aiohttp")
"""The connections that the SDK makes itself."""
WAYS = (*OUR_WAYS, "httpx", "httpx-async")
"""And those of an HTTP client that the user brings."""
in_each_way = pytest.mark.parametrize("way", WAYS)
in_each_way_of_ours = pytest.mark.parametrize("way", OUR_WAYS)

SHORT = Timeouts(connect=1.0, first_event=1.0, idle=1.0, total=2.0)
"""Timers that let a test see that they hold."""


def stream_answer(text: str) -> bytes:
    """A whole answer to a chat, as a stream in chunks."""
    return HEAD + chunk_of(say(text)) + chunk_of(finish("stop")) + chunk_of(DONE) + chunk_of(b"")


def json_answer(body: bytes | str, status: int = 200, *fields: bytes) -> bytes:
    """An answer of a known length: a body as it is, or the plain answer to a chat that says a text."""
    if isinstance(body, str):
        body = plain("stop", content=body)
    lines = [
        b"HTTP/1.1 %d Said" % status,
        b"content-type: application/json",
        b"content-length: %d" % len(body),
        *fields,
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def bare_answer(status: int, *fields: bytes) -> bytes:
    """An answer that has no body by its status, such as 204."""
    return b"\r\n".join([b"HTTP/1.1 %d Said" % status, *fields]) + b"\r\n\r\n"


def answered(*answers: bytes) -> Attack:
    """An attack that answers the first request of a connection with the first bytes, the next with the next."""

    def serve(connection: socket.socket, server: HostileServer) -> None:
        for answer in answers:
            if not server.hear(connection):
                return
            connection.sendall(answer)
        server.ended.wait(10)

    return serve


def ask(
    way: str,
    url: str,
    *questions: str,
    options: dict[str, Any] | None = None,
    pause: float = 0.0,
    between: Callable[[], object] = lambda: None,
    **given: Any,
) -> list[Any]:
    """Ask one question after another through one client: for each the text of the answer, or the error.

    Args:
        way: Which kind of client: one of `WAYS`.
        url: The base URL.
        questions: What is asked.
        options: Options of the calls.
        pause: Seconds between two questions.
        between: Is called before each question but the first.
        given: Arguments of the client.
    """
    arguments: dict[str, Any] = {
        "base_url": url,
        "model": "m",
        "max_retries": 0,
        "timeout": SHORT,
        "limits": "off",
        **given,
    }
    call = options or {}

    async def each(client: AsyncDeepSeekV4) -> list[Any]:
        heard: list[Any] = []
        for place, question in enumerate(questions):
            await asyncio.sleep(pause if place else 0)
            if place:
                between()
            try:
                heard.append((await client.chat(question, **call)).text)
            except DeepSeekV4Error as error:
                heard.append(error)
        return heard

    async def run() -> list[Any]:
        if way == "httpx-async":
            async with (
                httpx.AsyncClient() as theirs,
                AsyncDeepSeekV4("vllm", http_client=theirs, **arguments) as client,
            ):
                return await each(client)
        async with AsyncDeepSeekV4("vllm", transport="aiohttp" if way == "aiohttp" else "httpx", **arguments) as client:
            return await each(client)

    def blocking(client: DeepSeekV4) -> list[Any]:
        heard: list[Any] = []
        for place, question in enumerate(questions):
            if place:
                time.sleep(pause)
                between()
            try:
                heard.append(client.chat(question, **call).text)
            except DeepSeekV4Error as error:
                heard.append(error)
        return heard

    if way == "sync":
        with DeepSeekV4("vllm", **arguments) as client:
            return blocking(client)
    if way == "httpx":
        with httpx.Client() as theirs, DeepSeekV4("vllm", http_client=theirs, **arguments) as client:
            return blocking(client)
    return asyncio.run(run())
