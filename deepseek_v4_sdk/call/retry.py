"""Whether, when and where a request is sent again. There is one layer of retries, and this is it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from deepseek_v4_sdk import errors
from deepseek_v4_sdk.traffic.rate_limiter import LONGEST_HINT

if TYPE_CHECKING:
    from deepseek_v4_sdk.call.upstream import Upstream
    from deepseek_v4_sdk.traffic.replicas import ReplicaSet

__all__ = [
    "CallState",
    "Decision",
    "FailOver",
    "GiveUp",
    "Retry",
    "RetryPolicy",
    "broke_answer",
    "decide",
    "transient",
    "worth_failover",
]

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

    def wait(
        self, error: errors.DeepSeekV4Error, failures: int, chance: float, *, broken: bool = False
    ) -> float | None:
        """Seconds to wait before the next request to the same server, or None when there is none.

        Args:
            error: The error.
            failures: Number of requests of the call that have failed, this one included.
            chance: The place of the wait between its bounds, from 0 to 1; drawn by the caller.
            broken: Whether the error broke an answer off. An event without a status is worth a retry only then: before
                an answer it may be about the request.
        """
        if not (transient(error) or (broken and _is_unnumbered(error))):
            return None
        hint = getattr(error, "retry_after", None)
        if isinstance(hint, float) and hint >= _LEAST_WAIT:
            return hint if hint <= LONGEST_HINT else None
        # Imported here: most programs never get this far.
        from tenacity import RetryCallState, Retrying, wait_exponential

        cap = self.rate_limit_cap if isinstance(error, errors.RateLimitError) else self.cap
        state = RetryCallState(Retrying(), None, (), {})
        state.attempt_number = failures
        bound = wait_exponential(multiplier=self.base, max=cap, min=_LEAST_WAIT)(state)
        return _LEAST_WAIT + (bound - _LEAST_WAIT) * chance


@dataclass(frozen=True, slots=True)
class Retry:
    """Send the request again to the same provider.

    Attributes:
        wait: Seconds to wait before.
        restart: Whether the caller has received a part of an answer that is void now.
        refit: Whether to fit the request into the window that the refusal has named; this does not count as a retry.
    """

    wait: float
    restart: bool = False
    refit: bool = False


@dataclass(frozen=True, slots=True)
class FailOver:
    """Send the request to another provider at once, if it can take it.

    Attributes:
        place: The replicas of the provider.
        restart: Whether the caller has received a part of an answer that is void now.
    """

    place: ReplicaSet[Upstream]
    restart: bool = False

    @property
    def wait(self) -> float:
        """Seconds to wait before: none."""
        return 0.0


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Raise the error."""


Decision: TypeAlias = Retry | FailOver | GiveUp
"""The answer to an error of a call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallState:
    """The facts about a call, at the time of an error, that `decide` reads.

    Attributes:
        policy: The errors that are retried, and the time to wait.
        failures: Number of requests that have failed, the last one included.
        reserved_retries: Number of retries that are kept for the providers which have not been called yet.
        seconds_left: Seconds until the call must have ended.
        chance: A number from 0 to 1, drawn for this decision; it places the wait between its bounds.
        answering: Whether a part of an answer has arrived.
        restarts: Whether the caller wants a broken answer from the beginning again.
        resumes: Whether the answer can go on where it broke off, and the caller wants that.
        may_refit: Whether the server has answered this attempt, and the request may be shortened and was not refitted.
        another: Whether the provider has a replica at which the call has not failed.
        closed: Whether the circuit to the server is open.
        leaving: Whether the call has already decided to leave the provider because of this error.
        places: The providers for failover that have not been called yet, in order.
    """

    policy: RetryPolicy
    failures: int
    reserved_retries: int
    seconds_left: float
    chance: float
    answering: bool = False
    restarts: bool = False
    resumes: bool = False
    may_refit: bool = False
    another: bool = False
    closed: bool = False
    leaving: bool = False
    places: tuple[ReplicaSet[Upstream], ...] = ()


def decide(error: errors.DeepSeekV4Error, state: CallState) -> Decision:
    """Decide what follows an error. It changes nothing, and draws nothing: the same arguments have the same result.

    When the server refuses a request for its length, the request is fitted once. An answer that has begun is only
    requested again, or goes on, if the caller wants that and the server broke it. A transient error is retried: at once
    at another replica, else after a wait. Where no retry is left or the circuit is open, the next provider is called,
    if the error is worth that.
    """
    if _names_window(error) and state.may_refit and not state.answering:
        return _in_time(Retry(0.0, refit=True), state)
    if state.answering and not ((state.restarts or state.resumes) and broke_answer(error)):
        return GiveUp()
    restart = state.answering and not state.resumes
    if not state.leaving:
        wait = None
        if state.failures + state.reserved_retries <= state.policy.max_retries:
            wait = state.policy.wait(error, state.failures, state.chance, broken=state.answering)
        if wait is not None and not state.closed:
            return _in_time(Retry(0.0 if state.another else wait, restart=restart), state)
        if not worth_failover(error) or state.failures > state.policy.max_retries:
            return GiveUp()
    if not state.places:
        return GiveUp()
    return _in_time(FailOver(state.places[0], restart=restart), state)


def _in_time(decision: Retry | FailOver, state: CallState) -> Decision:
    """The decision, unless the call ends before its wait does."""
    return decision if decision.wait < state.seconds_left else GiveUp()


def _names_window(error: errors.DeepSeekV4Error) -> bool:
    """Whether a server refused the length of a request, and named its window."""
    return isinstance(error, errors.ContextLengthExceededError) and error.limit is not None


def broke_answer(error: errors.DeepSeekV4Error) -> bool:
    """Whether the server or the connection broke an answer off; an answer that is whole but wrong is not restarted."""
    if isinstance(error, errors.PhaseTimeoutError):
        return error.phase == "idle"
    return isinstance(error, errors.StreamInterruptedError | errors.APIError)


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


def _is_unnumbered(error: errors.DeepSeekV4Error) -> bool:
    """Whether the server reported that something went wrong, without a status."""
    return isinstance(error, errors.ServerError) and error.status_code is None


def worth_failover(error: errors.DeepSeekV4Error) -> bool:
    """Whether another provider may do better. A wrong request fails everywhere."""
    if isinstance(error, errors.PhaseTimeoutError):
        return error.phase != "total"
    return isinstance(error, _WORTH_FAILOVER) or transient(error)
