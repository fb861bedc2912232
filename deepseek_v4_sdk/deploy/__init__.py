"""From GPUs to a server of V4: plans, checks of commands, capacity, and texts. Nothing here runs an engine."""

from __future__ import annotations

from deepseek_v4_sdk.deploy.capacity import Capacity, capacity
from deepseek_v4_sdk.deploy.check import check
from deepseek_v4_sdk.deploy.found_commands import FoundCommand
from deepseek_v4_sdk.deploy.listing import (
    ListedRecipe,
    ages,
    commands_in_file,
    engine_of,
    family_of,
    recipes,
    versions,
)
from deepseek_v4_sdk.deploy.logs import LogFinding, LogReport, read_log
from deepseek_v4_sdk.deploy.nim import NIMText, nim
from deepseek_v4_sdk.deploy.plan import Node, Plan
from deepseek_v4_sdk.deploy.planning import plan
from deepseek_v4_sdk.deploy.problems import CommandProblem, Severity
from deepseek_v4_sdk.deploy.recommend import Recommendation, recommend
from deepseek_v4_sdk.deploy.tables import Interval
from deepseek_v4_sdk.deploy.troubles import Trouble, troubles_of

__all__ = [
    "Capacity",
    "CommandProblem",
    "FoundCommand",
    "Interval",
    "ListedRecipe",
    "LogFinding",
    "LogReport",
    "NIMText",
    "Node",
    "Plan",
    "Recommendation",
    "Severity",
    "Trouble",
    "ages",
    "capacity",
    "check",
    "commands_in_file",
    "engine_of",
    "family_of",
    "nim",
    "plan",
    "read_log",
    "recipes",
    "recommend",
    "troubles_of",
    "versions",
]
