"""The other kind of a client: the same settings, limits, hooks and mock, and connections of its own."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from deepseek_v4_sdk import AsyncDeepSeekV4, ConfigurationError, DeepSeekV4, Ledger, RateLimits
from deepseek_v4_sdk.testing import MockProvider, script
from deepseek_v4_sdk.testing.server import MockServer


def test_settings_hooks_and_mock_are_shared() -> None:
    ledger, mock = Ledger(), MockProvider(default=script.text("Hello."))
    client = DeepSeekV4(mock, thinking="max", hooks=[ledger], model="pro", max_retries=5)
    other = client.as_async()
    assert isinstance(other, AsyncDeepSeekV4)
    assert other is client.as_async()
    assert other.as_sync() is client
    assert other.as_async() is other
    assert client.as_sync() is client
    client.chat("one")
    asyncio.run(other.chat("two"))
    assert [request.thinking for request in mock.requests] == ["max", "max"]
    assert ledger.total.requests == 2
    assert {value.name: value.value for value in client.explain().values} == {
        value.name: value.value for value in other.explain().values
    }


def test_the_other_way_round() -> None:
    client = AsyncDeepSeekV4(MockProvider(default=script.text("Hello.")))
    other = client.as_sync()
    assert isinstance(other, DeepSeekV4)
    assert other.as_async() is client
    assert other.chat("Hi").text == "Hello."


def test_a_limit_holds_for_both_together() -> None:
    mock = MockProvider(default=script.text("Hello."))
    client = DeepSeekV4(mock, limits=RateLimits(requests_per_minute=2), timeout=5)
    client.chat("one")
    asyncio.run(client.as_async().chat("two"))
    with pytest.raises(Exception, match="leave no room within the time of the call"):
        client.chat("three")


def test_fallbacks_have_their_other_kind_too() -> None:
    down = MockProvider(default=script.error(500, "down"))
    there = MockProvider(default=script.text("Here."), flavor="sglang")
    client = DeepSeekV4(down, fallback=[there], max_retries=1)
    assert asyncio.run(client.as_async().chat("Hi")).text == "Here."


def test_what_was_learned_of_the_server_is_known_to_both() -> None:
    mock = MockProvider(default=script.text("Hello."), window=2_000)
    client = DeepSeekV4(mock)
    client.chat("Hi", overflow="raise")

    async def main() -> list[Any]:
        await client.as_async().chat("Hi")
        return [
            client._endpoint.trim_memory is client.as_async()._endpoint.trim_memory,
            client.as_async()._endpoint.server(),
        ]

    same, (_, target) = asyncio.run(main())
    assert same
    assert target.served_model == client._endpoint.server()[1].served_model


def test_a_client_of_the_callers_own_cannot_be_used() -> None:
    with (
        httpx.Client() as mine,
        DeepSeekV4("vllm", base_url="http://a.test", http_client=mine) as client,
        pytest.raises(ConfigurationError, match="http_client is one for DeepSeekV4, and AsyncDeepSeekV4 cannot use it"),
    ):
        client.as_async()


def test_the_blocking_one_of_a_client_on_aiohttp_uses_the_default_transport() -> None:
    mock = MockProvider(default=script.text("Hello."))
    with MockServer(mock) as server:

        async def main() -> DeepSeekV4:
            async with AsyncDeepSeekV4("vllm", base_url=server.url, transport="aiohttp") as client:
                assert (await client.chat("Hi")).text == "Hello."
                other = client.as_sync()
                assert (await asyncio.to_thread(other.chat, "Hi")).text == "Hello."
                return other

        other = asyncio.run(main())
        assert not other._transports.take_made()  # it was closed with the other one


def test_the_async_one_is_closed_with_the_blocking_one() -> None:
    """From a program without a loop, after its loop has ended, and on the thread of a loop that runs."""
    mock = MockProvider(default=script.text("Hello."))
    with MockServer(mock) as server:
        with DeepSeekV4("vllm", base_url=server.url) as client:
            assert asyncio.run(client.as_async().chat("Hi")).text == "Hello."
        assert not client.as_async()._transports.take_made()

        async def main() -> None:
            with DeepSeekV4("vllm", base_url=server.url) as inner:
                assert (await inner.as_async().chat("Hi")).text == "Hello."
            for _ in range(100):
                await asyncio.sleep(0)
            assert not inner.as_async()._transports.take_made()

        asyncio.run(main())


def test_one_that_is_never_used_costs_nothing_to_close() -> None:
    with DeepSeekV4(MockProvider()) as client:
        client.as_async()
