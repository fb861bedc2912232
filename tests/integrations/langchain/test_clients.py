"""The client below `ChatDeepSeekV4`: of either kind, its window, and what it learns when nobody reads on."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from langchain_core.exceptions import ModelError

from deepseek_v4_sdk import AsyncDeepSeekV4, ConfigurationError, DeepSeekV4
from deepseek_v4_sdk.integrations.langchain import ChatDeepSeekV4
from deepseek_v4_sdk.testing import MockProvider, faults
from deepseek_v4_sdk.testing.server import MockServer
from tests.integrations.langchain.test_model import ANSWER, WAYS, said
from tests.integrations.model import MODELS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("kind", [DeepSeekV4, AsyncDeepSeekV4])
def test_a_client_of_either_kind_serves_sync_and_async_calls(kind: Any, how: str) -> None:
    with MockServer(MockProvider(default=ANSWER)) as server:
        client = kind("vllm", base_url=server.url, model=MODELS["vllm"])
        model = ChatDeepSeekV4(client=client, owns_client=True)
        answer = said(model, "Hi", how)
        asyncio.run(model.aclose())
    assert (answer.content, answer.additional_kwargs["reasoning_content"]) == ("It rains.", "Now I know.")


@pytest.mark.parametrize("how", WAYS)
def test_a_model_of_a_profile(how: str, tmp_path: Path) -> None:
    served = MockProvider(default=ANSWER)
    file = tmp_path / "deepseek_v4.toml"
    with MockServer(served) as server:
        address = f'provider = "vllm"\nbase_url = "{server.url}"'
        file.write_text(f'[profiles.ours]\n{address}\nthinking = "max"\n', encoding="utf-8")
        for options, level in (({}, "max"), ({"thinking": "low"}, "low")):
            given: Any = options
            model = ChatDeepSeekV4.from_profile("ours", path=file, max_tokens=200, **given)
            assert said(model, "Hi", how).content == "It rains."
            asyncio.run(model.aclose())
            assert (served.requests[-1].thinking, served.requests[-1].body["max_tokens"]) == (level, 200)


def test_a_client_on_your_own_http_client_has_no_other_kind() -> None:
    with httpx.Client() as mine, DeepSeekV4("vllm", base_url="http://localhost:9", http_client=mine) as client:
        model = ChatDeepSeekV4(client=client)
        for how in ("ainvoke", "astream"):
            with pytest.raises(ConfigurationError, match="http_client is one for DeepSeekV4") as caught:
                said(model, "Hi", how)
            assert isinstance(caught.value, ModelError)


@pytest.mark.parametrize("kind", [DeepSeekV4, AsyncDeepSeekV4])
def test_the_profile_has_the_window_where_it_is_known(kind: Any) -> None:
    def profile(client: Any, **arguments: Any) -> Any:
        return ChatDeepSeekV4(client=client, **arguments).profile

    address = {"base_url": "http://localhost:9", "model": "flash"}
    assert "max_input_tokens" not in profile(kind("vllm", **address))
    assert profile(kind("vllm", window=65_536, **address))["max_input_tokens"] == 65_536
    assert profile(kind("vllm", window=65_536, **address), profile={"max_input_tokens": 1})["max_input_tokens"] == 1
    hosted = profile(kind("deepseek", api_key="k", model="flash"))
    assert hosted["max_input_tokens"] == kind("deepseek", api_key="k", model="flash").context_window == 1_048_576
    other = profile(kind("deepseek", api_key="k", model="flash"), model="a-model-that-nobody-lists")
    assert "max_input_tokens" not in other
    assert other["name"] == "a-model-that-nobody-lists"


def test_a_window_that_the_server_reported_is_known() -> None:
    client = DeepSeekV4(MockProvider(window=12_000), model="pro")
    client.budget()
    profile: Any = ChatDeepSeekV4(client=client).profile
    assert profile["max_input_tokens"] == 12_000


@pytest.mark.parametrize("how", ["break", "close"])
def test_the_server_learns_that_nobody_reads_a_sync_stream_on(how: str) -> None:
    served = MockProvider(default=ANSWER | faults.stall(after=3, seconds=60))
    with MockServer(served) as server, DeepSeekV4("vllm", base_url=server.url, model=MODELS["vllm"]) as client:
        model = ChatDeepSeekV4(client=client)
        if how == "break":
            for _ in model.stream("Hi"):
                break
        else:
            chunks: Any = model.stream("Hi")
            next(chunks)
            chunks.close()
        asyncio.run(until(lambda: bool(server.disconnects)))


@pytest.mark.parametrize("how", ["break", "close", "cancel", "cancel ainvoke"])
def test_the_server_learns_that_nobody_reads_on(how: str) -> None:
    slow = ANSWER | faults.stall(after=3, seconds=60)
    served = MockProvider(default=slow)
    with MockServer(served) as server:
        model = ChatDeepSeekV4(client=AsyncDeepSeekV4("vllm", base_url=server.url, model=MODELS["vllm"]))

        async def left() -> None:
            chunks: Any = model.astream("Hi")
            async for _ in chunks:
                break
            if how == "close":
                await chunks.aclose()

        async def cancelled() -> None:
            async def read() -> None:
                if how == "cancel ainvoke":
                    await model.ainvoke("Hi")
                async for _ in model.astream("Hi"):
                    pass

            task = asyncio.create_task(read())
            await until(lambda: bool(served.requests))
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        async def run() -> None:
            await (left() if how in {"break", "close"} else cancelled())
            await until(lambda: bool(server.disconnects))

        asyncio.run(run())


async def until(is_so: Callable[[], bool]) -> None:
    """Wait until something is so, two seconds at most."""
    deadline = time.monotonic() + 2
    while not is_so():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
