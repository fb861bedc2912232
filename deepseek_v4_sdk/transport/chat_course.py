"""The course of a chat: where each attempt goes, when it may be sent, and what is made of its answer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from deepseek_v4_sdk import errors
from deepseek_v4_sdk.chat import Attempt, ChatEvent, ChatRequest, Repair, Reply
from deepseek_v4_sdk.exchange import Exchange
from deepseek_v4_sdk.forks import PROCESS
from deepseek_v4_sdk.providers import EncodedChat
from deepseek_v4_sdk.transport.course import Course, Terms
from deepseek_v4_sdk.transport.gates import GATES, paused_for
from deepseek_v4_sdk.transport.handover import hand_over
from deepseek_v4_sdk.transport.pool import Place, Pool, Prepared, conversation_key
from deepseek_v4_sdk.transport.retry import curable
from deepseek_v4_sdk.transport.steps import Sleep, Steps
from deepseek_v4_sdk.transport.told import Asked

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from deepseek_v4_sdk.chat.hooks import CallDetails
    from deepseek_v4_sdk.providers import HttpCall, Provider, Target
    from deepseek_v4_sdk.transport.limits import Gate
    from deepseek_v4_sdk.transport.tickets import Ticket

__all__ = ["ChatCourse"]

_BYTES_PER_TOKEN = 3  # on the low side: of program texts and most languages a token is 3 to 4 bytes of JSON


class _Visit:
    """An attempt's stay at a place, from the moment it is chosen; `end` may be told twice."""

    def __init__(self, pool: Pool, place: Place) -> None:
        self.pool = pool
        self.place = place
        self.gate: Gate | None = None
        self.ticket: Ticket | None = None
        self.again: Ticket | None = None  # of the request that asks again for what was accepted
        self._process = PROCESS.generation
        self._probe: bool | None = None  # None as long as nothing was sent

    def sent(self) -> None:
        """The request goes out."""
        self._probe = self.pool.begin(self.place)

    def heard(self, transfer: Exchange, now: float) -> None:
        """The head of the answer has come."""
        if self.gate is None or self.ticket is None or transfer.head is None:
            return
        self.gate.arrived(self.again or self.ticket, now)
        if transfer.head.status < 500 and transfer.head.status != 429:
            self.gate.took(self.ticket)
        if (pause := paused_for(transfer.head.headers)) is not None:
            self.gate.pause(now, pause)

    def end(self, transfer: Exchange | None, error: errors.DeepSeekV4Error | None, now: float) -> None:
        """It is over, with what error or none."""
        gate, ticket, self.gate, self.ticket = self.gate, self.ticket, None, None
        if self._process != PROCESS.generation:
            return  # it is the parent's, and counted there
        if gate is not None and ticket is not None:
            if self.again is not None:
                gate.leave(self.again, now)
            if self._probe is None:
                gate.leave(ticket, now)
            else:
                if isinstance(error, errors.RateLimitedError):
                    gate.refused(ticket, now, error.retry_after)
                gate.release(ticket, now, _tokens_used(transfer))
        probe, self._probe = self._probe, None
        if probe is not None:
            reached = transfer is not None and transfer.head is not None
            self.pool.end(self.place, now, probe=probe, works=_works(transfer, error), reached=reached)


class ChatCourse(Course[Exchange, Reply]):
    """A chat: its events are delivered as they come, its result is the reply.

    Args:
        request: What is asked for.
        model: The model that the call names, or None.
        pools: The provider to ask, and those that take over, in order.
        terms: What holds for every call.
        count: Counts the tokens of a text.

    Attributes:
        client: Whose call it is. Kept, so that it can connect as long as the call goes on.
    """

    is_chat = True

    def __init__(
        self,
        request: ChatRequest,
        model: str | None,
        pools: Sequence[Pool],
        terms: Terms,
        count: Callable[[str], int],
    ) -> None:
        super().__init__(terms)
        self.client: object = None
        self._request = self._asked = request
        self._model = model
        self._first = self._pool = pools[0]
        self._rest = list(pools[1:])
        self._count = count
        self._avoided: set[Place] = set()  # where this call has failed
        self._notes: list[Repair] = []  # of providers that have failed or cannot answer
        self._cause: errors.DeepSeekV4Error | None = None  # why the last of them was left
        self._visit: _Visit | None = None
        self._gate: Gate | None = None
        self._place = self._choose()
        self._prepared = Prepared(request)  # for that place
        self._encoded = self._encode()  # now, so that a wrong request is told at the call
        self._is_fresh = True
        self._is_prepared = False
        self.allowance.spare = len(self._rest)

    def ready(self) -> Steps[tuple[Provider, HttpCall]]:
        """Choose where to send it, ask there what the server is if that is needed, and put it in its form.

        Raises:
            InvalidRequestError: This server would refuse or misread the request.
        """
        while True:
            try:
                return (yield from self._ready_here())
            except errors.InvalidRequestError as unfit:
                if self._cause is None:
                    raise
                self._pass_over(self._server()[0].name, unfit)
                if not self._move_on(self._cause):
                    raise self._cause from None

    def _ready_here(self) -> Steps[tuple[Provider, HttpCall]]:
        place = self._choose()
        self._visit = _Visit(self._pool, place)
        if place is not self._place:
            self._is_fresh = self._is_prepared = False
        self._place = place
        if not self._is_prepared:
            self._prepared, self._is_prepared = Prepared(self._request), True
            if (preparing := place.prepare(self._request, self.terms, self.allowance)) is not None:
                self._prepared = (yield from preparing) or self._prepared
                self._is_fresh = False
        if not self._is_fresh:
            self._encoded = self._encode()
        self._is_fresh = False  # encoded anew for each attempt: a key may change between them
        return self._server()[0], self._encoded.call

    def admit(self) -> Steps[None]:
        """Wait until the limits have room.

        Raises:
            LocalLimitError: There will be none within the time of the call.
            CircuitOpenError: The server is left alone for a while.
        """
        provider, target = self._server()
        sent, visit, clock = self._encoded, cast("_Visit", self._visit), self.terms.clock
        kept = self._pool.limits_of(sent.model, target.catalogue)
        if kept is None:
            return
        scope, limits = kept
        now, ends = clock.now(), self.allowance.ends
        carrier = self._place.carrier()
        visit.gate = self._gate = gate = GATES.find(provider.data.name, target.base_url, sent.call, scope, carrier, now)
        tokens = self._tokens_expected(limits.tokens_per_minute) if limits.tokens_per_minute is not None else 0
        visit.ticket = ticket = gate.reserve(now, tokens, limits, ends)
        while (wait := gate.look(ticket, clock.now(), ends)) > 0:
            yield Sleep(wait, ticket)
        self.allowance.waited += clock.now() - now

    def admit_again(self, ends: float) -> Steps[float]:
        """Wait until the limits have room for another request; the place among those at once is kept.

        Raises:
            LocalLimitError: There will be none before the first event is due.
        """
        visit, clock = cast("_Visit", self._visit), self.terms.clock
        now, gate = clock.now(), visit.gate
        if gate is None or visit.ticket is None:
            return 0.0
        gate.arrived(visit.again or visit.ticket, now)  # the head that said "accepted"
        visit.again = ticket = gate.reserve(now, 0, visit.ticket.limits, ends, again=True)
        while (wait := gate.look(ticket, clock.now(), ends)) > 0:
            yield Sleep(wait, ticket)
        return clock.now() - now

    def begin(self, call: HttpCall, now: float) -> Exchange:
        """A new attempt."""
        cast("_Visit", self._visit).sent()
        provider, target = self._server()
        notes = (*self._notes, *self._prepared.notes, *self._encoded.repairs)
        encoded = EncodedChat(call, self._encoded.model, self._encoded.max_tokens, notes)
        bare = target.limits.of(target.base_url, encoded.model).bare
        return Exchange(
            self._prepared.request,
            encoded,
            provider,
            self.terms.timeouts,
            now,
            self.allowance.ends,
            self._count,
            bare=bare,
            sent_at=self.terms.clock.utc(),
            prices=target.prices,
        )

    def carrier(self) -> Any:  # of the kind of the client
        """What carries the attempt."""
        return self._place.carrier()

    def heard(self, transfer: Exchange) -> None:
        """The head of the answer has come."""
        cast("_Visit", self._visit).heard(transfer, self.terms.clock.now())

    def over(self, error: errors.DeepSeekV4Error | None) -> None:
        """An attempt has ended."""
        if self._visit is not None:
            self._visit.end(self.transfer, error, self.terms.clock.now())

    def conclude(self, transfer: Exchange, attempts: tuple[Attempt, ...]) -> tuple[list[ChatEvent], Reply]:
        """The last events and the reply.

        Raises:
            APIError: The server reported an error inside the stream, or sent what is no answer.
            IncompleteReplyError: The answer is not whole.
        """
        transfer.attempts = attempts
        _, target = self._server()
        if transfer.bare is not None:
            target.limits.learn_bare(target.base_url, transfer.encoded.model, bare=transfer.bare)
        events, reply = transfer.outcome()
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

    def may_repeat(self, error: errors.DeepSeekV4Error) -> bool:
        """Before anything of an answer was received; afterwards only where the caller wants a broken one begun anew."""
        if self.transfer is None or not self.transfer.answering:
            return True
        broken = isinstance(error, errors.StreamInterruptedError | errors.APIError) or (
            isinstance(error, errors.PhaseTimeoutError) and error.phase == "idle"
        )
        return self.may_restart and broken

    @property
    def may_restart(self) -> bool:
        """Whether a broken answer is begun anew."""
        return self._asked.on_interrupt == "restart"

    def next_wait(self, error: errors.DeepSeekV4Error) -> float | None:
        """Seconds until the next attempt: here, at another replica, or at the next provider that takes the request."""
        wait = None
        if error is not self._cause and self.may_repeat(error):
            self._avoided.add(self._place)
            wait = super().next_wait(error)
            closed = self._gate is not None and self._gate.closed_for(self.terms.clock.now()) > 0
            if wait is not None and not closed:
                return 0.0 if self._pool.another(self._avoided) else wait
            wait = None
            if curable(error) and self.allowance.failures <= self.terms.policy.max_retries and self._move_on(error):
                wait = 0.0
        if wait is None:
            for note in self._notes:
                error.add_note(note.detail)
        return wait

    def next_provider(self) -> str:
        """The provider of the next attempt."""
        return self._pool.places[0].server()[0].name

    def _move_on(self, error: errors.DeepSeekV4Error) -> bool:
        """Go to the next provider that takes the request; who cannot is passed over, with the cause."""
        self._cause, name = error, self._server()[0].name
        while self._rest:
            pool = self._rest.pop(0)
            self.allowance.spare = len(self._rest)
            place = pool.places[0]
            provider, target = place.server()
            try:
                request = hand_over(self._asked, self._model, self._first, pool)
                if place.prepare(request, self.terms, self.allowance) is None:
                    provider.encode(request, target)
            except errors.InvalidRequestError as unfit:
                self._pass_over(provider.name, unfit)
                continue
            note = f"{name} failed ({type(error).__name__}), and {provider.name} was asked"
            self._notes.append(Repair("failover", note))
            self._request, self._pool = request, pool
            return True
        return False

    def _pass_over(self, provider: str, error: errors.InvalidRequestError) -> None:
        self._notes.append(Repair("passed_over", f"{provider} was passed over: {error}"))
        self.terms.watch.passed_over(provider, str(error))

    def _choose(self) -> Place:
        pool = self._pool
        key = conversation_key(self._request) if len(pool.places) > 1 else b""
        return pool.choose(key, self.terms.clock.now(), self._avoided)

    def _server(self) -> tuple[Provider, Target]:
        return self._place.server()

    def _encode(self) -> EncodedChat:
        provider, target = self._server()
        encoded = provider.encode(self._prepared.request, target)
        header = provider.data.session_header
        if not self._pool.gateway or header is None or any(name == header for name, _ in encoded.call.headers):
            return encoded
        marked = (*encoded.call.headers, (header, conversation_key(self._request).hex()))
        return replace(encoded, call=replace(encoded.call, headers=marked))

    def _tokens_expected(self, limit: int) -> int:
        """Some tokens for the prompt, and those that the answer may have, as far as the limit leaves room for them."""
        prompt = len(self._encoded.call.body or b"") // _BYTES_PER_TOKEN
        return max(prompt, min(limit, prompt + (self._prepared.request.max_tokens or 0)))

    def details(self) -> CallDetails:
        """What is told of the chat before it begins."""
        told, messages = super().details(), tuple(self._prepared.request.messages)
        url, model, profile = self._encoded.call.url, self.model(), self.profile()
        return replace(told, url=url, model=model, profile=profile, is_chat=True, messages=messages)

    def asked(self) -> Asked:
        """What is asked of the model."""
        request = self._prepared.request
        limit, stream = self._encoded.max_tokens, request.wire != "plain"
        return Asked(thinking=request.thinking, max_tokens=limit, temperature=request.temperature, stream=stream)

    def model(self) -> str | None:
        """The model that is asked for."""
        return self._encoded.model

    def metadata(self) -> Mapping[str, object]:
        """What the caller noted."""
        return self._asked.metadata

    def profile(self) -> str | None:
        """The profile of the server that is asked."""
        return self._pool.profile

    def failed(self, transfer: Exchange, error: errors.DeepSeekV4Error) -> None:
        """Keep what a refusal tells of the server's limits."""
        if isinstance(error, errors.APIError):
            _, target = self._server()
            target.limits.learn(target.base_url, transfer.encoded.model, error)

    def partial(self) -> Reply | None:
        """What of the answer has arrived."""
        if self.transfer is None:
            return None
        self.transfer.attempts = tuple(self.attempts)
        return self.transfer.partial()


def _tokens_used(transfer: Exchange | None) -> int | None:
    """What the server counted, where it told; a request that it refused cost nothing."""
    if transfer is None or transfer.head is None:
        return None
    if transfer.head.status >= 400:
        return 0
    return None if transfer.counted is None else transfer.counted.total_tokens


def _works(transfer: Exchange | None, error: errors.DeepSeekV4Error | None) -> bool | None:
    """Whether a place works, by how an attempt there ended; None where that does not show."""
    match error:
        case errors.RateLimitedError():
            return None
        case errors.PhaseTimeoutError():
            return None if error.phase == "total" else False
        case errors.ConnectionFailedError() | errors.StreamInterruptedError():
            return False
        case errors.ServerError() | errors.OverloadedError() | errors.GatewayTimeoutError():
            return False
        case _:
            return True if transfer is not None and transfer.head is not None else None
