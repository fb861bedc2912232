"""The capacity of SGLang: a pool of full tokens, one of the sliding window, and the states of its requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepseek_v4_sdk.deploy.capacity import LENGTHS, Capacity, assumed, spread
from deepseek_v4_sdk.deploy.sglang_cache import CAP_MODE_SINCE, RATIO, SGLangCache
from deepseek_v4_sdk.deploy.tables import Interval
from deepseek_v4_sdk.deploy.weights import weights_per_gpu

if TYPE_CHECKING:
    from deepseek_v4_sdk.deploy.situation import Situation
    from deepseek_v4_sdk.deploy.tables import GPU, Checkpoint, Family

__all__ = ["compute"]

_GIB = 2**30
_SHARE = Interval(0.82, 0.9)  # --mem-fraction-static where it is not given: it depends on graphs and chunks
_OVERHEAD = Interval(0.0, 2.0)
_REQUESTS = 256


def compute(case: Situation, family: Family, weights: Checkpoint, gpu: GPU, kv_gib: float | None) -> Capacity:
    """The capacity of an SGLang server."""
    command = case.command
    _, verified = case.draft
    pools = SGLangCache(family, verified)
    requests = max(1, command.number("--max-running-requests", _REQUESTS) // case.dp)
    chunk = command.number("--chunked-prefill-size", 16_384 if gpu.gib.high >= 160 else 8_192)
    given = command.value("--mem-fraction-static")
    share = _SHARE if given is None else Interval(*(2 * [command.ratio("--mem-fraction-static", 0.88)]))
    per_gpu = weights_per_gpu(case)
    room = spread(gpu, share, per_gpu, _OVERHEAD, kv_gib)
    capped = case.table.at_least(CAP_MODE_SINCE) and command.value("--swa-full-tokens-ratio") is None
    ratio = command.ratio("--swa-full-tokens-ratio", RATIO)
    states = pools.states(requests)
    if capped:
        fixed = states + pools.cap_tokens(requests, chunk) * pools.window_token
        token = pools.full_token
    else:
        fixed, token = states, pools.token_in_ratio(ratio)
    tokens = Interval(*(max(0, int((each * _GIB - fixed) / token)) for each in (room.low, room.high)))
    most = command.number("--context-length", family.window)
    asked = most if command.value("--context-length") else None
    window = Interval(*(min(most, each) for each in (tokens.low, tokens.high)))
    starts = {each > 0 for each in (tokens.low, tokens.high)}

    def sessions(length: int, held: float) -> float:
        return min(case.dp * (int(held) // length), case.dp * requests) if length <= most else 0

    mode = "cap" if capped else f"ratio {ratio:g}"
    return Capacity(
        engine="sglang",
        version=case.table.version,
        model=weights.id,
        gpu=gpu.kind,
        gpus=case.gpus,
        pools=case.dp,
        memory_gib=gpu.gib,
        weights_gib=per_gpu,
        overhead_gib=_OVERHEAD,
        kv_gib=room,
        token_bytes=token,
        reserve_gib=fixed / _GIB,
        session_gib={each: each * token / _GIB for each in LENGTHS},
        sessions={each: Interval(sessions(each, tokens.low), sessions(each, tokens.high)) for each in LENGTHS},
        reported_tokens=tokens,
        reported_sessions=None,
        window=window,
        asked_window=asked,
        fits=None if len(starts) == 2 else starts.pop(),
        assumptions=(
            *assumed(case, weights, kv_gib),
            *([] if given is not None else [f"the engine chooses --mem-fraction-static between {_SHARE}"]),
            f"{requests} running requests for each replica of attention",
            "an FP4 index cache is budgeted as FP8 by this engine",
        ),
        steps=(
            f"memory of a GPU: {gpu.gib} GiB, of which weights and pools may take {share}",
            f"- weights: {per_gpu:.1f} GiB ({weights.id}, tp {case.tp}, dp {case.dp})",
            f"= pools: {room} GiB",
            f"pool of the sliding window: mode {mode}, a page of a layer has {pools.page_bytes:,} bytes"
            + (f", {pools.cap_tokens(requests, chunk):,} tokens of {pools.window_token:,.0f} bytes" if capped else ""),
            f"- states{' and window' if capped else ''} of {requests} requests: {fixed / _GIB:.2f} GiB",
            f"a token: {token:,.0f} bytes, so {tokens} tokens (max_total_num_tokens)",
            f"the longest conversation: {window} tokens",
        ),
    )
