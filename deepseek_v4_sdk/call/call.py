"""One call: attempts, waits and deadlines, as steps that sync and async clients run alike."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from deepseek_v4_sdk import errors
from deepseek_v4_sdk.call.call_hooks import Asked, CallReport
from deepseek_v4_sdk.call.call_settings import CallSettings
from deepseek_v4_sdk.call.retry import CallState, Decision, GiveUp, decide
from deepseek_v4_sdk.call.retry_budget import RetryBudget
from deepseek_v4_sdk.call.steps import ACCEPTED, DRAIN, DROP, READ, Deliver, Sleep, Steps
from deepseek_v4_sdk.chat import Attempt, ChatEvent, Reply, RequestDetails, StreamRestarted
from deepseek_v4_sdk.exchange import HttpExchange, ResponseHead, TransportFailure
from deepseek_v4_sdk.providers import HttpCall
from deepseek_v4_sdk.providers.refusals import without_secrets
from deepseek_v4_sdk.transport.clock import Deadline
from deepseek_v4_sdk.transport.request import Open

if TYPE_CHECKING:
    from deepseek_v4_sdk.catalogue.prices import PriceTable
    from deepseek_v4_sdk.chat.hooks import CallDetails
    from deepseek_v4_sdk.providers import Provider
    from deepseek_v4_sdk.transport.connection import CommonTransport

__all__ = ["Call"]

T = TypeVar("T")
ErrorT = TypeVar("ErrorT", bound=errors.DeepSeekV4Error)
ExchangeT = TypeVar("ExchangeT", bound=HttpExchange)

# Seconds before polling for an accepted answer, the first time and at most; the pause doubles from one to the other.
# Each poll counts against the requests of a minute: an answer that takes a minute costs 18 of them, not 120.
_FIRST_POLL = 0.5
_LONGEST_POLL = 4.0


class Call(Generic[ExchangeT, T]):
    """A call, from its first attempt to its result. Subclasses define the request and the result.

    The steps pass through these states. `sent` is the time at which the request under way was sent.

    | state      | steps                   | `exchange` | `sent` | followed by                                     |
    |------------|-------------------------|------------|--------|-------------------------------------------------|
    | preparing  | those of `ready`        | None       | None   | waiting; deciding, after an error               |
    | waiting    | `Sleep`, from `admit`   | None       | None   | sending; deciding, after an error               |
    | sending    | `Open`                  | set        | a time | polling, reading; deciding, after an error      |
    | polling    | `Sleep`, `Open`         | set        | a time | polling, reading; deciding, after an error      |
    | reading    | `Read`, `Deliver`       | set        | a time | ended, with a whole answer; deciding            |
    | deciding   | `Drop`                  | kept       | None   | pausing, or failed, as `decide` says            |
    | pausing    | `Deliver`, `Sleep`      | kept       | None   | preparing                                       |
    | ended      | `Deliver`, `Drain`      | set        | None   | -                                               |
    | failed     | none                    | kept       | None   | -                                               |

    A server that needs time for its answer may only accept the request at first; then the call polls. A chat yields
    `Accepted` before it reads. A call that its caller leaves ends in any state, with `StreamClosedError`.

    Attributes:
        call_settings: The settings of every call.
        retry_budget: The common budget of the call's requests.
        exchange: The request under way or the last one, and its answer; None until the attempt sends one.
    """

    is_chat = False
    """Whether a model answers: then the step `Accepted` comes when the server has accepted the request."""

    def __init__(self, call_settings: CallSettings, retry_budget: RetryBudget | None = None) -> None:
        self.call_settings = call_settings
        self.retry_budget = retry_budget or RetryBudget()
        self.exchange: ExchangeT | None = None
        self._owns = retry_budget is None  # else it is a part of another call
        self._sent: float | None = None  # when the request under way was sent
        self._report = CallReport(call_settings.notifier)

    @property
    def attempts(self) -> list[Attempt]:
        """The HTTP requests that have ended, in order."""
        return self.retry_budget.attempts

    def ready(self) -> Steps[tuple[Provider, HttpCall]]:
        """The steps before an attempt; they return the request and its provider.

        Raises:
            DeepSeekV4Error: The request cannot be sent.
        """
        raise NotImplementedError

    def admit(self) -> Steps[None]:
        """The steps until the attempt may be sent.

        Raises:
            DeepSeekV4Error: It may not be sent.
        """
        yield from ()

    def admit_again(self, ends: float) -> Steps[float]:
        """The steps until the call may poll for an accepted answer; they return the seconds that it waited.

        Raises:
            DeepSeekV4Error: It may not be sent before it is too late.
        """
        del ends
        yield from ()
        return 0.0

    def begin(self, call: HttpCall, now: float) -> ExchangeT:
        """Begin a new attempt."""
        raise NotImplementedError

    def transport(self) -> CommonTransport:
        """The transport of the attempt."""
        raise NotImplementedError

    def on_head(self, exchange: ExchangeT) -> None:
        """Note that the head of the answer has arrived."""

    def conclude(self, exchange: ExchangeT, attempts: tuple[Attempt, ...]) -> tuple[list[ChatEvent], T]:
        """The last events and the result of an attempt that has ended.

        Raises:
            DeepSeekV4Error: The attempt has no result.
        """
        raise NotImplementedError

    def goes_on(self, exchange: ExchangeT) -> bool:
        """Whether another attempt goes on with an answer that has ended."""
        del exchange
        return False

    def on_failure(self, exchange: ExchangeT, error: errors.DeepSeekV4Error) -> None:
        """Note that an attempt failed."""

    def on_end(self, error: errors.DeepSeekV4Error | None) -> None:
        """Note that an attempt has ended, with the error or None. Its connection is closed. It may be called twice."""

    def partial(self) -> Reply | None:
        """The part of an answer that has arrived, or None where the server did not begin one."""
        return None

    def steps(self) -> Steps[T]:
        """The steps of the call.

        Raises:
            DeepSeekV4Error: The call failed; the error carries the attempts, the URL and what had arrived.
        """
        retry_budget = self.retry_budget
        if not self._owns:
            return (yield from self._attempts())
        retry_budget.begin(self.call_settings.clock.now() + self.call_settings.timeouts.total_seconds)
        self._report.begin(self.details)
        try:
            return (yield from self._attempts())
        except errors.DeepSeekV4Error as error:
            self._report.end(None, error, self.attempts)
            raise
        finally:
            self._leave()

    def _attempts(self) -> Steps[T]:
        """Make one attempt after the other."""
        retry_budget = self.retry_budget
        while True:
            try:
                return (yield from self._try())
            except errors.DeepSeekV4Error as found:
                error = self._tell_of(found)
                decision, details = self.follow(error), retry_budget.details
                if isinstance(decision, GiveUp):
                    if self._owns and details is not None:
                        self.call_settings.notifier.error(details, error)
                    raise
                if details is not None:
                    self.call_settings.notifier.retry(details, error, decision.wait, self.next_provider())
            if decision.restart:
                yield Deliver([StreamRestarted(error)])
            yield Sleep(decision.wait)
            retry_budget.waited += decision.wait

    def tell(self, error: ErrorT) -> ErrorT:
        """Add to an error what is known of the call: attempts, ids, the URL, and the arrived part of an answer."""
        exchange, details = self.exchange, self.retry_budget.details
        if exchange is None:
            return error.about(partial=self.partial(), attempts=tuple(self.attempts))
        return error.about(
            partial=self.partial(),
            attempts=tuple(self.attempts),
            request_id=exchange.request_id or (details.request_id if details is not None else None),
            url=exchange.call.url,
        )

    def follow(self, error: errors.DeepSeekV4Error) -> Decision:
        """Decide what follows an error of an attempt, and prepare the call for it."""
        return decide(error, self.state(error))

    def state(self, error: errors.DeepSeekV4Error) -> CallState:
        """The facts on which the decision about an error depends."""
        del error
        retry_budget = self.retry_budget
        return CallState(
            policy=self.call_settings.policy,
            failures=retry_budget.failures,
            reserved_retries=retry_budget.reserved_retries,
            seconds_left=retry_budget.ends - self.call_settings.clock.now(),
            chance=int.from_bytes(os.urandom(4)) / 2**32,  # a child process does not repeat its parent's
            answering=self.exchange is not None and self.exchange.answering,
        )

    def next_provider(self) -> str:
        """The provider of the next attempt."""
        details = self.retry_budget.details
        return "" if details is None else details.provider

    def asked(self) -> Asked:
        """The request to a model, for hooks; empty for a request about the server."""
        return Asked()

    def prices(self) -> PriceTable | None:
        """The client's own prices, or None."""
        return None

    def _try(self) -> Steps[T]:
        """Make one attempt, and clean up whichever way it ends."""
        self._forget()
        try:
            return (yield from self._attempt())
        except errors.DeepSeekV4Error as error:
            if self.exchange is not None:
                self.retry_budget.failures += 1
                if self._sent is not None:
                    self._note(self._attempted(self.exchange, type(error)))
                yield DROP
            self.on_end(error)
            raise
        finally:
            if self._sent is not None and self.exchange is not None:  # its caller left
                self._note(self._attempted(self.exchange, errors.StreamClosedError))
            self.on_end(None)

    def _forget(self) -> None:
        self.exchange = None

    def _attempt(self) -> Steps[T]:
        clock = self.call_settings.clock
        while True:
            provider, call = yield from self.ready()
            call, details = self._identify(provider, call)
            yield from self.admit()
            now = clock.now()
            self.exchange = exchange = self.begin(call, now)
            self._announce(details, now)
            if (broken := (yield from self._exchange(exchange, details))) is not None:
                raise exchange.failed(broken, clock.now())
            attempt = self._attempted(exchange, None)
            if not self.goes_on(exchange):
                break
            self._note(attempt)
            yield DRAIN
            self.on_end(None)
            self._forget()
        events, result = self.conclude(exchange, (*self.attempts, attempt))
        self._note(attempt)
        if isinstance(result, Reply):
            self.call_settings.notifier.reply(details, result)
        self._report.end(result, None, self.attempts)  # now, because the caller may never read on to the end
        if events:
            yield Deliver(events)
        yield DRAIN
        return result

    def details(self) -> CallDetails:
        """The details that hooks get before the call begins."""
        from deepseek_v4_sdk.chat.hooks import CallDetails  # a program with hooks has loaded them

        return CallDetails(call_id=self.retry_budget.call_id, provider=self.next_provider(), **self.asked())

    def _leave(self) -> None:
        """Close the call, whichever way it ended: hooks see one that was left before its end as closed."""
        if self.retry_budget.is_inherited:
            self._report.forget()
        elif self._report.open:
            closed = errors.StreamClosedError("the call was left before it had ended")
            self._report.end(None, self.tell(closed), self.attempts)

    def _tell_of(self, error: errors.DeepSeekV4Error) -> errors.DeepSeekV4Error:
        exchange = self.exchange
        if exchange is None:
            return self.tell(error)
        self.on_failure(exchange, error)
        return self.tell(without_secrets(error, exchange.call))

    def _identify(self, provider: Provider, call: HttpCall) -> tuple[HttpCall, RequestDetails]:
        """Give the request its own id, and describe it."""
        request_id = next((value for name, value in call.headers if name == "x-request-id"), None)
        if request_id is None:
            request_id = self.retry_budget.request_id()
            call = HttpCall(
                call.method, call.url, (*call.headers, ("x-request-id", request_id)), call.body, call.successors
            )
        self.retry_budget.details = details = RequestDetails(
            request_id=request_id,
            provider=provider.name,
            method=call.method,
            url=call.url,
            size=len(call.body or b""),
            attempt=len(self.attempts) + 1,
            is_chat=self.is_chat,
            call_id=self.retry_budget.call_id,
            **self.asked(),
            prices=self.prices(),
        )
        return call, details

    def _announce(self, details: RequestDetails, now: float) -> None:
        self._sent, self.retry_budget.details = now, details
        self.call_settings.notifier.request(details)

    def _exchange(self, exchange: ExchangeT, details: RequestDetails) -> Steps[TransportFailure | None]:
        """Send it, and read the answer; return the error that broke the connection."""
        try:
            yield from self._talk(exchange, details)
        except TransportFailure as failure:
            hints = self.transport().hints
            if hints is not None and failure.kind in {"connect", "connect_timeout"}:
                failure.hint = hints.hint(exchange.call.url, str(failure))
            return failure
        return None

    def _talk(self, exchange: ExchangeT, details: RequestDetails) -> Steps[None]:
        clock = self.call_settings.clock
        deadline = Deadline(clock, exchange.deadline())
        connect = min(self.call_settings.timeouts.connect_seconds, deadline.left())
        exchange.opened(
            cast("ResponseHead", (yield Open(exchange.call, connect, deadline, self.transport))), clock.now()
        )
        poll_pause = _FIRST_POLL
        while (poll := exchange.poll()) is not None:
            # Accepted and not ready: poll, each time with a separate request, until the first event is due.
            attempt, pause = self._attempted(exchange, None), min(poll_pause, deadline.left())
            poll_pause = min(2 * poll_pause, _LONGEST_POLL)
            yield Sleep(pause)
            if clock.now() >= deadline.at:
                raise TransportFailure("timeout", "the answer was accepted, and did not become ready")
            pause += yield from self.admit_again(deadline.at)
            self._note(attempt)
            self.retry_budget.waited = pause
            polled = replace(details, method=poll.method, url=poll.url, size=0, attempt=len(self.attempts) + 1)
            self._announce(polled, clock.now())
            connect = min(connect, deadline.left())
            exchange.opened(cast("ResponseHead", (yield Open(poll, connect, deadline, self.transport))), clock.now())
        self.on_head(exchange)
        if exchange.succeeded and self.is_chat:
            yield ACCEPTED
        while not exchange.complete:
            # Idle time counts from here: the time that the caller spent on the last events is the caller's.
            exchange.last_byte_at = clock.now()
            deadline.at = exchange.deadline()
            try:
                block = cast("bytes", (yield READ))
                now = clock.now()
                if now > deadline.at:  # the reads of a foreign client ignore the deadline
                    raise TransportFailure("timeout", "the deadline has passed")
            except TransportFailure as failure:
                if not exchange.payload_complete and not (exchange.refused and failure.kind == "broken"):
                    raise
                block, now = b"", clock.now()
            events = exchange.received(block, now) if block else exchange.ended(now)
            if events:
                yield Deliver(events)
        if not exchange.succeeded:
            raise exchange.refusal()

    def _attempted(self, exchange: ExchangeT, error: type[errors.DeepSeekV4Error] | None) -> Attempt:
        now = self.call_settings.clock.now()
        seconds = 0.0 if self._sent is None else now - self._sent
        return self.retry_budget.attempt_of(exchange, seconds, error, is_chat=self.is_chat)

    def _note(self, attempt: Attempt) -> None:
        """Note that a request has ended."""
        self._sent = None
        if self.retry_budget.is_inherited:
            return
        self.attempts.append(attempt)
        self.retry_budget.waited = 0.0
        if self.retry_budget.details is not None:
            self.call_settings.notifier.attempt(self.retry_budget.details, attempt)
