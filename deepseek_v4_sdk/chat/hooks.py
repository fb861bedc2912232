"""Hooks: being told of requests, their ends, retries, replies and errors as they happen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat.reply import Attempt, Reply
    from deepseek_v4_sdk.errors import DeepSeekV4Error

__all__ = ["AttemptDetails", "ErrorDetails", "Hooks", "ReplyDetails", "RequestDetails", "RetryDetails"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestDetails:
    """An HTTP request that is about to be sent. Neither its key nor its prompt is here.

    Attributes:
        request_id: The id that goes with it, in the header `x-request-id`.
        provider: The provider.
        method: "GET" or "POST".
        url: The whole URL.
        model: The model that is asked for, or None.
        size: The size of the body in bytes.
        attempt: Which request of the call it is, from 1.
        metadata: What the caller gave as `metadata`.
        profile: The profile of the client, or of the fallback, whose server it goes to; None without one.
        is_chat: Whether a model is to answer, which costs tokens; else it is a question about the server.
    """

    request_id: str
    provider: str
    method: str
    url: str
    model: str | None = None
    size: int = 0
    attempt: int = 1
    metadata: Mapping[str, object] = field(default_factory=dict[str, object])
    profile: str | None = None
    is_chat: bool = False


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
