"""The capacity of vLLM: blocks of a shared pool, of which each request is charged a reserve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepseek_v4_sdk.deploy.capacity import LENGTHS, Capacity, assumed, spread
from deepseek_v4_sdk.deploy.tables import Interval
from deepseek_v4_sdk.deploy.vllm_cache import BLOCK, VLLMCache, in_flight_batches
from deepseek_v4_sdk.deploy.weights import weights_per_gpu

if TYPE_CHECKING:
    from collections.abc import Callable

    from deepseek_v4_sdk.deploy.situation import Situation
    from deepseek_v4_sdk.deploy.tables import GPU, Checkpoint, Family

__all__ = ["compute", "default_batch"]

_GIB = 2**30
_SHARE = 0.92  # --gpu-memory-utilization
_OVERHEAD = Interval(4.0, 12.0)
_LAYOUTS = {
    (True, True): "the largest group of layers",
    (True, False): "tuples of layers",
    (False, True): "every state, without the hybrid manager",
    (False, False): "every state, without the hybrid manager",
}


def default_batch(gpu: GPU) -> tuple[int, int]:
    """The defaults of `--max-num-batched-tokens` and `--max-num-seqs`, by the GPU's memory."""
    if gpu.gib.high >= 160 and gpu.arch != "sm121":
        return 16_384, 1024
    if gpu.gib.high >= 70 and gpu.arch != "sm121":
        return 8_192, 1024
    return 2_048, 256


def compute(case: Situation, family: Family, weights: Checkpoint, gpu: GPU, kv_gib: float | None) -> Capacity:
    """The capacity of a vLLM server."""
    command, pipeline, cache = case.command, case.pp, _cache(case, family)
    batch, batches, requests = _load(case, gpu)
    in_flight = batch * batches
    share = command.ratio("--gpu-memory-utilization", _SHARE)
    per_gpu = weights_per_gpu(case)
    room = spread(gpu, Interval(share, share), per_gpu, _OVERHEAD, kv_gib)
    block = cache.block_bytes / pipeline
    blocks = Interval(*(int(each * _GIB / block) for each in (room.low, room.high)))
    asked = _asked(case, family)
    most = asked or family.window
    window = Interval(*(cache.longest(int(each), in_flight, most) for each in (blocks.low, blocks.high)))
    need = cache.charge(most, in_flight)
    starts = {int(each) >= need for each in (blocks.low, blocks.high)} if asked else {window.high > 0}
    served = Interval(most if asked else window.low, most if asked else window.high)

    def sessions(length: int, available: float) -> float:
        longest = window.low if available == blocks.low else window.high
        if length > longest:
            return 0
        free = available - cache.reserve(in_flight, length)
        return min(case.dp * int(max(0, free) // cache.held(length)), case.dp * requests)

    def reported(available: float, length: float) -> float:
        return available / cache.charge(int(length), in_flight) if length else 0.0

    times = Interval(reported(blocks.low, served.low), reported(blocks.high, served.high))
    reserve = cache.reserve(in_flight, most)
    return Capacity(
        engine="vllm",
        version=case.table.version,
        model=weights.id,
        gpu=gpu.kind,
        gpus=case.gpus,
        pools=case.dp,
        memory_gib=gpu.gib,
        weights_gib=per_gpu,
        overhead_gib=_OVERHEAD,
        kv_gib=room,
        token_bytes=cache.token_bytes / pipeline,
        reserve_gib=reserve * block / _GIB,
        session_gib={each: cache.held(each) * block / _GIB for each in LENGTHS},
        sessions={each: _both(sessions, each, blocks) for each in LENGTHS},
        reported_tokens=Interval(times.low * served.low, times.high * served.high),
        reported_sessions=times,
        window=window,
        asked_window=asked,
        fits=None if len(starts) == 2 else starts.pop(),
        assumptions=(
            *assumed(case, weights, kv_gib),
            *([] if kv_gib is not None else [f"activations, graphs and communication take {_OVERHEAD} GiB of a GPU"]),
            f"{batches} batch{'es' if batches > 1 else ''} of {batch:,} tokens in flight",
            *(["tensor parallelism copies the cache to each of its GPUs: V4 has one KV head"] if case.tp > 1 else []),
        ),
        steps=(
            f"memory of a GPU: {gpu.gib} GiB, of which the engine uses {share:g}",
            f"- weights: {per_gpu:.1f} GiB ({weights.id}, tp {case.tp}, dp {case.dp})",
            f"- overhead: {_OVERHEAD} GiB",
            f"= cache: {room} GiB",
            f"a block of {BLOCK} tokens: {cache.block_bytes:,} bytes"
            f" ({_LAYOUTS[cache.hybrid, cache.by_groups]}), so {blocks} blocks",
            f"a token: {cache.token_bytes:,.0f} bytes ({cache.least_token_bytes:,.0f} without padding)",
            f"the reserve of a request: {reserve:,} blocks, for {in_flight:,} tokens in flight"
            f" = {reserve * block / _GIB:.2f} GiB",
            f"a window of {most:,} tokens is charged {need:,} blocks = {need * block / _GIB:.2f} GiB",
            f"the longest window that fits: {window} tokens",
        ),
    )


def _cache(case: Situation, family: Family) -> VLLMCache:
    """The layout of the cache that the command asks for."""
    command = case.command
    index = command.config("--attention-config")
    fp4 = index.get("indexer_kv_dtype") == "mxfp4" or str(index.get("use_fp4_indexer_cache")).lower() == "true"
    kind = "bf16" if command.value("--kv-cache-dtype") in {"bfloat16", "float16"} else "fp8"
    hybrid = not command.has("--disable-hybrid-kv-cache-manager")
    return VLLMCache(family, case.table.version, kind, "mxfp4" if fp4 and kind == "fp8" else "fp8", hybrid)


def _load(case: Situation, gpu: GPU) -> tuple[int, int, int]:
    """The tokens of a batch, the batches in flight, and the most running requests."""
    command = case.command
    batch, requests = default_batch(gpu)
    asynchronous = (found := command.last("--async-scheduling")) is None or found.on
    batches = in_flight_batches(case.table.version, asynchronous=asynchronous, pipeline=case.pp)
    return command.number("--max-num-batched-tokens", batch), batches, command.number("--max-num-seqs", requests)


def _asked(case: Situation, family: Family) -> int | None:
    """The window that the command asks for; None where it takes what fits."""
    text = case.command.value("--max-model-len")
    if text in {"auto", "-1"}:
        return None
    return case.command.number("--max-model-len", family.window)


def _both(function: Callable[[int, float], float], length: int, blocks: Interval) -> Interval:
    return Interval(function(length, blocks.low), function(length, blocks.high))
