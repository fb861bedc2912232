"""Circuit breakers: after consecutive failures nothing is sent for a while, and then one request probes the server."""

from __future__ import annotations

__all__ = ["CircuitBreaker"]


class CircuitBreaker:
    """Counts consecutive failures, and returns how long to wait. It reads no clock; its owner locks it.

    Args:
        threshold: Number of consecutive failures that open it; None is never.
        first: Seconds for which it opens; each time it opens again without a success between doubles them.
        longest: The longest such time in seconds.
    """

    def __init__(self, threshold: int | None, first: float, longest: float) -> None:
        self.threshold = threshold
        self._first = first
        self._longest = longest
        self._failures = 0
        self._openings = 0
        self._until: float | None = None  # when it lets a request through; None while it is closed
        self._probing = False

    def wait(self, now: float) -> float:
        """Seconds until a request may go: 0 when it may now."""
        return 0.0 if self._until is None else max(0.0, self._until - now)

    @property
    def closed(self) -> bool:
        """Whether requests may go freely."""
        return self._until is None

    @property
    def probing(self) -> bool:
        """Whether one request is probing the server, and the others wait for it."""
        return self._probing

    def send(self) -> bool:
        """Note that a request is sent. Return whether it is the probe: its end must then be reported."""
        self._probing = self._until is not None
        return self._probing

    def succeeded(self) -> None:
        """Note that the server accepted a request."""
        self._failures = self._openings = 0
        self._until, self._probing = None, False

    def failed(self, now: float, *, probe: bool, hint: float = 0.0) -> bool:
        """Note that the server refused a request; return whether that has opened it.

        Args:
            now: The time.
            probe: Whether it was the probe.
            hint: Seconds for which the server asks to be left alone; opens it at once when it is not 0.
        """
        self._failures += self.threshold is not None
        if self._until is not None and not probe:  # it was sent before
            self._until = max(self._until, now + hint)
            return False
        self._probing = False
        if not (probe or hint or (self.threshold is not None and self._failures >= self.threshold)):
            return False
        pause = min(self._first * 2.0**self._openings, self._longest)
        self._openings = min(self._openings + 1, 60)
        self._until = now + max(hint, pause if probe or not hint else 0.0)
        return True

    def opened_elsewhere(self, until: float) -> None:
        """Note that another process leaves the server alone until then."""
        self._until = max(until, self._until or until)

    def unknown(self) -> None:
        """Note that the probe ended without an answer of the server: the next request is the probe."""
        self._probing = False
