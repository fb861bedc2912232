"""Hooks: being told of requests, their ends, retries, replies and errors as they happen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat.attempt import Attempt, RequestDetails
    from deepseek_v4_sdk.chat.reply import Reply
    from deepseek_v4_sdk.errors import DeepSeekV4Error

__all__ = ["AttemptDetails", "ErrorDetails", "Hooks", "ReplyDetails", "RetryDetails"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptDetails:
    """An HTTP request that has ended, in whichever way.

    Attributes:
        request: The request.
        attempt: How it went, and what it cost as far as the server told.
    """

    request: RequestDetails
    attempt: Attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryDetails:
    """A request that failed and will be sent again.

    Attributes:
        request: The request that failed; one that a limit of this client refused was not sent.
        error: What went wrong.
        wait: Seconds until it is sent again.
        provider: The provider that is asked next.
    """

    request: RequestDetails
    error: DeepSeekV4Error
    wait: float
    provider: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyDetails:
    """A chat that ended well.

    Attributes:
        request: The request that was answered.
        reply: The answer.
    """

    request: RequestDetails
    reply: Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorDetails:
    """A call that failed for good.

    Attributes:
        request: The last request that was sent.
        error: What is raised.
    """

    request: RequestDetails
    error: DeepSeekV4Error


class Hooks:
    """Base of hooks: override what you want to be told of, and give an instance as `hooks=[...]`.

    The methods run between the steps of a call, on its thread or event loop: they must be quick, and do not wait.
    What they raise is logged, and does not disturb the call.
    """

    def on_request(self, details: RequestDetails) -> None:
        """An HTTP request is about to be sent."""

    def on_attempt(self, details: AttemptDetails) -> None:
        """An HTTP request has ended: with an answer, with an error, or because its caller left."""

    def on_retry(self, details: RetryDetails) -> None:
        """A request failed and will be sent again."""

    def on_reply(self, details: ReplyDetails) -> None:
        """A chat ended well."""

    def on_error(self, details: ErrorDetails) -> None:
        """A call failed for good."""
