"""Remedies for missing features: the flags of each server, which are data of its provider."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deepseek_v4_sdk.probe.report import ProbeFeature
    from deepseek_v4_sdk.providers import ProviderData

__all__ = ["RELEASE", "remedy_for"]

_HOSTED = "nothing of yours: the service is set up so"

RELEASE = ("/v1/version", "release")
"""The path and the key of a NIM container's release."""


def remedy_for(feature: ProbeFeature, server: ProviderData) -> str:
    """Find the remedy for a feature that does not work on a server."""
    return server.probe_flags.get(feature, _HOSTED)
