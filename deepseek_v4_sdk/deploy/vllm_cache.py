"""vLLM's cache of V4 in bytes: pages, groups, blocks, and the reserve that a request is charged."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from deepseek_v4_sdk.deploy.tables import version_key

if TYPE_CHECKING:
    from deepseek_v4_sdk.deploy.tables import Family

__all__ = ["BLOCK", "VLLMCache", "in_flight_batches"]

BLOCK = 256
"""Tokens of a block."""

_WINDOW = 128  # of every layer
_STATE = 4  # bytes of a number in the compressors' states, which are FP32
_GROUPS_SINCE = "0.29.0"  # blocks hold the largest group since then, and tuples of layers before
_BATCHES_SINCE = "0.26.0"  # the reserve counts every batch in flight since then, and one before


def in_flight_batches(version: str, *, asynchronous: bool = True, pipeline: int = 1) -> int:
    """Batches whose tokens the reserve counts."""
    if version_key(version) < version_key(_BATCHES_SINCE):
        return 1
    return pipeline if pipeline > 1 else 2 if asynchronous else 1


def _row(kind: str, dim: int) -> int:
    """Bytes of a cached row: in FP8 448 numbers, 64 of RoPE in BF16, and 8 scales."""
    return 2 * dim if kind == "bf16" else (dim - 64) + 128 + 8


def _index_row(kind: str, dim: int) -> int:
    return {"bf16": 2 * dim, "fp8": dim + 4, "mxfp4": dim // 2 + 4}[kind]


@dataclass(frozen=True, slots=True)
class VLLMCache:
    """The layout of one release.

    Attributes:
        family: The model's shape.
        version: The release.
        kv: "fp8" or "bf16".
        index: "fp8", "mxfp4" or "bf16".
        hybrid: Whether the manager of hybrid caches frees what left the window.
    """

    family: Family
    version: str
    kv: str = "fp8"
    index: str = "fp8"
    hybrid: bool = True

    def _page(self, size: int) -> int:
        """A page, padded as its rows demand."""
        step = 512 if self.kv == "bf16" else 576
        return -(-size // step) * step

    @property
    def rows(self) -> dict[str, int]:
        """Bytes of a layer's page, by what it keeps."""
        dim, index = self.family.kv_dim, self.family.index_dim
        row = _row(self.kv, dim)
        return {
            "csa": self._page(BLOCK // 4 * row),
            "index": self._page(BLOCK // 4 * _index_row(self.index, index)),
            "hca": self._page(BLOCK // 128 * row),
            "window": self._page(64 * row),
            "csa state": self._page(4 * 2 * 2 * dim * _STATE),
            "index state": self._page(4 * 2 * 2 * index * _STATE),
            "hca state": self._page(8 * 2 * dim * _STATE),
        }

    @property
    def groups(self) -> tuple[int, ...]:
        """Bytes that each group of layers keeps in a block."""
        rows, family = self.rows, self.family
        first = (family.layers + 1) // 2
        return (
            family.csa * (rows["csa"] + rows["index"]) + family.hca * rows["hca"],
            first * rows["window"],
            (family.layers - first) * rows["window"],
            family.csa * (rows["csa state"] + rows["index state"]),
            family.hca * rows["hca state"],
        )

    @property
    def by_groups(self) -> bool:
        """Whether a block is as large as the largest group."""
        return version_key(self.version) >= version_key(_GROUPS_SINCE)

    @property
    def block_bytes(self) -> int:
        """Bytes of a block; without the hybrid manager every state of every token is in it."""
        rows, family = self.rows, self.family
        if not self.hybrid:
            states = family.csa * (rows["csa state"] + rows["index state"]) / 4 + family.hca * rows["hca state"] / 8
            return int((family.layers * rows["window"] / 64 + states) * BLOCK + self.groups[0])
        if self.by_groups:
            return max(self.groups)
        return (family.layers + 1) // 2 * (rows["csa"] + rows["index"] + rows["hca"])

    @property
    def token_bytes(self) -> float:
        """Bytes of a token of a long conversation."""
        return self.block_bytes / BLOCK

    @property
    def least_token_bytes(self) -> float:
        """Bytes of a token of a long conversation, without the padding of pages and blocks."""
        family, row = self.family, _row(self.kv, self.family.kv_dim)
        return family.csa * (row + _index_row(self.index, family.index_dim)) / 4 + family.hca * row / 128

    def reserve(self, in_flight: int, window: int) -> int:
        """Blocks of window and state that a request is charged, whatever its length."""
        if not self.hybrid:
            return 0

        def blocks(width: int, size: int) -> int:
            return ceil(min(width - 1 + in_flight, window) / size) + 1

        return 2 * blocks(_WINDOW, 64) + blocks(8, 4) + blocks(_WINDOW, 8)

    def charge(self, tokens: int, in_flight: int) -> int:
        """Blocks that a request of that length is charged."""
        return ceil(tokens / BLOCK) + self.reserve(in_flight, tokens)

    def held(self, tokens: int) -> int:
        """Blocks that a conversation of that length holds while it decodes."""
        return ceil(tokens / BLOCK) + self.reserve(1, tokens)

    def longest(self, blocks: int, in_flight: int, most: int) -> int:
        """The longest window that these blocks can serve, as the engine estimates it; 0 where there is none."""
        low, high = 0, most
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self.charge(middle, in_flight) <= blocks else (low, middle - 1)
        return low
