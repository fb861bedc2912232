"""Remedies for the features that a probe misses, as far as several servers share them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["GATEWAY", "OF_OPEN_ENGINES"]

GATEWAY = "look for a gateway in front that drops "
"""The beginning of a remedy for what only a gateway can have taken away."""

OF_OPEN_ENGINES: Mapping[str, str] = {
    "window": f"{GATEWAY}max_model_len from /v1/models",
    "version": 'server_version = "..." in the profile',
    "structured_output": f"{GATEWAY}response_format",
}
"""The remedies that vLLM and SGLang share."""
