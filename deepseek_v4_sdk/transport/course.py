"""The course of a call: attempts, waits and deadlines, as steps that sync and async clients run alike."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Generic, TypeVar, cast
from uuid import uuid4

from deepseek_v4_sdk import errors
from deepseek_v4_sdk.chat import (
    Attempt,
    ChatEvent,
    ChatRequest,
    Repair,
    Reply,
    RequestDetails,
    StreamRestarted,
    Timeouts,
)
from deepseek_v4_sdk.exchange import Exchange, Head, LineFailure, Transfer
from deepseek_v4_sdk.providers import without_secrets
from deepseek_v4_sdk.transport.clock import Deadline
from deepseek_v4_sdk.transport.steps import DRAIN, READ, Deliver, Open, Sleep, Steps
from deepseek_v4_sdk.transport.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from deepseek_v4_sdk.providers import EncodedChat, HttpCall, Provider, Target
    from deepseek_v4_sdk.transport.clock import Clock
    from deepseek_v4_sdk.transport.retry import RetryPolicy

__all__ = ["ChatCourse", "Course", "Fetch", "Prepared", "Terms"]

T = TypeVar("T")
ErrorT = TypeVar("ErrorT", bound=errors.DeepSeekV4Error)
TransferT = TypeVar("TransferT", bound=Transfer)

_POLL_PAUSE = 0.5


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for every call of a client: its clock, timers, retries, who is told, and how models are compared."""

    clock: Clock
    timeouts: Timeouts
    policy: RetryPolicy
    watch: Watch = field(default_factory=Watch)
    strict_model: bool = False


class Course(Generic[TransferT, T]):
    """A call, from its first attempt to its result. Subclasses say what is sent and what comes of it."""

    announces = False
    """Whether it tells that the server has accepted, with a delivery of nothing."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.attempts: list[Attempt] = []
        self.transfer: TransferT | None = None
        self._id = uuid4().hex
        self._details: RequestDetails | None = None  # of the request that is under way
        self._waited = 0.0  # before it
        self._sent = 0.0  # when it was sent

    def begin(self, now: float, ends: float) -> TransferT:
        """A new attempt."""
        raise NotImplementedError

    def conclude(self, transfer: TransferT, attempts: tuple[Attempt, ...]) -> tuple[list[ChatEvent], T]:
        """The last events and the result of an attempt that came to its end.

        Raises:
            DeepSeekV4Error: It came to nothing.
        """
        raise NotImplementedError

    def failed(self, transfer: TransferT, error: errors.DeepSeekV4Error) -> None:
        """An attempt failed."""

    def partial(self) -> Reply | None:
        """What of an answer has arrived."""
        return None

    def steps(self) -> Steps[T]:
        """The steps of the call.

        Raises:
            DeepSeekV4Error: The call failed; the error carries the attempts, the URL and what had arrived.
        """
        clock, watch = self.terms.clock, self.terms.watch
        ends = clock.now() + self.terms.timeouts.total_seconds
        tries = 0
        while True:
            tries += 1
            self._sent = clock.now()
            self.transfer = transfer = self.begin(self._sent, ends)
            details = self._identify(transfer)
            watch.request(details)
            try:
                yield from self._attempt(transfer)
                attempt = self._attempted(transfer, None)
                events, result = self.conclude(transfer, (*self.attempts, attempt))
            except LineFailure as failure:
                error = transfer.failed(failure, clock.now())
            except errors.DeepSeekV4Error as found:
                error = found
            else:
                self.attempts.append(attempt)
                if isinstance(result, Reply):
                    watch.reply(details, result)
                if events:
                    yield Deliver(events)
                yield DRAIN
                return result
            self.attempts.append(self._attempted(transfer, error))
            self.failed(transfer, error)
            self.tell(without_secrets(error, transfer.call))
            wait = self.terms.policy.wait(error, tries) if self.may_repeat(transfer, error) else None
            if wait is None or clock.now() + wait >= ends:
                watch.error(details, error)
                raise error
            watch.retry(details, error, wait)
            if transfer.answering:
                yield Deliver([StreamRestarted(error)])
            yield Sleep(wait)
            self._waited = wait

    def tell(self, error: ErrorT) -> ErrorT:
        """Add to an error what is known of the call: attempts, ids, the URL, and what of an answer has arrived."""
        transfer, details = self.transfer, self._details
        if transfer is None:
            return error
        return error.about(
            partial=self.partial() if transfer.succeeded else None,
            attempts=tuple(self.attempts),
            request_id=transfer.request_id or (details.request_id if details is not None else None),
            url=transfer.call.url,
        )

    def may_repeat(self, transfer: TransferT, error: errors.DeepSeekV4Error) -> bool:
        """Whether the request may be sent again, should the cause allow it: nothing of an answer has been received."""
        del error
        return not transfer.answering

    def _identify(self, transfer: TransferT) -> RequestDetails:
        """Give the request an id of its own, and say what it is."""
        number = len(self.attempts) + 1
        call = transfer.call
        given = next((value for name, value in call.headers if name == "x-request-id"), None)
        request_id = given or (self._id if number == 1 else f"{self._id}-{number}")
        if given is None:
            transfer.call = replace(call, headers=(*call.headers, ("x-request-id", request_id)))
        self._details = RequestDetails(
            request_id=request_id,
            provider=transfer.provider.name,
            method=call.method,
            url=call.url,
            model=self.model(transfer),
            size=len(call.body or b""),
            attempt=number,
            metadata=self.metadata(),
        )
        return self._details

    def model(self, transfer: TransferT) -> str | None:
        """The model that is asked for."""
        del transfer
        return None

    def metadata(self) -> Mapping[str, object]:
        """What the caller noted."""
        return {}

    def _attempt(self, transfer: TransferT) -> Steps[None]:
        clock = self.terms.clock
        deadline = Deadline(clock, transfer.deadline())
        connect = min(self.terms.timeouts.connect_seconds, deadline.left())
        transfer.opened(cast("Head", (yield Open(transfer.call, connect, deadline))), clock.now())
        while (poll := transfer.poll()) is not None:
            # Accepted and not ready: ask again, each time a request of its own, until the first event is due.
            attempt, pause = self._attempted(transfer, None), min(_POLL_PAUSE, deadline.left())
            yield Sleep(pause)
            if clock.now() >= deadline.at:
                raise LineFailure("timeout", "the answer was accepted, and did not become ready")
            self.attempts.append(attempt)
            self._waited, self._sent = pause, clock.now()
            connect = min(connect, deadline.left())
            transfer.opened(cast("Head", (yield Open(poll, connect, deadline))), clock.now())
        if transfer.succeeded and self.announces:
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
            except LineFailure:
                if not transfer.settled:
                    raise
                block, now = b"", clock.now()
            events = transfer.received(block, now) if block else transfer.ended(now)
            if events:
                yield Deliver(events)
        if not transfer.succeeded:
            raise transfer.refusal()

    def _attempted(self, transfer: TransferT, error: errors.DeepSeekV4Error | None) -> Attempt:
        return Attempt(
            number=len(self.attempts) + 1,
            status=transfer.head.status if transfer.head else None,
            error=type(error).__name__ if error else None,
            waited=self._waited,
            seconds=self.terms.clock.now() - self._sent,
            request_id=transfer.request_id or (self._details.request_id if self._details is not None else None),
            usage=transfer.counted,
        )


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request as it is to be sent, and what was decided for its caller.

    Attributes:
        request: The request.
        notes: What was decided.
    """

    request: ChatRequest
    notes: tuple[Repair, ...] = ()


class ChatCourse(Course[Exchange, Reply]):
    """A chat: its events are delivered as they come, its result is the reply.

    Args:
        request: What is asked for.
        server: How the server speaks and where it is; asked at each attempt, for it may have been learned meanwhile.
        terms: What holds for every call.
        count: Counts the tokens of a text.
        prepare: Steps to run before the first attempt, which may give another request to send; or None.
    """

    announces = True

    def __init__(
        self,
        request: ChatRequest,
        server: Callable[[], tuple[Provider, Target]],
        terms: Terms,
        count: Callable[[str], int],
        prepare: Steps[Prepared | None] | None = None,
    ) -> None:
        super().__init__(terms)
        self._request = request
        self._server = server
        self._count = count
        self._prepare = prepare
        self._notes: tuple[Repair, ...] = ()
        encoded = self._encode()  # now, so that a wrong request is told at the call
        self._encoded = encoded if prepare is None else None

    def steps(self) -> Steps[Reply]:
        """The steps of the call, after those that prepare it."""
        prepared = (yield from self._prepare) if self._prepare is not None else None
        if prepared is not None:
            self._request, self._notes = prepared.request, prepared.notes
        return (yield from super().steps())

    def begin(self, now: float, ends: float) -> Exchange:
        """A new attempt."""
        encoded, self._encoded = self._encoded or self._encode(), None  # anew: a key may change between attempts
        provider, target = self._server()
        bare = target.limits.of(target.base_url, encoded.model).bare
        return Exchange(
            self._request,
            encoded,
            provider,
            self.terms.timeouts,
            now,
            ends,
            self._count,
            bare=bare,
            sent_at=self.terms.clock.utc(),
            prices=target.prices,
        )

    def conclude(self, transfer: Exchange, attempts: tuple[Attempt, ...]) -> tuple[list[ChatEvent], Reply]:
        """The last events and the reply.

        Raises:
            APIError: The server reported an error inside the stream, or sent what is no answer.
            IncompleteReplyError: The answer is not whole.
        """
        transfer.attempts = attempts
        if transfer.bare is not None:
            _, target = self._server()
            target.limits.learn_bare(target.base_url, transfer.encoded.model, bare=transfer.bare)
        events, reply = transfer.outcome()
        _, target = self._server()
        target.limits.learn_version(target.base_url, transfer.encoded.model, reply.raw.get("system_fingerprint"))
        self._compare_models(reply)
        return events, reply

    def _compare_models(self, reply: Reply) -> None:
        """With `strict_model`, another model than the one asked for is an error."""
        asked, served = reply.requested_model, reply.model
        provider, target = self._server()
        if not self.terms.strict_model or asked is None or served is None:
            return
        if not target.catalogue.same(provider.data.name, asked, served):
            raise errors.ModelMismatchError(f"{served!r} answered, and {asked!r} was asked for").about(partial=reply)

    def may_repeat(self, transfer: Exchange, error: errors.DeepSeekV4Error) -> bool:
        """Before anything of an answer was received; afterwards only where the caller wants a broken one begun anew."""
        if not transfer.answering:
            return True
        broken = isinstance(error, errors.StreamInterruptedError | errors.APIError) or (
            isinstance(error, errors.PhaseTimeoutError) and error.phase == "idle"
        )
        return self.may_restart and broken

    @property
    def may_restart(self) -> bool:
        """Whether a broken answer is begun anew."""
        return self._request.on_interrupt == "restart"

    def model(self, transfer: Exchange) -> str | None:
        """The model that is asked for."""
        return transfer.encoded.model

    def metadata(self) -> Mapping[str, object]:
        """What the caller noted."""
        return self._request.metadata

    def failed(self, transfer: Exchange, error: errors.DeepSeekV4Error) -> None:
        """Keep what a refusal tells of the server's limits."""
        if isinstance(error, errors.APIError):
            _, target = self._server()
            target.limits.learn(target.base_url, transfer.encoded.model, error)

    def _encode(self) -> EncodedChat:
        provider, target = self._server()
        encoded = provider.encode(self._request, target)
        return replace(encoded, repairs=(*self._notes, *encoded.repairs)) if self._notes else encoded

    def partial(self) -> Reply | None:
        """What of the answer has arrived."""
        if self.transfer is None:
            return None
        self.transfer.attempts = tuple(self.attempts)
        return self.transfer.partial()


class Fetch(Course[Transfer, T]):
    """Something to read that is no chat.

    Args:
        call: Makes the request.
        provider: Whose server it is.
        terms: What holds for every call.
        read: Makes the result of the answer.
    """

    def __init__(
        self, call: Callable[[], HttpCall], provider: Provider, terms: Terms, read: Callable[[Transfer], T]
    ) -> None:
        super().__init__(terms)
        self._call = call
        self._provider = provider
        self._read = read

    def begin(self, now: float, ends: float) -> Transfer:
        """A new attempt."""
        return Transfer(self._provider, self._call(), self.terms.timeouts, now, ends)

    def conclude(self, transfer: Transfer, attempts: tuple[Attempt, ...]) -> tuple[list[ChatEvent], T]:
        """The result."""
        del attempts
        return [], self._read(transfer)
