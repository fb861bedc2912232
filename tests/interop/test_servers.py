"""A real server and its mock, side by side: asked by the same client, they give the same replies and the same refusals.

Off by default. `VLLM_URL` and `SGLANG_URL` name servers whose model says what a script in the prompt tells it; their
keys are in `VLLM_KEY` and `SGLANG_KEY`. A server that is not named is left out. A vLLM tells which one it is.
"""

from __future__ import annotations

import base64
import json
import os
import re
from typing import Any

import httpx
import pytest

from deepseek_v4_sdk import DeepSeekV4, DeepSeekV4Error
from deepseek_v4_sdk.testing import MockProvider, script
from deepseek_v4_sdk.testing.flavors.sglang import SGLangFlavor
from deepseek_v4_sdk.testing.flavors.vllm import VLLMFlavor
from tests.fidelity.compare import SGLANG_MODEL, VLLM_MODEL

pytestmark = [pytest.mark.realserver, pytest.mark.usefixtures("allow_network")]

MODELS = {"vllm": VLLM_MODEL, "sglang": SGLANG_MODEL}
MARK = "｜DSML｜"
CALLS = f"""

<{MARK}tool_calls>
<{MARK}invoke name="get_weather">
<{MARK}parameter name="city" string="true">Zürich > "Z" 🤔</{MARK}parameter>
<{MARK}parameter name="days" string="false">3</{MARK}parameter>
</{MARK}invoke>
<{MARK}invoke name="now">
</{MARK}invoke>
</{MARK}tool_calls>"""
OUTPUTS = {
    "text": "The user greets me.</think>Hello, Grüße, 你好 🤔!",
    "no thinking": "</think>Plain.",
    "calls": f"I need tools.</think>Let me look.{CALLS}",
    "calls inside the thinking": f"I need tools.{CALLS}",
    "blanks": "\n Hm. \n</think>\n\n Hi \n",
    "no end of thinking": "I think and think",
}
TOOLS: Any = [
    {
        "name": "get_weather",
        "description": "The weather.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
    {"name": "now", "description": "The time."},
]
OPTIONS: dict[str, dict[str, Any]] = {
    "as it is": {},
    "plain": {"wire": "plain"},
    "off": {"thinking": "off"},
    "low": {"thinking": "low"},
    "max": {"thinking": "max"},
    "cut early": {"max_tokens": 3},
    "cut late": {"max_tokens": 40},
    "cut late, plain": {"max_tokens": 40, "wire": "plain"},
    "too hot": {"extra_body": {"temperature": -1.0}},
    "an unknown model": {"model": "nobody"},
    "a window too small": {"max_tokens": 1_000_000},
}


def url_of(server: str) -> str:
    return os.environ[f"{server.upper()}_URL"]


def key_of(server: str) -> str:
    return os.environ.get(f"{server.upper()}_KEY", "none")


def flavor_of(server: str) -> Any:
    if server == "vllm":
        told = httpx.get(f"{url_of(server)}/version").json()
        return VLLMFlavor(
            version=told["version"],
            models=(VLLM_MODEL,),
            prompt_tokens_details=True,
            block_size=128,
            frontend="rust" if "rust_frontend_version" in told else "python",
        )
    return SGLangFlavor(model=SGLANG_MODEL, context_length=True)


@pytest.fixture(params=["vllm", "sglang"])
def server(request: Any) -> str:
    name: str = request.param
    if f"{name.upper()}_URL" not in os.environ:
        pytest.skip(f"{name.upper()}_URL is not set")
    return name


def question(server: str, output: str) -> str:
    """A text that makes the scripted model say this."""
    packed = base64.urlsafe_b64encode(json.dumps({"raw": output}).encode()).decode().rstrip("=")
    return f"Hi script-b64:{packed}" if server == "vllm" else f"Hi [[raw:{base64.b64encode(output.encode()).decode()}]]"


def said(reply: Any) -> dict[str, Any]:
    """What a reply says, without ids and times; the cache of the real one has seen more."""
    return {
        "text": reply.text,
        "reasoning": reply.reasoning,
        "calls": [(call.name, call.arguments) for call in reply.tool_calls],
        "partial": [(call.name, call.arguments) for call in reply.partial_tool_calls],
        "finish": (reply.finish_reason, reply.raw_finish_reason, reply.stop_sequence),
        "model": reply.model,
        "usage": (reply.usage.prompt_tokens, reply.usage.completion_tokens, reply.usage.reasoning_tokens),
    }


def outcome(client: DeepSeekV4, text: str, options: dict[str, Any]) -> Any:
    try:
        return said(client.chat(text, **options))
    except DeepSeekV4Error as error:
        told = None if error.partial is None else said(error.partial)
        first = re.sub(r"http://[^/]+", "", str(error))
        first = re.sub(r"range \[.*", "range", first)  # the Rust front end names bounds in any order
        return type(error).__name__, getattr(error, "status_code", None), first, told


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("output", OUTPUTS)
def test_the_same_reply(server: str, output: str, options: str) -> None:
    written = OUTPUTS[output]
    given = {**OPTIONS[options], **({"tools": TOOLS} if "call" in output else {})}
    if given.get("thinking") == "off":
        written = written.partition("</think>")[2] or written
    text = question(server, written)
    window = 4096
    mock = MockProvider(script.raw_model_output(written), flavor=flavor_of(server), window=window)
    arguments: Any = {"model": MODELS[server], "max_retries": 0}
    with (
        DeepSeekV4(server, base_url=url_of(server), api_key=key_of(server), **arguments) as real,
        DeepSeekV4(mock, **arguments) as mine,
    ):
        ours, theirs = outcome(mine, text, given), outcome(real, text, given)
        if (server, output, given.get("wire")) == ("vllm", "calls inside the thinking", "plain"):
            # It counts the beginning of the markup as thinking there, and not in a stream.
            ours, theirs = (re.sub(r"(\d+), \d+\)", r"\1)", str(each)) for each in (ours, theirs))
        assert ours == theirs


@pytest.mark.parametrize("thinking", ["off", "low", "high", "max"])
def test_the_same_count(server: str, thinking: Any) -> None:
    """Our own count, the mock's and the real server's are one number."""
    talk: Any = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Weather? 天气?"},
        {"role": "assistant", "content": "Where?", "reasoning": "They did not say."},
        {"role": "user", "content": "In Zürich."},
    ]
    mock = MockProvider(flavor=flavor_of(server))
    with (
        DeepSeekV4(server, base_url=url_of(server), api_key=key_of(server), model=MODELS[server]) as real,
        DeepSeekV4(mock, model=MODELS[server]) as mine,
    ):
        given: Any = {"thinking": thinking, "tools": TOOLS}
        counts = {client.count_tokens(talk, source="server", **given).total for client in (real, mine)}
        assert counts == {mine.count_tokens(talk, **given).total}


def test_the_same_models_and_health(server: str) -> None:
    url, key = url_of(server), key_of(server)
    mock = MockProvider(flavor=flavor_of(server), window=4096)
    with (
        httpx.Client(base_url=url, headers={"authorization": f"Bearer {key}"}) as real,
        httpx.Client(transport=mock.transport, base_url="http://mock") as mine,
    ):
        theirs, ours = real.get("/v1/models").json()["data"][0], mine.get("/v1/models").json()["data"][0]
        assert list(ours) == list(theirs)
        assert (ours["id"], ours["max_model_len"]) == (theirs["id"], theirs["max_model_len"])
        for path in ("/health", "/nowhere"):
            assert mine.get(path).status_code == real.get(path).status_code
            assert mine.get(path).text == real.get(path).text


def test_the_same_prefix_cache() -> None:
    """A conversation of ten rounds hits the cache of both alike."""
    if "VLLM_URL" not in os.environ:
        pytest.skip("VLLM_URL is not set")
    mock = MockProvider(default=script.raw_model_output("Hm.</think>Fine."), flavor=flavor_of("vllm"), window=4096)
    salt = base64.urlsafe_b64encode(os.urandom(9)).decode()
    cached: dict[str, list[int | None]] = {}
    real: Any = {"base_url": url_of("vllm"), "api_key": key_of("vllm")}
    for name, provider, arguments in (("real", "vllm", real), ("mock", mock, {})):
        with DeepSeekV4(provider, model=VLLM_MODEL, **arguments) as client:
            talk: Any = [{"role": "system", "content": "Remember all of it. " * 40}]
            cached[name] = []
            for turn in range(10):
                talk.append({"role": "user", "content": f"{turn}: {question('vllm', 'Hm.</think>Fine.')}"})
                reply = client.chat(talk, cache_salt=salt, tools=TOOLS)
                talk.append(reply.message)
                cached[name].append(reply.usage.cached_tokens)
    assert cached["mock"] == cached["real"]
    assert cached["mock"] == sorted(cached["mock"], key=int)  # type: ignore[arg-type]
