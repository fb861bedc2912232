"""Finding out a server's setup: a few small requests, and conclusions from their answers."""

from __future__ import annotations

from deepseek_v4_sdk.probe.interview import ProbedServer, RequestCounter, probe_steps
from deepseek_v4_sdk.probe.report import Feature, Finding, ProbeReport, Status

__all__ = ["Feature", "Finding", "ProbeReport", "ProbedServer", "RequestCounter", "Status", "probe_steps"]
