"""The texts of a plan: valid, token for token the same arguments, and without anything secret."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from deepseek_v4_sdk.deploy import Plan, check, plan
from deepseek_v4_sdk.errors import ConfigurationError

SH = shutil.which("sh")
SHELLCHECK = shutil.which("shellcheck")
SCHEMA = os.environ.get("COMPOSE_SCHEMA", "")
WISHES = {
    "one node": ("pro", "h200", 8, "vllm", "0.33.0", "balanced"),
    "two nodes": ("pro", "gb200", 8, "vllm", "0.31.0", "max-throughput"),
    "four nodes": ("pro", "b200", 32, "vllm", "0.33.0", "max-throughput"),
    "ranks": ("pro", "gb200", 8, "sglang", "0.5.23", "low-latency"),
    "one node of sglang": ("flash", "rtxpro6000", 4, "sglang", "0.5.23", "low-latency"),
    "roles": ("pro", "gb200", 16, "vllm", "0.33.0", "pd"),
    "roles of sglang": ("flash", "gb200", 8, "sglang", "0.5.23", "pd"),
    "dynamo": ("flash", "b200", 4, "dynamo", "1.6.1", "max-throughput"),
    "dynamo with roles": ("pro", "gb200", 16, "dynamo", "1.6.1", "pd"),
}


@cache
def planned(name: str) -> Plan:
    family, gpu, gpus, engine, version, recipe = WISHES[name]
    return plan(family, gpu, gpus, engine=engine, engine_version=version, recipe=recipe)


every = pytest.mark.parametrize("name", WISHES)


def cases(script: str) -> dict[str, list[str]]:
    """The words of each node's command, read as a shell does."""
    parts = re.findall(r"^([\w-]+)\)\n#[^\n]*\n(.*?)\n;;$", script, re.MULTILINE | re.DOTALL)
    found = dict(parts) or {"server-0-0": script.partition("\n")[2]}
    return {name: shlex.split(text.replace("\\\n", "")) for name, text in found.items()}


@every
def test_the_shell_reads_the_arguments(name: str) -> None:
    found = planned(name)
    words = cases(found.command())
    assert set(words) == {node.name for node in found.nodes}
    for node in found.nodes:
        env = [f"{key}={value}" for key, value in node.env.items()]
        assert words[node.name] == [*(["env", *env] if env else []), *node.argv]


@every
@pytest.mark.skipif(SH is None, reason="there is no shell")
def test_a_shell_finds_no_fault(name: str) -> None:
    for text in (planned(name).command(), planned(name).docker()):
        subprocess.run([str(SH), "-n"], input=text, text=True, check=True, timeout=30)


@every
@pytest.mark.skipif(SH is None, reason="there is no shell")
def test_a_script_of_several_nodes_says_how_it_is_used(name: str) -> None:
    found = planned(name)
    if len(found.nodes) > 1:
        done = subprocess.run([str(SH)], input=found.command(), text=True, capture_output=True, check=False, timeout=30)
        assert done.returncode == 2
        assert all(node.name in done.stderr for node in found.nodes)


@every
def test_docker_hands_on_the_same_arguments(name: str) -> None:
    found = planned(name)
    for node_name, words in cases(found.docker()).items():
        node = next(each for each in found.nodes if each.name == node_name)
        at = words.index("--entrypoint")
        assert [words[at + 1], *words[at + 3 :]] == list(node.argv)
        assert words[at + 2] == found.image
        assert all(f"{key}={value}" in words for key, value in node.env.items())


COMPOSE: dict[str, Any] = {
    "type": "object",
    "required": ["services"],
    "additionalProperties": False,
    "properties": {
        "services": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "required": ["image", "command"],
                "additionalProperties": False,
                "properties": {
                    "image": {"type": "string"},
                    "entrypoint": {"type": "array", "items": {"type": "string"}},
                    "command": {"type": "array", "items": {"type": "string"}},
                    "environment": {"type": "object", "additionalProperties": {"type": ["string", "null"]}},
                    "ports": {"type": "array", "items": {"pattern": r"^\d+:\d+$"}},
                    "network_mode": {"const": "host"},
                    "ipc": {"type": "string"},
                    "shm_size": {"type": "string"},
                    "ulimits": {"type": "object", "additionalProperties": {"type": "integer"}},
                    "volumes": {"type": "array", "items": {"type": "string"}},
                    "privileged": {"type": "boolean"},
                    "restart": {"enum": ["no", "always", "on-failure", "unless-stopped"]},
                    "healthcheck": {"type": "object"},
                    "deploy": {"type": "object", "required": ["resources"]},
                },
            },
        }
    },
}


@every
def test_compose(name: str) -> None:
    found = planned(name)
    document = yaml.safe_load(found.compose())
    jsonschema.validate(document, COMPOSE)
    for node in found.nodes:
        service = document["services"][node.name]
        words = [*service["entrypoint"], *service["command"]]
        assert [word.replace("$$", "$") for word in words] == list(node.argv)
        if node.gpus:
            (device,) = service["deploy"]["resources"]["reservations"]["devices"]
            assert device["count"] == node.gpus


@pytest.mark.realserver
@pytest.mark.skipif(not SCHEMA, reason="COMPOSE_SCHEMA is compose-spec.json of github.com/compose-spec/compose-spec")
def test_compose_by_its_public_schema() -> None:
    schema = {
        **json.loads(Path(SCHEMA).read_text(encoding="utf-8")),
        "$schema": jsonschema.Draft7Validator.META_SCHEMA["$id"],
    }
    for wish in WISHES:
        jsonschema.validate(yaml.safe_load(planned(wish).compose()), schema)


@pytest.mark.realserver
@pytest.mark.skipif(SHELLCHECK is None, reason="there is no shellcheck")
def test_shellcheck_has_no_warning() -> None:
    for wish in WISHES:
        for text in (planned(wish).command(), planned(wish).docker()):
            subprocess.run([str(SHELLCHECK), "-S", "warning", "-"], input=text, text=True, check=True, timeout=60)


def test_compose_doubles_dollars() -> None:
    from dataclasses import replace

    found = planned("one node")
    node = replace(found.nodes[0], argv=("vllm", "serve", "$HOME", "a$$b"), env={"A": "$B"})
    service = yaml.safe_load(replace(found, nodes=(node,)).compose())["services"]["server-0-0"]
    assert service["command"] == ["serve", "$$HOME", "a$$$$b"]
    assert service["environment"]["A"] == "$$B"


def containers(document: dict[str, Any]) -> list[tuple[dict[str, Any], int]]:
    """Every container of a manifest, and how many pods have it."""
    kind, spec = document["kind"], document["spec"]
    if kind == "Deployment":
        assert spec["selector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items()
        return [(spec["template"]["spec"]["containers"][0], spec["replicas"])]
    if kind == "LeaderWorkerSet":
        template = spec["leaderWorkerTemplate"]
        leader, worker = (template[each]["spec"]["containers"][0] for each in ("leaderTemplate", "workerTemplate"))
        return [(leader, 1), (worker, template["size"] - 1)]
    assert kind == "DynamoGraphDeployment"
    assert document["apiVersion"] == "nvidia.com/v1beta1"
    return [
        (
            each["podTemplate"]["spec"]["containers"][0],
            each["replicas"] * each.get("multinode", {"nodeCount": 1})["nodeCount"],
        )
        for each in spec["components"]
    ]


@every
def test_manifests(name: str) -> None:
    found = planned(name)
    documents = [each for each in yaml.safe_load_all(found.kubernetes()) if each["kind"] != "Service"]
    versions = {"Deployment": "apps/v1", "LeaderWorkerSet": "leaderworkerset.x-k8s.io/v1"}
    gpus = 0
    for document in documents:
        assert document["apiVersion"] == versions.get(document["kind"], "nvidia.com/v1beta1")
        assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", document["metadata"]["name"])
        for container, count in containers(document):
            limits = container.get("resources", {}).get("limits", {})
            gpus += count * limits.get("nvidia.com/gpu", 0)
            assert all(isinstance(word, str) for word in container["args"])
    assert gpus == found.gpus
    several = {(node.role, node.replica) for node in found.nodes if node.rank}
    kinds = [document["kind"] for document in documents]
    if found.engine != "dynamo":
        assert kinds.count("LeaderWorkerSet") == len(several)


RANKS = ("--data-parallel-start-rank", "--node-rank")


def without_ranks(words: list[str]) -> list[str]:
    return [word for at, word in enumerate(words) if word not in RANKS and (not at or words[at - 1] not in RANKS)]


@pytest.mark.parametrize("name", [name for name in WISHES if not name.startswith("dynamo")])
def test_a_manifest_has_the_same_arguments(name: str) -> None:
    """Token for token; only addresses are those of services and of the leader, and more than one worker share ranks."""
    found = planned(name)
    documents = [each for each in yaml.safe_load_all(found.kubernetes()) if each["kind"] != "Service"]
    nodes = iter(found.nodes)
    for document in documents:
        for container, count in containers(document):
            node, *others = (next(nodes) for _ in range(count))
            words = [*container["command"], *container["args"]]
            expected = list(node.argv)
            if others:
                words, expected = words[words.index("sh", 1) + 1 :], without_ranks(expected)
            assert [re.sub(r"\$\(LWS_LEADER_ADDRESS\)|v4-[\w-]+(?=:\d)", "HOST", word) for word in words] == [
                re.sub(r"node-\d+", "HOST", word) for word in expected
            ]
    assert next(nodes, None) is None


@pytest.mark.skipif(SH is None, reason="there is no shell")
def test_workers_compute_their_rank() -> None:
    """Of four nodes the workers share one template, and a shell adds what differs."""
    found = planned("four nodes")
    (_, (worker, count)) = containers(next(yaml.safe_load_all(found.kubernetes())))
    assert count == 3
    shell, option, script, *_ = worker["command"]
    assert (shell, option) == ("/bin/sh", "-c")
    for rank in (1, 3):
        shown = script.replace('exec "$@"', 'printf "%s\\n" "$@"', 1)
        command = [str(SH), "-c", shown, "sh", *worker["args"]]
        environment = {"LWS_WORKER_INDEX": str(rank), "PATH": "/usr/bin:/bin"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=30)
        assert done.stdout.split()[-2:] == ["--data-parallel-start-rank", str(8 * rank)]


def test_a_service_reaches_the_nodes_that_answer() -> None:
    """With data parallelism every node takes requests; with a model over two nodes only the first does."""
    for name, answering in (("two nodes", True), ("ranks", False)):
        documents = list(yaml.safe_load_all(planned(name).kubernetes()))
        template = documents[0]["spec"]["leaderWorkerTemplate"]
        (service,) = (each for each in documents if each["kind"] == "Service")
        chosen = service["spec"]["selector"]
        assert template["leaderTemplate"]["metadata"]["labels"] == chosen
        assert (template["workerTemplate"].get("metadata", {}).get("labels") == chosen) is answering
        assert ("readinessProbe" in template["workerTemplate"]["spec"]["containers"][0]) is answering


def test_dynamo_gets_no_address_of_a_node() -> None:
    """Its operator adds addresses and ranks; everything else is the plan's."""
    found = planned("dynamo with roles")
    (graph,) = yaml.safe_load_all(found.kubernetes())
    (worker, count), *_ = containers(graph)
    words = [*worker["command"], *worker["args"]]
    assert count == 2
    assert not {"node-0", "--data-parallel-address", "--data-parallel-start-rank"} & set(words)
    at = found.argv.index("--data-parallel-address")
    assert words == [*found.argv[:at], *found.argv[at + 2 :]]


def test_routers_name_services() -> None:
    documents = list(yaml.safe_load_all(planned("roles").kubernetes()))
    services = {each["metadata"]["name"] for each in documents if each["kind"] == "Service"}
    (router,) = (
        each for each in documents if each["metadata"]["name"].endswith("router") and each["kind"] == "Deployment"
    )
    ((container, _),) = containers(router)
    named = set(re.findall(r"http://([\w-]+):", " ".join(container["args"])))
    assert named == {"v4-pro-prefill", "v4-pro-decode"}
    assert named <= services


@every
def test_nothing_secret_and_no_path_of_the_host(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_canary")
    monkeypatch.setenv("VLLM_API_KEY", "key-canary")
    texts = planned(name).texts()
    for file, text in texts.items():
        assert "canary" not in text, file
        assert not re.search(r"(?<![\w.])/(home|root|mnt|data|etc)/(?!\.cache/huggingface)", text), file
    assert "HF_TOKEN" in texts["docker.sh"]
    assert "hostPath" not in texts["kubernetes.yaml"]


@pytest.mark.parametrize(("engine", "version"), [("vllm", "0.33.0"), ("sglang", "0.5.23")])
def test_a_key_is_referred_to_and_never_missing(engine: str, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    variable = f"{engine.upper()}_API_KEY"
    monkeypatch.setenv(variable, "key-canary")
    found = plan("flash", "h200", engine=engine, engine_version=version, key=True)
    assert found.key_variable == variable
    assert not any("canary" in text for text in found.texts().values())
    profile = tomllib.loads(found.profile_toml)["profiles"]["planned"]
    assert profile["api_key_env"] == variable
    service = yaml.safe_load(found.compose())["services"]["server-0-0"]
    assert service["environment"][variable].startswith(f"${{{variable}:?")
    ((container, _),) = containers(next(yaml.safe_load_all(found.kubernetes())))
    (entry,) = (each for each in container["env"] if each["name"] == variable)
    assert entry["valueFrom"] == {"secretKeyRef": {"name": "v4-api-key", "key": "key"}}
    guard, docker = found.docker().splitlines()[1:3]
    assert f"  -e {variable} \\" in found.docker().splitlines()
    assert guard.startswith(f': "${{{variable}:?')
    assert docker.startswith("docker run")
    problems = check(engine, version, found.argv, gpu="h200", env=found.env)
    assert not [each for each in problems if each.severity == "error"]


@pytest.mark.skipif(SH is None, reason="there is no shell")
def test_sglang_takes_the_key_from_a_shell() -> None:
    found = plan("flash", "h200", engine="sglang", engine_version="0.5.23", key=True)
    shell, option, script, name, *rest = found.argv
    assert (shell, option, name, rest[:3]) == ("sh", "-c", "sh", ["python3", "-m", "sglang.launch_server"])
    shown = [str(SH), "-c", script.replace("exec ", "printf '%s\\n' ", 1), name, *rest]
    done = subprocess.run(shown, env={"SGLANG_API_KEY": "a b"}, capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout.splitlines() == [*rest, "--api-key", "a b"]
    done = subprocess.run(shown, env={}, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode != 0


def test_a_router_takes_no_key() -> None:
    for engine, version, gpu in (("vllm", "0.33.0", "gb200"), ("dynamo", "1.6.1", "gb200")):
        with pytest.raises(ConfigurationError, match="without a router"):
            plan("pro", gpu, engine=engine, engine_version=version, recipe="pd", key=True)


def test_arm64_hosts_are_chosen() -> None:
    assert "kubernetes.io/arch: arm64" in planned("two nodes").kubernetes()
    assert "arm64" not in planned("one node").kubernetes()


def test_everything_is_written(tmp_path: Path) -> None:
    found = planned("one node")
    folder = tmp_path / "server"
    files = found.write(folder)
    assert sorted(each.name for each in folder.iterdir()) == sorted(found.texts())
    assert {each.name: each.read_text(encoding="utf-8") for each in files} == found.texts()
    assert found.write(folder) == files
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        found.write(tmp_path / "file")


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(ConfigurationError, match=r"deepseek-v4-sdk\[deploy\]"):
        planned("one node").compose()
    assert "vllm serve" in planned("one node").command()
