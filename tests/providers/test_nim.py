"""A NIM container: which engine is inside, what that changes, and the one model that needs no name."""

from __future__ import annotations

from threading import Barrier, Thread
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from deepseek_v4_sdk import DeepSeekV4
from deepseek_v4_sdk.errors import ConfigurationError, InvalidRequestError, PhaseTimeoutError, UnsupportedOptionError
from deepseek_v4_sdk.providers.nim import NIM
from deepseek_v4_sdk.testing import MockProvider, script
from deepseek_v4_sdk.testing.flavors.dynamo import DynamoFlavor
from deepseek_v4_sdk.testing.flavors.nim import NimFlavor
from tests.providers.hosted import KINDS, Network, Talk
from tests.support.any_name import ANY_NAME

if TYPE_CHECKING:
    from pathlib import Path

    from deepseek_v4_sdk.chat import JsonValue

BASE = "http://localhost:8000"
MODEL = "deepseek-ai/deepseek-v4-pro-0813"
CALLS = [{"id": name, "type": "function", "function": {"name": "f", "arguments": "{}"}} for name in ("z", "a")]
HISTORY: list[Any] = [
    {"role": "user", "content": "x"},
    {"role": "assistant", "content": "y", "reasoning": "Hm.", "tool_calls": CALLS},
    {"role": "tool", "content": "1", "tool_call_id": "z"},
    {"role": "tool", "content": "2", "tool_call_id": "a"},
]


class Listing(NimFlavor):
    """A container with a list of models of one's own."""

    def __init__(self, *entries: dict[str, Any]) -> None:
        super().__init__(ANY_NAME)
        self._entries = entries

    def read(self, path: str, window: int) -> JsonValue:
        return {"object": "list", "data": list(self._entries)} if path == "/v1/models" else super().read(path, window)


def entry(name: str, owner: str = "vllm", parent: str | None = None) -> dict[str, Any]:
    return {"id": name, "object": "model", "owned_by": owner, "root": name, "parent": parent}


def nim(kind: str, flavor: Any, *, provider: Any = "nim", answers: int = 1, **arguments: Any) -> tuple[Talk, Network]:
    network = Network(*[script.text("Hello")] * answers, flavor=flavor)
    return Talk(kind, provider, network, base_url=BASE, **arguments), network


@pytest.mark.parametrize("kind", KINDS)
class TestEngine:
    @pytest.mark.parametrize(
        ("engine", "kept", "dropped"),
        [("vllm", "reasoning", "reasoning_content"), ("sglang", "reasoning_content", "reasoning")],
    )
    @pytest.mark.parametrize("model", [None, MODEL])
    def test_history_goes_out_as_the_engine_reads_it(
        self, kind: str, engine: Any, kept: str, dropped: str, model: str | None
    ) -> None:
        talk, network = nim(kind, NimFlavor(engine), model=model)
        talk.chat(HISTORY)
        sent = network.bodies[0]["messages"][1]
        assert sent[kept] == "Hm."
        assert dropped not in sent
        ids = [call["id"] for call in sent["tool_calls"]]
        assert ids == (["z", "a"] if engine == "vllm" else ["call_00_z", "call_01_a"])
        assert [message["tool_call_id"] for message in network.bodies[0]["messages"][2:]] == ids

    @pytest.mark.parametrize(("engine", "sent"), [("vllm", -3), ("sglang", 3)])
    def test_higher_priority_is_more_urgent_on_each(self, kind: str, engine: Any, sent: int) -> None:
        talk, network = nim(kind, NimFlavor(engine))
        talk.chat(priority=3)
        assert network.bodies[0]["priority"] == sent

    def test_a_rule_of_one_engine_does_not_hold_on_the_other(self, kind: str) -> None:
        talk, network = nim(kind, NimFlavor("vllm"), answers=2)
        for _ in range(2):
            talk.chat("No such word here", response_format={"type": "json_object"})
        assert len(network.bodies) == 2
        talk, network = nim(kind, NimFlavor("sglang"))
        for _ in range(2):
            with pytest.raises(InvalidRequestError, match="needs the word 'json'"):
                talk.chat("No such word here", response_format={"type": "json_object"})
        assert network.bodies == []

    @pytest.mark.parametrize(("engine", "sent"), [("vllm", -3), ("sglang", 3)])
    def test_a_declared_engine_is_not_asked_for(self, kind: str, engine: Any, sent: int) -> None:
        other: Any = "sglang" if engine == "vllm" else "vllm"
        talk, network = nim(kind, NimFlavor(other), provider=NIM(engine), model=MODEL)
        talk.chat(priority=3)
        assert network.urls == [f"POST {BASE}/v1/chat/completions"]
        assert network.bodies[0]["priority"] == sent

    def test_an_engine_that_is_not_named_gets_both_and_no_priority(self, kind: str) -> None:
        talk, network = nim(kind, Listing(entry(MODEL, "nvidia")), answers=1)
        talk.chat(HISTORY)
        sent = network.bodies[0]["messages"][1]
        assert sent["reasoning"] == sent["reasoning_content"] == "Hm."
        with pytest.raises(UnsupportedOptionError, match="declare it with NIM") as raised:
            talk.chat(priority=3)
        assert raised.value.option == "priority"
        assert len(network.bodies) == 1

    def test_the_mock_is_asked_as_a_container_is(self, kind: str) -> None:
        mock = MockProvider(script.text("Hello"), flavor="nim")
        Talk(kind, mock, None, model=MODEL).chat(HISTORY)
        messages: Any = mock.requests[0].body["messages"]
        assert "reasoning" not in messages[1]


def test_a_personality_that_does_not_exist_is_refused() -> None:
    wrong: Any = "trt"
    with pytest.raises(ConfigurationError, match=r"no engine 'trt'; known: vllm, sglang, 1\.x"):
        NIM(wrong)


def test_a_profile_declares_the_engine(tmp_path: Path) -> None:
    file = tmp_path / "deepseek_v4.toml"
    file.write_text(f'[profiles.a]\nprovider = "nim"\nengine = "vllm"\nbase_url = "{BASE}"\nmodel = "{MODEL}"\n')
    network = Network(script.text("x"), flavor=NimFlavor("sglang"))
    with DeepSeekV4.from_profile("a", path=file, http_client=network) as client:
        client.chat("x", priority=1)
    assert network.bodies[0]["priority"] == -1
    file.write_text(f'[profiles.a]\nprovider = "vllm"\nengine = "vllm"\nbase_url = "{BASE}"\n')
    with pytest.raises(ConfigurationError, match='engine goes only with provider = "nim"'):
        DeepSeekV4.from_profile("a", path=file)


class TwoModels(DynamoFlavor):
    """A Dynamo front end with two models."""

    def read(self, path: str, window: int) -> JsonValue:
        if path != "/v1/models":
            return super().read(path, window)
        return {"object": "list", "data": [{"id": name, "context_window": window} for name in ("one", "two")]}


@pytest.mark.parametrize("kind", KINDS)
class TestTheOneModel:
    @pytest.mark.parametrize(("provider", "model"), [("nim", MODEL), ("dynamo", "deepseek-ai/DeepSeek-V4-Pro")])
    def test_it_needs_no_name_and_is_asked_for_once(self, kind: str, provider: str, model: str) -> None:
        talk, network = nim(kind, provider, provider=provider, answers=3)
        for _ in range(3):
            assert talk.chat().requested_model == model
        assert [body["model"] for body in network.bodies] == [model] * 3
        assert network.urls == [f"GET {BASE}/v1/models", *[f"POST {BASE}/v1/chat/completions"] * 3]

    def test_each_client_asks_for_itself(self, kind: str) -> None:
        first, _ = nim(kind, "dynamo", provider="dynamo")
        first.chat()
        second, network = nim(kind, "dynamo", provider="dynamo")
        second.chat()
        assert network.urls[0] == f"GET {BASE}/v1/models"

    def test_adapters_do_not_count(self, kind: str) -> None:
        flavor = Listing(entry("adapter", parent="base"), entry("base"), entry("other", parent="base"))
        talk, network = nim(kind, flavor)
        talk.chat()
        assert network.bodies[0]["model"] == "base"

    @pytest.mark.parametrize(
        ("provider", "flavor", "listed"),
        [("nim", Listing(entry("a"), entry("b")), "a, b"), ("nim", Listing(), "none"), ("dynamo", TwoModels(), "one")],
    )
    def test_several_or_none_are_an_error_that_names_them(
        self, kind: str, provider: str, flavor: Any, listed: str
    ) -> None:
        talk, network = nim(kind, flavor, provider=provider)
        with pytest.raises(InvalidRequestError, match=rf"serves several models, or none \({listed}.*give model"):
            talk.chat()
        assert network.bodies == []

    def test_with_several_a_named_one_is_sent_and_an_unnamed_request_is_still_told(self, kind: str) -> None:
        talk, network = nim(kind, Listing(entry("a"), entry("b")))
        talk.chat(model="b")
        assert network.bodies[0]["model"] == "b"
        with pytest.raises(InvalidRequestError, match="give model"):
            talk.chat()
        assert len(network.bodies) == 1

    def test_the_name_of_the_client_is_taken_before_the_list(self, kind: str) -> None:
        talk, network = nim(kind, Listing(entry("a"), entry("b")), model="a")
        talk.chat()
        assert network.bodies[0]["model"] == "a"


def test_threads_agree_on_the_model() -> None:
    network = Network(*[script.text("Hello")] * 8, flavor="dynamo")
    client = DeepSeekV4("dynamo", base_url=BASE, http_client=network)
    barrier, models = Barrier(8), list[Any]()

    def ask() -> None:
        barrier.wait()
        models.append(client.chat("x").requested_model)

    threads = [Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert models == ["deepseek-ai/DeepSeek-V4-Pro"] * 8


class Loading(Network):
    """A container whose proxy is up before its model is."""

    def __init__(self, *answers: httpx.Response) -> None:
        super().__init__(flavor="nim")
        self.answers = list(answers)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self.answers:
            self.asked.append(request)
            return self.answers.pop(0)
        return super().handle_request(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self.handle_request(request) if self.answers else await super().handle_async_request(request)


@pytest.mark.parametrize("kind", KINDS)
def test_readiness_asks_nims_own_route_until_the_model_is_loaded(kind: str) -> None:
    page = b"<html><head><title>502 Bad Gateway</title></head></html>"
    network = Loading(
        httpx.Response(502, content=page), httpx.Response(503, json={"object": "health.response"}), httpx.Response(503)
    )
    talk = Talk(kind, "nim", network, base_url=BASE)
    assert talk.done(talk.client.wait_until_ready(timeout=600)).ok
    assert network.urls == [f"GET {BASE}/v1/health/ready"] * 4


@pytest.mark.parametrize("kind", KINDS)
def test_readiness_that_never_comes_says_what_was_answered_last(kind: str) -> None:
    network = Loading(*[httpx.Response(503) for _ in range(20)])
    talk = Talk(kind, "nim", network, base_url=BASE)
    with pytest.raises(PhaseTimeoutError, match="not ready within 5 s; the last answer: nim answered 503"):
        talk.done(talk.client.wait_until_ready(timeout=5))
