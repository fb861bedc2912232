"""Windows: configured, asked, learned from a refusal, of the catalogue; and what is kept on disk."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from deepseek_v4_sdk import (
    AsyncDeepSeekV4,
    AuthenticationError,
    BudgetError,
    ConfigurationError,
    ContextBudget,
    ContextLengthExceededError,
    DeepSeekV4,
)
from deepseek_v4_sdk.context.window import resolve_window
from deepseek_v4_sdk.providers.learned_limits import LearnedLimits
from deepseek_v4_sdk.testing import MockProvider, script
from deepseek_v4_sdk.testing.flavors.sglang import SGLangFlavor
from deepseek_v4_sdk.testing.flavors.vllm import VLLMFlavor
from tests.context.test_overflow import long_talk
from tests.providers.refusal_cases import CASES
from tests.support.replay import JSON, Played, Replay, answer

FLAVORS = {"vllm": "asked", "sglang": "asked", "nim": "asked", "dynamo": "asked"}
HOSTED = ("nvidia", "deepseek")
WINDOW = 70_000


def budget_of(mock: Any, kind: str, **arguments: Any) -> ContextBudget:
    if kind == "sync":
        with DeepSeekV4(mock, model="pro") as client:
            return client.budget(**arguments)

    async def asked() -> ContextBudget:
        async with AsyncDeepSeekV4(mock, model="pro") as client:
            return await client.budget(**arguments)

    return asyncio.run(asked())


def chat_of(mock: Any, kind: str, messages: Any, **options: Any) -> Any:
    if kind == "sync":
        return DeepSeekV4(mock, model="pro").chat(messages, **options)
    return asyncio.run(AsyncDeepSeekV4(mock, model="pro").chat(messages, **options))


def told(budget: ContextBudget) -> tuple[int, str]:
    return budget.window, budget.window_source


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("flavor", [*FLAVORS, *HOSTED])
class TestEachFlavor:
    def test_the_server_is_asked_or_the_catalogue_is(self, flavor: str, kind: str) -> None:
        budget = budget_of(MockProvider(flavor=flavor, window=WINDOW), kind)
        assert told(budget) == ((WINDOW, "asked") if flavor in FLAVORS else (1_048_576, "catalogue"))

    def test_what_you_say_counts_and_nothing_is_asked(self, flavor: str, kind: str) -> None:
        mock = MockProvider(flavor=flavor, window=WINDOW)
        assert told(budget_of(mock, kind, window=32_768)) == (32_768, "configured")

    def test_a_refusal_that_names_less_wins(self, flavor: str, kind: str) -> None:
        """A gateway in front of the server may allow less than the server says."""
        text = "This model's maximum context length is 50000 tokens. However, your messages resulted in 60000 tokens."
        mock = MockProvider(script.error(400, text), flavor=flavor, window=WINDOW)
        client = DeepSeekV4(mock, model="pro")
        with pytest.raises(ContextLengthExceededError):
            client.chat("Hi")
        assert told(budget_of(mock, kind)) == (50_000, "learned")
        assert told(budget_of(mock, kind, window=60_000)) == (60_000, "configured")


@pytest.mark.parametrize("kind", ["sync", "async"])
class TestMemory:
    """SGLang lists its window, and may hold far fewer tokens."""

    def test_what_the_memory_holds_counts(self, kind: str) -> None:
        mock = MockProvider(flavor=SGLangFlavor(memory=3_000), window=65_536)
        assert told(budget_of(mock, kind)) == (2_994, "asked")

    def test_enough_memory_changes_nothing(self, kind: str) -> None:
        for memory in (None, WINDOW, WINDOW * 10):
            mock = MockProvider(flavor=SGLangFlavor(memory=memory), window=WINDOW)
            assert told(budget_of(mock, kind)) == (WINDOW, "asked")

    def test_a_prompt_is_made_to_fit_it(self, kind: str) -> None:
        mock = MockProvider(default=script.text("Hi"), flavor=SGLangFlavor(memory=3_000), window=65_536)
        for talk, options in (
            (long_talk(80), {"overflow": "fit"}),
            ("word " * 2_900, {"overflow": "clamp", "max_tokens": 1_000}),
        ):
            reply = chat_of(mock, kind, talk, thinking="off", **options)
            assert reply.text == "Hi"
            assert (reply.usage.prompt_tokens or 0) + (reply.max_tokens_sent or 0) <= 2_998
        with pytest.raises(ContextLengthExceededError):
            chat_of(mock, kind, "word " * 3_000, thinking="off", overflow="raise")

    @pytest.mark.parametrize(
        "about", [b"{}", b"[]", b"<html>", b'{"max_req_input_len": "many"}', b'{"max_req_input_len": -1}', None]
    )
    def test_a_server_that_does_not_tell_it_is_as_before(self, about: bytes | None, kind: str) -> None:
        listed = answer(b'{"data": [{"id": "V4-pro", "max_model_len": 5000}]}', headers=JSON)
        missing = answer(b'{"detail": "Not Found"}', status=404, headers=JSON)
        replay = Replay(listed, *([missing] * 2 if about is None else [answer(about, headers=JSON)]))
        assert told(budget_of(Played("sglang", replay), kind)) == (5_000, "asked")


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("flavor", [VLLMFlavor(), VLLMFlavor(frontend="rust"), SGLangFlavor()])
def test_the_version_is_asked_for_with_the_window(flavor: Any, kind: str) -> None:
    """SGLang and vLLM's Rust front end do not tell it in their answers."""
    mock = MockProvider(default=script.text("Hi"), flavor=flavor, window=WINDOW)
    budget = budget_of(mock, kind)
    assert budget.measure("Hi").exact
    assert DeepSeekV4(mock, model="pro").count_tokens("Hi").exact


def test_the_rust_front_end_writes_a_tool_without_a_description_otherwise() -> None:
    budget = DeepSeekV4(MockProvider(flavor=VLLMFlavor(frontend="rust"), window=WINDOW), model="pro").budget()
    bare = {"name": "now", "parameters": {"type": "object", "properties": {}}}
    assert budget.measure("Hi", [{**bare, "description": "The time."}]).exact
    assert not budget.measure("Hi", [bare]).exact


def test_a_version_of_another_prompt_is_no_exact_one() -> None:
    for flavor in (VLLMFlavor(version="0.26.0"), SGLangFlavor(version="0.5.20")):
        mock = MockProvider(flavor=flavor, window=WINDOW)
        assert not DeepSeekV4(mock, model="pro").budget().measure("Hi").exact


def test_a_probe_tells_the_version_as_well() -> None:
    client = DeepSeekV4(MockProvider(flavor="sglang", window=WINDOW))
    assert not client.count_tokens("Hi").exact
    client.probe()
    assert client.count_tokens("Hi").exact


def test_a_refusal_that_names_more_does_not() -> None:
    text = "This model's maximum context length is 90000 tokens. However, your messages resulted in 99000 tokens."
    mock = MockProvider(script.error(400, text), window=WINDOW)
    with pytest.raises(ContextLengthExceededError):
        DeepSeekV4(mock).chat("Hi")
    assert told(DeepSeekV4(mock).budget()) == (WINDOW, "asked")


_TOLD = [case for case in CASES if case.fields.get("limit")]


@pytest.mark.parametrize("case", _TOLD, ids=lambda case: case.name)
def test_every_known_text_teaches_the_window(case: Any) -> None:
    mock = MockProvider(script.raw(case.body, status=case.status, headers=case.headers), flavor=case.provider)
    client = DeepSeekV4(mock)
    with pytest.raises(ContextLengthExceededError) as refused:
        client.chat("Hi")
    assert refused.value.limit == case.fields["limit"]
    assert told(client.budget()) == (case.fields["limit"], "learned")


def test_there_are_texts_of_every_server() -> None:
    assert len(_TOLD) >= 9
    assert {case.provider for case in _TOLD} == {"vllm", "sglang"}


def test_a_server_that_was_set_up_anew_is_believed() -> None:
    limits = LearnedLimits()
    error = ContextLengthExceededError("too long")
    error.limit = 50_000
    limits.learn_asked("http://s", "m", 70_000)
    limits.learn("http://s", "m", error)
    limits.learn_asked("http://s", "m", 70_000)
    assert limits.of("http://s", "m").window == 50_000
    limits.learn_asked("http://s", "m", 131_072)
    assert (limits.of("http://s", "m").window, limits.of("http://s", "m").asked) == (None, 131_072)


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        ({"configured": 1, "asked": 2, "learned": 3, "catalogue": 4}, (1, "configured")),
        ({"asked": 2, "learned": 3, "catalogue": 4}, (2, "asked")),
        ({"asked": 3, "learned": 2, "catalogue": 4}, (2, "learned")),
        ({"learned": 5, "catalogue": 4}, (5, "learned")),
        ({"catalogue": 4}, (4, "catalogue")),
    ],
)
def test_which_source_wins(sources: dict[str, int], expected: tuple[int, str]) -> None:
    window = resolve_window(**sources)
    assert (window.tokens, window.source) == expected


def test_a_server_of_ones_own_is_never_taken_to_have_the_models_window() -> None:
    """A gateway that lists nothing, and one that speaks for a hosted API at another address."""
    for provider, model in (("vllm", "some-model"), ("deepseek", "pro")):
        mock = MockProvider(flavor=provider)
        client = DeepSeekV4(
            provider, base_url="http://gateway.test", api_key="a-key", model=model, http_client=_without_models(mock)
        )
        with pytest.raises(BudgetError, match=r"window of the model at http://gateway\.test is not known") as raised:
            client.budget()
        assert "give window=" in str(raised.value)
        assert client.budget(window=1_000).window == 1_000


def _without_models(mock: MockProvider, status: int = 404) -> Any:
    import httpx

    def handle(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(status, json={"detail": "Not Found"})
        return mock.transport.handle_request(request)

    return httpx.Client(transport=httpx.MockTransport(handle))


def test_a_key_that_is_refused_is_told() -> None:
    client = DeepSeekV4(
        "vllm", base_url="http://s.test", api_key="a-key", model="m", http_client=_without_models(MockProvider(), 401)
    )
    with pytest.raises(AuthenticationError):
        client.budget()


def test_a_model_that_is_not_the_only_one() -> None:
    import httpx

    entries = [{"id": "small", "max_model_len": 8_192}, {"id": "tuned", "parent": "large"}]
    entries.append({"id": "large", "max_model_len": 131_072})
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json={"object": "list", "data": entries}))
    client = DeepSeekV4("vllm", base_url="http://several.test", http_client=httpx.Client(transport=transport))
    assert client.budget(model="large").window == 131_072
    assert client.budget(model="small").window == 8_192
    assert client.budget(model="tuned").window == 131_072
    with pytest.raises(BudgetError, match="is not known"):
        client.budget(model="another")


def test_reserves_of_ones_own_and_others() -> None:
    client = DeepSeekV4(MockProvider(window=WINDOW))
    assert client.budget().reserved == 4_096 + 8_192
    assert client.budget(thinking="off").reserved == 4_096
    budget = client.budget(reserve_output=100, reserve_reasoning=200, low_water=0.5)
    assert (budget.room, budget.low_water) == (WINDOW - 300, 0.5)
    assert DeepSeekV4(MockProvider(window=800)).budget().room == 600
    with pytest.raises(BudgetError, match="reserve less"):
        client.budget(reserve_output=WINDOW)


def test_a_budget_counts_as_the_client_does() -> None:
    for flavor in (*FLAVORS, *HOSTED):
        client = DeepSeekV4(MockProvider(flavor=flavor, window=WINDOW), model="pro")
        for thinking in ("off", "high"):
            measured = client.budget(thinking=thinking).measure("How are cats?")
            count = client.count_tokens("How are cats?", thinking=thinking)  # the version was asked for with the window
            assert (measured.total, measured.exact) == (count.total, count.exact)


def test_tools_may_be_functions() -> None:
    def look(page: int) -> str:
        """Look a page up."""
        return str(page)

    client = DeepSeekV4(MockProvider(window=WINDOW))
    assert client.budget().measure("Hi", [look]).total == client.count_tokens("Hi", [look]).total


class TestFile:
    def test_what_was_learned_is_there_at_the_next_start(self, tmp_path: Path) -> None:
        path = tmp_path / "limits.json"
        mock = MockProvider(script.error(400, _TOO_LONG), window=WINDOW)
        client = DeepSeekV4(mock)
        client.budget(limits_file=path)
        with pytest.raises(ContextLengthExceededError):
            client.chat("Hi")
        held = json.loads(path.read_text())
        assert [entry["window"] for entry in held["limits"]] == [50_000]
        assert [child.name for child in tmp_path.iterdir()] == ["limits.json"]
        limits = LearnedLimits()
        limits.keep_in(path)
        entry = held["limits"][0]
        assert limits.of(entry["base_url"], entry["model"]).window == 50_000

    def test_processes_share_it(self, tmp_path: Path) -> None:
        path = tmp_path / "limits.json"
        one, other = LearnedLimits(), LearnedLimits()
        one.keep_in(path)
        other.keep_in(path)
        one.learn_asked("http://one", None, 1_000)
        other.learn_asked("http://other", "m", 2_000)
        fresh = LearnedLimits()
        fresh.keep_in(path)
        assert (fresh.of("http://one", None).asked, fresh.of("http://other", "m").asked) == (1_000, 2_000)

    @pytest.mark.parametrize(
        "content", ["", "{", "[]", '{"form": 1}', '{"form": 2, "limits": []}', '{"form": 1, "limits": [{"window": 1}]}']
    )
    def test_a_broken_one_is_named(self, content: str, tmp_path: Path) -> None:
        path = tmp_path / "limits.json"
        path.write_text(content)
        with pytest.raises(ConfigurationError, match=r"limits\.json is broken") as raised:
            DeepSeekV4(MockProvider()).budget(limits_file=path)
        assert "delete it" in str(raised.value)
        assert path.read_text() == content

    def test_where_nothing_can_be_written_the_call_goes_on(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        client = DeepSeekV4(MockProvider(window=WINDOW))
        with caplog.at_level(logging.WARNING, "deepseek_v4_sdk"):
            assert client.budget(limits_file=tmp_path / "nowhere" / "limits.json").window == WINDOW
        assert "could not be kept" in caplog.text


_TOO_LONG = "This model's maximum context length is 50000 tokens. However, your messages resulted in 60000 tokens."
