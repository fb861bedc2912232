"""Faults: what can go wrong with an answer. `script.text("Hello") | faults.stall(after=3, seconds=300)`.

A fault changes what the model says (`on_turn`), or the bytes in which a server says it (`on_answer`). Faults compose:
each takes what the one before has left. A fault alone is a step too: it goes wrong with an answer to nothing.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from deepseek_v4_sdk.chat import JsonValue, read_json, write_json
from deepseek_v4_sdk.testing.answer import Answer, Break, Part, Wait, json_answer
from deepseek_v4_sdk.testing.markup import Style, write_calls
from deepseek_v4_sdk.testing.script import Turn

if TYPE_CHECKING:
    from deepseek_v4_sdk.testing.flavors.base import Flavor

__all__ = [
    "ALL",
    "Chaos",
    "Fault",
    "accepted_then",
    "cut",
    "empty_turn",
    "error_event",
    "garbage",
    "gone",
    "hang_after_done",
    "html_502",
    "keepalive",
    "leak_dsml",
    "no_done",
    "no_usage",
    "rate_limited",
    "reset",
    "slow_prefill",
    "split",
    "stall",
    "status",
]

_DONE = b"data: [DONE]"


class Fault:
    """Something that goes wrong. Subclasses override one of the two methods."""

    __slots__: tuple[str, ...] = ()

    polls = 0
    """How often the answer must be asked for after it was accepted; 0 gives it at once."""

    def __repr__(self) -> str:
        name = re.sub(r"(?<=[a-z])(?=[A-Z0-9])", "_", type(self).__name__.strip("_")).lower()
        return f"{name}({', '.join(f'{slot}={getattr(self, slot)!r}' for slot in self.__slots__)})"

    def on_turn(self, turn: Turn, body: dict[str, JsonValue]) -> Turn:
        """What the model says instead."""
        del body
        return turn

    def on_answer(self, answer: Answer, flavor: Flavor) -> Answer:
        """What the server answers instead."""
        del flavor
        return answer


@dataclass(frozen=True, slots=True, repr=False)
class _Status(Fault):
    code: int
    message: str
    retry_after: str | None = None

    def on_answer(self, answer: Answer, flavor: Flavor) -> Answer:
        refused = json_answer(self.code, flavor.error(self.code, self.message))
        if self.retry_after is None:
            return refused
        return replace(refused, headers={**refused.headers, "retry-after": self.retry_after})


def status(code: int, message: str = "the mock refuses", *, retry_after: float | str | None = None) -> Fault:
    """The server answers with an error status, in the flavor's own shape.

    Args:
        code: The status.
        message: The server's text.
        retry_after: The header `Retry-After`: seconds, or a date.
    """
    return _Status(code, message, None if retry_after is None else str(retry_after))


def rate_limited(retry_after: float | str | None = None) -> Fault:
    """The server answers 429, as a rule without a hint how long to wait."""
    return status(429, "Too Many Requests", retry_after=retry_after)


def gone() -> Fault:
    """The model has ended: 410, with the day."""
    return status(410, "The model has reached its end of life on 2026-08-07T09:00:00Z and is no longer available.")


@dataclass(frozen=True, slots=True, repr=False)
class _AcceptedThen(Fault):
    polls: int = 1


def accepted_then(polls: int = 3) -> Fault:
    """The server accepts with 202; the answer comes when it is asked for the so-manieth time."""
    return _AcceptedThen(polls)


@dataclass(frozen=True, slots=True, repr=False)
class _Html502(Fault):
    def on_answer(self, answer: Answer, flavor: Flavor) -> Answer:
        page = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
        headers = {"content-type": "text/html", "content-length": str(len(page))}
        return Answer(502, headers, (page,))


def html_502() -> Fault:
    """A proxy answers with a web page."""
    return _Html502()


@dataclass(frozen=True, slots=True, repr=False)
class _Stall(Fault):
    after: int
    seconds: float

    def on_answer(self, answer: Answer, flavor: Flavor) -> Answer:
        place = _place(answer, self.after)
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

    def on_answer(self, answer: Answer, flavor: Flavor) -> Answer:
        return _Stall(0, self.seconds).on_answer(answer, flavor)


def slow_prefill(seconds: float) -> Fault:
    """The server is silent before the first event, as while it reads a long prompt."""
    return _SlowPrefill(seconds)


@dataclass(frozen=True, slots=True, repr=False)
class _Keepalive(Fault):
    every: float

    def on_answer(self, answer: Answer, flavor: Flavor) -> Answer:
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
class _Cut(Fault):
    after_bytes: int

    def on_answer(self, answer: Answer, flavor: Flavor) -> Answer:
        return _broken(answer, self.after_bytes, "cut")


@dataclass(frozen=True, slots=True, repr=False)
class _Reset(Fault):
    after_bytes: int

    def on_answer(self, answer: Answer, flavor: Flavor) -> Answer:
        return _broken(answer, self.after_bytes, "reset")


def _broken(answer: Answer, after_bytes: int, kind: Literal["cut", "reset"]) -> Answer:
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
class _ErrorEvent(Fault):
    code: int
    message: str
    after: int

    def on_answer(self, answer: Answer, flavor: Flavor) -> Answer:
        if not answer.streams:
            return json_answer(self.code, flavor.error(self.code, self.message))
        event = flavor.error_event(self.code, self.message)
        return replace(answer, parts=(*answer.parts[: _place(answer, self.after)], event, _DONE + b"\n\n"))


def error_event(code: int = 500, message: str = "Internal server error", *, after: int = 2) -> Fault:
    """The server fails after the status 200 was sent: an error event, then `[DONE]`.

    Args:
        code: The code in the event.
        message: Its text.
        after: After how many events; 0 is at once.
    """
    return _ErrorEvent(code, message, after)


@dataclass(frozen=True, slots=True, repr=False)
class _NoDone(Fault):
    def on_answer(self, answer: Answer, flavor: Flavor) -> Answer:
        kept = (part for part in answer.parts if not isinstance(part, bytes) or not part.startswith(_DONE))
        return replace(answer, parts=tuple(kept))


@dataclass(frozen=True, slots=True, repr=False)
class _NoUsage(Fault):
    def on_answer(self, answer: Answer, flavor: Flavor) -> Answer:
        if not answer.streams:
            return answer
        parts = (_without_usage(part) if isinstance(part, bytes) else part for part in answer.parts)
        return replace(answer, parts=tuple(part for part in parts if part != b""))


def no_done() -> Fault:
    """The stream ends without `[DONE]`."""
    return _NoDone()


def no_usage() -> Fault:
    """The stream says nothing of its usage: the event that has only that is missing, from another it is taken out."""
    return _NoUsage()


@dataclass(frozen=True, slots=True, repr=False)
class _Split(Fault):
    every: int

    def on_answer(self, answer: Answer, flavor: Flavor) -> Answer:
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

    def on_answer(self, answer: Answer, flavor: Flavor) -> Answer:
        noise = _dice(self.seed).randbytes(64).translate(bytes.maketrans(b"\r\n", b"  "))  # one event, and no more
        if not answer.streams:
            return replace(answer, headers={**answer.headers, "content-length": str(len(noise))}, parts=(noise,))
        place = _place(answer, self.after)
        garbage = b"data: " + noise + b"\n\n"
        return replace(answer, parts=(*answer.parts[:place], garbage, *answer.parts[place + 1 :]))


def garbage(*, after: int = 1, seed: int = 0) -> Fault:
    """An event is replaced by random bytes.

    Args:
        after: After how many events; of a plain answer the body is replaced.
        seed: Which random bytes.
    """
    return _Garbage(after, seed)


@dataclass(frozen=True, slots=True, repr=False)
class _HangAfterDone(Fault):
    seconds: float

    def on_answer(self, answer: Answer, flavor: Flavor) -> Answer:
        return replace(answer, parts=(*answer.parts, Wait(self.seconds)))


def hang_after_done(seconds: float = 3600.0) -> Fault:
    """The answer is complete, and the connection stays open."""
    return _HangAfterDone(seconds)


@dataclass(frozen=True, slots=True, repr=False)
class _EmptyTurn(Fault):
    def on_turn(self, turn: Turn, body: dict[str, JsonValue]) -> Turn:
        return Turn(turn.reasoning, finish_reason="stop", cuts=turn.cuts)


def empty_turn() -> Fault:
    """The model thinks, and ends its turn without an answer."""
    return _EmptyTurn()


@dataclass(frozen=True, slots=True, repr=False)
class _LeakDsml(Fault):
    style: Style
    where: Literal["text", "reasoning"]

    def on_turn(self, turn: Turn, body: dict[str, JsonValue]) -> Turn:
        if not turn.calls:
            return turn
        markup = "\n\n" + write_calls(turn.calls, self.style)
        said = Turn(turn.reasoning, turn.text, finish_reason="stop", cuts=turn.cuts)
        if self.where == "reasoning":
            return replace(said, reasoning=said.reasoning + markup)
        return replace(said, text=said.text + markup)


def leak_dsml(style: Style = "full_width", where: Literal["text", "reasoning"] = "text") -> Fault:
    """The server's parser misses the model's tool calls, and their markup is left in a text.

    Args:
        style: The bars of the markup: "full_width", "ascii" or "doubled".
        where: Where it is left.
    """
    return _LeakDsml(style, where)


def _dice(seed: int | str) -> random.Random:
    return random.Random(seed)  # noqa: S311  # it must be the same each time, and hides nothing


def _without_usage(block: bytes) -> bytes:
    """An event without its usage; nothing, when it says nothing else."""
    if b'"usage"' not in block:
        return block
    try:
        payload = read_json(block.removeprefix(b"data: "))
    except ValueError:  # a piece of an event
        return block
    if not isinstance(payload, dict) or not payload.pop("usage", None):
        return block
    return b"data: " + write_json(payload) + b"\n\n" if payload.get("choices") else b""


def _place(answer: Answer, events: int) -> int:
    """The index of the part behind so many events; silences and comments are none."""
    for index, part in enumerate(answer.parts):
        if isinstance(part, bytes) and not part.startswith(b":"):
            if events <= 0:
                return index
            events -= 1
    return len(answer.parts)


ALL: tuple[Fault, ...] = (
    status(500),
    status(503),
    rate_limited(),
    html_502(),
    stall(after=2),
    slow_prefill(30.0),
    cut(after_bytes=700),
    reset(),
    reset(after_bytes=700),
    error_event(),
    error_event(503, "overloaded", after=0),
    no_done(),
    no_usage(),
    split(every=1),
    garbage(after=2),
    hang_after_done(),
    empty_turn(),
)
"""What `Chaos` draws from, if it is not told otherwise."""


@dataclass(frozen=True, slots=True)
class Chaos:
    """Faults at random, the same ones for the same seed: request n meets the same fault however often it is run.

    Attributes:
        seed: Which random faults.
        rate: How many of the requests meet one, from 0 to 1.
        faults: What they are drawn from.
    """

    seed: int
    rate: float
    faults: Sequence[Fault] = ALL

    def __post_init__(self) -> None:
        if not 0 <= self.rate <= 1:
            raise ValueError(f"rate is {self.rate!r}: give a share from 0 to 1")
        if not self.faults:
            raise ValueError("faults is empty: give what to draw from")

    def draw(self, number: int) -> tuple[Fault, ...]:
        """The fault that the request of that number meets, if it meets one."""
        dice = _dice(f"{self.seed}:{number}")
        return (dice.choice(self.faults),) if dice.random() < self.rate else ()
