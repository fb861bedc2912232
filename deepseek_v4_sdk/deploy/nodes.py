"""The processes of a plan: each node of each role with its command, and the router or front end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from deepseek_v4_sdk.deploy.plan import Node
from deepseek_v4_sdk.deploy.recipes import gpus_of

if TYPE_CHECKING:
    from deepseek_v4_sdk.deploy.plan_request import Candidate, PlanRequest
    from deepseek_v4_sdk.deploy.tables import Recipe

__all__ = ["lay_out"]

_ROLE_PORTS = {"prefill": 8001, "decode": 8002}
_PROGRAMS = {
    "vllm": ("vllm", "serve"),
    "sglang": ("python3", "-m", "sglang.launch_server"),
}


def lay_out(request: PlanRequest, candidate: Candidate) -> list[Node]:
    """Every process, in the order of the machines."""
    counts = {role: _nodes(request, argv) for role, argv in candidate.roles.items()}
    total = sum(counts.values()) * candidate.replicas
    nodes: list[Node] = []
    index = 0
    for role, argv in candidate.roles.items():
        gpus = gpus_of(request.inside, argv) // counts[role]
        for replica in range(candidate.replicas):
            head = request.host(index, total > 1)
            for rank in range(counts[role]):
                words = tuple(_command(request, candidate, role, argv, rank, counts[role], head))
                port = _ROLE_PORTS.get(role, request.public_port)
                env = _environment(request, candidate.row, role, request.host(index, total > 1))
                node = Node(
                    role=role,
                    replica=replica,
                    rank=rank,
                    host=request.host(index, total > 1),
                    port=port,
                    gpus=gpus,
                    argv=words,
                    env=env,
                )
                nodes.append(node)
                index += 1
    nodes += _in_front(request, candidate, nodes)
    return nodes


def _nodes(request: PlanRequest, argv: list[str]) -> int:
    """Machines of one server of a role: the arguments count, and not the row."""
    if "--nnodes" in argv:
        return int(argv[argv.index("--nnodes") + 1])
    if "--data-parallel-size-local" in argv:
        size, local = (int(argv[argv.index(flag) + 1]) for flag in _SIZES)
        return size // local
    return -(-gpus_of(request.inside, argv) // request.gpu.per_node)


_SIZES = ("--data-parallel-size", "--data-parallel-size-local")


def _command(
    request: PlanRequest, candidate: Candidate, role: str, argv: list[str], rank: int, count: int, head: str
) -> Iterator[str]:
    model = candidate.weights.id
    port = str(_ROLE_PORTS.get(role, request.public_port))
    if request.engine == "dynamo":
        yield from ("python3", "-m", f"dynamo.{request.inside}")
        yield from ("--model-path" if request.inside == "sglang" else "--model", model)
    else:
        if request.key and request.inside == "sglang":  # it takes a key only as a flag: a shell inserts it at the start
            yield from ("sh", "-c", 'exec "$@" --api-key "${SGLANG_API_KEY:?}"', "sh")
        yield from _PROGRAMS[request.inside]
        yield from (model,) if request.inside == "vllm" else ("--model-path", model)
    if request.name_for(candidate.weights) != model or request.engine == "dynamo":
        yield from ("--served-model-name", request.name_for(candidate.weights))
    yield from _of_rank(argv, rank, head)
    if request.inside == "sglang" and count > 1:
        yield from ("--nnodes", str(count), "--node-rank", str(rank), "--dist-init-addr", f"{head}:20000")
    if request.engine == "dynamo":
        yield from ("--dyn-tool-call-parser", "deepseek_v4", "--dyn-reasoning-parser", "deepseek_v4")
        if role in _ROLE_PORTS and "--disaggregation-mode" not in argv:
            yield from ("--disaggregation-mode", role)
    else:
        yield from ("--host", "0.0.0.0", "--port", port)  # noqa: S104  # it is a server


def _of_rank(argv: list[str], rank: int, head: str) -> Iterator[str]:
    """The arguments of one node of several."""
    words = list(argv)
    for flag in ("--data-parallel-address", "--master-addr"):
        if flag in words:
            words[words.index(flag) + 1] = head
    if "--node-rank" in words and rank:
        at = words.index("--node-rank")
        words[at + 1 : at + 2] = [str(rank), "--headless"]
    if "--data-parallel-size-local" in words and rank:
        at = words.index("--data-parallel-size-local") + 2
        words[at:at] = ["--data-parallel-start-rank", str(rank * int(words[at - 1]))]
    yield from words


def _environment(request: PlanRequest, row: Recipe, role: str, host: str) -> dict[str, str]:
    env = dict(row.env) | dict(row.roles[role].env if row.roles else {})
    if "VLLM_NIXL_SIDE_CHANNEL_PORT" in env:
        env["VLLM_NIXL_SIDE_CHANNEL_HOST"] = host
    if request.inside == "vllm":
        env.setdefault("VLLM_ENGINE_READY_TIMEOUT_S", "3600")
    return env


def _in_front(request: PlanRequest, candidate: Candidate, nodes: list[Node]) -> Iterator[Node]:
    """The router of prefill and decode, or Dynamo's front end."""
    first = nodes[0].host
    port = request.public_port
    if request.engine == "dynamo":
        front = ("python3", "-m", "dynamo.frontend", "--http-port", str(port), "--router-mode", "kv")
        yield Node(role="frontend", replica=0, rank=0, host=first, port=port, gpus=0, argv=front)
    elif candidate.row.roles:
        heads = [node for node in nodes if node.rank == 0]
        addresses = [word for node in heads for word in (f"--{node.role}", f"http://{node.host}:{node.port}")]
        words = tuple(_router(request, nodes, addresses, port))
        yield Node(role="router", replica=0, rank=0, host=first, port=port, gpus=0, argv=words)


def _router(request: PlanRequest, nodes: list[Node], addresses: list[str], port: int) -> Iterator[str]:
    if request.inside == "vllm":
        yield from ("vllm-router", "--policy", "round_robin", "--vllm-pd-disaggregation", *addresses)
        argv = nodes[0].argv
        if "--data-parallel-size" in argv:
            yield from ("--intra-node-data-parallel-size", str(nodes[0].gpus))
        yield from ("--kv-connector", "nixl", "--port", str(port))
        return
    yield from ("python3", "-m", "sglang_router.launch_router", "--pd-disaggregation", *addresses)
    yield from ("--host", "0.0.0.0", "--port", str(port), "--disable-circuit-breaker")  # noqa: S104
    yield from ("--health-check-interval-secs", "999999")
