"""`Plan`: the commands of a server's nodes, what they hold, and the texts that start them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from os import PathLike
from pathlib import Path

from deepseek_v4_sdk.deploy.capacity import Capacity
from deepseek_v4_sdk.errors import ConfigurationError
from deepseek_v4_sdk.support.files import write_private

__all__ = ["Node", "Plan"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One process on one machine.

    Attributes:
        role: "server"; "prefill" or "decode" where these are apart; "router" or "frontend".
        replica: Which of several equal servers of the role, from 0.
        rank: Which node of that server, from 0.
        host: The name or address of the machine.
        port: The port that it answers at.
        gpus: GPUs that it uses.
        argv: The whole command.
        env: Environment variables.
    """

    role: str
    replica: int
    rank: int
    host: str
    port: int
    gpus: int
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def name(self) -> str:
        """A name for it in texts, such as `prefill-0-1`."""
        return f"{self.role}-{self.replica}-{self.rank}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A server that was planned. The texts are made from one list of arguments, token for token the same.

    Attributes:
        model: The weights.
        served_name: The name that clients ask for.
        family: "pro" or "flash".
        gpu: The kind of GPU.
        gpus: Number of GPUs in all.
        engine: "vllm", "sglang" or "dynamo".
        engine_version: Its release.
        recipe: The purpose.
        image: The container image of the engine.
        nodes: Every process, those of the first role first.
        capacity: The capacity of the server; with separate roles, that of one replica of decode.
        profile_toml: A file of profiles with which this client talks to the server.
        warnings: Remarks to read before starting it.
        assumptions: The assumptions of the plan.
        verified_by: The source of the recipe and its date; "derived" where nobody published it so.
        arm64: Whether the hosts need arm64 images.
        key_variable: The environment variable with the key that clients must send; None where the server takes none.
    """

    model: str
    served_name: str
    family: str
    gpu: str
    gpus: int
    engine: str
    engine_version: str
    recipe: str
    image: str
    nodes: tuple[Node, ...]
    capacity: Capacity
    profile_toml: str
    warnings: tuple[str, ...]
    assumptions: tuple[str, ...]
    verified_by: str
    arm64: bool = False
    key_variable: str | None = None

    @property
    def argv(self) -> list[str]:
        """The whole command of the first node of the first role."""
        return list(self.nodes[0].argv)

    @property
    def env(self) -> dict[str, str]:
        """The environment variables of that node."""
        return dict(self.nodes[0].env)

    def command(self) -> str:
        """The commands for a shell, one for each node."""
        from deepseek_v4_sdk.deploy.shell import commands

        return commands(self)

    def docker(self) -> str:
        """The commands for Docker, one for each node."""
        from deepseek_v4_sdk.deploy.shell import docker

        return docker(self)

    def compose(self) -> str:
        """A compose file, with one service for each node. It needs the extra `deploy`.

        Raises:
            ConfigurationError: The extra is not installed.
        """
        from deepseek_v4_sdk.deploy.compose import compose

        return compose(self)

    def kubernetes(self) -> str:
        """Manifests for Kubernetes: a Deployment for one node, a LeaderWorkerSet for many, Dynamo's own for Dynamo.

        They need the extra `deploy`.

        Raises:
            ConfigurationError: The extra is not installed.
        """
        from deepseek_v4_sdk.deploy.kubernetes import kubernetes

        return kubernetes(self)

    def texts(self) -> dict[str, str]:
        """Every text, under the name of its file."""
        return {
            "command.sh": self.command(),
            "docker.sh": self.docker(),
            "compose.yaml": self.compose(),
            "kubernetes.yaml": self.kubernetes(),
            "deepseek_v4.toml": self.profile_toml,
            "plan.txt": f"{self}\n",
        }

    def write(self, folder: str | PathLike[str]) -> list[Path]:
        """Write every text into a folder, which is made where it is missing. Files that are there are replaced.

        Returns:
            The files.

        Raises:
            ConfigurationError: A file cannot be written, or the extra `deploy` is not installed.
        """
        place = Path(folder)
        texts = self.texts()
        try:
            place.mkdir(parents=True, exist_ok=True)
            for name, text in texts.items():
                write_private(place / name, text.encode())
        except OSError as error:
            raise ConfigurationError(f"{place} cannot be written: {error.strerror or error}") from None
        return [place / name for name in texts]

    def to_dict(self) -> dict[str, object]:
        """Everything as plain values, ready for JSON."""
        return {**asdict(self), "capacity": self.capacity.to_dict(), "command": self.command()}

    def summary(self) -> str:
        """The plan without its commands: the source, the capacity, warnings and assumptions."""
        return self._with_notes([])

    def __str__(self) -> str:
        return self._with_notes([self.command().rstrip(), ""])

    def _with_notes(self, commands: list[str]) -> str:
        from deepseek_v4_sdk.deploy.picture import bullets, wrapped

        lines = [
            wrapped(f"{self.recipe}: {self.model} on {self.gpus} x {self.gpu}, {self.engine} {self.engine_version}"),
            wrapped(f"verified by: {self.verified_by}", rest="  "),
            "",
            *commands,
            str(self.capacity).partition("\n\n")[2],  # its first line is the plan's
            *bullets("Know", self.warnings),
            *bullets("Assumed", self.assumptions),
        ]
        return "\n".join(lines)
