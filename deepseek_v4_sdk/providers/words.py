"""Words of answers that mean the same on every server: broken off, not yet, and nothing at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import JsonValue

__all__ = ["BROKEN_OFF", "NO_REASONS", "PINGS", "is_empty"]

BROKEN_OFF = frozenset(
    {
        "abort",
        "aborted",
        "cancel",
        "canceled",
        "cancelled",
        "client_disconnect",
        "connection_error",
        "disconnected",
        "error",
        "failed",
        "failure",
        "insufficient_system_resource",  # DeepSeek's API
        "internal_error",
        "internal_server_error",
        "interrupted",
        "network_error",
        "preempted",
        "server_error",
        "timed_out",
        "timeout",
    }
)
"""Finish reasons that say that the answer was broken off, in lower case."""
NO_REASONS = ("null", "None")
"""What some write for a finish reason where there is none yet."""
PINGS = frozenset({"ping", "pong", "heartbeat", "keepalive", "keep-alive", "keep_alive"})
"""Names and types of events that only show that the server lives, in lower case."""
_NAMES = ("type", "object", "event")


def is_empty(payload: JsonValue) -> bool:
    """Whether an event carries nothing: null, an empty value, or an object that only shows that the server lives."""
    if not isinstance(payload, dict):
        return not payload and not isinstance(payload, int | float)
    named = (word for name in _NAMES if isinstance(word := payload.get(name), str))
    return all(name.lower() in PINGS for name in payload) or any(word.lower() in PINGS for word in named)
