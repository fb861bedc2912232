"""The request that a plan is made for, and a recipe that may become the plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deepseek_v4_sdk.deploy.engines import EngineTable
    from deepseek_v4_sdk.deploy.tables import GPU, Checkpoint, Recipe, Tables

__all__ = ["Candidate", "PlanRequest"]

_PORTS = {"vllm": 8000, "sglang": 30000, "dynamo": 8000}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRequest:
    """The arguments of a plan, with the tables that they name.

    Attributes:
        tables: The tables.
        engine: "vllm", "sglang" or "dynamo".
        version: Its release.
        table: The release of the engine that computes, which Dynamo contains.
        gpu: The kind of GPU.
        gpus: Number of GPUs, or None for as many as the recipe uses.
        recipe: The purpose.
        context: The window, or None for that of the recipe.
        sessions: Conversations that must fit at once, or None.
        hosts: Names of the machines, as far as they were given.
        served_name: The name that clients ask for, or None for that of the weights.
        port: The port, or None for the engine's own.
        key: Whether clients must send a key.
    """

    tables: Tables
    engine: str
    version: str
    table: EngineTable
    gpu: GPU
    gpus: int | None
    recipe: str
    context: int | None
    sessions: int | None
    hosts: Sequence[str]
    served_name: str | None
    port: int | None
    key: bool

    @property
    def inside(self) -> str:
        """The engine that computes."""
        return self.table.engine

    @property
    def public_port(self) -> int:
        """The port that clients use."""
        return self.port or _PORTS[self.engine]

    @property
    def key_variable(self) -> str | None:
        """The environment variable with the key that clients must send."""
        return f"{self.engine.upper()}_API_KEY" if self.key else None

    def name_for(self, weights: Checkpoint) -> str:
        """The name that clients ask for."""
        return self.served_name or weights.id

    def host(self, index: int, several: bool) -> str:
        """The name of a machine."""
        if index < len(self.hosts):
            return self.hosts[index]
        return f"node-{index}" if several else "localhost"


@dataclass(slots=True)
class Candidate:
    """A recipe that may become the plan, as far as it is made.

    Attributes:
        row: The recipe.
        weights: The checkpoint.
        roles: The arguments of each role.
        verified_by: The source of the recipe.
        warnings: Remarks to read before starting it.
        assumptions: The assumptions so far.
        replicas: Equal servers of each role.
    """

    row: Recipe
    weights: Checkpoint
    roles: dict[str, list[str]]
    verified_by: str
    warnings: list[str]
    assumptions: list[str] = field(default_factory=list[str])
    replicas: int = 1
