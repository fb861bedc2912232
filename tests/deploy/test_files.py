"""Compose files, manifests and scripts that are checked: the commands in them, with environment, release and GPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from deepseek_v4_sdk.deploy import check, commands_in_file, engine_of, plan
from deepseek_v4_sdk.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

COMPOSE = """
services:
  v4:
    image: vllm/vllm-openai:v0.33.0
    command: --model deepseek-ai/DeepSeek-V4-Flash --tensor-parallel-size 4
    environment: [VLLM_RPC_TIMEOUT=3, HF_TOKEN]
  web:
    image: nginx
"""
MANIFEST = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: v4}
spec:
  template:
    spec:
      nodeSelector: {nvidia.com/gpu.product: NVIDIA-H200}
      containers:
      - name: main
        image: lmsysorg/sglang:v0.5.23
        command: [/bin/sh, -c]
        args:
        - |
          exec python3 -m sglang.launch_server --model-path deepseek-ai/DeepSeek-V4-Pro \\
            --tp 8 --moe-a2a-backend megamoe
        env:
        - {name: SGLANG_ENABLE_SPEC_V2, value: "1"}
        - {name: HF_TOKEN, valueFrom: {secretKeyRef: {name: hf, key: token}}}
---
apiVersion: nvidia.com/v1alpha1
kind: DynamoGraphDeployment
metadata: {name: graph}
spec:
  services:
    Worker:
      extraPodSpec:
        mainContainer:
          image: nvcr.io/nvidia/ai-dynamo/vllm-runtime:1.6.1
          command: [python3, -m, dynamo.vllm]
          args: [--model, deepseek-ai/DeepSeek-V4-Flash]
"""


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_compose_file(tmp_path: Path) -> None:
    (found,) = commands_in_file(write(tmp_path / "compose.yaml", COMPOSE))
    assert (found.name, found.engine, found.version) == ("v4", "vllm", "0.33.0")
    assert found.argv[:2] == ("--model", "deepseek-ai/DeepSeek-V4-Flash")
    problems = check("vllm", "0.33.0", found.argv, env=found.env)
    assert "VLLM_RPC_TIMEOUT" in {each.flag for each in problems}


def test_manifests(tmp_path: Path) -> None:
    server, worker = commands_in_file(write(tmp_path / "all.yml", MANIFEST))
    assert (server.engine, server.version, server.gpu) == ("sglang", "0.5.23", "h200")
    assert server.argv[:3] == ("python3", "-m", "sglang.launch_server")
    assert server.env == {"SGLANG_ENABLE_SPEC_V2": "1"}
    problems = check("sglang", "0.5.23", server.argv, gpu=server.gpu, env=server.env)
    assert {"--moe-a2a-backend", "SGLANG_ENABLE_SPEC_V2"} <= {each.flag for each in problems}
    assert (worker.engine, worker.version) == ("dynamo", "1.6.1")
    assert worker.name == "DynamoGraphDeployment graph, Worker"
    assert check("dynamo", "1.6.1", worker.argv)


@pytest.mark.parametrize(
    "wish",
    [
        ("pro", "gb200", 16, "vllm", "0.33.0", "pd"),
        ("pro", "b200", 32, "vllm", "0.33.0", "max-throughput"),
        ("pro", "gb200", 16, "dynamo", "1.6.1", "pd"),
        ("flash", "gb200", 8, "sglang", "0.5.23", "pd"),
        ("flash", "h200", 4, "sglang", "0.5.23", "low-latency"),
    ],
)
def test_the_texts_of_a_plan_are_found_and_pass(tmp_path: Path, wish: tuple[str, str, int, str, str, str]) -> None:
    family, gpu, gpus, engine, version, recipe = wish
    made = plan(family, gpu, gpus, engine=engine, engine_version=version, recipe=recipe)
    servers = [node for node in made.nodes if node.gpus]
    for file in made.write(tmp_path):
        if file.suffix not in {".yaml", ".sh"}:
            continue
        found = commands_in_file(file)
        assert len(found) == len(servers) or file.name == "kubernetes.yaml"
        for each in found:
            assert each.engine == engine
            assert each.version == (None if file.name == "command.sh" else version)
            problems = check(engine, version, each.argv, gpu=gpu, env=each.env)
            assert [problem for problem in problems if problem.severity != "note"] == []


@pytest.mark.parametrize(("engine", "version"), [("vllm", "0.33.0"), ("sglang", "0.5.23")])
def test_the_variable_of_a_key_is_read_by_the_command(tmp_path: Path, engine: str, version: str) -> None:
    made = plan("flash", "h200", engine=engine, engine_version=version, key=True)
    for file in made.write(tmp_path):
        if file.suffix in {".yaml", ".sh"}:
            (found,) = commands_in_file(file)
            problems = check(engine, version, found.argv, env=found.env)
            assert not [problem for problem in problems if "API_KEY" in problem.flag], file
    problems = check("sglang", "0.5.23", ["--model-path", "m"], env={"SGLANG_API_KEY": "x"})
    assert "SGLANG_API_KEY" in {each.flag for each in problems}


def test_a_script(tmp_path: Path) -> None:
    made = plan("pro", "h200", 8, engine="vllm", engine_version="0.33.0")
    (found,) = commands_in_file(write(tmp_path / "run.sh", made.command()))
    assert list(found.argv) == made.argv
    assert found.engine == "vllm"


SCRIPT = """
# two servers
export VLLM_RPC_TIMEOUT=1
vllm serve deepseek-ai/DeepSeek-V4-Flash --port 1 > log 2>&1 &   # in the background
A=2 vllm serve deepseek-ai/DeepSeek-V4-Pro --speculative-config '{"a":
 1}' \\
  --port 2 && echo done
docker run --gpus all -e B=3 -p 8000:8000 \\
  vllm/vllm-openai:v0.31.0 deepseek-ai/DeepSeek-V4-Pro --port 3; echo
"""


def test_a_script_of_several_servers(tmp_path: Path) -> None:
    first, second, third = commands_in_file(write(tmp_path / "run.sh", SCRIPT))
    assert first.argv == ("vllm", "serve", "deepseek-ai/DeepSeek-V4-Flash", "--port", "1")
    assert second.argv[-2:] == ("--port", "2")
    assert second.argv[4] == '{"a":\n 1}'
    assert third.argv == ("deepseek-ai/DeepSeek-V4-Pro", "--port", "3")
    assert [each.version for each in (first, second, third)] == [None, None, "0.31.0"]
    assert [dict(each.env) for each in (first, second, third)] == [
        {"VLLM_RPC_TIMEOUT": "1"},
        {"VLLM_RPC_TIMEOUT": "1", "A": "2"},
        {"VLLM_RPC_TIMEOUT": "1", "B": "3"},
    ]


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        commands_in_file(tmp_path / "missing.yaml")
    with pytest.raises(ConfigurationError, match="is not valid YAML"):
        commands_in_file(write(tmp_path / "a.yaml", "a: [1"))
    with pytest.raises(ConfigurationError, match="starts no server"):
        commands_in_file(write(tmp_path / "b.yaml", "services: {web: {image: nginx, command: [run]}}"))
    with pytest.raises(ConfigurationError, match="starts no server"):
        commands_in_file(write(tmp_path / "c.sh", "echo hello"))
    with pytest.raises(ConfigurationError, match="shell's script"):
        commands_in_file(write(tmp_path / "d.sh", "echo 'open"))


def test_the_engine_of_a_command() -> None:
    assert engine_of(["vllm", "serve", "x"]) == "vllm"
    assert engine_of(["python3", "-m", "sglang.launch_server"]) == "sglang"
    assert engine_of(["python3", "-m", "dynamo.vllm"]) == "dynamo"
    assert engine_of(["--model", "x"]) is None
