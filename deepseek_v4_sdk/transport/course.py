"""The course of a call: attempts, waits and deadlines, as steps that sync and async clients run alike."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from deepseek_v4_sdk import errors
from deepseek_v4_sdk.chat import Attempt, ChatEvent, Reply, RequestDetails, StreamRestarted, Timeouts
from deepseek_v4_sdk.exchange import Head, LineFailure, Transfer
from deepseek_v4_sdk.forks import PROCESS
from deepseek_v4_sdk.providers import HttpCall, without_secrets
from deepseek_v4_sdk.transport.clock import Deadline
from deepseek_v4_sdk.transport.steps import DRAIN, DROP, READ, Deliver, Open, Sleep, Steps
from deepseek_v4_sdk.transport.told import Asked, ToldCall
from deepseek_v4_sdk.transport.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from deepseek_v4_sdk.chat.hooks import CallDetails
    from deepseek_v4_sdk.providers import Provider
    from deepseek_v4_sdk.transport.clock import Clock
    from deepseek_v4_sdk.transport.hints import Way
    from deepseek_v4_sdk.transport.retry import RetryPolicy

__all__ = ["Allowance", "Course", "Terms"]

T = TypeVar("T")
ErrorT = TypeVar("ErrorT", bound=errors.DeepSeekV4Error)
TransferT = TypeVar("TransferT", bound=Transfer)

# Seconds before an answer that was accepted is asked for, the first time and at most; between them the pause doubles.
# Each question counts against the requests of a minute: an answer that takes a minute costs 18 of them, not 120.
_FIRST_POLL = 0.5
_LONGEST_POLL = 4.0


@dataclass(slots=True, eq=False)
class Terms:
    """What holds for every call of a client: its clock, timers, retries, who is told, and how models are compared."""

    clock: Clock
    timeouts: Timeouts
    policy: RetryPolicy
    watch: Watch = field(default_factory=Watch)
    strict_model: bool = False


class Allowance:
    """What all the requests of one call share: one deadline, one number of retries, and the list of what was sent.

    Attributes:
        ends: When the call must have ended.
        attempts: The HTTP requests that have ended, in order.
        details: The request that was, or was to be, sent last.
        failures: How many of them have failed.
        spare: How many retries are kept for those providers that have not been asked.
        waited: Seconds that the next request has waited so far.
    """

    __slots__ = ("_id", "_process", "attempts", "details", "ends", "failures", "spare", "waited")

    def __init__(self) -> None:
        self.ends = float("inf")
        self.attempts: list[Attempt] = []
        self.details: RequestDetails | None = None
        self.failures = 0
        self.spare = 0
        self.waited = 0.0
        self._id = ""
        self._process = PROCESS.generation

    @property
    def is_inherited(self) -> bool:
        """Whether the call is of a process that this one was forked from, and is told of there."""
        return self._process != PROCESS.generation

    def begin(self, ends: float) -> None:
        """The call begins, in this process."""
        self.ends, self._process = ends, PROCESS.generation

    @property
    def call_id(self) -> str:
        """The id of the call."""
        if not self._id:  # made here: what was prepared before a fork goes out from several processes
            self._id = os.urandom(16).hex()
        return self._id

    def request_id(self) -> str:
        """The id for the next request."""
        number = len(self.attempts) + 1
        return self.call_id if number == 1 else f"{self.call_id}-{number}"


class Course(Generic[TransferT, T]):
    """A call, from its first attempt to its result. Subclasses say what is sent and what comes of it."""

    is_chat = False
    """Whether a model answers: then it is told that the server has accepted, with a delivery of nothing."""

    def __init__(self, terms: Terms, allowance: Allowance | None = None) -> None:
        self.terms = terms
        self.allowance = allowance or Allowance()
        self.transfer: TransferT | None = None
        self._owns = allowance is None  # else it is a part of another call
        self._open = False  # whether a request is under way
        self._sent = 0.0  # when it was sent
        self._told = ToldCall(terms.watch)

    @property
    def attempts(self) -> list[Attempt]:
        """The HTTP requests that have ended, in order."""
        return self.allowance.attempts

    def ready(self) -> Steps[tuple[Provider, HttpCall]]:
        """The steps before an attempt; they give what is to be sent, and whose server it is.

        Raises:
            DeepSeekV4Error: It cannot be sent.
        """
        raise NotImplementedError

    def admit(self) -> Steps[None]:
        """The steps until the attempt may be sent.

        Raises:
            DeepSeekV4Error: It may not.
        """
        yield from ()

    def admit_again(self, ends: float) -> Steps[float]:
        """The steps until it may be asked again for what was accepted; they give how many seconds it waited.

        Raises:
            DeepSeekV4Error: It may not, before it is too late.
        """
        del ends
        yield from ()
        return 0.0

    def begin(self, call: HttpCall, now: float) -> TransferT:
        """A new attempt."""
        raise NotImplementedError

    def carrier(self) -> Any:  # of the kind of the client
        """What carries the attempt."""
        raise NotImplementedError

    def heard(self, transfer: TransferT) -> None:
        """The head of the answer has come."""

    def conclude(self, transfer: TransferT, attempts: tuple[Attempt, ...]) -> tuple[list[ChatEvent], T]:
        """The last events and the result of an attempt that came to its end.

        Raises:
            DeepSeekV4Error: It came to nothing.
        """
        raise NotImplementedError

    def failed(self, transfer: TransferT, error: errors.DeepSeekV4Error) -> None:
        """An attempt failed."""

    def over(self, error: errors.DeepSeekV4Error | None) -> None:
        """An attempt has ended, and its connection is closed; the error is what it ended with. May be told twice."""

    def partial(self) -> Reply | None:
        """What of an answer has arrived."""
        return None

    def steps(self) -> Steps[T]:
        """The steps of the call.

        Raises:
            DeepSeekV4Error: The call failed; the error carries the attempts, the URL and what had arrived.
        """
        allowance = self.allowance
        if not self._owns:
            return (yield from self._attempts())
        allowance.begin(self.terms.clock.now() + self.terms.timeouts.total_seconds)
        self._told.begin(self.details)
        try:
            return (yield from self._attempts())
        except errors.DeepSeekV4Error as error:
            self._told.end(None, error, self.attempts)
            raise
        finally:
            self._leave()

    def _attempts(self) -> Steps[T]:
        """One attempt after the other."""
        clock, allowance = self.terms.clock, self.allowance
        while True:
            try:
                return (yield from self._try())
            except errors.DeepSeekV4Error as found:
                error = self._tell_of(found)
                wait = self.next_wait(error)
                if wait is not None and clock.now() + wait >= allowance.ends:
                    wait = None
                details = allowance.details
                if wait is None:
                    if self._owns and details is not None:
                        self.terms.watch.error(details, error)
                    raise
                if details is not None:
                    self.terms.watch.retry(details, error, wait, self.next_provider())
            if self.transfer is not None and self.transfer.answering:
                yield Deliver([StreamRestarted(error)])
            yield Sleep(wait)
            allowance.waited += wait

    def tell(self, error: ErrorT) -> ErrorT:
        """Add to an error what is known of the call: attempts, ids, the URL, and what of an answer has arrived."""
        transfer, details = self.transfer, self.allowance.details
        if transfer is None:
            return error.about(attempts=tuple(self.attempts))
        return error.about(
            partial=self.partial() if transfer.succeeded else None,
            attempts=tuple(self.attempts),
            request_id=transfer.request_id or (details.request_id if details is not None else None),
            url=transfer.call.url,
        )

    def next_wait(self, error: errors.DeepSeekV4Error) -> float | None:
        """Seconds until the next attempt, or None when the error is to be raised."""
        allowance = self.allowance
        if not self.may_repeat(error) or allowance.failures + allowance.spare > self.terms.policy.max_retries:
            return None
        return self.terms.policy.wait(error, allowance.failures)

    def next_provider(self) -> str:
        """The provider of the next attempt."""
        details = self.allowance.details
        return "" if details is None else details.provider

    def may_repeat(self, error: errors.DeepSeekV4Error) -> bool:
        """Whether anything may be sent again, should the cause allow it: nothing of an answer has been received."""
        del error
        return self.transfer is None or not self.transfer.answering

    def model(self) -> str | None:
        """The model that is asked for."""
        return None

    def asked(self) -> Asked:
        """What is asked of a model; nothing of a question about the server."""
        return Asked()

    def metadata(self) -> Mapping[str, object]:
        """What the caller noted."""
        return {}

    def profile(self) -> str | None:
        """The profile of the server that is asked."""
        return None

    def _try(self) -> Steps[T]:
        """One attempt, and what is done about it whichever way it ends."""
        self._forget()
        try:
            return (yield from self._attempt())
        except errors.DeepSeekV4Error as error:
            if self.transfer is not None:
                self.allowance.failures += 1
                if self._open:
                    self._note(self._attempted(self.transfer, type(error)))
                yield DROP
            self.over(error)
            raise
        finally:
            if self._open and self.transfer is not None:  # its caller left
                self._note(self._attempted(self.transfer, errors.StreamClosedError))
            self.over(None)

    def _forget(self) -> None:
        self.transfer = None

    def _attempt(self) -> Steps[T]:
        clock = self.terms.clock
        provider, call = yield from self.ready()
        call, details = self._identify(provider, call)
        yield from self.admit()
        self._sent = clock.now()
        self.transfer = transfer = self.begin(call, self._sent)
        self._announce(details)
        if (broken := (yield from self._exchange(transfer, details))) is not None:
            raise transfer.failed(broken, clock.now())
        attempt = self._attempted(transfer, None)
        events, result = self.conclude(transfer, (*self.attempts, attempt))
        self._note(attempt)
        if isinstance(result, Reply):
            self.terms.watch.reply(details, result)
        self._told.end(result, None, self.attempts)  # now, for nobody may read on to the end
        if events:
            yield Deliver(events)
        yield DRAIN
        return result

    def details(self) -> CallDetails:
        """What is told of the call before it begins."""
        from deepseek_v4_sdk.chat.hooks import CallDetails  # whoever has hooks has loaded them

        return CallDetails(
            call_id=self.allowance.call_id, provider=self.next_provider(), metadata=self.metadata(), **self.asked()
        )

    def _leave(self) -> None:
        """The call is over, whichever way: one that is left before its end is told of as closed."""
        if self.allowance.is_inherited:
            self._told.forget()
        elif self._told.open:
            closed = errors.StreamClosedError("the call was left before it had ended")
            self._told.end(None, self.tell(closed), self.attempts)

    def _tell_of(self, error: errors.DeepSeekV4Error) -> errors.DeepSeekV4Error:
        transfer = self.transfer
        if transfer is None:
            return self.tell(error)
        self.failed(transfer, error)
        return self.tell(without_secrets(error, transfer.call))

    def _identify(self, provider: Provider, call: HttpCall) -> tuple[HttpCall, RequestDetails]:
        """Give the request an id of its own, and say what it is."""
        request_id = next((value for name, value in call.headers if name == "x-request-id"), None)
        if request_id is None:
            request_id = self.allowance.request_id()
            call = HttpCall(
                call.method, call.url, (*call.headers, ("x-request-id", request_id)), call.body, call.successors
            )
        self.allowance.details = details = RequestDetails(
            request_id=request_id,
            provider=provider.name,
            method=call.method,
            url=call.url,
            model=self.model(),
            size=len(call.body or b""),
            attempt=len(self.attempts) + 1,
            metadata=self.metadata(),
            profile=self.profile(),
            is_chat=self.is_chat,
            call_id=self.allowance.call_id,
            **self.asked(),
        )
        return call, details

    def _announce(self, details: RequestDetails) -> None:
        self._open, self.allowance.details = True, details
        self.terms.watch.request(details)

    def _exchange(self, transfer: TransferT, details: RequestDetails) -> Steps[LineFailure | None]:
        """Send it, and read the answer; gives what broke the connection."""
        try:
            yield from self._talk(transfer, details)
        except LineFailure as failure:
            way: Way | None = getattr(self.carrier(), "way", None)
            if way is not None and failure.kind in {"connect", "connect_timeout"}:
                failure.hint = way.hint(transfer.call.url, str(failure))
            return failure
        return None

    def _talk(self, transfer: TransferT, details: RequestDetails) -> Steps[None]:
        clock = self.terms.clock
        deadline = Deadline(clock, transfer.deadline())
        connect = min(self.terms.timeouts.connect_seconds, deadline.left())
        transfer.opened(cast("Head", (yield Open(transfer.call, connect, deadline, self.carrier))), clock.now())
        poll_pause = _FIRST_POLL
        while (poll := transfer.poll()) is not None:
            # Accepted and not ready: ask again, each time a request of its own, until the first event is due.
            attempt, pause = self._attempted(transfer, None), min(poll_pause, deadline.left())
            poll_pause = min(2 * poll_pause, _LONGEST_POLL)
            yield Sleep(pause)
            if clock.now() >= deadline.at:
                raise LineFailure("timeout", "the answer was accepted, and did not become ready")
            pause += yield from self.admit_again(deadline.at)
            self._note(attempt)
            self.allowance.waited, self._sent = pause, clock.now()
            self._announce(replace(details, method=poll.method, url=poll.url, size=0, attempt=len(self.attempts) + 1))
            connect = min(connect, deadline.left())
            transfer.opened(cast("Head", (yield Open(poll, connect, deadline, self.carrier))), clock.now())
        self.heard(transfer)
        if transfer.succeeded and self.is_chat:
            yield Deliver([])
        while not transfer.complete:
            # Silence counts from here: what the caller did with the last events is the caller's time.
            transfer.heard = clock.now()
            deadline.at = transfer.deadline()
            try:
                block = cast("bytes", (yield READ))
                now = clock.now()
                if now > deadline.at:  # a foreign client's reads know nothing of the deadline
                    raise LineFailure("timeout", "the deadline has passed")
            except LineFailure as failure:
                if not transfer.settled and not (transfer.refused and failure.kind == "broken"):
                    raise
                block, now = b"", clock.now()
            events = transfer.received(block, now) if block else transfer.ended(now)
            if events:
                yield Deliver(events)
        if not transfer.succeeded:
            raise transfer.refusal()

    def _attempted(self, transfer: TransferT, error: type[errors.DeepSeekV4Error] | None) -> Attempt:
        details = self.allowance.details
        return Attempt(
            number=len(self.attempts) + 1,
            status=transfer.head.status if transfer.head else None,
            error=error.__name__ if error else None,
            waited=self.allowance.waited,
            seconds=self.terms.clock.now() - self._sent,
            request_id=transfer.request_id or (details.request_id if details is not None else None),
            usage=transfer.counted,
            provider=transfer.provider.name,
            url=details.url if details is not None else transfer.call.url,
            is_chat=self.is_chat,
            flavor=transfer.provider.data.name,
            model=transfer.answered_by,
            sent_at=transfer.sent_at,
        )

    def _note(self, attempt: Attempt) -> None:
        """A request has ended."""
        self._open = False
        if self.allowance.is_inherited:
            return
        self.attempts.append(attempt)
        self.allowance.waited = 0.0
        if self.allowance.details is not None:
            self.terms.watch.attempt(self.allowance.details, attempt)
