"""The fifteen troubles that people report of servers of V4: how each shows itself, and what to change, by engine."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from deepseek_v4_sdk.deploy.tables import version_key

__all__ = ["TROUBLES", "Trouble", "troubles_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A trouble.

    Attributes:
        number: Its number in the documentation.
        title: The failure.
        remedies: The change that ends it, by engine.
        signs: Patterns of a log that show it, by engine; "" is every engine.
        context: Patterns of another line that the log must have, by engine.
        contrary: Patterns of lines that no log of it has, by engine.
        least: Number of lines that must show it.
        features: The features that a probe of the server finds failing because of it.
        sources: Public reports.
        since: The first release that it concerns, by engine.
        last: The last one, by engine.
    """

    number: int
    title: str
    remedies: Mapping[str, str]
    signs: Mapping[str, str] = field(default_factory=dict[str, str])
    context: Mapping[str, str] = field(default_factory=dict[str, str])
    contrary: Mapping[str, str] = field(default_factory=dict[str, str])
    least: int = 1
    features: tuple[str, ...] = ()
    sources: str = ""
    since: Mapping[str, str] = field(default_factory=dict[str, str])
    last: Mapping[str, str] = field(default_factory=dict[str, str])

    def concerns(self, engine: str, version: str | None) -> bool:
        """Whether a release can have it."""
        if engine not in self.remedies:
            return False
        if version is None or not re.match(r"\d", version):
            return True
        first, last = self.since.get(engine), self.last.get(engine)
        at = version_key(version)
        return (first is None or at >= version_key(first)) and (last is None or at <= version_key(last))

    def shown_by(self, line: str, engine: str | None) -> bool:
        """Whether a line of a log shows it."""
        return _matches(self.signs, line, engine)

    def confirmed_by(self, lines: Sequence[str], times: int, engine: str | None) -> bool:
        """Whether a whole log, of which so many lines show it, confirms it."""
        return (
            times >= self.least
            and (not self.context or any(_matches(self.context, line, engine) for line in lines))
            and not (self.contrary and any(_matches(self.contrary, line, engine) for line in lines))
        )


def _matches(patterns: Mapping[str, str], line: str, engine: str | None) -> bool:
    return any(
        _compiled(pattern).search(line) is not None
        for name, pattern in patterns.items()
        if name == "" or engine is None or name == engine
    )


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_BATCH = "lower --max-num-batched-tokens (4096, then 2048) before anything else, then --max-model-len auto"
_RATIO = "give --swa-full-tokens-ratio 0.1, or lower --max-running-requests"
_CACHES = "keep ~/.cache/vllm and the caches of DeepGEMM and FlashInfer on a volume; send warm-up requests"

TROUBLES: tuple[Trouble, ...] = (
    Trouble(
        number=1,
        title="the FP4 index is switched on by its old name",
        remedies={"vllm": "use --attention-config.indexer_kv_dtype mxfp4 (on Hopper and sm_120: fp8, or leave it out)"},
        signs={"vllm": r"fp4_indexer_cache.{0,200}unexpected keyword|unexpected keyword.{0,200}fp4_indexer_cache"},
        sources="vllm#52550",
        since={"vllm": "0.30.0"},
    ),
    Trouble(
        number=2,
        title="the window comes out shorter than asked, or the server refuses to start with it",
        remedies={"vllm": _BATCH, "sglang": _RATIO},
        signs={
            "vllm": r"estimated maximum model length is|to serve at least one request",
            "sglang": r"DSV4 SWA pool cap|max_total_num_tokens=0\b|not enough memory.{0,80}mem-fraction-static",
        },
        features=("window",),
        sources="vllm#51041, vllm#44376, vllm#54703",
    ),
    Trouble(
        number=3,
        title="requests wait though the cache is empty",
        remedies={"vllm": f"the reserve of one request is larger than what is free: {_BATCH}"},
        signs={"": r"waiting[=:]\s*capacity"},
        sources="vllm-ascend#15204",
    ),
    Trouble(
        number=4,
        title="Pro does not start on eight H200",
        remedies={
            "vllm": "use --tensor-parallel-size 8 --enable-expert-parallel --moe-backend marlin "
            "--max-num-batched-tokens 4096 --gpu-memory-utilization 0.97; data parallelism only with 2048",
            "sglang": f"use --moe-runner-backend flashinfer_mxfp4 --mem-fraction-static 0.88; {_RATIO}",
        },
        signs={
            "vllm": r"no available memory for the cache blocks|torch.{0,20}outofmemoryerror",
            "sglang": r"torch.{0,20}outofmemoryerror",
        },
        sources="vllm-project/recipes#381, #832",
    ),
    Trouble(
        number=5,
        title="eight GPUs hold an eighth of the expected conversations",
        remedies={
            "vllm": "tensor parallelism copies the cache: use --data-parallel-size 8 --enable-expert-parallel",
            "sglang": "tensor parallelism copies the cache: use --tp-size 8 --dp-size 8 --enable-dp-attention",
        },
        signs={  # conversations wait for a full cache ...
            "vllm": r"Waiting: [1-9]\d* reqs.{0,80}KV cache usage: (9\d|100)\.",
            "sglang": r"token usage: (0\.9\d|1\.0).{0,300}#queue-req: [1-9]|KV cache pool is full\. Retract",
        },
        context={  # ... of which each GPU has a copy
            "vllm": r"tensor_parallel_size=([2-9]|\d\d+), .{0,60}data_parallel_size=1\b",
            "sglang": r"\btp_size(=|': )([2-9]|\d\d).{0,3000}\bdp_size(=|': )1\b"
            r"(?!.{0,3000}attn_dp_size(=|': )([2-9]|\d\d))",
        },
        sources="vllm#51454",
    ),
    Trouble(
        number=6,
        title="more than a hundred GiB of cache are needed, with a KV connector",
        remedies={"vllm": "add --no-disable-hybrid-kv-cache-manager"},
        signs={"vllm": r"\(\d{3,}(\.\d+)? GiB KV cache is needed|turning off hybrid kv cache manager"},
        sources="vllm#44376, vllm-ascend#9975",
    ),
    Trouble(
        number=7,
        title="a kernel that this GPU does not have",
        remedies={
            "vllm": "on Hopper: --moe-backend marlin; on sm_120: --moe-backend auto and an fp8 index; "
            "NVFP4 needs SM100",
            "sglang": "on Hopper: --moe-runner-backend marlin or flashinfer_mxfp4, or the -FP8 weights with deepep",
        },
        signs={
            "": r"megamoe requires sm100|no nvfp4 moe backend|requires blackwell data-?cent|mega ?moe.{0,60}requires",
        },
        sources="vllm#42284, vllm#45661, sglang#35557",
    ),
    Trouble(
        number=8,
        title="Pro split sixteen ways",
        remedies={"vllm": "use --tensor-parallel-size 8 --data-parallel-size 2: 3072/16 is not a multiple of 128"},
        signs={"vllm": r"= ?192\b.{0,80}not divisible|192 is not divisible by.{0,40}128"},
        sources="vllm#40955, vllm-project/recipes#497",
    ),
    Trouble(
        number=9,
        title="the start takes an hour, and the first requests stall",
        remedies={
            "vllm": f"{_CACHES}; VLLM_ENGINE_READY_TIMEOUT_S=3600, --no-enable-flashinfer-autotune",
            "sglang": f"{_CACHES}; run python3 -m sglang.compile_deep_gemm once, or SGLANG_JIT_DEEPGEMM_PRECOMPILE=0",
            "dynamo": f"{_CACHES}; give the start-up probe 90 minutes",
        },
        signs={
            "": r"timed out waiting for engine|engine core.{0,60}(timed out|not ready)|DeepGEMM (JIT|warm)"
            r"|flashinfer.{0,30}autotun",
        },
        sources="vllm#43189, vllm#49905, sglang#29170",
    ),
    Trouble(
        number=10,
        title="the server hangs with long prompts",
        remedies={
            "vllm": "take a newer release (the images of 0.20 are affected), NCCL 2.30.4 or newer on GB10; in the "
            "client set an idle timeout",
            "sglang": "take a newer release; in the client set an idle timeout",
        },
        signs={"": r"watchdog.{0,60}time(d)? ?out|no available shared memory broadcast block"},
        sources="vllm#41125, sglang#33549",
        last={"vllm": "0.22.0"},
    ),
    Trouble(
        number=11,
        title="a crash while graphs are captured, or in symmetric memory",
        remedies={
            "vllm": "set TORCH_SYMM_MEM_DISABLE_MULTICAST=1 and --compilation-config "
            """'{"mode":0,"cudagraph_mode":"FULL_DECODE_ONLY"}'; on GB200 VLLM_USE_NCCL_SYMM_MEM=0""",
        },
        signs={"": r"symm(etric)?[_ ]?mem.{0,120}(error|fail|multicast)|graph capture.{0,80}(error|fail|illegal)"},
        sources="vllm#53320",
    ),
    Trouble(
        number=12,
        title="prefill and decode do not understand each other, or answers are garbled",
        remedies={
            "vllm": "the same release, tensor parallelism and --speculative-config on both roles; "
            '"kv_load_failure_policy":"fail"; RDMA devices in the container',
            "sglang": "the same release and draft tokens on both roles; RDMA devices and unlimited memlock in the "
            "container",
            "dynamo": "the same --speculative-config on both roles; UCX_TLS must contain rc",
        },
        signs={
            "": r"compat\w* hash|handshake.{0,60}(fail|refus|mismatch)|(kv|transfer).{0,40}(load|transfer) fail"
            r"|mooncake.{0,60}(tcp|fall)",
        },
        sources="vllm#52276, vllm#50765, sglang#29152",
    ),
    Trouble(
        number=13,
        title="the engine refuses draft tokens, or rarely accepts them",
        remedies={
            "vllm": "the method of the weights: mtp for preview and NVFP4, dspark for 0731 and 0813; 5 draft tokens in "
            "place of 7 on small GPUs; none for throughput",
            "sglang": "the method of the weights: EAGLE for preview and NVFP4, DSPARK for 0731 and 0813",
        },
        signs={"": r"\bacceptance rate:\s*[0-2]?\d(\.\d+)?%|mtp.{0,60}(not found|missing|no such|unsupported)"},
        sources="vllm#41834, vllm#51009",
    ),
    Trouble(
        number=14,
        title="tool calls or reasoning arrive as text",
        remedies={
            "vllm": "--tool-call-parser deepseek_v4 --enable-auto-tool-choice --reasoning-parser deepseek_v4 "
            "--tokenizer-mode deepseek_v4",
            "sglang": "--tool-call-parser deepseekv4 --reasoning-parser deepseek-v4",
            "dynamo": "--dyn-tool-call-parser deepseek_v4 --dyn-reasoning-parser deepseek_v4, on each worker",
        },
        signs={"": r"\"?auto\"? tool choice requires|(tool_call|reasoning)_parser(=|': )None"},
        features=("tools", "reasoning", "personality", "thinking"),
    ),
    Trouble(
        number=15,
        title="the prefix cache is never hit",
        remedies={
            "vllm": "prompts shorter than a block of 256 tokens are never hit; --prefix-cache-retention-interval keeps "
            "the states that a hit needs",
            "sglang": "a hit needs pages of the sliding window: --swa-prefix-tails, or a larger "
            "--swa-full-tokens-ratio",
        },
        signs={
            "vllm": r"Running: [1-9]\d* reqs.{0,120}(?<!External )Prefix cache hit rate: 0\.0%",
            "sglang": r"Prefill batch.{0,120}#cached-token: 0\b",
        },
        contrary={
            "vllm": r"(?<!External )Prefix cache hit rate: (?!0\.0%)\d",
            "sglang": r"#cached-token: [1-9]",
        },
        least=10,  # the first requests find an empty cache
        features=("cached_tokens",),
        sources="vllm#43447, sglang#28058",
    ),
)
"""All of them."""


def troubles_of(engine: str, version: str | None = None, *, features: tuple[str, ...] = ()) -> Iterator[Trouble]:
    """The troubles that a release can have.

    Args:
        engine: "vllm", "sglang" or "dynamo".
        version: The release, where it is known.
        features: The features that a probe found failing; without it all troubles.
    """
    for trouble in TROUBLES:
        if trouble.concerns(engine, version) and (not features or set(features) & set(trouble.features)):
            yield trouble
