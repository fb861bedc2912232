"""Reservations: the places of requests in a rate limiter's queue, and the limits learned from refusals."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from deepseek_v4_sdk.traffic.wakeup import Wakeup

if TYPE_CHECKING:
    from collections.abc import Callable

    from deepseek_v4_sdk.chat import RateLimits

__all__ = ["MINUTE", "LearnedRate", "Reservation"]

MINUTE = 60.0
"""The length of the window in which requests and tokens are counted."""

_RECOVERY = 0.1  # of the limit, each minute


class Reservation(Wakeup):
    """A request's place in the queue, and later among those that count. Made by `RateLimiter.reserve`.

    Attributes:
        granted: Whether the request may be sent.
        limits: Its caller's limits.
        name: Its number in its process, for the counts that processes share; 0 where it has none.
        requests: Number of requests that it counts for: 1, or 0 where it is only for tokens.
        tokens: Number of tokens that it counts for.
        until: The time until which it counts among those of the last minute.
        refused: Whether the server refused it.
        probes: Whether it is the probe of an open circuit.
        begins: Whether it begins a call, and takes a place in `concurrency`; else it polls for an accepted answer.
    """

    __slots__ = ("begins", "granted", "limits", "name", "probes", "refused", "requests", "tokens", "until")

    def __init__(
        self,
        limits: RateLimits,
        tokens: int,
        requests: int = 1,
        moves: Callable[[], int] = int,
        *,
        begins: bool = True,
    ) -> None:
        super().__init__(moves)
        self.begins = begins
        self.granted = False
        self.limits = limits
        self.name = 0
        self.requests = requests
        self.tokens = tokens
        self.until = -math.inf
        self.refused = False
        self.probes = False


class LearnedRate:
    """A limit learned from refusals: it falls at once, and grows back by a tenth of the allowed limit each minute.

    Attributes:
        among: Number of processes among which the limit is divided.
    """

    def __init__(self) -> None:
        self.among = 1
        self._value: float | None = None
        self._since = 0.0

    def of(self, allowed: int, now: float) -> int:
        """The current limit of this process, at least 1."""
        if self._value is None:
            return allowed // self.among or 1
        grown = self._value + max(1.0, allowed * _RECOVERY) * ((now - self._since) // MINUTE)
        return max(1, min(allowed, int(grown)) // self.among)

    def lower(self, allowed: int, passed: int, now: float) -> None:
        """Halve the limit after a refusal, but not below the number that the server let pass."""
        held = self.of(allowed, now)
        self.hold(self.among * min(held, max(passed, held / 2)), now)

    def hold(self, limit: float, now: float) -> None:
        """Set the limit of all processes."""
        self._value, self._since = limit, now
