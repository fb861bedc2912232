"""Faults: what can go wrong with an answer. `script.text("Hello") | faults.stall(after=3, seconds=300)`.

A fault changes what the model says (`on_turn`), or the bytes in which a server says it (`on_answer`). Faults compose:
each takes what the one before has left. A fault is also a step: it breaks a short answer.
"""

from __future__ import annotations

from deepseek_v4_sdk.testing.faults.breaks import cut, garbage, reset, split
from deepseek_v4_sdk.testing.faults.chaos import ALL, Chaos
from deepseek_v4_sdk.testing.faults.endings import error_event, no_done, no_usage
from deepseek_v4_sdk.testing.faults.fault import Fault
from deepseek_v4_sdk.testing.faults.outputs import cut_call, empty_turn, leak_dsml
from deepseek_v4_sdk.testing.faults.refusals import accepted_then, gone, html_502, rate_limited, status
from deepseek_v4_sdk.testing.faults.silences import hang_after_done, keepalive, slow_prefill, stall

__all__ = [
    "ALL",
    "Chaos",
    "Fault",
    "accepted_then",
    "cut",
    "cut_call",
    "empty_turn",
    "error_event",
    "garbage",
    "gone",
    "hang_after_done",
    "html_502",
    "keepalive",
    "leak_dsml",
    "no_done",
    "no_usage",
    "rate_limited",
    "reset",
    "slow_prefill",
    "split",
    "stall",
    "status",
]
