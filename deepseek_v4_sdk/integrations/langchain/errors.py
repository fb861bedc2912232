"""Errors as LangChain knows them: each is of the SDK's class and of LangChain's."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from langchain_core import exceptions as theirs

import deepseek_v4_sdk as ours
from deepseek_v4_sdk.integrations.common import in_both_trees

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

__all__ = ["as_langchain", "raised_as_langchain"]

# The first class that an error is of counts. LangChain's middleware asks again for those that are retryable.
_TABLE: Mapping[type[ours.DeepSeekV4Error], type[Exception]] = {
    ours.ContextLengthExceededError: theirs.ContextOverflowError,
    ours.AuthenticationError: theirs.ModelAuthenticationError,
    ours.PermissionDeniedError: theirs.ModelPermissionDeniedError,
    ours.BillingError: theirs.ModelPermissionDeniedError,
    ours.ModelNotFoundError: theirs.ModelNotFoundError,
    ours.ModelRetiredError: theirs.ModelNotFoundError,
    ours.ModelMismatchError: theirs.ModelError,
    ours.BadRequestError: theirs.ModelInvalidRequestError,
    ours.RateLimitError: theirs.ModelRateLimitError,
    ours.APIError: theirs.ModelAPIError,
    ours.ConnectionFailedError: theirs.ModelConnectionError,
    ours.PhaseTimeoutError: theirs.ModelTimeoutError,
    ours.LocalLimitError: theirs.ModelRateLimitError,
    ours.CircuitOpenError: theirs.ModelAPIError,
    ours.InvalidRequestError: theirs.ModelInvalidRequestError,
    ours.StreamInterruptedError: theirs.ModelAPIError,
    ours.SchemaViolationError: theirs.OutputParserException,
    ours.DeepSeekV4Error: theirs.ModelError,
}


def as_langchain(error: ours.DeepSeekV4Error) -> ours.DeepSeekV4Error:
    """The error as one of both trees."""
    kind = next(known for mine, known in _TABLE.items() if isinstance(error, mine))
    if kind is theirs.OutputParserException:
        return in_both_trees(error, kind, observation=None, llm_output=getattr(error, "text", None), send_to_llm=False)
    return in_both_trees(error, kind)


@contextmanager
def raised_as_langchain() -> Generator[None, None, None]:
    """Raise the SDK's errors as those of both trees."""
    try:
        yield
    except ours.DeepSeekV4Error as error:
        if isinstance(error, theirs.LangChainException):
            raise
        raise as_langchain(error).with_traceback(error.__traceback__) from error.__cause__
