"""Silences are bridged, and a caller who leaves ends the request to the server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from deepseek_v4_sdk import AsyncDeepSeekV4
from deepseek_v4_sdk.gateway import Gateway
from deepseek_v4_sdk.testing import MockProvider, faults, script
from deepseek_v4_sdk.testing.script import Step
from deepseek_v4_sdk.testing.server import MockServer
from tests.gateway.serving import PATHS, Served, events_of, question, served

SAID = script.text("one two three four five")
PINGS = {"chat": ": keep-alive\n\n", "responses": ": keep-alive\n\n", "messages": "event: ping\n"}


@contextmanager
def real(step: Step | faults.Fault, keep_alive: float) -> Iterator[tuple[MockServer, Served]]:
    """A gateway in front of a mock, both on a port: time is real."""
    with MockServer(MockProvider(default=step, count_tokens=False)) as server:
        client = AsyncDeepSeekV4("vllm", base_url=server.url, max_retries=0)
        with served(Gateway(client, keep_alive=keep_alive)) as gateway:
            yield server, gateway


@pytest.mark.parametrize("route", PATHS)
@pytest.mark.parametrize(
    "fault", [faults.stall(after=3, seconds=0.4), faults.slow_prefill(0.4)], ids=["stall", "prefill"]
)
def test_silence_in_a_stream_is_bridged(route: str, fault: faults.Fault) -> None:
    with real(SAID | fault, keep_alive=0.05) as (_, gateway):
        answer = httpx.post(gateway.base + PATHS[route], json=question(route, stream=True), timeout=60)
    assert answer.status_code == 200
    assert answer.text.count(PINGS[route]) >= 3
    found = events_of(answer.text)
    if route == "messages":
        assert found[0].name == "message_start"
        assert found[-1].name == "message_stop"
    elif route == "responses":
        assert [event.data["sequence_number"] for event in found] == list(range(len(found)))
        assert found[-1].name == "response.completed"
    else:
        assert found[0].data["choices"][0]["delta"]["role"] == "assistant"
        assert found[-1].data == "[DONE]"


@pytest.mark.parametrize("route", PATHS)
@pytest.mark.parametrize("stream", [True, False])
def test_a_caller_who_leaves_ends_the_request(route: str, stream: bool) -> None:
    with real(SAID | faults.stall(after=2, seconds=60), keep_alive=30) as (server, gateway):
        with httpx.Client() as http:
            request = http.build_request("POST", gateway.base + PATHS[route], json=question(route, stream=stream))
            if stream:
                answer = http.send(request, stream=True)
                next(answer.iter_raw())
                answer.close()
            else:
                with pytest.raises(httpx.ReadTimeout):
                    http.post(gateway.base + PATHS[route], json=question(route), timeout=0.5)
        deadline = time.monotonic() + 2
        while not server.disconnects and time.monotonic() < deadline:
            time.sleep(0.01)
        assert server.disconnects == 1


def test_a_refusal_after_the_first_ping_comes_inside_the_stream() -> None:
    late = script.error(503, "no room")
    with real(late | faults.slow_prefill(0.4), keep_alive=0.05) as (_, gateway):
        answer = httpx.post(gateway.base + PATHS["chat"], json=question("chat", stream=True), timeout=60)
    assert answer.status_code == 200
    assert "no room" in events_of(answer.text)[-1].data["error"]["message"]


def test_long_arguments_stream_as_they_come() -> None:
    step = script.turn(script.tool_call("weather", city="Rome " * 200), cuts=20)
    tool = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}
    asked = question("chat", stream=True, tools=[tool])
    with (
        real(step | faults.stall(after=20, seconds=0.3), keep_alive=30) as (_, gateway),
        httpx.stream("POST", gateway.base + PATHS["chat"], json=asked) as got,
    ):
        times = [time.monotonic() for block in got.iter_raw() if b"arguments" in block]
    assert times[-1] - times[0] >= 0.2
