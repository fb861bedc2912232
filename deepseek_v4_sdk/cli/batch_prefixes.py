"""The order of rows for the prefix cache: rows that begin alike come together, and are named as one group."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, cast

from deepseek_v4_sdk.chat.openai_form import is_mapping

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from deepseek_v4_sdk.batch import MapRequest

__all__ = ["PrefixOrder"]

_ROWS, _CHARACTERS = 2_048, 32_000_000  # that are held and compared at a time
_LEAST = 1_024  # characters in common that count: about a block of 256 tokens, the unit of vLLM's cache for V4


@dataclass(slots=True)
class _Entry:
    """A row with the text of its prompt, and the number of characters that it has in common with a neighbor."""

    place: int
    row: MapRequest
    text: str
    common: int = 0
    group: int | None = None


class PrefixOrder:
    """Puts rows that begin alike together. It holds some thousand rows at a time.

    Attributes:
        characters: Number of characters of all prompts so far.
        repeated: Number of those that repeat the beginning of an earlier prompt: the cache may save them.
    """

    def __init__(self) -> None:
        self.characters = 0
        self.repeated = 0
        self._groups = 0

    @property
    def share(self) -> float:
        """The repeated share of all prompts, from 0 to 1."""
        return self.repeated / self.characters if self.characters else 0.0

    def __call__(self, rows: Iterable[MapRequest]) -> Iterator[MapRequest]:
        """Yield the rows in the new order. A row that begins like no other stays in its place."""
        held, size = list[_Entry](), 0
        for place, row in enumerate(rows):
            held.append(_Entry(place, row, _text_of(row)))
            size += len(held[-1].text)
            if len(held) >= _ROWS or size >= _CHARACTERS:
                yield from self._ordered(held)
                held, size = [], 0
        yield from self._ordered(held)

    def _ordered(self, held: list[_Entry]) -> Iterator[MapRequest]:
        held.sort(key=lambda entry: entry.text)
        self._measure(held)
        groups: dict[int, list[_Entry]] = {}
        for entry in held:
            # A row that begins like no other has its place as a key.
            groups.setdefault(-1 - entry.place if entry.group is None else entry.group, []).append(entry)
        for members in groups.values():
            members.sort(key=lambda entry: entry.place)
        for members in sorted(groups.values(), key=lambda members: members[0].place):
            for entry in members:
                name = None if entry.group is None else str(entry.group)
                yield replace(entry.row, prefix_group=name)

    def _measure(self, held: Sequence[_Entry]) -> None:
        """Find the groups: one begins where a row has more in common with the next one than with the one before it."""
        for before, after in pairwise(held):
            after.common = _common(before.text, after.text)
        level = 0
        for number, entry in enumerate(held):
            following = held[number + 1].common if number + 1 < len(held) else 0
            if following >= entry.common + _LEAST:
                self._groups += 1
                level, entry.group = following, self._groups
            elif level and entry.common > level - _LEAST:
                entry.group = self._groups
            else:
                level = 0
            self.characters += len(entry.text)
            self.repeated += entry.common if entry.common >= _LEAST else 0


def _text_of(row: MapRequest) -> str:
    """The text of a prompt, near enough to compare beginnings."""
    messages: object = row.messages
    if isinstance(messages, str):
        return messages
    parts = [messages] if is_mapping(messages) else list(cast("Iterable[object]", messages))
    return json.dumps([*row.tools, *parts], ensure_ascii=False, default=_plain)


def _plain(value: object) -> object:
    to_dict: Callable[[], object] | None = getattr(value, "to_dict", None)
    return repr(value) if to_dict is None else to_dict()


def _common(one: str, other: str) -> int:
    """Number of characters in common, from the beginning."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
