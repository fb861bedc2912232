"""Whether, when and where a request is sent again. There is one layer of retries, and this is it."""

from __future__ import annotations

from dataclasses import dataclass

from deepseek_v4_sdk import errors
from deepseek_v4_sdk.traffic.rate_limiter import LONGEST_HINT

__all__ = ["RetryPolicy", "transient", "worth_failover"]

# 52x are Cloudflare's, when the server behind it failed or did not answer.
_STATUSES = frozenset({408, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 527, 529})
# No request is sent again sooner: "Retry-After: 0" and a date that has passed say when a server will listen, and not
# that all its clients may return at once.
_LEAST_WAIT = 0.05
# One provider may refuse a request for these reasons, and another may not.
_WORTH_FAILOVER = (
    errors.AuthenticationError,
    errors.PermissionDeniedError,
    errors.BillingError,
    errors.ModelNotFoundError,
    errors.ModelRetiredError,
    errors.RateLimitError,
    errors.OverloadedError,
    errors.GatewayTimeoutError,
    errors.ServerError,
    errors.ConnectionFailedError,
    errors.StreamInterruptedError,
    errors.LocalLimitError,
    errors.CircuitOpenError,
)


@dataclass(slots=True, eq=False)
class RetryPolicy:
    """The errors that are retried, and the time to wait.

    Attributes:
        max_retries: Number of requests that may follow the first.
        base: Seconds of the first wait, at most; waits are drawn evenly between 0.05 s and a bound that doubles.
        cap: The longest such bound.
        rate_limit_cap: The longest such bound after a 429.
    """

    max_retries: int = 2
    base: float = 0.5
    cap: float = 20.0
    rate_limit_cap: float = 20.0

    def wait(self, error: errors.DeepSeekV4Error, failures: int) -> float | None:
        """Seconds to wait before the next request to the same server, or None when there is none.

        Args:
            error: The error, before anything of an answer was received.
            failures: Number of requests of the call that have failed, this one included.
        """
        if not transient(error):
            return None
        hint = getattr(error, "retry_after", None)
        if isinstance(hint, float) and hint >= _LEAST_WAIT:
            return hint if hint <= LONGEST_HINT else None
        # Imported here: most programs never get this far.
        from tenacity import RetryCallState, Retrying, wait_random_exponential

        cap = self.rate_limit_cap if isinstance(error, errors.RateLimitError) else self.cap
        state = RetryCallState(Retrying(), None, (), {})
        state.attempt_number = failures
        return wait_random_exponential(multiplier=self.base, max=cap, min=_LEAST_WAIT)(state)


def transient(error: errors.DeepSeekV4Error) -> bool:
    """Whether the same server may do better a little later."""
    if isinstance(error, errors.ContextLengthExceededError):
        return False  # the status does not matter: the same request has the same length next time
    if isinstance(error, errors.APIError):
        empty = error.body == "" and error.status_code == 200
        return empty or isinstance(error, errors.OverloadedError) or error.status_code in _STATUSES
    if isinstance(error, errors.PhaseTimeoutError):
        return error.phase in {"connect", "idle"}  # the latter only where an answer is to be requested again
    return isinstance(error, errors.ConnectionFailedError | errors.StreamInterruptedError)


def worth_failover(error: errors.DeepSeekV4Error) -> bool:
    """Whether another provider may do better. A wrong request fails everywhere."""
    if isinstance(error, errors.PhaseTimeoutError):
        return error.phase != "total"
    return isinstance(error, _WORTH_FAILOVER) or transient(error)
