"""The share of a model's weights that one GPU holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deepseek_v4_sdk.deploy.situation import Situation

__all__ = ["weights_per_gpu"]


def weights_per_gpu(case: Situation) -> float:
    """GiB of weights on each GPU.

    Tensor parallelism divides everything. With data parallelism vLLM copies what is not an expert to each replica of
    attention, and the experts are divided over all GPUs where expert parallelism is on, and copied where it is off.
    SGLang's data parallelism of attention divides the experts over all GPUs, and copies the rest.
    """
    weights, family = case.checkpoint, case.family
    if weights is None or family is None:
        return 0.0
    command = case.command
    dense, experts = family.dense_gib, weights.gib - family.dense_gib
    if case.table.engine == "vllm":
        spread = case.tp * case.dp if command.has("--enable-expert-parallel") else case.tp
        return (dense / case.tp + experts / spread) / case.pp
    return (dense / (case.tp // case.dp or 1) + experts / case.tp) / case.pp
