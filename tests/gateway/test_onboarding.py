"""What `nemoclaw onboard` asks of a provider's URL, in its order, on every kind of server."""

from __future__ import annotations

from typing import Any

import pytest

from deepseek_v4_sdk.gateway import Gateway
from deepseek_v4_sdk.testing import MockProvider
from tests.gateway.serving import client_for, events_of, inside

pytestmark = pytest.mark.anyio
FLAVORS = ("vllm", "sglang", "deepseek", "nvidia", "nim", "dynamo")
EMIT: dict[str, Any] = {
    "type": "object",
    "properties": {"value": {"type": "string"}},
    "required": ["value"],
    "additionalProperties": False,
}
FUNCTION = {"type": "function", "name": "emit_ok", "description": "Returns the value.", "parameters": EMIT}
CHAT_TOOL = {"type": "function", "function": {"name": "emit_ok", "parameters": EMIT}}


def ok(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


@pytest.mark.parametrize("flavor", FLAVORS)
@pytest.mark.parametrize("model", ["my-model", "deepseek-ai/DeepSeek-V4-Pro"])
async def test_onboarding_would_go_on(flavor: str, model: str) -> None:
    gateway = Gateway(client_for(MockProvider(flavor=flavor)))
    async with inside(gateway, headers={"authorization": "Bearer dummy"}) as http:

        async def post(path: str, **body: Any) -> Any:
            answer = await http.post(path, json={"model": model, **body})
            assert answer.status_code == 200, answer.text
            return answer

        forced = await post("/v1/responses", input="Call emit_ok.", tool_choice="required", tools=[FUNCTION])
        assert any(item["type"] == "function_call" for item in forced.json()["output"])
        streamed = await post("/v1/responses", input="Reply with exactly: OK", stream=True)
        assert "event: response.output_text.delta\n" in streamed.text

        await post("/v1/chat/completions", messages=ok("Reply with exactly: OK"), max_tokens=16)
        special = {"temperature": 1, "top_p": 0.95, "max_tokens": 8192, "chat_template_kwargs": {"thinking": False}}
        chunks = await post("/v1/chat/completions", messages=ok("Reply with exactly: OK"), stream=True, **special)
        assert events_of(chunks.text)[0].data["choices"]

        entries = (await http.get("/v1/models")).json()["data"]
        entry = next((each for each in entries if each["id"] == model), entries[0])
        assert 0 < entry["max_model_len"] <= 4_194_304

        strict = {"tools": [CHAT_TOOL], "tool_choice": "required", "temperature": 0, "max_tokens": 1024}
        choice = (await post("/v1/chat/completions", messages=ok("Emit."), **strict)).json()["choices"][0]
        assert choice["message"]["tool_calls"][0]["type"] == "function"

        pong = (await post("/v1/chat/completions", messages=ok("Reply with exactly: PONG"), max_tokens=1024)).json()
        assert pong["model"] == model
        assert pong["choices"][0]["message"]["content"].strip()

        await post("/v1/messages", max_tokens=16, messages=ok("Reply with exactly: OK"))
        # Whoever gave the address with /v1 asks there.
        await post("/v1/v1/messages", max_tokens=16, messages=ok("Reply with exactly: OK"))
        tool = {"name": "emit_ok", "input_schema": EMIT}
        any_tool = {"tools": [tool], "tool_choice": {"type": "any"}, "stream": True, "max_tokens": 256}
        kinds = [event.name for event in events_of((await post("/v1/messages", messages=ok("Emit."), **any_tool)).text)]
        assert kinds[0] == "message_start"
        assert kinds[-2:] == ["message_delta", "message_stop"]
