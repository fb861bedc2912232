"""A plan from rows of the user's own, started as a real vLLM on a CPU, and asked by the client of its profile.

It needs an environment in which vLLM runs, and a small model whose words a script dictates. VLLM_PROGRAM names the
program, such as `python -m vllm.entrypoints.openai.api_server --model`, VLLM_MODEL the weights, VLLM_EXTRA more flags.
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
    from collections.abc import Iterator

PROGRAM, MODEL, EXTRA = (os.environ.get(f"VLLM_{name}", "") for name in ("PROGRAM", "MODEL", "EXTRA"))
WINDOW = 4096

pytestmark = [
    pytest.mark.realserver,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not PROGRAM or not MODEL, reason="VLLM_PROGRAM and VLLM_MODEL name a vLLM that runs here"),
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
    small = "--load-format dummy --dtype bfloat16 --enforce-eager --max-num-seqs 16"
    flags = f"{'@parsers' if parsers else ''} {small} {EXTRA}"
    tables = {
        "gpus.json": {
            "gpus": {
                "cpu": {
                    "name": "CPU",
                    "arch": "x86",
                    "gib": [64, 64],
                    "per_node": 1,
                    "fp4": "none",
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
                    "engines": {"vllm": "0.30.0"},
                }
            },
        },
        "recipes.json": {
            "recipes": [
                {
                    "engine": "vllm",
                    "family": "tiny",
                    "gpu": "cpu",
                    "recipe": "balanced",
                    "strategy": "tp",
                    "nodes": 1,
                    "gpus_per_node": 1,
                    "checkpoints": [MODEL],
                    "draft": {},
                    "since": "0.30.0",
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
        engine="vllm",
        engine_version=os.environ.get("VLLM_VERSION", "0.33.0"),
        context=WINDOW,
        served_name="tiny-v4",
        port=port,
        tables=folder,
    )


@contextmanager
def running(found: Plan, log: Path) -> Iterator[None]:
    """The server, until it has answered; only the name of the program is another."""
    assert found.argv[:2] == ["vllm", "serve"]
    with log.open("w") as out:
        server = subprocess.Popen(
            [*shlex.split(PROGRAM), *found.argv[2:]], env={**os.environ, **found.env}, stdout=out, stderr=out
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
    problems = check("vllm", found.engine_version, found.argv, tables=tmp_path)
    assert [each.flag for each in problems if each.severity != "note"] == []
    files = found.write(tmp_path / "server")
    profile = next(file for file in files if file.suffix == ".toml")
    with running(found, tmp_path / "log"), DeepSeekV4.from_profile(path=profile) as client:
        assert client.budget().window == WINDOW == tomllib.loads(found.profile_toml)["models"][0]["window"]
        reply = client.chat("script:tool", tools=[get_weather], thinking="high")
        assert [call.name for call in reply.tool_calls] == ["get_weather"]
        reply = client.chat("script:plain", thinking="high", max_tokens=200)
        assert reply.reasoning
        assert reply.text.startswith("Hello")
        report = client.probe()
        failed = {each.feature for each in report.findings if each.status == "fails"}
        assert not failed & {"tools", "reasoning", "window", "version"}


def test_without_parsers_the_doctor_names_the_flags(tmp_path: Path) -> None:
    found = made(tmp_path, parsers=False)
    missing = {each.flag for each in check("vllm", found.engine_version, found.argv, tables=tmp_path)}
    assert {"--tool-call-parser", "--reasoning-parser"} <= missing
    with (
        running(found, tmp_path / "log"),
        DeepSeekV4("vllm", base_url=f"http://localhost:{found.nodes[0].port}") as client,
    ):
        remedies = " ".join(each.remedy for each in client.probe().findings if each.status == "fails")
    assert "--tool-call-parser deepseek_v4" in remedies or "--tokenizer-mode deepseek_v4" in remedies
