"""A plan as a compose file: one service for each node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepseek_v4_sdk.deploy.shell import CACHE
from deepseek_v4_sdk.deploy.yaml_text import written

if TYPE_CHECKING:
    from deepseek_v4_sdk.deploy.plan import Node, Plan

__all__ = ["compose"]


def _literal(word: str) -> str:
    """A word as compose leaves it: a dollar would begin a variable."""
    return word.replace("$", "$$")


def compose(plan: Plan) -> str:
    """The file. Each machine starts the service of its node: `docker compose up -d server-0-0`."""
    services = {node.name: _service(plan, node) for node in plan.nodes}
    head = (
        f"# {plan.recipe}: {plan.model} on {plan.gpus} x {plan.gpu}, {plan.engine} {plan.engine_version}\n"
        f"# verified by: {plan.verified_by}\n"
    )
    return head + written({"services": services})


def _service(plan: Plan, node: Node) -> dict[str, object]:
    start, *rest = node.argv
    environment = {"HF_TOKEN": None, **{name: _literal(value) for name, value in node.env.items()}}
    if plan.key_variable:
        environment[plan.key_variable] = f"${{{plan.key_variable}:?set it to the key of the server}}"
    service: dict[str, object] = {
        "image": plan.image,
        "entrypoint": [_literal(start)],
        "command": [_literal(word) for word in rest],
        "environment": environment,
    }
    if len(plan.nodes) > 1:
        service["network_mode"] = "host"
    else:
        service["ports"] = [f"{node.port}:{node.port}"]
    if node.gpus:
        devices = [{"driver": "nvidia", "count": node.gpus, "capabilities": ["gpu"]}]
        service |= {
            "ipc": "host",
            "shm_size": "32gb",
            "ulimits": {"memlock": -1, "stack": 67_108_864},
            "volumes": [f"{CACHE[0]}:{CACHE[1]}"],
            "deploy": {"resources": {"reservations": {"devices": devices}}},
        }
        if len(plan.nodes) > 1:
            service["privileged"] = True  # RDMA devices; without them transfers fall back to TCP in silence
    if node.rank == 0 and node.gpus and plan.engine != "dynamo":
        service["healthcheck"] = {
            "test": ["CMD", "curl", "-fsS", f"http://localhost:{node.port}/health"],
            "interval": "30s",
            "timeout": "10s",
            "retries": 3,
            "start_period": "90m",
        }
    service["restart"] = "unless-stopped"
    return service
