"""A plan from rows of the user's own, started as a real engine on a CPU, and asked by the client of its profile.

It needs an environment in which vLLM or SGLang runs, and a small model whose words a script in the prompt dictates.
ENGINE_PROGRAM replaces the program of the planned command up to its model, such as `python -m sglang.launch_server
--model-path`; ENGINE_MODEL names the weights, ENGINE_FLAGS has more flags.
"""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
import time
import tomllib
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from deepseek_v4_sdk import DeepSeekV4, tool
from deepseek_v4_sdk.deploy import Plan, check, plan

if TYPE_CHECKING:
    from collections.abc import Generator

ENGINE = os.environ.get("ENGINE", "vllm")
PROGRAM, MODEL, EXTRA = (os.environ.get(f"ENGINE_{name}", "") for name in ("PROGRAM", "MODEL", "FLAGS"))
VERSION = os.environ.get("ENGINE_VERSION", {"vllm": "0.33.0", "sglang": "0.5.23"}[ENGINE])
ON_A_CPU = {
    "vllm": "--load-format dummy --dtype bfloat16 --enforce-eager --max-num-seqs 16",
    "sglang": "--load-format dummy --dtype float32 --device cpu --attention-backend torch_native "
    "--sampling-backend pytorch --max-total-tokens 20000 --max-running-requests 16 --disable-overlap-schedule "
    "--cuda-graph-backend-decode disabled --cuda-graph-backend-prefill disabled",
}
PARSERS = {
    "vllm": {"--tool-call-parser deepseek_v4", "--reasoning-parser deepseek_v4"},
    "sglang": {"--tool-call-parser deepseekv4", "--reasoning-parser deepseek-v4"},
}
WINDOW = 4096

pytestmark = [
    pytest.mark.realserver,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not PROGRAM or not MODEL, reason="ENGINE_PROGRAM and ENGINE_MODEL name an engine"),
]


@tool
def get_weather(city: str, unit: str = "celsius") -> str:
    """Tell the weather of a city.

    Args:
        city: The city.
        unit: The unit.
    """
    return f"18 {unit} in {city}"


def made(folder: Path, *, parsers: bool) -> Plan:
    """The plan of a tiny model on one CPU."""
    bare = "--tokenizer-mode deepseek_v4" if ENGINE == "vllm" else ""
    flags = f"{'@parsers' if parsers else bare} {ON_A_CPU[ENGINE]} {EXTRA}"
    tables: dict[str, dict[str, object]] = {
        "gpus.json": {
            "gpus": {
                "cpu": {
                    "name": "CPU",
                    "arch": "x86",
                    "gib": [64, 64],
                    "per_node": 1,
                    "fp4_index": False,
                    "mega_moe": False,
                }
            }
        },
        "models.json": {
            "families": {
                "tiny": {
                    "layers": 2,
                    "csa": 1,
                    "hca": 1,
                    "kv_dim": 512,
                    "index_dim": 128,
                    "moe_inter": 1024,
                    "fp8_block": 128,
                    "dense_gib": 0.05,
                    "window": 1_048_576,
                }
            },
            "checkpoints": {
                MODEL: {
                    "family": "tiny",
                    "gib": 0.1,
                    "experts": "bf16",
                    "draft": "none",
                    "generation": "2026-08",
                    "engines": {ENGINE: VERSION},
                }
            },
        },
        "recipes.json": {
            "recipes": [
                {
                    "engine": ENGINE,
                    "family": "tiny",
                    "gpu": "cpu",
                    "recipe": "balanced",
                    "strategy": "tp",
                    "checkpoints": [MODEL],
                    "draft": {},
                    "since": VERSION,
                    "argv": flags,
                }
            ]
        },
    }
    for name, table in tables.items():
        (folder / name).write_text(json.dumps({"as_of": "2026-11-30", **table}), encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    return plan(
        "tiny",
        "cpu",
        engine=ENGINE,
        engine_version=VERSION,
        context=WINDOW,
        served_name="tiny-v4",
        port=port,
        tables=folder,
    )


@contextmanager
def running(found: Plan, log: Path) -> Generator[None]:
    """The server, until it has answered; only the name of the program is another."""
    words = found.argv[found.argv.index(MODEL) :]
    with log.open("w") as out:
        server = subprocess.Popen(
            [*shlex.split(PROGRAM), *words], env={**os.environ, **found.env}, stdout=out, stderr=out
        )
    try:
        for _ in range(600):
            assert server.poll() is None, log.read_text()[-2000:]
            try:
                urllib.request.urlopen(f"http://localhost:{found.nodes[0].port}/health", timeout=2)
            except OSError:
                time.sleep(1)
            else:
                break
        yield
    finally:
        server.terminate()
        server.wait(60)


def test_a_plan_becomes_a_server_that_the_profile_talks_to(tmp_path: Path) -> None:
    found = made(tmp_path, parsers=True)
    problems = check(ENGINE, VERSION, found.argv, tables=tmp_path)
    assert [each.flag for each in problems if each.severity != "note"] == []
    files = found.write(tmp_path / "server")
    profile = next(file for file in files if file.suffix == ".toml")
    with running(found, tmp_path / "log"), DeepSeekV4.from_profile(path=profile) as client:
        assert client.budget().window == WINDOW == tomllib.loads(found.profile_toml)["models"][0]["window"]
        reply = client.chat("[[script:tool]]", tools=[get_weather], thinking="high")
        assert [call.name for call in reply.tool_calls] == ["get_weather"]
        reply = client.chat("[[script:default]]", thinking="high", max_tokens=200)
        assert reply.reasoning
        assert "scripted" in reply.text
        report = client.probe()
        failed = {each.feature for each in report.findings if each.status == "fails"}
        assert not failed & {"tools", "reasoning", "window", "version"}


def test_without_parsers_the_doctor_names_the_flags(tmp_path: Path) -> None:
    found = made(tmp_path, parsers=False)
    missing = {each.remedy for each in check(ENGINE, VERSION, found.argv, tables=tmp_path)}
    assert {f"add {each}" for each in PARSERS[ENGINE]} <= missing
    with (
        running(found, tmp_path / "log"),
        DeepSeekV4(ENGINE, base_url=f"http://localhost:{found.nodes[0].port}") as client,
    ):
        remedies = " ".join(each.remedy for each in client.probe().findings if each.status == "fails")
    assert any(each in remedies for each in PARSERS[ENGINE]), remedies
