"""`capacity`: the window and the conversations that GPUs hold, and the figures that the engine will log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from os import PathLike
from typing import TYPE_CHECKING

from deepseek_v4_sdk.deploy.check import look_at
from deepseek_v4_sdk.deploy.tables import Interval, read_tables
from deepseek_v4_sdk.errors import ConfigurationError

if TYPE_CHECKING:
    from deepseek_v4_sdk.deploy.situation import Situation
    from deepseek_v4_sdk.deploy.tables import GPU, Checkpoint, Tables

__all__ = ["LENGTHS", "Capacity", "capacity", "capacity_of", "default_checkpoint", "sessions_of"]

LENGTHS = (8_192, 131_072, 1_048_576)
"""The lengths of conversations that sessions are given for, in tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """The capacity of a server. Quantities in GiB are those of one GPU; sessions are those of the whole server.

    Attributes:
        engine: The engine.
        version: Its release.
        model: The weights.
        gpu: The kind of GPU.
        gpus: Number of GPUs.
        pools: Caches that do not share tokens: one for each replica of attention.
        memory_gib: The memory of a GPU.
        weights_gib: Its weights.
        overhead_gib: Memory of activations, graphs and communication, or memory that the engine leaves free.
        kv_gib: Memory that is left for the cache.
        token_bytes: Bytes of a token of a long conversation.
        reserve_gib: The charge of each request (vLLM), or the pools of window and states (SGLang), whatever the length
            of a conversation.
        session_gib: Memory that a conversation of a length holds while it decodes.
        sessions: Conversations of a length that really fit at once, bounded by the engine's limit of requests.
        reported_tokens: The number of tokens that the engine's log will say: vLLM's "GPU KV cache size", SGLang's
            `max_total_num_tokens`.
        reported_sessions: The "Maximum concurrency" of vLLM's log for its window; None with SGLang.
        window: The longest conversation that fits, in tokens.
        asked_window: The window that the command asks for; None where it takes what fits.
        fits: Whether the server starts with that window: True, False, or None where it depends on the overhead.
        assumptions: The assumptions.
        steps: The arithmetic, line by line.
    """

    engine: str
    version: str
    model: str
    gpu: str
    gpus: int
    pools: int
    memory_gib: Interval
    weights_gib: float
    overhead_gib: Interval
    kv_gib: Interval
    token_bytes: float
    reserve_gib: float
    session_gib: Mapping[int, float]
    sessions: Mapping[int, Interval]
    reported_tokens: Interval
    reported_sessions: Interval | None
    window: Interval
    asked_window: int | None
    fits: bool | None
    assumptions: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """Everything as plain values, ready for JSON."""
        return asdict(self)

    def explain(self) -> str:
        """The arithmetic, step by step, with its assumptions."""
        from deepseek_v4_sdk.deploy.picture import bullets, wrapped

        steps = (wrapped(each, rest="  ") for each in self.steps)
        return "\n".join([*steps, *bullets("Assumed", self.assumptions)])

    def __str__(self) -> str:
        from deepseek_v4_sdk.deploy.picture import picture

        return picture(self)


def capacity(
    model: str,
    gpu: str,
    gpus: int,
    *,
    engine: str,
    engine_version: str,
    argv: Sequence[str] = (),
    checkpoint: str | None = None,
    kv_gib: float | None = None,
    tables: str | PathLike[str] | None = None,
) -> Capacity:
    """Compute what GPUs hold, by the engine's own arithmetic.

    Args:
        model: "pro", "flash", or the name of a checkpoint.
        gpu: The kind of GPU, such as "h200".
        gpus: Number of GPUs of the server.
        engine: "vllm", "sglang" or "dynamo".
        engine_version: The release.
        argv: The engine's flags. Where they do not split the model, it is split over all GPUs by tensor parallelism.
        checkpoint: The weights; else those that `argv` or `model` names, or the newest of the family that the release
            serves.
        kv_gib: The memory of a GPU that is left for the cache, where you know it from a log.
        tables: A folder with your tables.

    Raises:
        ConfigurationError: A name is not in the tables, or the flags do not fit the number of GPUs.
    """
    known = read_tables(tables)
    case = look_at(known, engine, engine_version, _with_split(known, engine, engine_version, argv, gpus), gpu=gpu)
    weights = known.checkpoint(checkpoint) if checkpoint else case.checkpoint
    if weights is None:
        weights = default_checkpoint(known, model, case.table.engine, case.table.version)
    if case.gpus != gpus:
        raise ConfigurationError(
            f"the flags use {case.gpus} GPUs (tensor parallelism {case.tp}, data parallelism {case.dp}), and gpus is "
            f"{gpus}: make them agree"
        )
    return capacity_of(case, weights, kv_gib=kv_gib)


def _with_split(tables: Tables, engine: str, version: str, argv: Sequence[str], gpus: int) -> list[str]:
    """The flags, with tensor parallelism over all GPUs where they split nothing."""
    case = look_at(tables, engine, version, argv)
    if case.gpus > 1 or gpus < 2:
        return list(argv)
    return [*argv, "--tensor-parallel-size" if case.table.engine == "vllm" else "--tp-size", str(gpus)]


def default_checkpoint(tables: Tables, model: str, engine: str, version: str) -> Checkpoint:
    """The weights of a name, or the newest of a family that a release serves.

    Raises:
        ConfigurationError: There are none.
    """
    from deepseek_v4_sdk.deploy.tables import version_key

    family = tables.family_of(model)
    if model.lower().rpartition("/")[2] not in {family, f"deepseek-v4-{family}"}:
        return tables.checkpoint(model)
    found = [
        each
        for each in tables.checkpoints.values()
        if each.family == family
        and engine in each.engines
        and version_key(each.engines[engine]) <= version_key(version)
    ]
    if not found:
        raise ConfigurationError(f"no checkpoint of {family} in the tables is served by {engine} {version}")
    return max(found, key=lambda each: each.generation == "2026-08")


def capacity_of(case: Situation, weights: Checkpoint, *, kv_gib: float | None = None) -> Capacity:
    """The capacity of a command that was read."""
    from dataclasses import replace

    from deepseek_v4_sdk.deploy import capacity_sglang, capacity_vllm

    if case.gpu is None:
        raise ConfigurationError("capacity needs the kind of GPU")
    seen = replace(case, checkpoint=weights, family_name=weights.family)
    compute = capacity_vllm.compute if case.table.engine == "vllm" else capacity_sglang.compute
    return compute(seen, case.tables.families[weights.family], weights, case.gpu, kv_gib)


def sessions_of(held: Capacity, length: int) -> Interval:
    """Conversations of any length that fit at once, between those that `sessions` gives."""
    known = sorted(held.sessions)
    if length in held.sessions:
        return held.sessions[length]
    near = max((each for each in known if each <= length), default=known[0])
    each = held.session_gib[near] + (length - near) * held.token_bytes / 2**30
    free = [max(0.0, kv - held.reserve_gib) for kv in (held.kv_gib.low, held.kv_gib.high)]
    counts = [held.pools * int(one // each) if each else 0 for one in free]
    if length > held.window.high:
        return Interval(0, 0)
    return Interval(counts[0] if length <= held.window.low else 0, counts[1])


def spread(gpu: GPU, share: Interval, weights: float, overhead: Interval, given: float | None) -> Interval:
    """GiB for the cache of one GPU: at least and at most."""
    if given is not None:
        return Interval(given, given)
    low = gpu.gib.low * share.low - weights - overhead.high
    high = gpu.gib.high * share.high - weights - overhead.low
    return Interval(max(0.0, low), max(0.0, high))


def assumed(case: Situation, weights: Checkpoint, given: float | None) -> list[str]:
    """The assumptions of both engines' figures."""
    found = ["caches and weights are divided as the flags say; nothing was measured"]
    if weights.estimated:
        found.append(f"the size of {weights.id}, {weights.gib:,.0f} GiB, is an estimate: no source gives it")
    if given is None and case.gpu is not None and case.gpu.gib.low != case.gpu.gib.high:
        found.append(f"sources give {case.gpu.name} {case.gpu.gib} GiB of memory")
    return found
