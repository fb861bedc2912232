"""Whether and when a request is sent again. There is one layer of retries, and this is it."""

from __future__ import annotations

from dataclasses import dataclass

from deepseek_v4_sdk import errors

__all__ = ["RetryPolicy"]

_STATUSES = frozenset({408, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """What is tried again, and after how long.

    Attributes:
        max_retries: How many requests may follow the first.
        base: Seconds of the first wait, at most; waits are drawn evenly between zero and a bound that doubles.
        cap: The longest such bound.
        rate_limit_cap: The longest such bound after a 429.
        longest_hint: The longest wait a server may ask for; beyond it the error is raised at once.
    """

    max_retries: int = 2
    base: float = 0.5
    cap: float = 20.0
    rate_limit_cap: float = 20.0
    longest_hint: float = 120.0

    def wait(self, error: errors.DeepSeekV4Error, attempt: int) -> float | None:
        """Seconds to wait before the next attempt, or None when the error is to be raised.

        Args:
            error: What went wrong, before anything of an answer was received.
            attempt: The number of the attempt that failed, from 1.
        """
        if attempt > self.max_retries or not _transient(error):
            return None
        hint = getattr(error, "retry_after", None)
        if isinstance(hint, float):
            return hint if hint <= self.longest_hint else None
        # Loaded here: most programs never get this far.
        from tenacity import RetryCallState, Retrying, wait_random_exponential

        cap = self.rate_limit_cap if isinstance(error, errors.RateLimitedError) else self.cap
        state = RetryCallState(Retrying(), None, (), {})
        state.attempt_number = attempt
        return wait_random_exponential(multiplier=self.base, max=cap)(state)


def _transient(error: errors.DeepSeekV4Error) -> bool:
    if isinstance(error, errors.APIError):
        return isinstance(error, errors.OverloadedError) or error.status_code in _STATUSES
    if isinstance(error, errors.PhaseTimeoutError):
        return error.phase in {"connect", "idle"}  # the latter only where an answer is to be begun anew
    return isinstance(error, errors.ConnectionFailedError | errors.StreamInterruptedError)
