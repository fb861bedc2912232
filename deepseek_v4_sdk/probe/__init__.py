"""Finding out a server's setup: a few small requests, and conclusions from their answers."""

from __future__ import annotations

from deepseek_v4_sdk.probe.interview import ProbedServer, RequestCounter, probe_steps
from deepseek_v4_sdk.probe.report import Finding, ProbeFeature, ProbeReport, ProbeStatus

__all__ = ["Finding", "ProbeFeature", "ProbeReport", "ProbeStatus", "ProbedServer", "RequestCounter", "probe_steps"]
