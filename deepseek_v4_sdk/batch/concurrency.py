"""The rule of `concurrency="auto"`: how many rows are in flight, by the server's answers. No I/O and no clock."""

from __future__ import annotations

from statistics import median

__all__ = ["AutoConcurrency", "FixedConcurrency"]

_START = 4
_GROWTH = 1.5
_SHRINKAGE = 0.7
_SLOWER = 2.0
_LEAST_FLOOR = 0.1  # seconds; times to the first token below it differ by chance


class FixedConcurrency:
    """A limit that stays.

    Attributes:
        limit: Number of rows that may be in flight.
        round: The number of changes of the limit.
    """

    round = 0

    def __init__(self, limit: int) -> None:
        self.limit = limit

    def answered(self, first_token: float | None, began: int) -> None:
        """Note an answer."""

    def refused(self, began: int) -> None:
        """Note a refusal."""


class AutoConcurrency:
    """A limit that follows the server.

    A round is as many answers as the limit. After a round without a refusal the limit grows by half; a refusal shrinks
    it to 0.7 of itself, and so does a round whose median time to the first token is more than twice that of the fastest
    round, which counts as 0.1 s at least. Rows that began before the last change say nothing about the limit.

    Args:
        most: The highest limit.

    Attributes:
        limit: Number of rows that may be in flight.
        round: The number of changes of the limit; a row keeps the number at which it began.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.limit = min(_START, most)
        self.round = 0
        self._answers = 0
        self._times: list[float] = []
        self._floor: float | None = None

    def answered(self, first_token: float | None, began: int) -> None:
        """Note an answer without a refusal on its way.

        Args:
            first_token: Seconds to its first token, or None.
            began: The round in which it was sent.
        """
        if began < self.round:
            return
        self._answers += 1
        if first_token is not None:
            self._times.append(first_token)
        if self._answers >= self.limit:
            self._change(_SHRINKAGE if self._is_slow() else _GROWTH)

    def refused(self, began: int) -> None:
        """Note that the server refused a row, or an attempt for it, for its load.

        Args:
            began: The round in which it was sent.
        """
        if began >= self.round:
            self._change(_SHRINKAGE)

    def _is_slow(self) -> bool:
        if not self._times:
            return False
        usual = median(self._times)
        floor = self._floor = usual if self._floor is None else min(self._floor, usual)
        return usual > _SLOWER * max(floor, _LEAST_FLOOR)

    def _change(self, factor: float) -> None:
        changed = int(self.limit * factor + (factor > 1) / 2)  # 1 grows to 2
        self.limit = max(1, min(self._most, changed))
        self.round += 1
        self._answers = 0
        self._times.clear()
