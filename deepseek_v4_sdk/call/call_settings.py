"""The settings that all calls of a client have in common."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deepseek_v4_sdk.call.notifier import Notifier

if TYPE_CHECKING:
    from deepseek_v4_sdk.call.retry import RetryPolicy
    from deepseek_v4_sdk.chat import Timeouts
    from deepseek_v4_sdk.transport.clock import Clock

__all__ = ["CallSettings"]


@dataclass(slots=True, eq=False)
class CallSettings:
    """The settings of every call of a client: clock, timers, retries, notifier, and comparison of models."""

    clock: Clock
    timeouts: Timeouts
    policy: RetryPolicy
    notifier: Notifier = field(default_factory=Notifier)
    strict_model: bool = False
