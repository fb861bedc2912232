"""The first of the numbers in the ids of the mock's answers."""

from __future__ import annotations

from secrets import randbits

from deepseek_v4_sdk.support.forks import PROCESS

__all__ = ["own_numbers"]

_BEGINNINGS: dict[int, int] = {}


def own_numbers() -> int:
    """Another number in each process: answers of two, a parent and its child too, may meet in a conversation.

    It is the same for each mock of a process, so that two with one script answer the same, byte for byte.
    """
    return _BEGINNINGS.setdefault(PROCESS.generation, randbits(46))
