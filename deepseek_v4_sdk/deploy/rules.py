"""Rules of both engines: commands that start and fail later, or that serve without what a client needs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from deepseek_v4_sdk.deploy.problems import CommandProblem, problem

if TYPE_CHECKING:
    from deepseek_v4_sdk.deploy.situation import Situation

__all__ = ["problems_of"]

_LEAST_FOR_MAX = 393_216  # tokens that thinking at its longest may take
_BENCHMARK_CAPS = frozenset({9280, 9216, 10_240, 4416})


def problems_of(case: Situation) -> Iterator[CommandProblem]:
    """Find the problems of a command as a whole, beyond those of single flags."""
    from deepseek_v4_sdk.deploy import rules_sglang, rules_vllm

    yield from (rules_vllm.find(case) if case.table.engine == "vllm" else rules_sglang.find(case))
    yield from _dynamo_parsers(case)
    yield from _draft(case)
    yield from _nvfp4(case)
    yield from _file(case)
    yield from _window(case)
    yield from _weights(case)
    yield from _environment(case)


def _dynamo_parsers(case: Situation) -> Iterator[CommandProblem]:
    if not case.dynamo:
        return
    for flag in ("--dyn-tool-call-parser", "--dyn-reasoning-parser"):
        given = case.command.value(flag)
        if given is None:
            text = "is missing: Dynamo renders and parses in its front end, and does not use the engine's parsers"
            yield problem("warning", flag, text, f"add {flag} deepseek_v4")
        elif given != "deepseek_v4":
            yield problem("error", flag, f"{given!r} is not V4's parser in Dynamo", f"use {flag} deepseek_v4")


def _draft(case: Situation) -> Iterator[CommandProblem]:
    method, _ = case.draft
    weights = case.checkpoint
    flag = "--speculative-config" if case.table.engine == "vllm" else "--speculative-algorithm"
    if not method or weights is None or weights.draft == method or method not in {"mtp", "dspark"}:
        return
    has = {"dspark": "DSpark stages and no MTP head", "mtp": "an MTP head and no DSpark stages"}.get(
        weights.draft, "neither of them"
    )
    if weights.draft == "none":
        remedy = f"remove {flag}"
    elif case.table.engine == "sglang":
        remedy = f"use {flag} {'DSPARK' if weights.draft == 'dspark' else 'EAGLE'}"
    else:
        remedy = f"use {flag} '{_CONFIGS[weights.draft]}'"
    yield problem("error", flag, f"{weights.id} has {has}, and the flag requests {method}", remedy)


_CONFIGS = {
    "mtp": '{"method":"mtp","num_speculative_tokens":2}',
    "dspark": '{"method":"dspark","num_speculative_tokens":7,"draft_sample_method":"probabilistic"}',
}


def _nvfp4(case: Situation) -> Iterator[CommandProblem]:
    if case.gpu is None or case.checkpoint is None or case.checkpoint.experts != "nvfp4":
        return
    if not case.gpu.arch.startswith("sm10"):
        needed = "NVFP4 experts need Blackwell data-centre GPUs"
        text = f"{needed}, and {case.gpu.name} is {case.gpu.arch}: no backend is found"
        yield problem("error", "--model", text, "take the deepseek-ai weights, whose experts are MXFP4")


def _file(case: Situation) -> Iterator[CommandProblem]:
    if case.command.value("--config") is not None:
        text = "the file has more flags, and this check does not read it"
        yield problem("note", "--config", text, "give its flags in the command")


def _window(case: Situation) -> Iterator[CommandProblem]:
    flag = "--max-model-len" if case.table.engine == "vllm" else "--context-length"
    given = case.command.number(flag, 0)
    if given in _BENCHMARK_CAPS:
        text = f"{given} is the cap of a published benchmark, and the server refuses longer prompts"
        yield problem("warning", flag, text, "give the window that your users need")
    elif 0 < given < _LEAST_FOR_MAX:
        text = f"thinking at its longest may take {_LEAST_FOR_MAX:,} tokens, and the window is {given:,}"
        yield problem("note", flag, text, 'do not offer thinking="max" on this server')


def _weights(case: Situation) -> Iterator[CommandProblem]:
    """Weights that cannot fit, whatever else is set."""
    if case.gpu is None or case.checkpoint is None or case.family is None:
        return
    from deepseek_v4_sdk.deploy.weights import weights_per_gpu

    need = weights_per_gpu(case)
    if need > case.gpu.gib.high:
        flag = "--tensor-parallel-size" if case.table.engine == "vllm" else "--tp-size"
        text = f"each GPU would hold {need:.0f} GiB of weights, and {case.gpu.name} has {case.gpu.gib} GiB"
        yield problem("error", flag, text, "use more GPUs, or add expert parallelism to data parallelism")


def _environment(case: Situation) -> Iterator[CommandProblem]:
    prefix = {"vllm": "VLLM_", "sglang": "SGLANG_"}[case.table.engine]
    fatal = case.table.engine == "vllm" and case.command.has("--fail-on-environ-validation")
    for name in case.env:
        if not name.startswith(prefix) or case.table.has_env(name):
            continue
        times = case.table.times("env", name)
        near = case.table.near(name, case.table.words("env"))
        text = f"{case.table.engine} {case.table.version} reads no such variable, so it has no effect"
        if times is not None and times.last is not None:
            text = f"{text}; {times.last} was the last release that was read with it"
        elif times is not None:
            text = f"{text}; it came with {times.since}"
        yield CommandProblem(
            severity="error" if fatal else "warning",
            flag=name,
            text=text,
            remedy=f"did you mean {near}?" if near else "remove it",
            since=times.since if times else None,
            last=times.last if times else None,
        )
