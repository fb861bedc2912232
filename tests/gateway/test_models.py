"""The models of a gateway, and what it tells of itself."""

from __future__ import annotations

import asyncio
import logging

import pytest

from deepseek_v4_sdk import ConfigurationError, ModelInfo
from deepseek_v4_sdk.gateway import Gateway
from deepseek_v4_sdk.testing import faults, script
from tests.gateway.serving import PATHS, client_of, inside, mock_of, question, sent

pytestmark = pytest.mark.anyio
HELLO = script.text("Hello")


async def test_every_name_goes_to_the_profile_and_comes_back() -> None:
    client = client_of(default=HELLO, flavor="deepseek")
    async with inside(Gateway(client)) as http:
        for name in ("claude-haiku-4-5", "deepseek-v4-pro[1m]", "gpt-5"):
            answer = await http.post(PATHS["chat"], json={**question("chat"), "model": name})
            assert answer.json()["model"] == name
            assert sent(client)["model"] == "deepseek-v4-pro"


async def test_unknown_names_may_be_refused() -> None:
    client = client_of(default=HELLO, flavor="deepseek")
    async with inside(Gateway(client, unknown_models="refuse")) as http:
        refused = await http.post(PATHS["chat"], json=question("chat"))
        known = await http.post(PATHS["chat"], json={**question("chat"), "model": "deepseek-v4-pro"})
        window = await http.post(PATHS["chat"], json={**question("chat"), "model": "deepseek-v4-pro[1m]"})
    assert refused.status_code == 404
    assert refused.json()["error"]["code"] == "model_not_found"
    assert known.status_code == window.status_code == 200
    with pytest.raises(ConfigurationError, match="unknown_models"):
        Gateway(client, unknown_models="other")  # type: ignore[arg-type]


async def test_several_models() -> None:
    pro, flash = client_of(default=script.text("pro")), client_of(default=script.text("flash"))
    async with inside(Gateway(pro, models={"big": pro, "small": flash})) as http:
        for name, text in (("big", "pro"), ("small", "flash"), ("other", "pro")):
            answer = await http.post(PATHS["chat"], json={**question("chat"), "model": name})
            assert answer.json()["choices"][0]["message"]["content"] == text
        listed = (await http.get("/v1/models")).json()
        one = (await http.get("/v1/models/small")).json()
    assert [entry["id"] for entry in listed["data"]] == ["big", "small"]
    assert one["max_model_len"] == 1_048_576


async def test_a_model_with_slashes_is_found_by_name() -> None:
    async with inside(Gateway(client_of())) as http:
        answer = await http.get("/v1/models/deepseek-ai/DeepSeek-V4-Pro")
    assert answer.json()["id"] == "deepseek-ai/DeepSeek-V4-Pro"


async def test_the_root_health_and_head() -> None:
    async with inside(Gateway(client_of())) as http:
        assert (await http.head("/")).status_code == 200
        assert (await http.get("/")).json()["routes"]
        assert (await http.get("/health")).json() == {"status": "ok"}


async def test_metrics_and_log_hold_no_text_key_or_id(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="deepseek_v4_sdk.gateway")
    client = client_of(script.text("the-answer"), script.text("x") | faults.empty_turn())
    headers = {"x-api-key": "the-key"}
    async with inside(Gateway(client, api_keys=["the-key"]), headers=headers) as http:
        good = await http.post(PATHS["chat"], json={**question("chat"), "model": "made-up-name"})
        bad = await http.post(PATHS["messages"], json=question("messages"))
        text = (await http.get("/metrics")).text
    assert good.status_code == 200
    assert bad.status_code == 502
    for line in (
        'deepseek_v4_gateway_requests_total{route="chat",status="200"} 1',
        'deepseek_v4_gateway_requests_total{route="messages",status="502"} 1',
        "deepseek_v4_gateway_requests_in_flight 0",
        "gen_ai_server_time_to_first_token_seconds_count",
        'error_type="EmptyTurnError"',
        'gen_ai_token_type="output"',
        'gen_ai_request_model="deepseek-ai/DeepSeek-V4-Pro"',
    ):
        assert line in text
    ids = [good.json()["id"], good.headers["x-request-id"]]
    for secret in ("the-key", "the-answer", "made-up-name", "Hello", *ids):
        assert secret not in text
        assert secret not in caplog.text
    assert "chat 200" in caplog.text
    assert "messages 502" in caplog.text


async def test_a_failure_of_ours_tells_no_text(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of(HELLO)

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the-secret-prompt")

    monkeypatch.setattr(client, "stream", fail)
    async with inside(Gateway(client)) as http:
        answer = await http.post(PATHS["chat"], json=question("chat"))
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "internal"
    assert "the-secret-prompt" not in answer.text + caplog.text
    assert "RuntimeError at " in caplog.text
    assert mock_of(client).requests == []


async def test_a_failure_of_ours_in_the_list_of_models_is_json(monkeypatch: pytest.MonkeyPatch) -> None:
    client = client_of()

    async def fail() -> None:
        raise RuntimeError("the-secret")

    monkeypatch.setattr(client, "models", fail)
    async with inside(Gateway(client)) as http:
        answer = await http.get("/v1/models")
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "internal"
    assert "the-secret" not in answer.text


async def test_requests_at_once_share_one_question_for_the_models() -> None:
    client, asked = client_of(default=HELLO), 0
    models = client.models

    async def counted() -> list[ModelInfo]:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0.01)
        return await models()

    client.models = counted  # type: ignore[method-assign]
    async with inside(Gateway(client)) as http:
        await asyncio.gather(*[http.post(PATHS["chat"], json=question("chat")) for _ in range(5)])
    assert asked == 1
    assert {request.body["model"] for request in mock_of(client).requests} == {"deepseek-ai/DeepSeek-V4-Pro"}
