"""SGLang's pools of V4 in bytes: full tokens, the sliding window, and the states of the compressors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deepseek_v4_sdk.deploy.tables import Family

__all__ = ["CAP_MODE_SINCE", "RATIO", "SGLangCache"]

CAP_MODE_SINCE = "0.5.22"
"""The first release that sizes the pool of the sliding window by requests, where no ratio is given."""

RATIO = 0.1
"""The share of full tokens that the window's pool has where neither a ratio nor a cap is used."""

_PAGE = 256
_WINDOW = 128
_EVICTION = 128  # SGLANG_SWA_EVICTION_INTERVAL
_ROW = 585  # bytes of a row with its share of the page
_INDEX = 132


@dataclass(frozen=True, slots=True)
class SGLangCache:
    """The pools.

    Attributes:
        family: The model's shape.
        draft: Tokens that are verified together; 1 where none are drafted.
    """

    family: Family
    draft: int = 1

    @property
    def _with_draft(self) -> float:
        """The layer that makes draft tokens, as a factor."""
        layers = self.family.layers
        return (layers + 1) / layers if self.draft > 1 else 1.0

    @property
    def page_bytes(self) -> int:
        """Bytes of a layer's page of the window."""
        return _PAGE * _ROW

    @property
    def full_token(self) -> float:
        """Bytes of a token in the pool of full tokens."""
        family = self.family
        return (family.csa * (_ROW + _INDEX) / 4 + family.hca * 864 / 128) * self._with_draft

    @property
    def window_token(self) -> float:
        """Bytes of a token in the pool of the sliding window."""
        family = self.family
        ring = 16 if self.draft > 1 else 8
        states = ring / _PAGE * (4 * family.kv_dim + 4 * family.index_dim) * 4 * family.csa
        return (_ROW * family.layers + states) * self._with_draft

    def states(self, requests: int) -> float:
        """Bytes of the states that each request owns."""
        rows = 256 if self.draft > 1 else 128
        return (requests + 1) * rows * 2 * self.family.kv_dim * 4 * self.family.hca

    def cap_tokens(self, requests: int, chunk: int) -> int:
        """Tokens of the window's pool where it is sized by requests of one rank."""
        decode = 2 * _PAGE if self.draft > 1 else _PAGE
        each = _WINDOW + _EVICTION * self.draft + _PAGE + decode
        tokens = requests * each + 2 * chunk + _PAGE + 4 * requests * (_WINDOW + _PAGE)
        return -(-tokens // _PAGE) * _PAGE

    def token_in_ratio(self, ratio: float) -> float:
        """Bytes of a token, with its share of the window's pool."""
        return self.full_token + ratio * self.window_token
