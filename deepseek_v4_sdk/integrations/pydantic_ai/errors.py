"""Errors as pydantic-ai knows them: each is of the SDK's class and of pydantic-ai's."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from pydantic_ai import exceptions as theirs

import deepseek_v4_sdk as ours
from deepseek_v4_sdk.integrations.common import in_both_trees

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

__all__ = ["as_pydantic_ai", "raised_as_pydantic_ai"]

# The first class that an error is of counts.
_TABLE: Mapping[type[ours.DeepSeekV4Error], type[theirs.ModelAPIError]] = {
    ours.ContextLengthExceededError: theirs.ModelContextWindowExceededError,
    ours.AuthenticationError: theirs.ModelAuthenticationError,
    ours.BillingError: theirs.ModelQuotaExceededError,
    ours.PermissionDeniedError: theirs.ModelRequestRejectedError,
    ours.ModelNotFoundError: theirs.ModelNotFoundError,
    ours.ModelRetiredError: theirs.ModelNotFoundError,
    ours.BadRequestError: theirs.ModelRequestRejectedError,
    ours.RateLimitError: theirs.ModelRateLimitError,
    ours.OverloadedError: theirs.ModelOverloadedError,
    ours.GatewayTimeoutError: theirs.ModelUnavailableError,
    ours.APIError: theirs.ModelServerError,
    ours.PhaseTimeoutError: theirs.ModelTimeoutError,
    ours.ConnectionFailedError: theirs.ModelConnectionError,
    ours.StreamInterruptedError: theirs.ModelConnectionError,
    ours.LocalLimitError: theirs.ModelRateLimitError,
    ours.CircuitOpenError: theirs.ModelUnavailableError,
}
# The model answered, and the answer cannot be used.
_ANSWERS: Mapping[type[ours.DeepSeekV4Error], type[theirs.AgentRunError]] = {
    ours.TruncatedToolCallError: theirs.IncompleteToolCall,
    ours.ReasoningExhaustedError: theirs.OutputTokenLimitExceeded,
    ours.IncompleteReplyError: theirs.UnexpectedModelBehavior,
}
_PHASES = {"connect": "connect", "first_event": "read", "idle": "read", "total": None}


def as_pydantic_ai(error: ours.DeepSeekV4Error, model: str) -> ours.DeepSeekV4Error:
    """The error as one of both trees.

    Args:
        error: The error.
        model: The model of the request.
    """
    text = str(error)
    kind = next((known for mine, known in _TABLE.items() if isinstance(error, mine)), None)
    if kind is None:
        answer = next((known for mine, known in _ANSWERS.items() if isinstance(error, mine)), None)
        if answer is None:  # found here, and nothing was sent
            return in_both_trees(error, theirs.UserError, message=text)
        return in_both_trees(error, answer, message=text, body=None)
    code = getattr(error, "code", None)
    attributes: dict[str, object] = {
        "message": text,
        "model_name": model,
        "body": None,
        "provider_error_code": None if code is None else str(code),
        "provider_error_type": None,
        "retry_after": None,
        "in_stream": error.partial is not None,
    }
    if issubclass(kind, theirs.ModelConnectionError):
        attributes["phase"] = _PHASES.get(getattr(error, "phase", ""), "read")
    if getattr(error, "status_code", None) is None:
        return in_both_trees(error, kind, **attributes)
    attributes |= {"headers": None, "suggested_model_id": None, "hint": None}
    return in_both_trees(error, theirs.ModelHTTPError, kind, **attributes)


@contextmanager
def raised_as_pydantic_ai(model: str) -> Generator[None, None, None]:
    """Raise the SDK's errors as those of both trees."""
    try:
        yield
    except ours.DeepSeekV4Error as error:
        if isinstance(error, theirs.AgentRunError | theirs.UserError):
            raise
        raise as_pydantic_ai(error, model).with_traceback(error.__traceback__) from error.__cause__
