"""The common budget of all requests of a call."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from deepseek_v4_sdk.chat import Attempt
from deepseek_v4_sdk.support.forks import PROCESS

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import RequestDetails
    from deepseek_v4_sdk.errors import DeepSeekV4Error
    from deepseek_v4_sdk.exchange import HttpExchange

__all__ = ["RetryBudget"]


class RetryBudget:
    """The common budget of a call's requests: one deadline, one number of retries, and the list of requests.

    Attributes:
        ends: Time at which the call must have ended.
        attempts: The HTTP requests that have ended, in order.
        details: The request that was sent last, or would have been.
        failures: Number of them that have failed.
        reserved_retries: Number of retries that are kept for the providers which have not been called yet.
        waited: Seconds that the next request has waited so far.
    """

    __slots__ = ("_id", "_process", "attempts", "details", "ends", "failures", "reserved_retries", "waited")

    def __init__(self) -> None:
        self.ends = float("inf")
        self.attempts: list[Attempt] = []
        self.details: RequestDetails | None = None
        self.failures = 0
        self.reserved_retries = 0
        self.waited = 0.0
        self._id = ""
        self._process = PROCESS.generation

    @property
    def is_inherited(self) -> bool:
        """Whether the call belongs to the parent process, from which this one was forked, and is reported there."""
        return self._process != PROCESS.generation

    def begin(self, ends: float) -> None:
        """Begin the call, in this process."""
        self.ends, self._process = ends, PROCESS.generation

    @property
    def call_id(self) -> str:
        """The id of the call."""
        if not self._id:  # made here, because calls prepared before a fork run in several processes
            self._id = os.urandom(16).hex()
        return self._id

    def request_id(self) -> str:
        """Return an id for the next request."""
        number = len(self.attempts) + 1
        return self.call_id if number == 1 else f"{self.call_id}-{number}"

    def attempt_of(
        self, exchange: HttpExchange, seconds: float, error: type[DeepSeekV4Error] | None, *, is_chat: bool
    ) -> Attempt:
        """Make the record of the request under way.

        Args:
            exchange: The request and its answer.
            seconds: Seconds since it was sent.
            error: The kind of error that ended it, or None.
            is_chat: Whether a model answers.
        """
        details = self.details
        return Attempt(
            number=len(self.attempts) + 1,
            status=exchange.head.status if exchange.head else None,
            error=error.__name__ if error else None,
            waited=self.waited,
            seconds=seconds,
            request_id=exchange.request_id or (details.request_id if details is not None else None),
            usage=exchange.counted,
            provider=exchange.provider.name,
            url=details.url if details is not None else exchange.call.url,
            is_chat=is_chat,
            flavor=exchange.provider.data.name,
            model=exchange.answered_by,
            sent_at=exchange.sent_at,
        )
