"""The processes of a plan: each node of each role with its command, and the router or front end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deepseek_v4_sdk.deploy.plan import Node
from deepseek_v4_sdk.deploy.recipes import gpus_of

if TYPE_CHECKING:
    from deepseek_v4_sdk.deploy.tables import GPU, Checkpoint, Recipe

__all__ = ["Layout", "lay_out"]

_PORTS = {"vllm": 8000, "sglang": 30000, "dynamo": 8000}
_ROLE_PORTS = {"prefill": 8001, "decode": 8002}
_PROGRAMS = {
    "vllm": ("vllm", "serve"),
    "sglang": ("python3", "-m", "sglang.launch_server"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The facts that the nodes of a plan have in common.

    Attributes:
        engine: "vllm", "sglang" or "dynamo".
        inside: The engine that computes.
        gpu: The kind of GPU.
        row: The recipe.
        weights: The checkpoint.
        replicas: Equal servers of each role.
        hosts: Names of the machines, as far as they were given.
        served_name: The name that clients ask for.
        port: The requested port, or None.
        key: Whether clients must send a key.
    """

    engine: str
    inside: str
    gpu: GPU
    row: Recipe
    weights: Checkpoint
    replicas: int
    hosts: tuple[str, ...]
    served_name: str
    port: int | None
    key: bool

    def host(self, index: int, several: bool) -> str:
        """The name of a machine."""
        if index < len(self.hosts):
            return self.hosts[index]
        return f"node-{index}" if several else "localhost"

    def unnamed(self, nodes: list[Node]) -> bool:
        """Whether a machine has no name of the user's."""
        return len({node.host for node in nodes}) > max(1, len(self.hosts))

    @property
    def public_port(self) -> int:
        """The port that clients use."""
        return self.port or _PORTS[self.engine]

    @property
    def key_variable(self) -> str | None:
        """The environment variable with the key that clients must send."""
        return f"{self.engine.upper()}_API_KEY" if self.key else None


def lay_out(layout: Layout, roles: Mapping[str, list[str]]) -> list[Node]:
    """Every process, in the order of the machines."""
    counts = {role: _nodes(layout, argv) for role, argv in roles.items()}
    total = sum(counts.values()) * layout.replicas
    nodes: list[Node] = []
    index = 0
    for role, argv in roles.items():
        gpus = gpus_of(layout.inside, argv) // counts[role]
        for replica in range(layout.replicas):
            head = layout.host(index, total > 1)
            for rank in range(counts[role]):
                words = tuple(_command(layout, role, argv, rank, counts[role], head, gpus))
                port = _ROLE_PORTS.get(role, layout.public_port)
                env = _environment(layout, role, layout.host(index, total > 1))
                node = Node(
                    role=role,
                    replica=replica,
                    rank=rank,
                    host=layout.host(index, total > 1),
                    port=port,
                    gpus=gpus,
                    argv=words,
                    env=env,
                )
                nodes.append(node)
                index += 1
    nodes += _in_front(layout, nodes)
    return nodes


def _nodes(layout: Layout, argv: list[str]) -> int:
    """Machines of one server of a role: the arguments count, and not the row."""
    if "--nnodes" in argv:
        return int(argv[argv.index("--nnodes") + 1])
    if "--data-parallel-size-local" in argv:
        size, local = (int(argv[argv.index(flag) + 1]) for flag in _SIZES)
        return size // local
    return -(-gpus_of(layout.inside, argv) // layout.gpu.per_node)


_SIZES = ("--data-parallel-size", "--data-parallel-size-local")


def _command(layout: Layout, role: str, argv: list[str], rank: int, count: int, head: str, gpus: int) -> Iterator[str]:
    model = layout.weights.id
    port = str(_ROLE_PORTS.get(role, layout.public_port))
    if layout.engine == "dynamo":
        yield from ("python3", "-m", f"dynamo.{layout.inside}")
        yield from ("--model-path" if layout.inside == "sglang" else "--model", model)
    else:
        if layout.key and layout.inside == "sglang":  # it takes a key only as a flag: a shell inserts it at the start
            yield from ("sh", "-c", 'exec "$@" --api-key "${SGLANG_API_KEY:?}"', "sh")
        yield from _PROGRAMS[layout.inside]
        yield from (model,) if layout.inside == "vllm" else ("--model-path", model)
    if layout.served_name != model or layout.engine == "dynamo":
        yield from ("--served-model-name", layout.served_name)
    yield from _of_rank(argv, rank, head, gpus)
    if layout.inside == "sglang" and count > 1:
        yield from ("--nnodes", str(count), "--node-rank", str(rank), "--dist-init-addr", f"{head}:20000")
    if layout.engine == "dynamo":
        yield from ("--dyn-tool-call-parser", "deepseek_v4", "--dyn-reasoning-parser", "deepseek_v4")
        if role in _ROLE_PORTS and "--disaggregation-mode" not in argv:
            yield from ("--disaggregation-mode", role)
    else:
        yield from ("--host", "0.0.0.0", "--port", port)  # noqa: S104  # it is a server


def _of_rank(argv: list[str], rank: int, head: str, gpus: int) -> Iterator[str]:
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


def _environment(layout: Layout, role: str, host: str) -> dict[str, str]:
    row = layout.row
    env = dict(row.env) | dict(row.roles[role].env if row.roles else {})
    if "VLLM_NIXL_SIDE_CHANNEL_PORT" in env:
        env["VLLM_NIXL_SIDE_CHANNEL_HOST"] = host
    if layout.inside == "vllm":
        env.setdefault("VLLM_ENGINE_READY_TIMEOUT_S", "3600")
    return env


def _in_front(layout: Layout, nodes: list[Node]) -> Iterator[Node]:
    """The router of prefill and decode, or Dynamo's front end."""
    first = nodes[0].host
    port = layout.public_port
    if layout.engine == "dynamo":
        front = ("python3", "-m", "dynamo.frontend", "--http-port", str(port), "--router-mode", "kv")
        yield Node(role="frontend", replica=0, rank=0, host=first, port=port, gpus=0, argv=front)
    elif layout.row.roles:
        heads = [node for node in nodes if node.rank == 0]
        addresses = [word for node in heads for word in (f"--{node.role}", f"http://{node.host}:{node.port}")]
        words = tuple(_router(layout, nodes, addresses, port))
        yield Node(role="router", replica=0, rank=0, host=first, port=port, gpus=0, argv=words)


def _router(layout: Layout, nodes: list[Node], addresses: list[str], port: int) -> Iterator[str]:
    if layout.inside == "vllm":
        yield from ("vllm-router", "--policy", "round_robin", "--vllm-pd-disaggregation", *addresses)
        argv = nodes[0].argv
        if "--data-parallel-size" in argv:
            yield from ("--intra-node-data-parallel-size", str(nodes[0].gpus))
        yield from ("--kv-connector", "nixl", "--port", str(port))
        return
    yield from ("python3", "-m", "sglang_router.launch_router", "--pd-disaggregation", *addresses)
    yield from ("--host", "0.0.0.0", "--port", str(port), "--disable-circuit-breaker")  # noqa: S104
    yield from ("--health-check-interval-secs", "999999")
