"""From GPUs to a server of V4: plans, checks of commands, capacity, and texts. Nothing here runs an engine."""

from __future__ import annotations

from deepseek_v4_sdk.deploy.capacity import Capacity, capacity
from deepseek_v4_sdk.deploy.check import check
from deepseek_v4_sdk.deploy.plan import Node, Plan
from deepseek_v4_sdk.deploy.planning import plan
from deepseek_v4_sdk.deploy.problems import CommandProblem, Severity
from deepseek_v4_sdk.deploy.tables import Interval

__all__ = ["Capacity", "CommandProblem", "Interval", "Node", "Plan", "Severity", "capacity", "check", "plan"]
