"""Faults of the connection: cut, reset, split, or with noise on it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from deepseek_v4_sdk.testing.answer import Break, Part, ServerAnswer
from deepseek_v4_sdk.testing.faults.fault import Fault, dice, place_of

if TYPE_CHECKING:
    from deepseek_v4_sdk.testing.flavors.base import Flavor

__all__ = ["cut", "garbage", "reset", "split"]


@dataclass(frozen=True, slots=True, repr=False)
class _Cut(Fault):
    after_bytes: int

    def on_answer(self, answer: ServerAnswer, flavor: Flavor) -> ServerAnswer:
        return _broken(answer, self.after_bytes, "cut")


@dataclass(frozen=True, slots=True, repr=False)
class _Reset(Fault):
    after_bytes: int

    def on_answer(self, answer: ServerAnswer, flavor: Flavor) -> ServerAnswer:
        return _broken(answer, self.after_bytes, "reset")


def _broken(answer: ServerAnswer, after_bytes: int, kind: Literal["cut", "reset"]) -> ServerAnswer:
    parts: list[Part] = []
    left = after_bytes
    for part in answer.parts:
        if not isinstance(part, bytes):
            parts.append(part)
        elif len(part) >= left:
            if left:
                parts.append(part[:left])
            break
        else:
            parts.append(part)
            left -= len(part)
    return replace(answer, parts=(*parts, Break(kind)))


def cut(*, after_bytes: int) -> Fault:
    """The connection closes in the middle of the body."""
    return _Cut(after_bytes)


def reset(*, after_bytes: int = 0) -> Fault:
    """The connection is reset, by default before anything of the body was sent."""
    return _Reset(after_bytes)


@dataclass(frozen=True, slots=True, repr=False)
class _Split(Fault):
    every: int

    def on_answer(self, answer: ServerAnswer, flavor: Flavor) -> ServerAnswer:
        parts: list[Part] = []
        for part in answer.parts:
            if isinstance(part, bytes):
                parts += [part[start : start + self.every] for start in range(0, len(part), self.every)]
            else:
                parts.append(part)
        return replace(answer, parts=tuple(parts))


def split(*, every: int = 1) -> Fault:
    """The body arrives in blocks of so many bytes, wherever that cuts it."""
    if every < 1:
        raise ValueError(f"every is {every!r}: give 1 byte or more")
    return _Split(every)


@dataclass(frozen=True, slots=True, repr=False)
class _Garbage(Fault):
    after: int
    seed: int

    def on_answer(self, answer: ServerAnswer, flavor: Flavor) -> ServerAnswer:
        noise = dice(self.seed).randbytes(64).translate(bytes.maketrans(b"\r\n", b"  "))  # one event, and no more
        if not answer.streams:
            return replace(answer, headers={**answer.headers, "content-length": str(len(noise))}, parts=(noise,))
        place = place_of(answer, self.after)
        garbage = b"data: " + noise + b"\n\n"
        return replace(answer, parts=(*answer.parts[:place], garbage, *answer.parts[place + 1 :]))


def garbage(*, after: int = 1, seed: int = 0) -> Fault:
    """An event is replaced by random bytes.

    Args:
        after: After how many events; of a plain answer the body is replaced.
        seed: Which random bytes.
    """
    return _Garbage(after, seed)
