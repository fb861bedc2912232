"""Faults: what can go wrong with an answer. `script.text("Hello") | faults.stall(after=3, seconds=300)`.

A fault changes what the model says (`on_turn`), or the bytes in which a server says it (`on_answer`). Faults compose:
each takes what the one before has left. A fault alone is a step too: it goes wrong with an answer to nothing.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from deepseek_v4_sdk.chat import JsonValue, read_json
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

    __slots__ = ()

    polls = 0
    """How often the answer must be asked for after it was accepted; 0 gives it at once."""

    def on_turn(self, turn: Turn, body: dict[str, JsonValue]) -> Turn:
        """What the model says instead."""
        del body
        return turn

    def on_answer(self, answer: Answer, flavor: Flavor) -> Answer:
        """What the server answers instead."""
        del flavor
        return answer


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class _Polls(Fault):
    polls: int = 1


def accepted_then(polls: int = 3) -> Fault:
    """The server accepts with 202; the answer comes when it is asked for the so-manieth time."""
    return _Polls(polls)


@dataclass(frozen=True, slots=True)
class _Html(Fault):
    def on_answer(self, answer: Answer, flavor: Flavor) -> Answer:
        page = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
        headers = {"content-type": "text/html", "content-length": str(len(page))}
        return Answer(502, headers, (page,))


def html_502() -> Fault:
    """A proxy answers with a web page."""
    return _Html()


@dataclass(frozen=True, slots=True)
class _Stall(Fault):
    after: int
    seconds: float

    def on_answer(self, answer: Answer, flavor: Flavor) -> Answer:
        parts = answer.parts
        return replace(answer, parts=(*parts[: self.after], Wait(self.seconds), *parts[self.after :]))


def stall(*, after: int = 1, seconds: float = 600.0) -> Fault:
    """The server is silent for a while.

    Args:
        after: After how many events (a plain answer is one block).
        seconds: How long.
    """
    return _Stall(after, seconds)


def slow_prefill(seconds: float) -> Fault:
    """The server is silent before the first event, as while it reads a long prompt."""
    return _Stall(0, seconds)


@dataclass(frozen=True, slots=True)
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
    return _Keepalive(every)


@dataclass(frozen=True, slots=True)
class _Ends(Fault):
    after_bytes: int
    kind: Literal["cut", "reset"]

    def on_answer(self, answer: Answer, flavor: Flavor) -> Answer:
        parts: list[Part] = []
        left = self.after_bytes
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
        return replace(answer, parts=(*parts, Break(self.kind)))


def cut(*, after_bytes: int) -> Fault:
    """The connection closes in the middle of the body."""
    return _Ends(after_bytes, "cut")


def reset(*, after_bytes: int = 0) -> Fault:
    """The connection is reset, by default before anything of the body was sent."""
    return _Ends(after_bytes, "reset")


@dataclass(frozen=True, slots=True)
class _ErrorEvent(Fault):
    code: int
    message: str
    after: int

    def on_answer(self, answer: Answer, flavor: Flavor) -> Answer:
        if not answer.streams:
            return json_answer(self.code, flavor.error(self.code, self.message))
        event = flavor.error_event(self.code, self.message)
        return replace(answer, parts=(*answer.parts[: self.after], event, _DONE + b"\n\n"))


def error_event(code: int = 500, message: str = "Internal server error", *, after: int = 2) -> Fault:
    """The server fails after the status 200 was sent: an error event, then `[DONE]`.

    Args:
        code: The code in the event.
        message: Its text.
        after: After how many events; 0 is at once.
    """
    return _ErrorEvent(code, message, after)


@dataclass(frozen=True, slots=True)
class _Without(Fault):
    what: Literal["done", "usage"]

    def on_answer(self, answer: Answer, flavor: Flavor) -> Answer:
        if self.what == "done":
            return replace(answer, parts=tuple(part for part in answer.parts if not _is(part, _DONE)))
        if not answer.streams:
            return answer
        return replace(answer, parts=tuple(part for part in answer.parts if not _is_usage(part)))


def no_done() -> Fault:
    """The stream ends without `[DONE]`."""
    return _Without("done")


def no_usage() -> Fault:
    """The stream ends without its usage event."""
    return _Without("usage")


@dataclass(frozen=True, slots=True)
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
    return _Split(every)


@dataclass(frozen=True, slots=True)
class _Garbage(Fault):
    after: int
    seed: int

    def on_answer(self, answer: Answer, flavor: Flavor) -> Answer:
        noise = _dice(self.seed).randbytes(64).replace(b"\n", b" ")
        garbage = b"data: " + noise + b"\n\n" if answer.streams else noise
        return replace(
            answer,
            headers={name: value for name, value in answer.headers.items() if name != "content-length"},
            parts=(*answer.parts[: self.after], garbage, *answer.parts[self.after + 1 :]),
        )


def garbage(*, after: int = 1, seed: int = 0) -> Fault:
    """An event is replaced by random bytes.

    Args:
        after: After how many events; of a plain answer the body is replaced.
        seed: Which random bytes.
    """
    return _Garbage(after, seed)


@dataclass(frozen=True, slots=True)
class _HangAfterDone(Fault):
    seconds: float

    def on_answer(self, answer: Answer, flavor: Flavor) -> Answer:
        return replace(answer, parts=(*answer.parts, Wait(self.seconds)))


def hang_after_done(seconds: float = 3600.0) -> Fault:
    """The answer is complete, and the connection stays open."""
    return _HangAfterDone(seconds)


@dataclass(frozen=True, slots=True)
class _EmptyTurn(Fault):
    def on_turn(self, turn: Turn, body: dict[str, JsonValue]) -> Turn:
        return Turn(turn.reasoning, finish_reason="stop", cuts=turn.cuts)


def empty_turn() -> Fault:
    """The model thinks, and ends its turn without an answer."""
    return _EmptyTurn()


@dataclass(frozen=True, slots=True)
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


def _is(part: Part, start: bytes) -> bool:
    return isinstance(part, bytes) and part.startswith(start)


def _is_usage(part: Part) -> bool:
    if not isinstance(part, bytes) or b'"usage"' not in part:
        return False
    payload = read_json(part.removeprefix(b"data: "))
    return isinstance(payload, dict) and payload.get("choices") == [] and bool(payload.get("usage"))


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

    def draw(self, number: int) -> tuple[Fault, ...]:
        """The fault that the request of that number meets, if it meets one."""
        dice = _dice(f"{self.seed}:{number}")
        return (dice.choice(self.faults),) if dice.random() < self.rate else ()
