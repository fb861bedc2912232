"""A plan as manifests: Deployment, LeaderWorkerSet, or Dynamo's DynamoGraphDeployment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from deepseek_v4_sdk.deploy.shell import CACHE
from deepseek_v4_sdk.deploy.yaml_text import written

if TYPE_CHECKING:
    from deepseek_v4_sdk.deploy.plan import Node, Plan

__all__ = ["kubernetes"]

_STARTUP = {"periodSeconds": 10, "failureThreshold": 540}  # 90 minutes: weights are loaded and kernels compiled
_LEADER = "$(LWS_LEADER_ADDRESS)"
_HEADS = ("--data-parallel-address", "--master-addr", "--dist-init-addr")


def kubernetes(plan: Plan) -> str:
    """The manifests. The token of Hugging Face is taken from the secret `hf-token`, where there is one."""
    documents = [_graph(plan)] if plan.engine == "dynamo" else list(_objects(plan))
    head = (
        f"# {plan.recipe}: {plan.model} on {plan.gpus} x {plan.gpu}, {plan.engine} {plan.engine_version}\n"
        f"# verified by: {plan.verified_by}\n"
        "# needs: a claim `model-cache` for the weights, and a secret `hf-token` with the key `token` for gated ones\n"
        + ("# needs: a secret `v4-api-key` with the key `key`\n" if plan.key_variable else "")
    )
    return head + written(*documents)


def _objects(plan: Plan) -> Iterator[dict[str, object]]:
    """Every role's own object, and the services in front of them."""
    groups: dict[tuple[str, int], list[Node]] = {}
    for node in plan.nodes:
        groups.setdefault((node.role, node.replica), []).append(node)
    services = {name: _name(plan, *key) for key, nodes in groups.items() for name in _hosts(nodes) if nodes[0].gpus}
    for (role, replica), nodes in groups.items():
        name = _name(plan, role, replica)
        yield _workload(plan, name, nodes, services)
        yield _service(name, nodes[0])


def _hosts(nodes: list[Node]) -> set[str]:
    return {f"http://{node.host}:{node.port}" for node in nodes if node.rank == 0}


def _name(plan: Plan, role: str, replica: int) -> str:
    family = re.sub(r"[^a-z0-9]+", "-", plan.family.lower()).strip("-")
    several = any(node.replica for node in plan.nodes)
    return f"v4-{family}-{role}" + (f"-{replica}" if several else "")


def _workload(plan: Plan, name: str, nodes: list[Node], services: dict[str, str]) -> dict[str, object]:
    labels = {"app": name}
    if len(nodes) == 1:
        pod = _pod(plan, nodes[0], _addressed(nodes[0], services))
        template = {"metadata": {"labels": labels}, "spec": pod}
        return {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "labels": labels},
            "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template},
        }
    leader, worker = nodes[0], nodes[1]
    return {
        "apiVersion": "leaderworkerset.x-k8s.io/v1",
        "kind": "LeaderWorkerSet",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "replicas": 1,
            "leaderWorkerTemplate": {
                "size": len(nodes),
                "restartPolicy": "RecreateGroupOnPodRestart",
                "leaderTemplate": {
                    "metadata": {"labels": labels},
                    "spec": _pod(plan, leader, _of_leader(leader, leader.host)),
                },
                "workerTemplate": {
                    **({"metadata": {"labels": labels}} if _answers(worker) else {}),
                    "spec": _pod(plan, worker, _of_leader(worker, leader.host), len(nodes)),
                },
            },
        },
    }


def _addressed(node: Node, services: dict[str, str]) -> list[str]:
    """A router names services, and not machines."""
    words: list[str] = []
    for word in node.argv:
        service = services.get(word)
        words.append(word if service is None else f"http://{service}:{word.rpartition(':')[2]}")
    return words


def _of_leader(node: Node, head: str) -> list[str]:
    """The command with the address of the leader as the controller gives it."""
    words = list(node.argv)
    for flag in _HEADS:
        if flag in words:
            at = words.index(flag) + 1
            words[at] = words[at].replace(head, _LEADER)
    return words


def _pod(plan: Plan, node: Node, argv: list[str], size: int = 1) -> dict[str, object]:
    command, args = _started(argv, size)
    container: dict[str, object] = {
        "name": "main",
        "image": plan.image,
        "command": command,
        "args": args,
        "env": [*_environment(plan, node)],
        "ports": [{"containerPort": node.port}],
    }
    if not node.gpus:
        return {"containers": [container]}
    gpus = {"nvidia.com/gpu": node.gpus}
    container |= {
        "resources": {"requests": gpus, "limits": gpus},
        "volumeMounts": [
            {"name": "cache", "mountPath": CACHE[1]},
            {"name": "shm", "mountPath": "/dev/shm"},  # noqa: S108  # it is the container's
        ],
    }
    if len(plan.nodes) > 1:
        container["securityContext"] = {"capabilities": {"add": ["IPC_LOCK", "SYS_RAWIO"]}}
    if _answers(node):
        probe = {"httpGet": {"path": "/health", "port": node.port}}
        container |= {"startupProbe": {**probe, **_STARTUP}, "readinessProbe": {**probe, "periodSeconds": 10}}
    pod: dict[str, object] = {
        "containers": [container],
        "volumes": [
            {"name": "cache", "persistentVolumeClaim": {"claimName": "model-cache"}},
            {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "32Gi"}},
        ],
    }
    if plan.arm64:
        pod["nodeSelector"] = {"kubernetes.io/arch": "arm64"}
    return pod


def _answers(node: Node) -> bool:
    """Whether a node takes requests: the first one, and with a balancer on each node every one."""
    return node.rank == 0 or "--data-parallel-hybrid-lb" in node.argv


def _started(argv: list[str], size: int) -> tuple[list[str], list[str]]:
    """The command and arguments of a container. Where workers share a template, each computes its own rank."""
    if size < 3:
        return argv[:1], argv[1:]
    words, more = list(argv), ""
    for flag, script in (
        ("--node-rank", "$LWS_WORKER_INDEX"),
        ("--data-parallel-start-rank", "$((LWS_WORKER_INDEX*{step}))"),
    ):
        if flag in words:
            at = words.index(flag)
            more += f" {flag} {script.format(step=words[at + 1])}"
            del words[at : at + 2]
    return ["/bin/sh", "-c", f'exec "$@"{more}', "sh"], words


def _environment(plan: Plan, node: Node) -> Iterator[dict[str, object]]:
    reference = {"name": "hf-token", "key": "token", "optional": True}
    yield {"name": "HF_TOKEN", "valueFrom": {"secretKeyRef": reference}}
    if plan.key_variable:
        yield {"name": plan.key_variable, "valueFrom": {"secretKeyRef": {"name": "v4-api-key", "key": "key"}}}
    for name, value in node.env.items():
        if name == "VLLM_NIXL_SIDE_CHANNEL_HOST":
            yield {"name": name, "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
        else:
            yield {"name": name, "value": value}


def _service(name: str, node: Node) -> dict[str, object]:
    selector: dict[str, str] = {"app": name}
    port = {"name": "http", "port": node.port, "targetPort": node.port}
    spec = {"selector": selector, "ports": [port]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def _graph(plan: Plan) -> dict[str, object]:
    """Dynamo's graph: a front end, and workers of each role."""
    components: list[dict[str, object]] = []
    roles = list(dict.fromkeys(node.role for node in plan.nodes))
    for role in roles:
        nodes = [node for node in plan.nodes if node.role == role]
        first = nodes[0]
        image = plan.image if first.gpus else f"nvcr.io/nvidia/ai-dynamo/dynamo-frontend:{plan.engine_version}"
        container: dict[str, object] = {
            "name": "main",
            "image": image,
            "command": list(first.argv[:1]),
            "args": _of_any_node(first.argv[1:]),
        }
        if first.gpus:
            gpus = {"nvidia.com/gpu": first.gpus}
            container |= {
                "env": [*_environment(plan, first)],
                "resources": {"requests": gpus, "limits": gpus},
                "volumeMounts": [{"name": "cache", "mountPath": CACHE[1]}],
                "startupProbe": {"httpGet": {"path": "/live", "port": 9090}, **_STARTUP},
            }
        spec: dict[str, object] = {"containers": [container]}
        if first.gpus:
            spec["volumes"] = [{"name": "cache", "persistentVolumeClaim": {"claimName": "model-cache"}}]
        component: dict[str, object] = {
            "name": role,
            "type": {"server": "worker"}.get(role, role),
            "replicas": len({node.replica for node in nodes}),
            "podTemplate": {"spec": spec},
        }
        if (size := sum(node.replica == 0 for node in nodes)) > 1:
            component["multinode"] = {"nodeCount": size}
        components.append(component)
    return {
        "apiVersion": "nvidia.com/v1beta1",
        "kind": "DynamoGraphDeployment",
        "metadata": {"name": f"v4-{plan.family}"},
        "spec": {"backendFramework": _framework(plan), "components": components},
    }


_OF_A_NODE = {
    "--data-parallel-address": 1,
    "--data-parallel-start-rank": 1,
    "--nnodes": 1,
    "--node-rank": 1,
    "--master-addr": 1,
    "--dist-init-addr": 1,
    "--headless": 0,
}


def _of_any_node(argv: Sequence[str]) -> list[str]:
    """The arguments without addresses and ranks: Dynamo's operator adds those of each node."""
    words: list[str] = []
    skipped = 0
    for word in argv:
        if skipped:
            skipped -= 1
        elif word in _OF_A_NODE:
            skipped = _OF_A_NODE[word]
        else:
            words.append(word)
    return words


def _framework(plan: Plan) -> str:
    return next(word for word in plan.argv if word.startswith("dynamo.")).removeprefix("dynamo.")
