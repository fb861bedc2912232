"""The events of a tool run in addition to those of its answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from deepseek_v4_sdk.chat import ChatEvent, ToolCall
from deepseek_v4_sdk.tools.outcome import ToolProgress
from deepseek_v4_sdk.tools.run import Round, ToolResult, ToolRun

__all__ = ["RoundFinished", "RunEvent", "RunFinished", "ToolFinished", "ToolRunning"]


@dataclass(slots=True)
class ToolRunning:
    """A call has begun to run; it was allowed, and its arguments fit."""

    type: ClassVar[Literal["tool_running"]] = "tool_running"
    call: ToolCall


@dataclass(slots=True)
class ToolFinished:
    """A call has its result. A refused or denied call has one too, and never ran."""

    type: ClassVar[Literal["tool_finished"]] = "tool_finished"
    call: ToolCall
    result: ToolResult


@dataclass(slots=True)
class RoundFinished:
    """A turn of the model and the results of its calls are in the conversation."""

    type: ClassVar[Literal["round_finished"]] = "round_finished"
    round: Round


@dataclass(slots=True)
class RunFinished:
    """The run has ended. It is the last event."""

    type: ClassVar[Literal["run_finished"]] = "run_finished"
    run: ToolRun


RunEvent: TypeAlias = ChatEvent | ToolRunning | ToolProgress | ToolFinished | RoundFinished | RunFinished
"""Any event of a tool run."""
