"""A table from ids to a number each, in 16 bytes a row: a million rows are met once, and none of them is kept."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["IdIndex", "hash_of"]

_FRESH = 4096  # entries in a dict before they are sorted into arrays


def hash_of(row_id: str) -> tuple[int, int]:
    """Hash an id to two numbers of 64 bits."""
    digest = blake2b(row_id.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    return int.from_bytes(digest[:8], "big"), int.from_bytes(digest[8:], "big")


class IdIndex:
    """A table of 64-bit numbers by 64-bit keys. A later entry takes the place of an earlier one.

    Entries are in sorted arrays of growing size; arrays of similar size are merged, so that a look-up searches few.
    """

    def __init__(self) -> None:
        self._fresh: dict[int, int] = {}
        self._runs: list[tuple[array[int], array[int]]] = []

    def get(self, key: int) -> int | None:
        """Find the number of a key, or None."""
        if key in self._fresh:
            return self._fresh[key]
        for keys, values in reversed(self._runs):
            place = bisect_left(keys, key)
            if place < len(keys) and keys[place] == key:
                return values[place]
        return None

    def put(self, key: int, value: int) -> None:
        """Set the number of a key."""
        self._fresh[key] = value
        if len(self._fresh) >= _FRESH:
            self._sort()

    def values(self) -> Iterator[int]:
        """Yield the number of every key."""
        self._sort()
        while len(self._runs) > 1:
            self._merge()
        return iter(self._runs[0][1] if self._runs else ())

    def _sort(self) -> None:
        if self._fresh:
            keys = sorted(self._fresh)
            self._runs.append((array("Q", keys), array("Q", [self._fresh[key] for key in keys])))
            self._fresh.clear()
        while len(self._runs) > 1 and len(self._runs[-2][0]) < 2 * len(self._runs[-1][0]):
            self._merge()

    def _merge(self) -> None:
        """Merge the last two arrays; of one key the later entry stays."""
        (old_keys, old_values), (new_keys, new_values) = self._runs[-2:]
        keys, values = array("Q"), array("Q")
        here = 0
        for key, value in zip(new_keys, new_values, strict=True):
            there = bisect_left(old_keys, key, here)
            keys.extend(old_keys[here:there])
            values.extend(old_values[here:there])
            keys.append(key)
            values.append(value)
            here = there + (there < len(old_keys) and old_keys[there] == key)
        keys.extend(old_keys[here:])
        values.extend(old_values[here:])
        self._runs[-2:] = [(keys[:], values[:])]  # copies without the slack that appending leaves
