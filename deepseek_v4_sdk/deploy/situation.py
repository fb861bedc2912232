"""A command with what is known around it: the release, the weights, the GPU, the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deepseek_v4_sdk.deploy.command_line import Command
    from deepseek_v4_sdk.deploy.engines import EngineTable
    from deepseek_v4_sdk.deploy.tables import GPU, Checkpoint, Family, Tables

__all__ = ["Situation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """The facts that the rules look at.

    Attributes:
        tables: The tables.
        table: The release of the engine that reads the flags.
        command: The command.
        env: The environment that is given for it.
        gpu: The kind of GPU, or None where it is not known.
        checkpoint: The weights, or None where the tables do not have them.
        family_name: "pro", "flash" or another; empty where the name does not tell.
        dynamo: Whether Dynamo runs the engine.
    """

    tables: Tables
    table: EngineTable
    command: Command
    env: Mapping[str, str]
    gpu: GPU | None
    checkpoint: Checkpoint | None
    family_name: str
    dynamo: bool = False

    @property
    def family(self) -> Family | None:
        """The shape of the model."""
        return self.tables.families.get(self.family_name)

    @property
    def tp(self) -> int:
        """GPUs that share one slice of the model."""
        return max(1, self.command.number("--tensor-parallel-size", self.command.number("--tp-size", 1)))

    @property
    def dp(self) -> int:
        """Replicas of attention."""
        command = self.command
        if self.table.engine == "vllm":
            return max(1, command.number("--data-parallel-size", 1))
        if command.has("--enable-dp-attention"):
            return max(1, command.number("--dp-size", command.number("--data-parallel-size", 1)))
        return max(1, command.number("--attn-dp-size", 1))

    @property
    def gpus(self) -> int:
        """GPUs of the whole server."""
        if self.table.engine == "vllm":
            return self.tp * self.dp * self.pp
        return self.tp * self.pp

    @property
    def pp(self) -> int:
        """Stages of a pipeline."""
        return max(1, self.command.number("--pipeline-parallel-size", self.command.number("--pp-size", 1)))

    @property
    def draft(self) -> tuple[str, int]:
        """The method of drafting ("mtp", "dspark" or "") and the number of tokens that are verified together."""
        command = self.command
        if self.table.engine == "vllm":
            config = command.config("--speculative-config")
            method, count = str(config.get("method", "")), config.get("num_speculative_tokens", 0)
            name = "mtp" if method.endswith("mtp") else method
            return name, (int(str(count)) + 1 if name and str(count).isdigit() else 1)
        algorithm = (command.value("--speculative-algorithm") or "").upper()
        if not algorithm:
            return "", 1
        name = {"DSPARK": "dspark", "EAGLE": "mtp", "NEXTN": "mtp"}.get(algorithm, algorithm.lower())
        return name, command.number("--speculative-num-draft-tokens", 8 if name == "dspark" else 2)
