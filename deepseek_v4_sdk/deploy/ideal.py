"""The least bytes of a token of V4, by the format of its cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deepseek_v4_sdk.deploy.tables import Family

__all__ = ["ideal_token_bytes"]

_INDEX = {"bf16": 256, "fp8": 132, "mxfp4": 68}
_ROWS = {"bf16": 1024, "fp8": 584}


def ideal_token_bytes(family: Family, kv: str = "fp8", index: str = "fp8") -> float:
    """Bytes of a token, without pages, window and states."""
    row = _ROWS[kv]
    return family.csa * (row + _INDEX[index]) / 4 + family.hca * row / 128
