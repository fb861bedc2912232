"""Connections are closed without a warning: those that nothing refers to any more, and those of a closed client."""

from __future__ import annotations

import asyncio
import gc
import socket
import warnings
import weakref
from collections.abc import Callable

import httpcore
import pytest

from deepseek_v4_sdk import DeepSeekV4
from deepseek_v4_sdk.providers import HttpCall
from deepseek_v4_sdk.testing import MockProvider, script
from deepseek_v4_sdk.testing.server import MockServer
from deepseek_v4_sdk.transport.connection import AsyncTransport
from deepseek_v4_sdk.transport.direct_transport import AsyncDirectTransport, DirectTransport
from deepseek_v4_sdk.transport.httpcore_transport import AsyncPooledTransport
from tests.support.hostile_server import HEAD, HostileServer
from tests.transport.test_http1 import step_of

ASYNC: tuple[Callable[[], AsyncTransport], ...] = (AsyncDirectTransport, lambda: AsyncPooledTransport(tls=False))


class Circle:
    """An object that holds itself, and what it is given."""

    def __init__(self, held: object) -> None:
        self.held = held
        self.itself = self


def transports() -> list[DirectTransport]:
    return [each for each in gc.get_objects() if isinstance(each, DirectTransport)]


def test_a_circle_with_a_client() -> None:
    with MockServer(MockProvider(default=script.text("Hi."))) as server, warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        others = transports()
        client = DeepSeekV4("vllm", base_url=server.url)
        assert client.chat("Hi").text == "Hi."
        (gone,) = (weakref.ref(each) for each in transports() if all(each is not other for other in others))
        Circle(client)
        del client
        gc.collect()
    assert gone() is None
    assert [str(each.message) for each in seen] == []


def begins(connection: socket.socket, server: HostileServer) -> None:
    server.hear(connection)
    connection.sendall(HEAD)
    connection.recv(1)  # until the client closes


@pytest.mark.parametrize("make", ASYNC)
def test_a_forgotten_answer_is_closed_with_its_loop(make: Callable[[], AsyncTransport]) -> None:
    async def forget(url: str) -> None:
        transport = make()
        await transport.send(step_of(HttpCall("GET", url), transport))

    with HostileServer(begins) as server:
        asyncio.run(forget(server.url))
        gc.collect()  # it warns of an open connection
        assert server.connections == 1


@pytest.mark.parametrize("make", ASYNC)
def test_a_connection_that_opens_after_the_close_is_closed(make: Callable[[], AsyncTransport]) -> None:
    async def run(url: str) -> None:
        transport = make()
        sending = asyncio.create_task(transport.send(step_of(HttpCall("GET", url), transport)))
        await asyncio.sleep(0)  # it connects
        await transport.aclose()
        with pytest.raises(httpcore.ConnectError, match="closed"):
            await sending

    with HostileServer(begins) as server:
        asyncio.run(run(server.url))
        gc.collect()
        assert server.requests == []


def test_without_its_certificates_a_client_opens_no_connection() -> None:
    call, ca_bundle = HttpCall("GET", "https://127.0.0.1:9"), "missing.pem"
    transport, awaited = DirectTransport(ca_bundle), AsyncDirectTransport(ca_bundle)
    with pytest.raises(FileNotFoundError):
        transport.send(step_of(call, transport))
    with pytest.raises(FileNotFoundError):
        asyncio.run(awaited.send(step_of(call, awaited)))
