"""A chat: where each attempt goes, when it may be sent, and how its answer becomes a reply."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from deepseek_v4_sdk import errors
from deepseek_v4_sdk.call.call import Call, CallSettings
from deepseek_v4_sdk.call.call_hooks import Asked
from deepseek_v4_sdk.call.failover import rewrite_for_failover
from deepseek_v4_sdk.call.retry import worth_failover
from deepseek_v4_sdk.call.steps import Sleep, Steps
from deepseek_v4_sdk.call.upstream import PreparedRequest, Upstream
from deepseek_v4_sdk.chat import Attempt, ChatEvent, ChatRequest, Repair, Reply
from deepseek_v4_sdk.exchange import ChatExchange
from deepseek_v4_sdk.providers import EncodedChat
from deepseek_v4_sdk.support.forks import PROCESS
from deepseek_v4_sdk.traffic.registry import LIMITERS, pause_in_headers
from deepseek_v4_sdk.traffic.replicas import ReplicaSet, conversation_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from deepseek_v4_sdk.call.spending import Spending
    from deepseek_v4_sdk.catalogue.prices import PriceTable
    from deepseek_v4_sdk.chat.hooks import CallDetails
    from deepseek_v4_sdk.providers import HttpCall, Provider, Target
    from deepseek_v4_sdk.traffic.rate_limiter import RateLimiter
    from deepseek_v4_sdk.traffic.reservations import Reservation

__all__ = ["ChatCall"]

_BYTES_PER_TOKEN = 3  # on the low side: of program texts and most languages a token is 3 to 4 bytes of JSON


class _Lease:
    """An attempt's use of an upstream, from the moment it is chosen; `end` may be called twice."""

    def __init__(self, replica_set: ReplicaSet[Upstream], upstream: Upstream) -> None:
        self.replica_set = replica_set
        self.upstream = upstream
        self.limiter: RateLimiter | None = None
        self.reservation: Reservation | None = None
        self.again: Reservation | None = None  # of the request that polls for the accepted answer
        self._process = PROCESS.generation
        self._probe: bool | None = None  # None as long as nothing was sent

    def sent(self) -> None:
        """Note that the request is being sent."""
        self._probe = self.replica_set.begin(self.upstream)

    def on_head(self, exchange: ChatExchange, now: float) -> None:
        """Note that the head of the answer has arrived."""
        if self.limiter is None or self.reservation is None or exchange.head is None:
            return
        self.limiter.on_head(self.again or self.reservation, now)
        if exchange.head.status < 500 and exchange.head.status != 429:
            self.limiter.on_success(self.reservation)
        if (pause := pause_in_headers(exchange.head.headers)) is not None:
            self.limiter.pause(now, pause)

    def end(self, exchange: ChatExchange | None, error: errors.DeepSeekV4Error | None, now: float) -> None:
        """End it, with the error or None."""
        limiter, reservation, self.limiter, self.reservation = self.limiter, self.reservation, None, None
        if self._process != PROCESS.generation:
            return  # it belongs to the parent, which counts it
        if limiter is not None and reservation is not None:
            if self.again is not None:
                limiter.cancel(self.again, now)
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


class ChatCall(Call[ChatExchange, Reply]):
    """A chat: its events are delivered as they arrive, its result is the reply.

    Args:
        request: The request.
        model: The model that the call names, or None.
        replica_sets: The provider to call, and those for failover, in order.
        call_settings: The settings of every call.
        count: Counts the tokens of a text.

    Attributes:
        client: The calling client. The call keeps it alive, so that it can connect as long as the call runs.
    """

    is_chat = True

    def __init__(
        self,
        request: ChatRequest,
        model: str | None,
        replica_sets: Sequence[ReplicaSet[Upstream]],
        call_settings: CallSettings,
        count: Callable[[str], int],
    ) -> None:
        super().__init__(call_settings)
        self.client: object = None
        self._request = self._asked = request
        self._model = model
        self._first = self._replica_set = replica_sets[0]
        self._rest = list(replica_sets[1:])
        self._count = count
        self._avoided: set[Upstream] = set()  # where this call has failed
        self._notes: list[Repair] = []  # of providers that have failed or cannot answer
        self._cause: errors.DeepSeekV4Error | None = None  # why the last of them was left
        self._lease: _Lease | None = None
        self._spending: Spending | None = None
        self._limiter: RateLimiter | None = None
        self._upstream = self._choose()
        self._prepared = PreparedRequest(request)  # for that upstream
        self._encoded = self._encode()  # now, so that a wrong request raises at the call
        self._is_fresh = True
        self._is_prepared = False
        self._is_refitted = False  # after a refusal that named the window
        self.retry_budget.reserved_retries = len(self._rest)

    def ready(self) -> Steps[tuple[Provider, HttpCall]]:
        """Choose an upstream, discover the server if that is needed, and encode the request for it.

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
        upstream = self._choose()
        self._lease = _Lease(self._replica_set, upstream)
        if upstream is not self._upstream:
            self._is_fresh = self._is_prepared = False
        self._upstream = upstream
        if not self._is_prepared:
            self._prepared, self._is_prepared = PreparedRequest(self._request), True
            if (preparing := upstream.prepare(self._request, self.call_settings, self.retry_budget)) is not None:
                self._prepared = (yield from preparing) or self._prepared
                self._is_fresh = False
        if not self._is_fresh:
            self._encoded = self._encode()
        self._is_fresh = False  # encoded again for each attempt: a key may change between them
        return self._server()[0], self._encoded.call

    def admit(self) -> Steps[None]:
        """Wait until the limits have room, and reserve what it may cost.

        Raises:
            LocalLimitError: There will be none within the time of the call.
            CircuitOpenError: The server is left alone for a while.
            SpendLimitError: A limit of money or tokens has none.
            ConfigurationError: A limit is in USD, and the model has no price.
        """
        yield from self._wait_for_room()
        request = self._prepared.request
        if request.spend:
            from deepseek_v4_sdk.call.spending import Spending  # loaded for calls with a spend limit

            self._spending = self._spending or Spending(self._count)
            yield from self._spending.reserve(request, self._upstream, self._encoded, self.call_settings.clock.utc())

    def _wait_for_room(self) -> Steps[None]:
        provider, target = self._server()
        sent, lease, clock = self._encoded, cast("_Lease", self._lease), self.call_settings.clock
        kept = self._replica_set.limits_of(sent.model, target.catalogue)
        if kept is None:
            return
        scope, limits = kept
        now, ends = clock.now(), self.retry_budget.ends
        transport = self._upstream.transport()
        lease.limiter = self._limiter = limiter = LIMITERS.find(
            provider.data.name, target.base_url, sent.call, scope, transport, now
        )
        tokens = self._tokens_expected(limits.tokens_per_minute) if limits.tokens_per_minute is not None else 0
        lease.reservation = reservation = limiter.reserve(now, tokens, limits, ends)
        while (wait := limiter.poll(reservation, clock.now(), ends)) > 0:
            yield Sleep(wait, reservation)
        self.retry_budget.waited += clock.now() - now

    def admit_again(self, ends: float) -> Steps[float]:
        """Wait until the limits have room for another request; it keeps its place in `concurrency`.

        Raises:
            LocalLimitError: There will be no room before the first event is due.
        """
        lease, clock = cast("_Lease", self._lease), self.call_settings.clock
        now, limiter = clock.now(), lease.limiter
        if limiter is None or lease.reservation is None:
            return 0.0
        limiter.on_head(lease.again or lease.reservation, now)  # the head that said "accepted"
        lease.again = reservation = limiter.reserve(now, 0, lease.reservation.limits, ends, again=True)
        while (wait := limiter.poll(reservation, clock.now(), ends)) > 0:
            yield Sleep(wait, reservation)
        return clock.now() - now

    def begin(self, call: HttpCall, now: float) -> ChatExchange:
        """Begin a new attempt."""
        cast("_Lease", self._lease).sent()
        provider, target = self._server()
        notes = (*self._notes, *self._prepared.notes, *self._encoded.repairs)
        encoded = EncodedChat(call, self._encoded.model, self._encoded.max_tokens, notes)
        reasoning_in_text = target.limits.of(target.base_url, encoded.model).reasoning_in_text
        return ChatExchange(
            self._prepared.request,
            encoded,
            provider,
            self.call_settings.timeouts,
            now,
            self.retry_budget.ends,
            self._count,
            reasoning_in_text=reasoning_in_text,
            sent_at=self.call_settings.clock.utc(),
            prices=target.prices,
        )

    def transport(self) -> Any:  # of the kind of the client
        """The transport of the attempt."""
        return self._upstream.transport()

    def on_head(self, exchange: ChatExchange) -> None:
        """Note that the head of the answer has arrived."""
        cast("_Lease", self._lease).on_head(exchange, self.call_settings.clock.now())

    def on_end(self, error: errors.DeepSeekV4Error | None) -> None:
        """Note that an attempt has ended."""
        if self._lease is not None:
            self._lease.end(self.exchange, error, self.call_settings.clock.now())
        if self._spending is not None and not self.retry_budget.is_inherited:
            self._spending.settle(self.exchange, error)

    def conclude(self, exchange: ChatExchange, attempts: tuple[Attempt, ...]) -> tuple[list[ChatEvent], Reply]:
        """The last events and the reply.

        Raises:
            APIError: The server reported an error inside the stream, or sent something that is not an answer.
            IncompleteReplyError: The answer is not whole.
        """
        exchange.attempts = attempts
        _, target = self._server()
        if exchange.reasoning_in_text is not None:
            target.limits.learn_reasoning_in_text(
                target.base_url, exchange.encoded.model, reasoning_in_text=exchange.reasoning_in_text
            )
        events, reply = exchange.outcome()
        target.limits.learn_version(target.base_url, exchange.encoded.model, reply.raw.get("system_fingerprint"))
        self._compare_models(reply)
        return events, reply

    def _compare_models(self, reply: Reply) -> None:
        """With `strict_model`, raise an error when another model than the requested one answered."""
        asked, served = reply.requested_model, reply.model
        provider, target = self._server()
        if not self.call_settings.strict_model or asked is None or served is None:
            return
        if not target.catalogue.same(provider.data.name, asked, served):
            raise errors.ModelMismatchError(f"{served!r} answered, but {asked!r} was requested").about(partial=reply)

    def may_repeat(self, error: errors.DeepSeekV4Error) -> bool:
        """Whether to send again: before any part of an answer; afterwards only where the caller wants a restart."""
        if self.exchange is None or not self.exchange.answering:
            return True
        broken = isinstance(error, errors.StreamInterruptedError | errors.APIError) or (
            isinstance(error, errors.PhaseTimeoutError) and error.phase == "idle"
        )
        return self.may_restart and broken

    @property
    def may_restart(self) -> bool:
        """Whether a broken answer is requested again."""
        return self._asked.on_interrupt == "restart"

    def next_wait(self, error: errors.DeepSeekV4Error) -> float | None:
        """Seconds until the next attempt: here, at another replica, or at the next provider that takes the request."""
        if self._refits(error):
            return 0.0
        wait = None
        if error is not self._cause and self.may_repeat(error):
            self._avoided.add(self._upstream)
            wait = super().next_wait(error)
            closed = self._limiter is not None and self._limiter.closed_for(self.call_settings.clock.now()) > 0
            if wait is not None and not closed:
                return 0.0 if self._replica_set.another(self._avoided) else wait
            wait = None
            if (
                worth_failover(error)
                and self.retry_budget.failures <= self.call_settings.policy.max_retries
                and self._move_on(error)
            ):
                wait = 0.0
        if wait is None:
            for note in self._notes:
                error.add_note(note.detail)
        return wait

    def _refits(self, error: errors.DeepSeekV4Error) -> bool:
        """Whether a refusal has named a window into which the request is fitted now: once, and it is not a retry."""
        told = isinstance(error, errors.ContextLengthExceededError) and error.limit is not None
        if not told or self._is_refitted or self.exchange is None or not self._request.may_shorten:
            return False
        if self.exchange.answering:
            return False
        self._is_refitted, self._is_prepared = True, False
        self.retry_budget.failures -= 1
        return True

    def next_provider(self) -> str:
        """The provider of the next attempt."""
        return self._replica_set.upstreams[0].server()[0].name

    def _move_on(self, error: errors.DeepSeekV4Error) -> bool:
        """Go to the next provider that takes the request; note why the others are skipped."""
        self._cause, name = error, self._server()[0].name
        while self._rest:
            replica_set = self._rest.pop(0)
            self.retry_budget.reserved_retries = len(self._rest)
            upstream = replica_set.upstreams[0]
            provider, target = upstream.server()
            try:
                request = rewrite_for_failover(self._asked, self._model, self._first, replica_set)
                if upstream.prepare(request, self.call_settings, self.retry_budget) is None:
                    provider.encode(request, target)
            except errors.InvalidRequestError as unfit:
                self._pass_over(provider.name, unfit)
                continue
            note = f"{name} failed ({type(error).__name__}), and {provider.name} was asked"
            self._notes.append(Repair("failover", note))
            self._request, self._replica_set = request, replica_set
            return True
        return False

    def _pass_over(self, provider: str, error: errors.InvalidRequestError) -> None:
        self._notes.append(Repair("passed_over", f"{provider} was skipped: {error}"))
        self.call_settings.notifier.passed_over(provider, str(error))

    def _choose(self) -> Upstream:
        replica_set = self._replica_set
        key = conversation_key(self._request) if len(replica_set.upstreams) > 1 else b""
        return replica_set.choose(key, self.call_settings.clock.now(), self._avoided)

    def _server(self) -> tuple[Provider, Target]:
        return self._upstream.server()

    def _encode(self) -> EncodedChat:
        provider, target = self._server()
        encoded = provider.encode(self._prepared.request, target)
        header = provider.data.session_header
        if (
            not self._replica_set.session_affinity
            or header is None
            or any(name == header for name, _ in encoded.call.headers)
        ):
            return encoded
        marked = (*encoded.call.headers, (header, conversation_key(self._request).hex()))
        return replace(encoded, call=replace(encoded.call, headers=marked))

    def _tokens_expected(self, limit: int) -> int:
        """Estimate the tokens of the prompt, and of the answer as far as the limit leaves room for them."""
        prompt = len(self._encoded.call.body or b"") // _BYTES_PER_TOKEN
        return max(prompt, min(limit, prompt + (self._prepared.request.max_tokens or 0)))

    def details(self) -> CallDetails:
        """The details that hooks get before the chat begins."""
        told, messages = super().details(), tuple(self._prepared.request.messages)
        url, model, profile = self._encoded.call.url, self.model(), self.profile()
        return replace(told, url=url, model=model, profile=profile, is_chat=True, messages=messages)

    def asked(self) -> Asked:
        """The request to the model, for hooks."""
        request = self._prepared.request
        limit, stream = self._encoded.max_tokens, request.wire != "plain"
        return Asked(thinking=request.thinking, max_tokens=limit, temperature=request.temperature, stream=stream)

    def model(self) -> str | None:
        """The requested model."""
        return self._encoded.model

    def metadata(self) -> Mapping[str, object]:
        """The caller's metadata."""
        return self._asked.metadata

    def profile(self) -> str | None:
        """The profile of the server that is called."""
        return self._replica_set.profile

    def prices(self) -> PriceTable | None:
        """The client's own prices, or None."""
        return self._server()[1].prices

    def on_failure(self, exchange: ChatExchange, error: errors.DeepSeekV4Error) -> None:
        """Learn the server's limits from its refusal."""
        if isinstance(error, errors.APIError):
            _, target = self._server()
            target.limits.learn(target.base_url, exchange.encoded.model, error)

    def partial(self) -> Reply | None:
        """The part of the answer that has arrived."""
        if self.exchange is None:
            return None
        self.exchange.attempts = tuple(self.attempts)
        return self.exchange.partial()


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
