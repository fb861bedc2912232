"""The plan of an attempt: made for the server as it is known when the attempt begins."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from deepseek_v4_sdk import DeepSeekV4, RateLimits
from deepseek_v4_sdk.testing import faults, script
from tests.support.duo import named

CHOICE = {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}


@pytest.mark.parametrize("provider", ["nim", "dynamo"])
def test_a_call_that_was_made_before_the_model_was_discovered_names_it(provider: str) -> None:
    """The second stream was encoded when it was made, without a model; the first one has discovered it meanwhile."""
    sent: list[tuple[str, Any]] = []

    def server(request: httpx.Request) -> httpx.Response:
        sent.append((request.url.path, json.loads(request.content or b"{}").get("model")))
        if request.url.path == "/v1/models":
            return httpx.Response(200, json={"data": [{"id": "the-one", "object": "model"}]})
        return httpx.Response(200, json={"id": "1", "object": "chat.completion", "model": "m", "choices": [CHOICE]})

    with httpx.Client(transport=httpx.MockTransport(server)) as own:
        client = DeepSeekV4(provider, base_url="http://v4.example", api_key="k", http_client=own)
        one, two = client.stream("x", wire="plain"), client.stream("y", wire="plain")
        assert (one.reply().text, two.reply().text) == ("Hi", "Hi")
    chat = ("/v1/chat/completions", "the-one")
    assert sent == [("/v1/models", None), chat, chat]


def test_the_open_circuit_of_one_provider_does_not_stop_retries_at_the_next() -> None:
    behind = named("sglang", faults.status(503), script.text("Hello"))
    first = named("nvidia", default=faults.rate_limited(retry_after=300))
    last = named("deepseek", default=script.text("Not asked"))
    client = DeepSeekV4(first, model="pro", max_retries=3, limits=RateLimits(refusals=1), fallback=[behind, last])
    reply = client.chat("Hello")
    chats = [(each.provider, each.status) for each in reply.attempts if not each.url.endswith("/models")]
    assert chats == [("nvidia", 429), ("sglang", 503), ("sglang", 200)]
