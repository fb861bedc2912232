"""Every error the SDK raises, as one tree under `DeepSeekV4Error`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Literal, Self

from deepseek_v4_sdk._late_types import late_type

if TYPE_CHECKING:
    from decimal import Decimal

    from deepseek_v4_sdk.chat import Attempt, Phase, Reply, ToolCall
    from deepseek_v4_sdk.tools.run import ToolRun
else:
    Decimal = late_type("decimal", "Decimal")
    Attempt = late_type("deepseek_v4_sdk.chat", "Attempt")
    Phase = late_type("deepseek_v4_sdk.chat", "Phase")
    Reply = late_type("deepseek_v4_sdk.chat", "Reply")
    ToolCall = late_type("deepseek_v4_sdk.chat", "ToolCall")
    ToolRun = late_type("deepseek_v4_sdk.tools.run", "ToolRun")

__all__ = [
    "APIError",
    "AuthenticationError",
    "BadRequestError",
    "BillingError",
    "BudgetError",
    "CircuitOpenError",
    "ConfigurationError",
    "ConnectionFailedError",
    "ContextLengthExceededError",
    "DeepSeekV4Error",
    "EmptyTurnError",
    "GatewayTimeoutError",
    "IncompleteReplyError",
    "InvalidRequestError",
    "InvalidToolArgumentsError",
    "LocalLimitError",
    "LostToolCallError",
    "ModelMismatchError",
    "ModelNotFoundError",
    "ModelRetiredError",
    "OverloadedError",
    "PermissionDeniedError",
    "PhaseTimeoutError",
    "RateLimitError",
    "ReasoningExhaustedError",
    "SchemaViolationError",
    "ServerError",
    "SpendLimitError",
    "StreamClosedError",
    "StreamInUseError",
    "StreamInterruptedError",
    "TruncatedToolCallError",
    "UnsupportedOptionError",
]


# Line ends, escapes of terminals, and marks that turn the direction of a line around.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def one_line(text: str) -> str:
    """A text whose line ends and other control characters are written as escapes."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


class DeepSeekV4Error(Exception):
    """The root of the tree; catch it to catch everything the SDK raises.

    Attributes:
        partial: The part of the answer that arrived before the error, or None.
        attempts: The HTTP requests made for this call, in order; empty when nothing was sent.
        request_id: The server's id of the request, when it gave one.
        url: The final URL of the request, when one was sent.
        run: The tool run that it ended, as far as it got: its messages, rounds, attempts and costs; None outside of a
            run.
    """

    partial: Reply | None = None
    run: ToolRun | None = None
    attempts: Sequence[Attempt] = ()
    request_id: str | None = None
    url: str | None = None

    def about(
        self,
        *,
        partial: Reply | None = None,
        attempts: Sequence[Attempt] | None = None,
        request_id: str | None = None,
        url: str | None = None,
    ) -> Self:
        """Add details that the caller of a request knows and the place that found the error does not.

        Values that are already set stay.

        Returns:
            The error itself, ready to be raised.
        """
        if self.partial is None:
            self.partial = partial
        if attempts is not None:
            self.attempts = attempts
        self.request_id = self.request_id or request_id
        self.url = self.url or url
        return self

    def __str__(self) -> str:
        # Servers and models write parts of these texts; none of them may add lines to a log.
        return one_line(super().__str__())

    def __reduce__(self) -> tuple[object, ...]:
        # Subclasses take keywords, which Exception's own pickling does not know.
        return _rebuild, (type(self), self.args, self.__dict__)


def _rebuild(cls: type[DeepSeekV4Error], args: tuple[object, ...], state: dict[str, object]) -> DeepSeekV4Error:
    error = cls.__new__(cls)
    error.args = args
    error.__dict__.update(state)
    return error


class ConfigurationError(DeepSeekV4Error):
    """A client cannot be made with these arguments: a wrong provider, key, URL, profile or setting."""


class InvalidRequestError(DeepSeekV4Error):
    """A request that the client found wrong; nothing was sent."""


class UnsupportedOptionError(InvalidRequestError):
    """An option, or a value of it, that this provider does not have.

    Attributes:
        option: The option's name as the caller wrote it.
        provider: The provider that lacks it.
    """

    def __init__(self, message: str, *, option: str = "", provider: str = "") -> None:
        super().__init__(message)
        self.option = option
        self.provider = provider


class BudgetError(InvalidRequestError):
    """A budget makes no sense, its window is not known, or a conversation cannot be made to fit it.

    Attributes:
        excess: Tokens by which a conversation does not fit, whatever is left out of it; else None.
    """

    excess: int | None = None


class APIError(DeepSeekV4Error):
    """The server answered with an error, over HTTP or as an event inside a stream.

    Attributes:
        status_code: The HTTP status, or the code an error event carried; None when there was none.
        code: The server's own error code or type, when it gave one.
        body: The server's error body, decoded when it is JSON, scrubbed of paths and account ids.
    """

    def __init__(
        self,
        message: str,
        *,
        status_code: int | None = None,
        code: str | int | None = None,
        body: object = None,
    ) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.code = code
        self.body = body


class AuthenticationError(APIError):
    """The key is missing or wrong (HTTP 401)."""


class PermissionDeniedError(APIError):
    """The key is known but may not do this (HTTP 403)."""


class BillingError(APIError):
    """The account's balance does not suffice (HTTP 402)."""


class BadRequestError(APIError):
    """The server refused the request as wrong (HTTP 400, 413, 415, 422 and the like)."""


class ModelNotFoundError(APIError):
    """The model, or the path, does not exist at this URL (HTTP 404)."""


class ModelRetiredError(APIError):
    """The model has ended (HTTP 410).

    Attributes:
        retired_on: The day it ended, when known.
        successors: Model ids that replace it, best first.
    """

    retired_on: date | None = None
    successors: Sequence[str] = ()


class ModelMismatchError(APIError):
    """A model other than the requested one answered (only with `strict_model=True`)."""


class ContextLengthExceededError(APIError):
    """The prompt, or the prompt and the requested answer, exceed the window.

    Attributes:
        limit: The window in tokens, when the server reports it.
        prompt_tokens: The prompt's length in tokens, when the server reports it; a lower bound where it reports only
            that.
        requested: Prompt and answer together in tokens, when the server reports it.
    """

    limit: int | None = None
    prompt_tokens: int | None = None
    requested: int | None = None


class RateLimitError(APIError):
    """Too many requests (HTTP 429).

    Attributes:
        retry_after: Seconds the server asks to wait, or None when it gave no hint.
    """

    retry_after: float | None = None


class OverloadedError(APIError):
    """The server has no capacity at the moment (HTTP 503, or such an error inside a stream).

    Attributes:
        retry_after: Seconds the server asks to wait, or None when it gave no hint.
    """

    retry_after: float | None = None


class GatewayTimeoutError(APIError):
    """A gateway in front of the server gave up waiting (HTTP 504)."""


class ServerError(APIError):
    """The server failed, or sent something that is not an answer."""


class ConnectionFailedError(DeepSeekV4Error):
    """No connection could be made, or it broke before anything was received."""


class PhaseTimeoutError(DeepSeekV4Error):
    """A timer of the request ran out.

    Attributes:
        phase: The timer: "connect", "first_event", "idle" or "total".
        seconds: How long it was.
    """

    def __init__(self, message: str, *, phase: Phase, seconds: float) -> None:
        super().__init__(message)
        self.phase: Literal["connect", "first_event", "idle", "total"] = phase
        self.seconds = seconds


class LocalLimitError(DeepSeekV4Error):
    """A limit of this client, not of the server, leaves no room for the request in time; it was not sent.

    Attributes:
        retry_after: Seconds until there is room, or None where that depends on when other requests end.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class SpendLimitError(DeepSeekV4Error):
    """A limit of money or tokens leaves no room for the request; it was not sent.

    Attributes:
        limit: The limit.
        spent: The amount that is spent.
        reserved: The amount that is reserved for requests under way.
        needed: The amount that this one may cost.
        unit: The unit of all of them: "USD" or "tokens".
        per: The scope of the limit: "client", "run" or "day".
    """

    def __init__(
        self,
        message: str,
        *,
        limit: Decimal,
        spent: Decimal,
        reserved: Decimal,
        needed: Decimal,
        unit: str,
        per: str = "client",
    ) -> None:
        super().__init__(message)
        self.limit = limit
        self.spent = spent
        self.reserved = reserved
        self.needed = needed
        self.unit = unit
        self.per = per


class CircuitOpenError(DeepSeekV4Error):
    """The server refused too often, and the client leaves it alone for a while; it did not send the request.

    Attributes:
        retry_after: Seconds until the next request may be sent.
    """

    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class IncompleteReplyError(DeepSeekV4Error):
    """An answer that is not whole; `partial` holds all that had arrived."""


class StreamInterruptedError(IncompleteReplyError):
    """The answer broke off: no finish reason was received, or the server aborted it.

    Attributes:
        body: The text that the server sent in place of the rest, scrubbed, when it is not an error event; else None.
    """

    body: str | None = None


class StreamClosedError(IncompleteReplyError):
    """The stream was closed by its user before it had ended."""


class StreamInUseError(DeepSeekV4Error):
    """A stream cannot be read here: another thread or task reads it now, or another event loop or process began it.

    The stream continues unchanged for its first reader.
    """


class ReasoningExhaustedError(IncompleteReplyError):
    """The token budget ended inside reasoning: there is no answer."""


class EmptyTurnError(IncompleteReplyError):
    """A turn that ended with neither text nor a tool call.

    Attributes:
        cut: Whether a limit or a stop text ended it, and not the model: the same request would end the same way again.
    """

    cut: bool = False


class LostToolCallError(IncompleteReplyError):
    """The model called a tool, but the call did not arrive in a usable form.

    Attributes:
        raw: The unchanged markup, where a server left it in the text.
    """

    raw: str = ""


class TruncatedToolCallError(IncompleteReplyError):
    """A tool call was cut off.

    `partial.tool_calls` has the complete calls, `partial.partial_tool_calls` the cut one.
    """


class InvalidToolArgumentsError(DeepSeekV4Error):
    """The arguments of a tool call are not a JSON object, or do not match the tool's schema.

    Attributes:
        call: The call.
        path: The place in the arguments, such as `"days"` or `"items[2].name"`; empty for the whole.
    """

    def __init__(self, message: str, *, call: ToolCall, path: str = "") -> None:
        super().__init__(message)
        self.call = call
        self.path = path


class SchemaViolationError(DeepSeekV4Error):
    """A structured answer does not match its schema.

    Attributes:
        path: The place in the answer.
        text: The answer, unchanged.
    """

    def __init__(self, message: str, *, path: str = "", text: str = "") -> None:
        super().__init__(message)
        self.path = path
        self.text = text
