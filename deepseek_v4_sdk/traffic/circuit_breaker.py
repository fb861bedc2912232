"""Circuits: after failures in a row nothing is sent for a while, and then one request goes ahead to see."""

from __future__ import annotations

__all__ = ["CircuitBreaker"]


class CircuitBreaker:
    """Counts failures in a row, and says until when to wait. It reads no clock, and is locked by its owner.

    Args:
        threshold: How many failures in a row open it; None is never.
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
        """Whether requests go as they please."""
        return self._until is None

    @property
    def probing(self) -> bool:
        """Whether one request is under way to see how it is, and the others wait for it."""
        return self._probing

    def send(self) -> bool:
        """A request goes. Gives whether it is the one that sees how it is: its end must then be told."""
        self._probing = self._until is not None
        return self._probing

    def succeeded(self) -> None:
        """The server took a request."""
        self._failures = self._openings = 0
        self._until, self._probing = None, False

    def failed(self, now: float, *, probe: bool, hint: float = 0.0) -> bool:
        """The server refused a request; gives whether that has opened it.

        Args:
            now: The time.
            probe: Whether it was the request that was to see.
            hint: How long the server asks to be left alone, in seconds; opens it at once when it is not 0.
        """
        self._failures += 1
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

    def unknown(self) -> None:
        """The request that was to see ended without a word of the server: the next one is to see."""
        self._probing = False
