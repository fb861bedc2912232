"""Gateways for tests: in this process, or on a port of the loopback, in front of a mock."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from deepseek_v4_sdk import AsyncDeepSeekV4
from deepseek_v4_sdk.gateway import Gateway
from deepseek_v4_sdk.gateway.serve import prepare
from deepseek_v4_sdk.testing import MockProvider

FLAVORS = ("vllm", "sglang", "deepseek", "nvidia")
ASK: list[dict[str, Any]] = [{"role": "user", "content": "Hello"}]
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOL = {"type": "function", "function": {"name": "weather", "description": "Tells it.", "parameters": SCHEMA}}
PATHS = {"chat": "/v1/chat/completions", "messages": "/v1/messages", "responses": "/v1/responses"}


def client_of(*steps: Any, flavor: str = "vllm", default: Any = None, **arguments: Any) -> AsyncDeepSeekV4:
    """A client whose server is a script."""
    mock = MockProvider(*steps, flavor=flavor, default=default, count_tokens=False)
    return client_for(mock, **arguments)


def client_for(mock: MockProvider, **arguments: Any) -> AsyncDeepSeekV4:
    models = {"deepseek": "deepseek-v4-pro", "nvidia": "deepseek-ai/deepseek-v4-pro"}
    settings: dict[str, Any] = {"model": models.get(mock.data.name), "max_retries": 0}
    if mock.data.needs_key:
        settings["api_key"] = "upstream-key"
    return AsyncDeepSeekV4(mock, **{**settings, **arguments})


def mock_of(client: AsyncDeepSeekV4) -> MockProvider:
    mock = client._endpoint.provider
    assert isinstance(mock, MockProvider)
    return mock


def sent(client: AsyncDeepSeekV4, number: int = -1) -> dict[str, Any]:
    """The body of a request that went upstream."""
    body: dict[str, Any] = dict(mock_of(client).requests[number].body)
    return body


def inside(gateway: Gateway, **arguments: Any) -> httpx.AsyncClient:
    """A client that calls a gateway in this process."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(gateway), base_url="http://127.0.0.1", **arguments)


def question(route: str, **fields: Any) -> dict[str, Any]:
    """The same question in the form of an API."""
    if route == "responses":
        return {"model": "m", "input": "Hello", **fields}
    if route == "messages":
        return {"model": "m", "max_tokens": 100, "messages": ASK, **fields}
    return {"model": "m", "messages": ASK, **fields}


@dataclass(frozen=True)
class Event:
    """One event of a stream: its name, and its data."""

    name: str | None
    data: Any


def events_of(text: str) -> list[Event]:
    """The events of a stream, comments left out."""
    import json

    found: list[Event] = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if line and not line.startswith(":"))
        if "data" in fields:
            data = fields["data"]
            found.append(Event(fields.get("event"), data if data == "[DONE]" else json.loads(data)))
    return found


@dataclass(frozen=True)
class Served:
    """A gateway on a port."""

    url: str
    gateway: Gateway

    @property
    def base(self) -> str:
        return self.url.removesuffix("/v1")


@contextmanager
def served(gateway: Gateway) -> Iterator[Served]:
    """A gateway on a port of the loopback, in a thread of its own."""
    server, listener, url = prepare(gateway, host="127.0.0.1", port=0)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    try:
        yield Served(url, gateway)
    finally:
        server.should_exit = server.force_exit = True
        thread.join()
        listener.close()


def words(found: Sequence[Event], *keys: str) -> str:
    """The texts under a path of keys, joined."""
    out = ""
    for event in found:
        value: Any = event.data
        for key in keys:
            value = (
                value[int(key)]
                if isinstance(value, list) and value
                else value.get(key)
                if isinstance(value, dict)
                else None
            )
        out += value or ""
    return out
