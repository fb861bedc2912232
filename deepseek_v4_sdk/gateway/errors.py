"""Errors for callers: status, text and code; each route writes them in the shape of its API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from deepseek_v4_sdk import errors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deepseek_v4_sdk import JsonValue

__all__ = ["Failure", "Refusal", "anthropic_error", "failure_of", "openai_error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An error for a caller.

    Attributes:
        status: The HTTP status.
        message: The text.
        code: A word that programs compare, or None.
        retry_after: Seconds to wait before another try, where that is known.
        tried_again: Whether the gateway itself asked again before it gave up.
        kind: The class name of the error, for metrics.
    """

    status: int
    message: str
    code: str | None = None
    retry_after: float | None = None
    tried_again: bool = False
    kind: str = "Refusal"

    def headers(self) -> dict[str, str]:
        """The headers that go with it."""
        headers: dict[str, str] = {}
        if self.retry_after is not None:
            headers["retry-after"] = f"{self.retry_after:.3f}".rstrip("0").rstrip(".")
        if self.status == 401:
            headers["www-authenticate"] = "Bearer"
        # The official clients would multiply the tries otherwise, or ask again where only a person can help.
        if (self.tried_again and self.status >= 500) or self.code == "insufficient_quota":
            headers["x-should-retry"] = "false"
        return headers


class Refusal(Exception):  # noqa: N818  # it is an answer to a caller, and leaves the gateway as one
    """A request that the gateway itself refuses; nothing was sent upstream."""

    def __init__(self, status: int, message: str, *, code: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.failure = Failure(status=status, message=message, code=code, retry_after=retry_after)


# The first class that fits gives status and code. An APIError keeps the status that the server sent.
_TABLE: tuple[tuple[type[errors.DeepSeekV4Error], int, str | None], ...] = (
    (errors.ContextLengthExceededError, 400, "context_length_exceeded"),
    (errors.UnsupportedOptionError, 400, "unsupported_parameter"),
    (errors.InvalidRequestError, 400, None),
    (errors.ModelNotFoundError, 404, "model_not_found"),
    (errors.ModelRetiredError, 410, "model_retired"),
    (errors.RateLimitError, 429, "rate_limit_exceeded"),
    (errors.LocalLimitError, 429, "local_limit"),
    (errors.SpendLimitError, 429, "insufficient_quota"),
    (errors.CircuitOpenError, 429, "circuit_open"),
    (errors.ConnectionFailedError, 502, "connection_failed"),
    (errors.PhaseTimeoutError, 504, "timeout"),
    (errors.TruncatedToolCallError, 502, "truncated_tool_call"),
    (errors.LostToolCallError, 502, "lost_tool_call"),
    (errors.EmptyTurnError, 502, "empty_turn"),
    (errors.IncompleteReplyError, 502, "incomplete_reply"),
    (errors.ConfigurationError, 500, "configuration"),
)


def failure_of(error: BaseException) -> Failure:
    """The error for a caller. An error that is not a `DeepSeekV4Error` loses its text."""
    if isinstance(error, Refusal):
        return error.failure
    if not isinstance(error, errors.DeepSeekV4Error):
        return Failure(
            status=500, message="the gateway failed; its log has the error", code="internal", kind=type(error).__name__
        )
    status, code = next(((status, code) for kind, status, code in _TABLE if isinstance(error, kind)), (502, None))
    if isinstance(error, errors.APIError):
        answered = error.status_code
        status = answered if answered is not None and 400 <= answered <= 599 else status
        if code is None and isinstance(error.code, str):
            code = error.code
    if isinstance(error, errors.ContextLengthExceededError):
        status = 400  # a pre-flight check has no status, and clients look for 400
    return Failure(
        status=status,
        message=str(error),
        code=code,
        retry_after=getattr(error, "retry_after", None),
        tried_again=len(error.attempts) > 1,
        kind=type(error).__name__,
    )


_OPENAI_TYPES: Mapping[int, str] = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    410: "not_found_error",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}
_ANTHROPIC_TYPES: Mapping[int, str] = {**_OPENAI_TYPES, 413: "request_too_large", 529: "overloaded_error"}


def openai_error(failure: Failure) -> dict[str, JsonValue]:
    """The error as OpenAI's APIs write it."""
    kind = _OPENAI_TYPES.get(failure.status, "invalid_request_error" if failure.status < 500 else "server_error")
    return {"error": {"message": failure.message, "type": kind, "param": None, "code": failure.code}}


def anthropic_error(failure: Failure, request_id: str) -> dict[str, JsonValue]:
    """The error as Anthropic's API writes it."""
    kind = _ANTHROPIC_TYPES.get(failure.status, "invalid_request_error" if failure.status < 500 else "api_error")
    message = failure.message
    if failure.code == "context_length_exceeded":
        message = f"prompt is too long: {message}"  # the words that clients look for to compact a session
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": request_id}
