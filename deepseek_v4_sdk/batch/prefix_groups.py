"""Prefix groups: of rows that begin alike one is sent first, and the others when it has ended."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deepseek_v4_sdk.batch.state import Row

__all__ = ["PrefixGroups"]

_REMEMBERED = 256  # groups: an older one may be out of the server's cache, too


class PrefixGroups:
    """The groups whose first row is on its way, with the rows that wait for it. Its owner locks it.

    Attributes:
        waiting: Number of rows that wait.
    """

    def __init__(self) -> None:
        self.waiting = 0
        self._cold: dict[str, list[Row]] = {}
        self._warm: OrderedDict[str, None] = OrderedDict()

    def holds(self, row: Row) -> bool:
        """Whether a row has to wait; it is then kept. The first row of a group has not."""
        group = row.request.prefix_group
        if group is None or group in self._warm:
            return False
        if group not in self._cold:
            self._cold[group] = []
            return False
        self._cold[group].append(row)
        self.waiting += 1
        return True

    def ended(self, row: Row) -> list[Row]:
        """Note that a row has ended, and return the rows that waited for it."""
        group = row.request.prefix_group
        if group is None or group not in self._cold:
            return []
        self._warm[group] = None
        while len(self._warm) > _REMEMBERED:
            self._warm.popitem(last=False)
        rows = self._cold.pop(group)
        self.waiting -= len(rows)
        return rows
