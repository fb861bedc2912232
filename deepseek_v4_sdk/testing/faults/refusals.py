"""Faults instead of an answer: error statuses, a 202, a web page."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from deepseek_v4_sdk.testing.answer import ServerAnswer, json_answer
from deepseek_v4_sdk.testing.faults.fault import Fault

if TYPE_CHECKING:
    from deepseek_v4_sdk.testing.flavors.base import Flavor

__all__ = ["accepted_then", "gone", "html_502", "rate_limited", "status"]


@dataclass(frozen=True, slots=True, repr=False)
class _Status(Fault):
    code: int
    message: str
    retry_after: str | None = None

    def on_answer(self, answer: ServerAnswer, flavor: Flavor) -> ServerAnswer:
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
    """The server accepts with 202; the answer comes at poll number `polls`."""
    return _AcceptedThen(polls)


@dataclass(frozen=True, slots=True, repr=False)
class _Html502(Fault):
    def on_answer(self, answer: ServerAnswer, flavor: Flavor) -> ServerAnswer:
        page = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
        headers = {"content-type": "text/html", "content-length": str(len(page))}
        return ServerAnswer(502, headers, (page,))


def html_502() -> Fault:
    """A proxy answers with a web page."""
    return _Html502()
