"""The parallelism of a recipe, changed for another number of GPUs."""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["resplit"]


def resplit(engine: str, argv: list[str], strategy: str, gpus: int, per_node: int) -> Iterator[tuple[list[str], str]]:
    """The arguments for another number of GPUs, each with what was changed; none where they cannot be split so.

    Args:
        engine: The engine.
        argv: The arguments of the recipe.
        strategy: How the recipe splits the model.
        gpus: The GPUs that there are.
        per_node: Number of GPUs in a node.
    """
    if gpus < 1 or gpus & (gpus - 1):  # engines split by powers of two
        return
    if engine == "vllm":
        yield from _vllm(argv, strategy, gpus, per_node)
    elif gpus <= per_node and "--nnodes" not in argv:
        words = _with(argv, "--tp-size", gpus)
        for flag in ("--dp-size", "--attn-cp-size"):
            if flag in words:
                words = _with(words, flag, gpus)
        yield words, f"the recipe is split over {gpus} GPUs"


def _vllm(argv: list[str], strategy: str, gpus: int, per_node: int) -> Iterator[tuple[list[str], str]]:
    if strategy.startswith("dep"):
        nodes = max(1, gpus // per_node)
        words = _without(argv)
        words = _with(words, "--data-parallel-size", gpus)
        if nodes > 1:
            at = words.index("--data-parallel-size") + 2
            more = ["--data-parallel-size-local", str(per_node), "--data-parallel-address", "node-0"]
            more += ["--data-parallel-rpc-port", "13345", "--data-parallel-hybrid-lb"]
            words = [*words[:at], *more, *words[at:]]
        yield words, f"data parallelism over {gpus} GPUs in place of the recipe's number"
    elif gpus <= per_node and "--nnodes" not in argv:
        yield _with(argv, "--tensor-parallel-size", gpus), f"tensor parallelism over {gpus} GPUs"


def _with(argv: list[str], flag: str, value: int) -> list[str]:
    at = argv.index(flag)
    return [*argv[: at + 1], str(value), *argv[at + 2 :]]


def _without(argv: list[str]) -> list[str]:
    """The arguments without those of several nodes."""
    words = list(argv)
    for flag in ("--data-parallel-size-local", "--data-parallel-address", "--data-parallel-rpc-port"):
        if flag in words:
            at = words.index(flag)
            del words[at : at + 2]
    return [word for word in words if word != "--data-parallel-hybrid-lb"]
