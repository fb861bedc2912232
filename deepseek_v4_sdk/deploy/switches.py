"""Meanings of recipes as flags of a release: where engines renamed a flag, a recipe holds the meaning."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deepseek_v4_sdk.deploy.engines import EngineTable
    from deepseek_v4_sdk.deploy.tables import Checkpoint, Recipe

__all__ = ["Setting", "render"]

_PARSERS = ("--tokenizer-mode", "deepseek_v4", "--tool-call-parser", "deepseek_v4", "--enable-auto-tool-choice")
_BUDGET = {"reasoning_parser": "deepseek_v4", "reasoning_start_str": "", "reasoning_end_str": ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """The release and weights that a recipe is rendered for.

    Attributes:
        table: The release.
        checkpoint: The weights.
        recipe: The row.
        head: The address of the first node of the role.
        rank: The node's position, from 0.
        dynamo: Whether Dynamo runs the engine, so that the flags of the engine's HTTP server are left out.
    """

    table: EngineTable
    checkpoint: Checkpoint
    recipe: Recipe
    head: str = "node-0"
    rank: int = 0
    dynamo: bool = False

    @property
    def draft(self) -> int:
        """Number of draft tokens; 0 without speculative decoding."""
        draft = self.recipe.draft
        if "eagle" in draft:
            return draft["eagle"]
        return draft.get(self.checkpoint.draft, 0)


def render(setting: Setting, argv: str) -> list[str]:
    """A row's arguments as flags of the release."""
    words: list[str] = []
    meanings = _VLLM if setting.table.engine == "vllm" else _SGLANG
    for word in shlex.split(argv):
        if not word.startswith("@"):
            words.append(word)
            continue
        name, _, value = word.partition("=")
        words += meanings[name](setting, value)
    return words


def _compact(value: Mapping[str, object]) -> str:
    return json.dumps(value, separators=(",", ":"))


def _vllm_base(_: Setting, __: str) -> Iterator[str]:
    yield from ("--trust-remote-code", "--kv-cache-dtype", "fp8", "--block-size", "256")


def _vllm_parsers(setting: Setting, _: str) -> Iterator[str]:
    yield from _PARSERS[:2] if setting.dynamo else _PARSERS
    yield from ("--reasoning-parser", "deepseek_v4")
    flags = setting.table.nested.get("ReasoningConfig", {})
    if setting.recipe.family == "flash" and _BUDGET.keys() <= flags.keys():
        yield from ("--reasoning-config", _compact(_BUDGET))


def _vllm_draft(setting: Setting, _: str) -> Iterator[str]:
    method, count = setting.checkpoint.draft, setting.draft
    if not count:
        return
    config: dict[str, object] = {"method": method, "num_speculative_tokens": count}
    if method == "dspark" and "draft_sample_method" in setting.table.nested.get("SpeculativeConfig", {}):
        config["draft_sample_method"] = "probabilistic"
    yield from ("--speculative-config", _compact(config))


def _vllm_index(setting: Setting, kind: str) -> Iterator[str]:
    if setting.table.at_least("0.28.0"):
        yield from ("--attention-config.indexer_kv_dtype", kind)
    elif kind == "mxfp4":
        yield "--attention-config.use_fp4_indexer_cache=True"


def _vllm_rank(setting: Setting, _: str) -> Iterator[str]:
    yield from ("--node-rank", str(setting.rank))
    if setting.rank:
        yield "--headless"


def _head(setting: Setting, _: str) -> Iterator[str]:
    yield setting.head


def _sglang_base(_: Setting, __: str) -> Iterator[str]:
    yield "--trust-remote-code"


def _sglang_parsers(setting: Setting, _: str) -> Iterator[str]:
    if not setting.dynamo:
        yield from ("--reasoning-parser", "deepseek-v4", "--tool-call-parser", "deepseekv4")


def _sglang_draft(setting: Setting, _: str) -> Iterator[str]:
    count = setting.draft
    if setting.checkpoint.draft == "dspark":
        yield from ("--speculative-algorithm", "DSPARK")
    elif count:
        yield from ("--speculative-algorithm", "EAGLE", "--speculative-num-steps", str(count))
        yield from ("--speculative-eagle-topk", "1", "--speculative-num-draft-tokens", str(count + 1))


def _sglang_graphs(setting: Setting, count: str) -> Iterator[str]:
    yield from ("--cuda-graph-max-bs-decode" if setting.table.at_least("0.5.14") else "--cuda-graph-max-bs", count)


def _sglang_cp(setting: Setting, count: str) -> Iterator[str]:
    if setting.table.at_least("0.5.14"):
        yield from ("--enable-prefill-cp", "--cp-strategy", "interleave", "--attn-cp-size", count)
    elif setting.table.at_least("0.5.13"):
        yield from ("--enable-dsa-prefill-context-parallel", "--dsa-prefill-cp-mode", "round-robin-split")
    else:
        yield from ("--enable-nsa-prefill-context-parallel", "--nsa-prefill-cp-mode", "round-robin-split")


_Meaning = Callable[[Setting, str], Iterator[str]]

_VLLM: Mapping[str, _Meaning] = {
    "@base": _vllm_base,
    "@parsers": _vllm_parsers,
    "@draft": _vllm_draft,
    "@index": _vllm_index,
    "@rank": _vllm_rank,
    "@head": _head,
}
_SGLANG: Mapping[str, _Meaning] = {
    "@base": _sglang_base,
    "@parsers": _sglang_parsers,
    "@draft": _sglang_draft,
    "@graphs": _sglang_graphs,
    "@cp": _sglang_cp,
    "@head": _head,
}
