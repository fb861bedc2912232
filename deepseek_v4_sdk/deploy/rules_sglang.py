"""Rules of SGLang: commands that start and fail later, or that serve without what a client needs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from deepseek_v4_sdk.deploy.problems import CommandProblem, problem
from deepseek_v4_sdk.deploy.sglang_cache import CAP_MODE_SINCE

if TYPE_CHECKING:
    from deepseek_v4_sdk.deploy.situation import Situation

__all__ = ["DISPATCH", "find"]

DISPATCH = "SGLANG_DEEPEP_NUM_MAX_DISPATCH_TOKENS_PER_RANK"
_DISPATCH_DEFAULT = 128


def find(case: Situation) -> Iterator[CommandProblem]:
    """Find the problems of a command."""
    yield from _parsers(case)
    yield from _mega_moe(case)
    yield from _dispatch(case)
    yield from _pool(case)
    yield from _drafts(case)
    yield from _context_parallel(case)
    yield from _weights(case)


def _parsers(case: Situation) -> Iterator[CommandProblem]:
    given = {flag: case.command.value(flag) for flag in ("--tool-call-parser", "--reasoning-parser")}
    right = {"--tool-call-parser": "deepseekv4", "--reasoning-parser": "deepseek-v4"}
    for flag, value in given.items():
        if value is None and not case.dynamo:
            lost = "tool calls arrive as text" if "tool" in flag else "reasoning arrives inside the answer's text"
            yield problem("warning", flag, f"is missing: {lost}", f"add {flag} {right[flag]}")
    plain = {flag: re.sub(r"\W", "", value) for flag, value in given.items() if value}
    if (
        len(plain) == 2
        and len(set(plain.values())) == 2
        and any(each.startswith("deepseek") for each in plain.values())
    ):
        text = f"SGLang refuses to start with parsers of two models: {' and '.join(str(v) for v in given.values())}"
        remedy = "use --tool-call-parser deepseekv4 --reasoning-parser deepseek-v4"
        yield problem("error", "--tool-call-parser", text, remedy)
    elif any(each not in {"deepseekv4", "deepseekv41", "auto"} for each in plain.values()):
        flag = next(each for each, value in plain.items() if value not in {"deepseekv4", "deepseekv41", "auto"})
        yield problem("warning", flag, f"{given[flag]} is not V4's parser", f"use {flag} {right[flag]}")


def _mega_moe(case: Situation) -> Iterator[CommandProblem]:
    command = case.command
    if command.value("--moe-a2a-backend") != "megamoe":
        return
    if case.gpu is not None and not case.gpu.mega_moe:
        text = f"Mega MoE requires SM100 GPUs, and {case.gpu.name} is {case.gpu.arch}"
        remedy = "use deepep, or leave it out with --moe-runner-backend marlin"
        yield problem("error", "--moe-a2a-backend", text, remedy)
    if command.value("--moe-runner-backend") not in {None, "auto"}:
        text = "Mega MoE brings its own runner"
        yield problem("error", "--moe-runner-backend", text, "remove it")


def _dispatch(case: Situation) -> Iterator[CommandProblem]:
    command = case.command
    if command.value("--moe-a2a-backend") != "deepep":
        return
    try:
        limit = int(case.env.get(DISPATCH, _DISPATCH_DEFAULT))
    except ValueError:
        yield problem("error", DISPATCH, "is not a number", "give the tokens that one rank may dispatch")
        return
    _, verified = case.draft
    running = -(-command.number("--max-running-requests", 256) // max(1, case.dp))
    graphs = command.number("--cuda-graph-max-bs-decode", 0)
    need = max(running, graphs) * verified
    if need > limit:
        what = f"{max(running, graphs)} requests of {verified} tokens"
        text = f"a rank may dispatch {limit} tokens, and {what} are {need}: DeepEP fails an assertion under load"
        yield problem("error", DISPATCH, text, f"set {DISPATCH}={need}, or lower --max-running-requests")


def _pool(case: Situation) -> Iterator[CommandProblem]:
    command = case.command
    if not case.table.at_least(CAP_MODE_SINCE) or command.last("--swa-full-tokens-ratio", "--max-running-requests"):
        return
    text = (
        f"neither it nor --max-running-requests is given: since {CAP_MODE_SINCE} the pool of the sliding window is "
        "sized for 256 requests (25 GiB per GPU for Pro without speculative decoding), and may leave no room"
    )
    yield problem("warning", "--swa-full-tokens-ratio", text, "add --swa-full-tokens-ratio 0.1", CAP_MODE_SINCE)


def _drafts(case: Situation) -> Iterator[CommandProblem]:
    command = case.command
    algorithm = (command.value("--speculative-algorithm") or "").upper()
    if algorithm and algorithm not in {"EAGLE", "DSPARK", "NEXTN"}:
        text = f"V4 speculates with EAGLE or DSPARK, and {algorithm} is given"
        yield problem("error", "--speculative-algorithm", text, "use EAGLE, or DSPARK for weights with DSpark stages")
    topk = command.value("--speculative-eagle-topk")
    if algorithm == "EAGLE" and topk not in {None, "1"}:
        text = f"V4 takes one draft token at each position, and the flag requests {topk}"
        yield problem("error", "--speculative-eagle-topk", text, "use --speculative-eagle-topk 1")


def _context_parallel(case: Situation) -> Iterator[CommandProblem]:
    command = case.command
    if not command.has("--enable-prefill-cp"):
        return
    if command.value("--cp-strategy") not in {None, "interleave"}:
        text = "V4 splits prompts with interleave on NVIDIA GPUs"
        yield problem("error", "--cp-strategy", text, "use --cp-strategy interleave")
    if case.tp > 8:
        text = f"context parallelism is for one machine of up to 8 GPUs, and --tp-size is {case.tp}"
        yield problem("error", "--enable-prefill-cp", text, "use --tp-size 8 or less")
    if case.dp > 1:
        text = "context parallelism and data parallelism of attention exclude each other"
        yield problem("error", "--enable-prefill-cp", text, "remove --enable-dp-attention and --dp-size")


def _weights(case: Situation) -> Iterator[CommandProblem]:
    weights, name = case.checkpoint, "SGLANG_DSV4_FP4_EXPERTS"
    if weights is not None and weights.experts == "fp8" and case.env.get(name) != "0":
        text = "is not 0: the engine takes the experts of these weights for FP4 ones"
        yield problem("warning", name, text, f"set {name}=0")
