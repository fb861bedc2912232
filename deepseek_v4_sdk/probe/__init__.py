"""How a server is set up: a few small questions, and what their answers tell."""

from __future__ import annotations

from deepseek_v4_sdk.probe.interview import Site, Tally, probe_steps
from deepseek_v4_sdk.probe.report import Feature, Finding, ProbeReport, Status

__all__ = ["Feature", "Finding", "ProbeReport", "Site", "Status", "Tally", "probe_steps"]
