"""vLLM's reports about itself: its models, and its measures."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import JsonValue
    from deepseek_v4_sdk.testing.flavors.base import Counts

__all__ = ["CREATED", "card", "measures"]

CREATED = 1_795_280_709
"""The creation time of its models and answers, in seconds since 1970."""


def card(name: str, root: str, window: int) -> JsonValue:
    """A name in the list of models."""
    permission: JsonValue = {
        "id": "modelperm-0000000000000001",
        "object": "model_permission",
        "created": CREATED,
        "allow_create_engine": False,
        "allow_sampling": True,
        "allow_logprobs": True,
        "allow_search_indices": False,
        "allow_view": True,
        "allow_fine_tuning": False,
        "organization": "*",
        "group": None,
        "is_blocking": False,
    }
    return {
        "id": name,
        "object": "model",
        "created": CREATED,
        "owned_by": "vllm",
        "root": root,
        "parent": None,
        "max_model_len": window,
        "permission": [permission],
    }


def measures(served: str, counts: Counts) -> str:
    """Its metrics, in the text form of Prometheus: those that a client would look at."""
    label = f'{{engine="0",model_name="{served}"}}'
    gauges = {
        "vllm:num_requests_running": counts.running,
        "vllm:num_requests_waiting": 0,
        "vllm:kv_cache_usage_perc": 0.0,
        "vllm:prefix_cache_queries_total": counts.cache_queries,
        "vllm:prefix_cache_hits_total": counts.cache_hits,
        "vllm:prompt_tokens_total": counts.prompt_tokens,
        "vllm:generation_tokens_total": counts.completion_tokens,
    }
    lines = [f"{name}{label} {float(value)}" for name, value in gauges.items()]
    for reason, count in counts.finished.items():
        labels = f'{{engine="0",finished_reason="{reason}",model_name="{served}"}}'
        lines.append(f"vllm:request_success_total{labels} {float(count)}")
    return "\n".join(lines) + "\n"
