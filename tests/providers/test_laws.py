"""The laws of every provider, checked by the public check: on what real servers answered, or a mock in their place."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from deepseek_v4_sdk import DeepSeekV4, DeepSeekV4Error
from deepseek_v4_sdk.providers import NIM, PROVIDER_NAMES, Provider, find_provider
from deepseek_v4_sdk.testing import MockProvider, Recorder, check_provider, read_cassette, script
from tests.support.recorded import SERVERS, of_front, recordings

if TYPE_CHECKING:
    from pathlib import Path

    from deepseek_v4_sdk.testing import RecordedExchange

TOOL = {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}
FRONTS = ("vllm-0.33", "vllm-0.33-rust")
EACH: dict[str, Provider] = {
    **{name: find_provider(name) for name in PROVIDER_NAMES},
    **{f"nim of {engine}": NIM(engine) for engine in ("vllm", "sglang", "1.x")},
}


def of_a_mock(flavor: str, path: Path) -> list[RecordedExchange]:
    """What the mock of a server answers: each part of an answer once, with streamed and plain forms of one question."""
    think = script.think("A tool helps.")
    tells, calls = think + script.text("The air is warm."), think + script.tool_call("get_weather", city="Paris")
    cut = script.turn(script.text("One, two"), finish_reason="length")
    steps = [tells, tells, calls, calls, cut, script.error(429, "slow down, please")]
    mock = MockProvider(*steps, flavor=flavor, count_tokens=False)
    with DeepSeekV4(Recorder(mock, path=path), model="pro", max_retries=0) as client:
        client.models()
        for wire in ("stream", "plain"):
            client.chat("Warm?", wire=wire)
        for wire in ("stream", "plain"):
            client.chat("And in Paris?", tools=[TOOL], wire=wire)
        client.chat("Count.", max_tokens=2)
        with suppress(DeepSeekV4Error):
            client.chat("Once more.")
    return read_cassette(path)


@pytest.mark.parametrize("name", EACH)
def test_on_the_wire_of_its_mock(name: str, tmp_path: Path) -> None:
    provider = EACH[name]
    report = check_provider(provider, of_a_mock(provider.data.name, tmp_path / "cassette.jsonl"))
    report.raise_for_problems()
    assert report.untested == ()


@pytest.mark.parametrize("server", SERVERS)
def test_on_recordings_of_a_real_server(server: str) -> None:
    check_provider(server, [recording.exchange for recording in recordings(server)]).raise_for_problems()


@pytest.mark.parametrize("front", FRONTS)
def test_on_recordings_of_a_newer_front_end(front: str) -> None:
    check_provider("vllm", [recording.exchange for recording in of_front(front)]).raise_for_problems()
