"""An attempt's use of one server: its place under the rate limits, and the report of its end to the replicas."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from deepseek_v4_sdk import errors
from deepseek_v4_sdk.call.steps import Ask, Sleep
from deepseek_v4_sdk.support.forks import PROCESS
from deepseek_v4_sdk.traffic.registry import LIMITERS, pause_in_headers

if TYPE_CHECKING:
    from deepseek_v4_sdk.call.plan import AttemptPlan
    from deepseek_v4_sdk.call.steps import Steps
    from deepseek_v4_sdk.call.upstream import Upstream
    from deepseek_v4_sdk.exchange import ChatExchange
    from deepseek_v4_sdk.traffic.rate_limiter import RateLimiter
    from deepseek_v4_sdk.traffic.replicas import ReplicaSet
    from deepseek_v4_sdk.traffic.reservations import Reservation
    from deepseek_v4_sdk.traffic.shared_limiter import Answer
    from deepseek_v4_sdk.transport.clock import Clock

__all__ = ["Lease"]


class Lease:
    """An attempt's use of an upstream, from the moment it is chosen; `end` may be called twice.

    Args:
        replica_set: The replicas of the provider.
        upstream: The chosen one.
    """

    def __init__(self, replica_set: ReplicaSet[Upstream], upstream: Upstream) -> None:
        self.replica_set = replica_set
        self.upstream = upstream
        self._limiter: RateLimiter | None = None  # None where the client obeys no limits there
        self._reservation: Reservation | None = None  # the place of the request in its queue
        self._again: Reservation | None = None  # that of the request which polls for the accepted answer
        self._process = PROCESS.generation
        self._probe: bool | None = None  # None as long as nothing was sent

    def is_closed(self, now: float) -> bool:
        """Whether the circuit to the server is open."""
        return self._limiter is not None and self._limiter.closed_for(now) > 0

    def admit(self, plan: AttemptPlan, clock: Clock, ends: float) -> Steps[float]:
        """Wait until the limits have room for a planned attempt; return the seconds that it took.

        Raises:
            LocalLimitError: There will be no room before it is too late.
            CircuitOpenError: The server refuses everything at the moment.
        """
        sent, target = plan.encoded, plan.target
        kept = plan.replica_set.limits_of(sent.model, target.catalogue)
        if kept is None:
            return 0.0
        scope, limits = kept
        began = clock.now()
        self._limiter = limiter = LIMITERS.find(
            plan.provider.data.name,
            target.base_url,
            sent.call,
            scope,
            plan.upstream.transport().own_server,
            began,
            limits,
            plan.replica_set.shared_limits,
        )
        tokens = plan.tokens_expected(limits.tokens_per_minute) if limits.tokens_per_minute is not None else 0
        self._reservation = reservation = limiter.reserve(began, tokens, limits, ends)
        if not reservation.granted:
            yield from self._wait(reservation, clock, ends)
        return clock.now() - began

    def admit_again(self, clock: Clock, ends: float) -> Steps[float]:
        """Wait until the limits have room for another request of the attempt; return the seconds that it took.

        The attempt keeps its place in `concurrency`.

        Raises:
            LocalLimitError: There will be no room before it is too late.
            CircuitOpenError: The server refuses everything at the moment.
        """
        began, limiter = clock.now(), self._limiter
        if limiter is None or self._reservation is None:
            return 0.0
        limiter.on_head(self._again or self._reservation, began)  # the head that said "accepted"
        self._again = reservation = limiter.reserve(began, 0, self._reservation.limits, ends, again=True)
        yield from self._wait(reservation, clock, ends)
        return clock.now() - began

    def _wait(self, reservation: Reservation, clock: Clock, ends: float) -> Steps[None]:
        """Wait until a request has its place."""
        limiter = self._limiter
        while limiter is not None and (wait := limiter.poll(reservation, clock.now(), ends)) > 0:
            asked = limiter.question(clock.now())
            if asked is None:
                yield Sleep(wait, reservation)
                continue
            try:
                answer = cast("Answer | None", (yield Ask(asked)))
            except BaseException:
                asked.limiter.dropped(asked)
                raise
            asked.limiter.answered(asked, answer, clock.now())

    def sent(self) -> None:
        """Note that the request is being sent."""
        self._probe = self.replica_set.begin(self.upstream)

    def on_head(self, exchange: ChatExchange, now: float) -> None:
        """Note that the head of the answer has arrived."""
        if self._limiter is None or self._reservation is None or exchange.head is None:
            return
        self._limiter.on_head(self._again or self._reservation, now)
        if exchange.head.status < 500 and exchange.head.status != 429:
            self._limiter.on_success(self._reservation)
        if (pause := pause_in_headers(exchange.head.headers)) is not None:
            self._limiter.pause(now, pause)

    def end(self, exchange: ChatExchange | None, error: errors.DeepSeekV4Error | None, now: float) -> None:
        """End it, with the error or None."""
        limiter, reservation, self._reservation = self._limiter, self._reservation, None
        if self._process != PROCESS.generation:
            return  # it belongs to the parent, which counts it
        if limiter is not None and reservation is not None:
            if self._again is not None:
                limiter.cancel(self._again, now)
            if self._probe is None:
                limiter.cancel(reservation, now)
            else:
                if isinstance(error, errors.RateLimitError):
                    limiter.on_429(reservation, now, error.retry_after)
                limiter.release(reservation, now, _tokens_used(exchange))
        probe, self._probe = self._probe, None
        if probe is not None:
            reached = exchange is not None and exchange.head is not None
            self.replica_set.end(self.upstream, now, probe=probe, works=_works(exchange, error), reached=reached)


def _tokens_used(exchange: ChatExchange | None) -> int | None:
    """The server's count, when it reports one; a request that it refused cost nothing."""
    if exchange is None or exchange.head is None:
        return None
    if exchange.head.status >= 400:
        return 0
    return None if exchange.counted is None else exchange.counted.total_tokens


def _works(exchange: ChatExchange | None, error: errors.DeepSeekV4Error | None) -> bool | None:
    """Whether an upstream works, judged by the end of an attempt there; None where that does not show it."""
    match error:
        case errors.RateLimitError():
            return None
        case errors.PhaseTimeoutError():
            return None if error.phase == "total" else False
        case errors.ConnectionFailedError() | errors.StreamInterruptedError():
            return False
        case errors.ServerError() | errors.OverloadedError() | errors.GatewayTimeoutError():
            return False
        case _:
            return True if exchange is not None and exchange.head is not None else None
