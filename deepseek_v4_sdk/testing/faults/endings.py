"""Faults of how a server ends its answer: an error event, no `[DONE]`, no usage."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from deepseek_v4_sdk.chat import read_json, write_json
from deepseek_v4_sdk.testing.answer import ServerAnswer, json_answer
from deepseek_v4_sdk.testing.faults.fault import DONE, Fault, place_of

if TYPE_CHECKING:
    from deepseek_v4_sdk.testing.flavors.base import Flavor

__all__ = ["error_event", "no_done", "no_usage"]


@dataclass(frozen=True, slots=True, repr=False)
class _ErrorEvent(Fault):
    code: int
    message: str
    after: int

    def on_answer(self, answer: ServerAnswer, flavor: Flavor) -> ServerAnswer:
        if not answer.streams:
            return json_answer(self.code, flavor.error(self.code, self.message))
        event = flavor.error_event(self.code, self.message)
        return replace(answer, parts=(*answer.parts[: place_of(answer, self.after)], event, DONE + b"\n\n"))


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
    def on_answer(self, answer: ServerAnswer, flavor: Flavor) -> ServerAnswer:
        kept = (part for part in answer.parts if not isinstance(part, bytes) or not part.startswith(DONE))
        return replace(answer, parts=tuple(kept))


def no_done() -> Fault:
    """The stream ends without `[DONE]`."""
    return _NoDone()


@dataclass(frozen=True, slots=True, repr=False)
class _NoUsage(Fault):
    def on_answer(self, answer: ServerAnswer, flavor: Flavor) -> ServerAnswer:
        if not answer.streams:
            return answer
        parts = (_without_usage(part) if isinstance(part, bytes) else part for part in answer.parts)
        return replace(answer, parts=tuple(part for part in parts if part != b""))


def no_usage() -> Fault:
    """The stream has no usage: an event that has only the usage is missing; other events lose it."""
    return _NoUsage()


def _without_usage(block: bytes) -> bytes:
    """An event without its usage; empty when nothing else is left."""
    if b'"usage"' not in block:
        return block
    try:
        payload = read_json(block.removeprefix(b"data: "))
    except ValueError:  # a piece of an event
        return block
    if not isinstance(payload, dict) or not payload.pop("usage", None):
        return block
    return b"data: " + write_json(payload) + b"\n\n" if payload.get("choices") else b""
