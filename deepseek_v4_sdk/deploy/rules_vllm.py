"""Rules of vLLM: commands that start and fail later, or that serve without what a client needs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from deepseek_v4_sdk.deploy.problems import CommandProblem, problem

if TYPE_CHECKING:
    from deepseek_v4_sdk.deploy.situation import Situation

__all__ = ["find"]

_NEW_INDEX = "0.28.0"  # the first release in which V4 reads indexer_kv_dtype
_MEGA = "deep_gemm_mega_moe"
_V4 = ("deepseek_v4", "deepseek_v41")


def find(case: Situation) -> Iterator[CommandProblem]:
    """Find the problems of a command."""
    yield from _parsers(case)
    yield from _index(case)
    yield from _mega_moe(case)
    yield from _slices(case)
    yield from _cache(case)


def _parsers(case: Situation) -> Iterator[CommandProblem]:
    command, table = case.command, case.table
    asked = (("--tool-call-parser", "tool_parsers"), ("--reasoning-parser", "reasoning_parsers"))
    for flag, part in asked[1 if case.dynamo else 0 :]:
        given, words = command.value(flag), table.words(part)
        if given is None:
            if case.dynamo:
                continue
            lost = (
                "tool calls arrive as text" if part == "tool_parsers" else "reasoning arrives inside the answer's text"
            )
            yield problem("warning", flag, f"is missing: {lost}", f"add {flag} deepseek_v4")
        elif given not in words:
            text = f"vLLM {table.version} has no parser {given!r}; it starts, and fails at the first request"
            yield problem("error", flag, text, f"use {table.near(given, words) or 'deepseek_v4'}")
        elif given not in _V4:
            yield problem("warning", flag, f"{given} is not V4's parser", f"use {flag} deepseek_v4")
    if not case.dynamo and command.value("--tool-call-parser") and not command.has("--enable-auto-tool-choice"):
        text = 'is missing: the server refuses a request with tool_choice "auto"'
        yield problem("warning", "--enable-auto-tool-choice", text, "add --enable-auto-tool-choice")
    mode = command.value("--tokenizer-mode")
    words = list(table.flags["--tokenizer-mode"].choices) if "--tokenizer-mode" in table.flags else []
    if mode is not None and mode not in words:
        text = f"vLLM {table.version} has no tokenizer mode {mode!r}; it is accepted, and fails later"
        yield problem("error", "--tokenizer-mode", text, f"use {table.near(mode, words) or 'deepseek_v4'}")
    elif mode not in _V4 and not table.at_least("0.28.0"):
        text = "is missing: the checkpoint has no chat template, and this release has no default encoder for V4"
        yield problem("warning", "--tokenizer-mode", text, "add --tokenizer-mode deepseek_v4")


def _index(case: Situation) -> Iterator[CommandProblem]:
    config = case.command.config("--attention-config")
    kind = config.get("indexer_kv_dtype")
    old = config.get("use_fp4_indexer_cache")
    flag = "--attention-config.indexer_kv_dtype"
    if (
        kind is not None
        and not case.table.at_least(_NEW_INDEX)
        and "indexer_kv_dtype" in case.table.nested.get("AttentionConfig", {})
    ):
        text = f"vLLM {case.table.version} accepts it and ignores it for V4; V4 reads it since {_NEW_INDEX}"
        remedy = "use --attention-config.use_fp4_indexer_cache=True" if kind == "mxfp4" else "remove it"
        yield problem("error", flag, text, remedy, _NEW_INDEX)
    if (
        old is not None
        and case.table.at_least(_NEW_INDEX)
        and "use_fp4_indexer_cache" in case.table.nested.get("AttentionConfig", {})
    ):
        text = f"vLLM {case.table.version} warns of it, and 0.30.0 refuses it"
        yield problem("note", "--attention-config.use_fp4_indexer_cache", text, f"use {flag} mxfp4")
    wanted = kind in {"mxfp4", "nvfp4"} or str(old).lower() == "true"
    if wanted and case.gpu is not None and not case.gpu.fp4_index:
        text = (
            f"an FP4 index cache requires Blackwell data-centre GPUs (sm_10x), and {case.gpu.name} is {case.gpu.arch}"
        )
        used = flag if kind is not None else "--attention-config.use_fp4_indexer_cache"
        yield problem("error", used, text, "leave it out, or use fp8")


def _mega_moe(case: Situation) -> Iterator[CommandProblem]:
    if case.command.value("--moe-backend") != _MEGA:
        return
    if case.gpu is not None and not case.gpu.mega_moe:
        text = f"DeepGEMM Mega MoE requires SM100 GPUs, and {case.gpu.name} is {case.gpu.arch}"
        yield problem("error", "--moe-backend", text, f"use --moe-backend {'marlin' if case.gpu.hopper else 'auto'}")
    if case.checkpoint is not None and case.checkpoint.experts == "nvfp4":
        text = "Mega MoE computes MXFP4 experts, and these weights have NVFP4 ones"
        yield problem("error", "--moe-backend", text, "remove it")
    if not case.command.has("--enable-expert-parallel"):
        text = "Mega MoE fuses the dispatch between experts, and expert parallelism is off"
        yield problem("error", "--moe-backend", text, "add --enable-expert-parallel")


def _slices(case: Situation) -> Iterator[CommandProblem]:
    family = case.family
    if family is None or case.tp < 2:
        return
    part, rest = divmod(family.moe_inter, case.tp)
    if rest or part % family.fp8_block:
        text = (
            f"{case.tp} ways cut the {family.moe_inter} columns of an expert into {family.moe_inter / case.tp:g}, "
            f"which is not a multiple of {family.fp8_block}, the block of its FP8 scales"
        )
        powers = (2**n for n in range(12) if 2**n < case.tp)
        most = max(n for n in powers if family.moe_inter % (n * family.fp8_block) == 0)
        more = case.tp // most
        remedy = f"use --tensor-parallel-size {most}" + (f" --data-parallel-size {more * case.dp}" if more > 1 else "")
        yield problem("error", "--tensor-parallel-size", text, remedy)


def _cache(case: Situation) -> Iterator[CommandProblem]:
    command = case.command
    manager = command.last("--disable-hybrid-kv-cache-manager")
    keep = "--no-disable-hybrid-kv-cache-manager"
    if manager is not None and manager.on:
        text = "without the hybrid manager every state of a token is kept, and V4 needs 85 times the cache"
        yield problem("error", manager.given, text, f"use {keep}")
    elif manager is None and command.last("--kv-transfer-config") is not None:
        text = "a KV connector may switch the hybrid manager off, and then V4 needs 85 times the cache"
        yield problem("error", "--kv-transfer-config", text, f"add {keep}")
    block = command.value("--block-size")
    if block is not None and block != "256":
        text = f"V4's cache is laid out in blocks of 256 tokens, and {block} is given"
        yield problem("error", "--block-size", text, "use --block-size 256")
    batched = command.number("--max-num-batched-tokens", 0)
    if batched > 16_384:
        text = f"{batched:,} tokens in flight are charged to every request as a reserve of the cache"
        yield problem("note", "--max-num-batched-tokens", text, "see `deepseek-v4 deploy capacity`")
