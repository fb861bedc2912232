"""The file of profiles with which this client talks to a server that was planned."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deepseek_v4_sdk.deploy.plan import Node
    from deepseek_v4_sdk.deploy.plan_request import PlanRequest
    from deepseek_v4_sdk.deploy.tables import Checkpoint

__all__ = ["profile_toml"]


def profile_toml(request: PlanRequest, nodes: list[Node], weights: Checkpoint, window: int) -> str:
    """The file. Waits are long: a fresh server compiles kernels during its first requests."""
    front = next((node for node in nodes if node.role in {"router", "frontend"}), nodes[0])
    model = json.dumps(request.name_for(weights))
    place = f'base_url = "http://{front.host}:{front.port}"'
    if "--data-parallel-hybrid-lb" in front.argv:  # every node answers for the replicas that it runs
        places = [f"http://{node.host}:{node.port}" for node in nodes if node.gpus]
        place = f"endpoints = {json.dumps(places)}"
    key = f'\napi_key_env = "{request.key_variable}"' if request.key else ""
    return f"""\
default = "planned"

[profiles.planned]
provider = "{request.engine}"
{place}
model = {model}{key}
thinking = "high"
server_version = "{request.version}"

# Seconds. The first requests of a fresh server wait for kernels to be compiled.
[profiles.planned.timeout]
first_event = 300
idle = 120

# As planned; what the server says once it runs, in /v1/models, is the truth.
[[models]]
provider = "{request.engine}"
id = {model}
family = "{"flash" if weights.family == "flash" else "pro"}"
generation = "{weights.generation}"
window = {window}
"""
