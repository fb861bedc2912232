"""Limits that a client obeys before a server has to refuse."""

from __future__ import annotations

from dataclasses import dataclass

from deepseek_v4_sdk.errors import ConfigurationError

__all__ = ["RateLimits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimits:
    """A client's limits for one server with one key; None means unlimited.

    All clients of the process with the same provider, address and key share the counts, sync and async.

    Attributes:
        requests_per_minute: HTTP requests within any 60 seconds.
        tokens_per_minute: Tokens within any 60 seconds: one for every three bytes of a request and its `max_tokens`
            while it runs, and the server's count afterwards.
        concurrency: Requests whose answers have not ended.
        refusals: After so many consecutive answers of status 429 nothing is sent for a while, and calls end with
            `CircuitOpenError`. None is never.
    """

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrency: int | None = None
    refusals: int | None = 5

    def __post_init__(self) -> None:
        for name in ("requests_per_minute", "tokens_per_minute", "concurrency", "refusals"):
            value = getattr(self, name)
            if value is not None and (type(value) is not int or value < 1):
                raise ConfigurationError(f"RateLimits.{name} is {value!r}: give a whole number from 1, or None")
