"""Faults of time: silences before, in and after an answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from deepseek_v4_sdk.testing.answer import Part, ServerAnswer, Wait
from deepseek_v4_sdk.testing.faults.fault import Fault, place_of

if TYPE_CHECKING:
    from deepseek_v4_sdk.testing.flavors.base import Flavor

__all__ = ["hang_after_done", "keepalive", "slow_prefill", "stall"]


@dataclass(frozen=True, slots=True, repr=False)
class _Stall(Fault):
    after: int
    seconds: float

    def on_answer(self, answer: ServerAnswer, flavor: Flavor) -> ServerAnswer:
        place = place_of(answer, self.after)
        return replace(answer, parts=(*answer.parts[:place], Wait(self.seconds), *answer.parts[place:]))


def stall(*, after: int = 1, seconds: float = 600.0) -> Fault:
    """The server is silent for a while.

    Args:
        after: After how many events; a plain answer is one block, so that only 0 makes it wait.
        seconds: How long.
    """
    return _Stall(after, seconds)


@dataclass(frozen=True, slots=True, repr=False)
class _SlowPrefill(Fault):
    seconds: float

    def on_answer(self, answer: ServerAnswer, flavor: Flavor) -> ServerAnswer:
        return _Stall(0, self.seconds).on_answer(answer, flavor)


def slow_prefill(seconds: float) -> Fault:
    """The server is silent before the first event, as while it reads a long prompt."""
    return _SlowPrefill(seconds)


@dataclass(frozen=True, slots=True, repr=False)
class _Keepalive(Fault):
    every: float

    def on_answer(self, answer: ServerAnswer, flavor: Flavor) -> ServerAnswer:
        if not answer.streams:
            return answer
        parts: list[Part] = []
        for part in answer.parts:
            if isinstance(part, Wait):
                left = part.seconds
                while left > self.every:
                    parts += [Wait(self.every), b": keep-alive\n\n"]
                    left -= self.every
                parts.append(Wait(left))
            else:
                parts.append(part)
        return replace(answer, parts=tuple(parts))


def keepalive(every: float = 15.0) -> Fault:
    """Silences are broken by comments. Compose it after a `stall` or `slow_prefill`.

    Args:
        every: Seconds between two comments.
    """
    if every <= 0:
        raise ValueError(f"every is {every!r}: give seconds above 0")
    return _Keepalive(every)


@dataclass(frozen=True, slots=True, repr=False)
class _HangAfterDone(Fault):
    seconds: float

    def on_answer(self, answer: ServerAnswer, flavor: Flavor) -> ServerAnswer:
        return replace(answer, parts=(*answer.parts, Wait(self.seconds)))


def hang_after_done(seconds: float = 3600.0) -> Fault:
    """The answer is complete, and the connection stays open."""
    return _HangAfterDone(seconds)
