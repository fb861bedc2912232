"""`check`: a command against the release that is to run it, in half a second and without the engine."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING

from deepseek_v4_sdk.deploy.command_line import read_command, strip_program
from deepseek_v4_sdk.deploy.problems import CommandProblem
from deepseek_v4_sdk.deploy.rules import problems_of
from deepseek_v4_sdk.deploy.situation import Situation
from deepseek_v4_sdk.deploy.tables import Tables, read_tables
from deepseek_v4_sdk.errors import ConfigurationError

if TYPE_CHECKING:
    from deepseek_v4_sdk.deploy.engines import EngineTable

__all__ = ["check", "look_at"]

_ORDER = {"error": 0, "warning": 1, "note": 2}


def check(
    engine: str,
    version: str,
    argv: Sequence[str],
    *,
    gpu: str | None = None,
    env: Mapping[str, str] | None = None,
    tables: str | PathLike[str] | None = None,
) -> list[CommandProblem]:
    """Find the flags of a command that a release refuses, that make it fail later, or that make it serve badly.

    Args:
        engine: "vllm", "sglang" or "dynamo".
        version: The release, such as "0.33.0".
        argv: The command, with or without the program's name (`vllm serve`).
        gpu: The kind of GPU, such as "h200"; without it rules about hardware are not applied.
        env: Environment variables of the server.
        tables: A folder with your tables.

    Returns:
        The problems, errors first; an empty list where there are none.

    Raises:
        ConfigurationError: The engine, the version or the GPU is not in the tables.
    """
    case = look_at(read_tables(tables), engine, version, argv, gpu=gpu, env=env)
    found = [*case.command.problems, *problems_of(case)]
    return sorted(dict.fromkeys(found), key=lambda each: _ORDER[each.severity])


def look_at(
    tables: Tables,
    engine: str,
    version: str,
    argv: Sequence[str],
    *,
    gpu: str | None = None,
    env: Mapping[str, str] | None = None,
) -> Situation:
    """A command as a release reads it, with what is around it.

    Raises:
        ConfigurationError: As `check` does.
    """
    if isinstance(argv, str):
        raise ConfigurationError("argv is one text: give a list of words, as shlex.split makes it")
    table = tables.engine(engine, version)
    dynamo = engine == "dynamo"
    if dynamo:
        table = _worker(tables, table, argv)
    command = read_command(table, argv)
    name = command.value("--model", "--model-path") or command.model or ""
    plain = name.rstrip("/").rpartition("/")[2].lower()
    checkpoint = tables.checkpoints.get(name) or next(
        (each for key, each in tables.checkpoints.items() if key.rpartition("/")[2].lower() == plain and plain), None
    )
    named = re.search(r"v4[-_](pro|flash)", plain)
    family = checkpoint.family if checkpoint is not None else named[1] if named is not None else ""
    return Situation(
        tables=tables,
        table=table,
        command=command,
        env={name: value for name, value in (env or {}).items() if not _inserted(name, argv)},
        gpu=tables.gpu(gpu) if gpu else None,
        checkpoint=checkpoint,
        family_name=family,
        dynamo=dynamo,
    )


def _inserted(variable: str, argv: Sequence[str]) -> bool:
    """Whether a shell in the command puts a variable into the arguments, so that the engine need not read it."""
    return any(f"${{{variable}" in word or f"${variable}" in word for word in argv)


def _worker(tables: Tables, dynamo: EngineTable, argv: Sequence[str]) -> EngineTable:
    """The flags of a worker of Dynamo: its own, and those of the engine inside, without its HTTP server."""
    program, _ = strip_program(argv)
    inside = "sglang" if program and program[-1].endswith("sglang") else "vllm"
    if inside not in dynamo.pins:
        raise ConfigurationError(f"Dynamo {dynamo.version} does not say which {inside} it contains")
    table = copy.copy(tables.engine(inside, dynamo.pins[inside]))
    table.take_over(dynamo)
    return table
