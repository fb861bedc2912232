"""How a server is set up: a few small questions, and what their answers tell."""

from __future__ import annotations

from deepseek_v4_sdk.probe.interview import ProbedServer, RequestCounter, probe_steps
from deepseek_v4_sdk.probe.report import Feature, Finding, ProbeReport, Status

__all__ = ["Feature", "Finding", "ProbeReport", "ProbedServer", "RequestCounter", "Status", "probe_steps"]
