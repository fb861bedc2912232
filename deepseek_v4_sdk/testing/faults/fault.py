"""Faults, and the places in an answer where they take hold."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING

from deepseek_v4_sdk._late_types import late_type
from deepseek_v4_sdk.chat import JsonValue
from deepseek_v4_sdk.support.redaction import never_raises
from deepseek_v4_sdk.testing.answer import ServerAnswer

if TYPE_CHECKING:
    from deepseek_v4_sdk.testing.flavors.base import Flavor
    from deepseek_v4_sdk.testing.script import Turn
else:
    Flavor = late_type("deepseek_v4_sdk.testing.flavors.base", "Flavor")
    Turn = late_type("deepseek_v4_sdk.testing.script", "Turn")

__all__ = ["DONE", "Fault", "dice", "place_of"]


DONE = b"data: [DONE]"
"""The beginning of the last event."""


class Fault:
    """Something that goes wrong. Subclasses override one of the two methods."""

    __slots__: tuple[str, ...] = ()

    polls = 0
    """The number of polls until an accepted answer is complete; 0 gives it at once."""

    @never_raises
    def __repr__(self) -> str:
        name = re.sub(r"(?<=[a-z])(?=[A-Z0-9])", "_", type(self).__name__.strip("_")).lower()
        return f"{name}({', '.join(f'{slot}={getattr(self, slot)!r}' for slot in self.__slots__)})"

    cuts_calls = False
    """Whether the answer is cut in the middle of its last call, as `max_tokens` does."""

    def on_turn(self, turn: Turn, body: dict[str, JsonValue]) -> Turn:
        """The model's changed output."""
        del body
        return turn

    def on_answer(self, answer: ServerAnswer, flavor: Flavor) -> ServerAnswer:
        """The server's changed answer."""
        del flavor
        return answer


def dice(seed: int | str) -> random.Random:
    """Random numbers, the same ones for the same seed."""
    return random.Random(seed)  # noqa: S311  # it must be the same each time, and hides nothing


def place_of(answer: ServerAnswer, events: int) -> int:
    """The index of the part after so many events; silences and comments do not count."""
    for index, part in enumerate(answer.parts):
        if isinstance(part, bytes) and not part.startswith(b":"):
            if events <= 0:
                return index
            events -= 1
    return len(answer.parts)
