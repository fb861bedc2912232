"""Every fault, with what it does on the wire and what the SDK's client makes of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deepseek_v4_sdk import errors
from deepseek_v4_sdk.testing import faults, script

if TYPE_CHECKING:
    from deepseek_v4_sdk.testing.faults import Fault
    from tests.testing.places import Seen

__all__ = ["CASES", "REASONING", "TEXT", "TURN", "Case", "is_prefix"]

REASONING = "Let me think about this for a while."
TEXT = "Owls see in the dark, and hear even better: their ears sit at different heights."
TURN = script.think(REASONING) + script.text(TEXT)

_MESSAGE = {
    "vllm": ("error", "message"),
    "sglang": ("message",),
    "nim": ("message",),
    "deepseek": ("error", "message"),
    "dynamo": ("message",),
    "nvidia": ("message",),
}
"""Where an error body has its text."""


@dataclass(frozen=True)
class Case:
    """A fault and what comes of it.

    Attributes:
        make: Makes the fault, with the seconds of its silence where it has one.
        wire: Checks what was seen against the events of the same answer without the fault.
        error: What the client raises; None for a reply.
        statuses: Of the attempts, when up to two retries are allowed.
        silent: Whether the client is given short timers, so that it meets the silence.
    """

    make: Callable[[float], Fault]
    wire: Callable[[str, Seen, list[bytes]], None]
    error: type[errors.DeepSeekV4Error] | None
    statuses: tuple[int, ...] = (200,)
    silent: bool = False


def is_prefix(reasoning: str | None, text: str) -> bool:
    """Whether what has arrived is the beginning of the turn: no text before all the reasoning."""
    return (REASONING + TEXT).startswith((reasoning or "") + text) and (not text or reasoning == REASONING)


def _refused(status: int, message: str, **headers: str) -> Callable[[str, Seen, list[bytes]], None]:
    def wire(flavor: str, seen: Seen, clean: list[bytes]) -> None:
        del clean
        assert (seen.status, seen.ended) == (status, "whole")
        assert seen.headers["content-type"] == "application/json"
        place: Any = json.loads(seen.body)
        where = _MESSAGE[flavor]
        if flavor == "nvidia" and status in {429, 410}:  # the gateway's own form
            where = ("title",) if status == 429 else ("detail",)
        for key in where:
            place = place[key]
        assert place == message
        assert seen.headers.get("retry-after") == headers.get("retry_after")

    return wire


def _bytes(make: Callable[[list[bytes]], bytes], ended: str = "whole") -> Callable[[str, Seen, list[bytes]], None]:
    """The body is what `make` makes of the clean events, of status 200, and ends so."""

    def wire(flavor: str, seen: Seen, clean: list[bytes]) -> None:
        del flavor
        assert (seen.status, seen.ended) == (200, ended)
        assert seen.headers["content-type"].startswith("text/event-stream")
        assert seen.body == make(clean)

    return wire


def _html(flavor: str, seen: Seen, clean: list[bytes]) -> None:
    del flavor, clean
    assert (seen.status, seen.headers["content-type"], seen.ended) == (502, "text/html", "whole")
    assert seen.body.startswith(b"<html>")
    assert len(seen.body) == int(seen.headers["content-length"])


def _error_event(count: int, code: int, message: str) -> Callable[[str, Seen, list[bytes]], None]:
    def wire(flavor: str, seen: Seen, clean: list[bytes]) -> None:
        assert (seen.status, seen.ended) == (200, "whole")
        *before, event, done = seen.events
        assert before == clean[:count]
        assert done == b"data: [DONE]\n\n"
        error = json.loads(event.removeprefix(b"data: "))["error"]
        assert error["message"] == message
        assert error["code"] == ("invalid_request_error" if flavor == "deepseek" else code)

    return wire


def _garbage(flavor: str, seen: Seen, clean: list[bytes]) -> None:
    del flavor
    assert (seen.status, seen.ended) == (200, "whole")
    head, tail = b"".join(clean[:3]), b"".join(clean[4:])
    assert seen.body.startswith(head)
    assert seen.body.endswith(tail)
    noise = seen.body[len(head) : len(seen.body) - len(tail)]
    assert (noise[:6], noise[-2:], len(noise)) == (b"data: ", b"\n\n", 64 + 8)
    assert not set(noise[:-2]) & set(b"\r\n")


def _no_usage(flavor: str, seen: Seen, clean: list[bytes]) -> None:
    kept = [event for event in clean if b'"choices":[]' not in event]
    assert (seen.status, seen.ended) == (200, "whole")
    assert b"prompt_tokens" in b"".join(clean)
    assert b'prompt_tokens"' not in seen.body
    assert len(seen.events) == len(kept)
    assert len(kept) == len(clean) - (flavor != "deepseek")  # which has it in the finishing event


def _split(flavor: str, seen: Seen, clean: list[bytes]) -> None:
    del flavor
    assert seen.body == b"".join(clean)
    assert {len(block) for block in seen.blocks} == {1}


def _said(flavor: str, seen: Seen, clean: list[bytes]) -> tuple[str, str, str | None, bool]:
    """Reasoning, text, finish reason, and whether there are calls, of a whole stream."""
    del flavor, clean
    assert (seen.status, seen.ended, seen.events[-1]) == (200, "whole", b"data: [DONE]\n\n")
    chunks = [json.loads(event.removeprefix(b"data: ")) for event in seen.events[:-1]]
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    deltas = [choice["delta"] for choice in choices]
    reasoning = "".join(delta.get("reasoning") or delta.get("reasoning_content") or "" for delta in deltas)
    text = "".join(delta.get("content") or "" for delta in deltas)
    reasons = [choice["finish_reason"] for choice in choices if choice["finish_reason"]]
    return reasoning, text, reasons[-1], any(delta.get("tool_calls") for delta in deltas)


def _empty(flavor: str, seen: Seen, clean: list[bytes]) -> None:
    assert _said(flavor, seen, clean) == (REASONING, "", "stop", False)


def _same(flavor: str, seen: Seen, clean: list[bytes]) -> None:
    """Without calls there is nothing to leak."""
    assert _said(flavor, seen, clean) == (REASONING, TEXT, "stop", False)


_ALL: Callable[[list[bytes]], bytes] = b"".join
_RETIRED = "The model has reached its end of life on 2026-08-07T09:00:00Z and is no longer available."

CASES: dict[str, Case] = {
    "status": Case(
        lambda _: faults.status(503, "busy"), _refused(503, "busy"), errors.OverloadedError, (503, 503, 503)
    ),
    "status_400": Case(lambda _: faults.status(400, "no"), _refused(400, "no"), errors.BadRequestError, (400,)),
    "rate_limited": Case(
        lambda _: faults.rate_limited(), _refused(429, "Too Many Requests"), errors.RateLimitError, (429, 429, 429)
    ),
    "rate_limited_with_hint": Case(
        lambda _: faults.rate_limited(7),
        _refused(429, "Too Many Requests", retry_after="7"),
        errors.RateLimitError,
        (429, 429, 429),
    ),
    "gone": Case(lambda _: faults.gone(), _refused(410, _RETIRED), errors.ModelRetiredError, (410,)),
    "html_502": Case(lambda _: faults.html_502(), _html, errors.ServerError, (502, 502, 502)),
    "stall": Case(
        lambda seconds: faults.stall(after=3, seconds=seconds),
        _bytes(lambda clean: b"".join(clean[:3]), "silent"),
        errors.PhaseTimeoutError,
        silent=True,
    ),
    "slow_prefill": Case(
        lambda seconds: faults.slow_prefill(seconds),
        _bytes(lambda clean: b"", "silent"),
        errors.PhaseTimeoutError,
        silent=True,
    ),
    "hang_after_done": Case(lambda seconds: faults.hang_after_done(seconds), _bytes(_ALL, "silent"), None, silent=True),
    "cut": Case(
        lambda _: faults.cut(after_bytes=1500),
        _bytes(lambda clean: b"".join(clean)[:1500], "cut"),
        errors.StreamInterruptedError,
    ),
    "cut_at_once": Case(
        lambda _: faults.cut(after_bytes=10),
        _bytes(lambda clean: b"".join(clean)[:10], "cut"),
        errors.ConnectionFailedError,
        (200, 200, 200),
    ),
    "reset": Case(
        lambda _: faults.reset(), _bytes(lambda clean: b"", "reset"), errors.ConnectionFailedError, (200, 200, 200)
    ),
    "reset_later": Case(
        lambda _: faults.reset(after_bytes=1500),
        _bytes(lambda clean: b"".join(clean)[:1500], "reset"),
        errors.StreamInterruptedError,
    ),
    "error_event": Case(
        lambda _: faults.error_event(), _error_event(2, 500, "Internal server error"), errors.ServerError
    ),
    "no_done": Case(lambda _: faults.no_done(), _bytes(lambda clean: b"".join(clean[:-1])), None),
    "no_usage": Case(lambda _: faults.no_usage(), _no_usage, None),
    "split": Case(lambda _: faults.split(every=1), _split, None),
    "keepalive": Case(lambda _: faults.keepalive(), _bytes(_ALL), None),
    "garbage": Case(lambda _: faults.garbage(after=3), _garbage, errors.StreamInterruptedError),
    "empty_turn": Case(lambda _: faults.empty_turn(), _empty, errors.EmptyTurnError),
    "leak_dsml": Case(lambda _: faults.leak_dsml(), _same, None),
}
"""Faults of one line; those that need calls, polls or comments are tested beside them."""
