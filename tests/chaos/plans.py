"""What the proxy does to the bytes of one request or its answer, drawn from a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["CALM", "Direction", "Plan", "draw_late", "draw_plan"]

Direction: TypeAlias = Literal["up", "down"]
_KINDS = (
    *("calm", "calm", "split", "slow", "stall", "cut", "reset", "duplicate", "corrupt"),
    *("doubled", "trailing", "interim", "flood", "refusal"),
)


@dataclass(frozen=True)
class Plan:
    """One thing that goes wrong.

    Attributes:
        kind: "calm" is nothing, "split" sends pieces, "slow" sends pieces with pauses, "stall" pauses once, "cut"
            closes the connection, "reset" resets it, "duplicate" sends some bytes twice, "corrupt" makes a brace or a
            quote of the JSON a byte that UTF-8 does not have: a change that the wire can notice. "doubled" sends the
            answer of another run behind this one's, "trailing" sends some bytes of it; "interim" sends a few 1xx before
            the answer, "flood" sends nothing else, "refusal" refuses. (`draw_late` draws what
            comes while a connection is idle.)
        direction: "up" is from the client to the server.
        after: After how many bytes in that direction, heads included.
        seconds: How long a pause is.
        size: The length of the pieces, or of what is sent twice.
    """

    kind: str
    direction: Direction = "down"
    after: int = 0
    seconds: float = 0.0
    size: int = 1


CALM = Plan("calm")


def draw_plan(seed: int, number: int, attempt: int) -> Plan:
    """The plan of one request: the same for the same run of the same seed, however often it is run."""
    dice = random.Random(f"{seed}:{number}:{attempt}")
    kind = dice.choice(_KINDS)
    direction: Direction = "up" if dice.random() < 0.2 else "down"
    after = dice.randrange(900 if direction == "up" else 5_000)
    if kind == "slow":
        return Plan(kind, direction, 0, dice.uniform(0.0005, 0.005), dice.randint(80, 600))
    if kind == "stall":
        return Plan(kind, direction, after, dice.choice((0.02, 0.05, 0.3)))
    return Plan(kind, direction, after, 0.0, dice.randint(1, 60))


def draw_late(seed: int, number: int, foreign: bytes) -> bytes:
    """The bytes that come on a connection which is idle after that run: another run's answer, a part of it, or none."""
    dice = random.Random(f"late:{seed}:{number}")
    return dice.choice((b"", b"", foreign, foreign[: dice.randint(1, 60)]))
