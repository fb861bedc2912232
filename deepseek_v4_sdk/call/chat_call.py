"""A chat: where each attempt goes, when it may be sent, and how its answer becomes a reply."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deepseek_v4_sdk import errors
from deepseek_v4_sdk.call.call import Call
from deepseek_v4_sdk.call.call_hooks import Asked
from deepseek_v4_sdk.call.call_settings import CallSettings
from deepseek_v4_sdk.call.failover import rewrite_for_failover
from deepseek_v4_sdk.call.lease import Lease
from deepseek_v4_sdk.call.plan import AttemptPlan, Route
from deepseek_v4_sdk.call.retry import CallState, Decision, FailOver, GiveUp, Retry, broke_answer, decide
from deepseek_v4_sdk.call.steps import Deliver, Steps
from deepseek_v4_sdk.call.upstream import PreparedRequest, Upstream
from deepseek_v4_sdk.chat import Attempt, ChatEvent, ChatRequest, Repair, Reply
from deepseek_v4_sdk.exchange import ChatExchange, NotContinuableError
from deepseek_v4_sdk.traffic.registry import LIMITERS
from deepseek_v4_sdk.traffic.replicas import ReplicaSet, conversation_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from deepseek_v4_sdk.call.resuming import Resuming
    from deepseek_v4_sdk.call.spending import Spending
    from deepseek_v4_sdk.catalogue.prices import PriceTable
    from deepseek_v4_sdk.chat.hooks import CallDetails
    from deepseek_v4_sdk.providers import HttpCall, Provider, RenderedRequest, Target
    from deepseek_v4_sdk.transport.connection import CommonTransport

__all__ = ["ChatCall"]


class ChatCall(Call[ChatExchange, Reply]):
    """A chat: its events are delivered as they arrive, its result is the reply.

    Each state of a call sets these:

    | state     | sets                                                                                           |
    |-----------|------------------------------------------------------------------------------------------------|
    | preparing | a new lease of an upstream; then a new plan, unless that of the attempt before holds            |
    | waiting   | the lease's place under the rate limits, and the money for the attempt                         |
    | deciding  | the lease and the money are given back; the route, where the next attempt is not like the last |

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
        self._asked = request
        self._model = model
        self._first = replica_sets[0]
        self._count = count
        self._route = Route(request, replica_sets[0], tuple(replica_sets[1:]))
        self._lease = self._choose()
        self._cut: ChatExchange | None = None  # the last exchange that the limit ended, and that goes on
        self._resuming = _resuming_of(request, self._lease.upstream.server()[0])
        # Encoded now, so that a wrong request raises at the call.
        self._plan = self._encode(self._lease.upstream, PreparedRequest(request), is_prepared=False)
        self._spending: Spending | None = None
        self.retry_budget.reserved_retries = len(self._route.rest)

    def ready(self) -> Steps[tuple[Provider, HttpCall]]:
        """Choose an upstream, discover the server if that is needed, and encode the request for it.

        Raises:
            InvalidRequestError: This server would refuse or misread the request.
        """
        while True:
            self._lease = self._choose()
            try:
                self._plan = plan = yield from self._next_plan()
            except errors.InvalidRequestError as unfit:
                cause = self._route.cause
                if cause is None:
                    raise
                self._skip(self._lease.upstream.server()[0].name, unfit)
                if isinstance(self._decide(cause), GiveUp):
                    raise cause from None
            else:
                return plan.provider, plan.encoded.call

    def _next_plan(self) -> Steps[AttemptPlan]:
        """Plan an attempt at the chosen upstream; what was prepared there before is not prepared again."""
        last, upstream, request = self._plan, self._lease.upstream, self._route.request
        same = last.upstream is upstream and last.request is request
        if same and last.is_prepared:
            # Encoded again, because a key may have changed.
            return self._encode(upstream, last.prepared, (yield from self._render(upstream, last.prepared)))
        steps = upstream.prepare(request, self.call_settings, self.retry_budget)
        renders = request.wire == "raw" or (self._resuming is not None and self._resuming.part is not None)
        prepared = (None if steps is None else (yield from steps)) or PreparedRequest(request)
        if same and not renders and last.is_for(upstream, prepared.request):
            return replace(last, prepared=prepared, is_prepared=True)  # encoded when the call was made
        return self._encode(upstream, prepared, (yield from self._render(upstream, prepared)))

    def _render(self, upstream: Upstream, prepared: PreparedRequest) -> Steps[RenderedRequest | None]:
        """Render the request as a prompt, where that is what is sent."""
        resuming = self._resuming
        if resuming is None or resuming.part is None:
            if prepared.request.wire != "raw":
                return None
            return (yield from upstream.render(prepared.request, self.call_settings, self.retry_budget))
        request = prepared.request
        try:
            rendered = yield from upstream.render(request, self.call_settings, self.retry_budget, resuming.part)
            resuming.check(upstream.server()[0], resuming.request_of(request, rendered), rendered)
        except errors.InvalidRequestError as unfit:
            raise (resuming.drop(str(unfit)) or unfit) from None
        resuming.allow(rendered, request)
        if rendered.limit < 1 and (error := resuming.drop("max_tokens is reached")) is not None:
            raise error
        return rendered

    def admit(self) -> Steps[None]:
        """Wait until the limits have room, and reserve what it may cost.

        Raises:
            LocalLimitError: There will be none within the time of the call.
            CircuitOpenError: The server is left alone for a while.
            SpendLimitError: A limit of money or tokens has none.
            ConfigurationError: A limit is in USD, and the model has no price.
        """
        yield from self._wait_for_room()
        request = self._plan.prepared.request
        if request.spend:
            from deepseek_v4_sdk.call.spending import Spending  # loaded for calls with a spend limit

            self._spending = self._spending or Spending(self._count)
            plan = self._plan
            yield from self._spending.reserve(request, plan.upstream, plan.encoded, self.call_settings.clock.utc())

    def _wait_for_room(self) -> Steps[None]:
        plan, lease, clock = self._plan, self._lease, self.call_settings.clock
        sent, target = plan.encoded, plan.target
        kept = plan.replica_set.limits_of(sent.model, target.catalogue)
        if kept is None:
            return
        scope, limits = kept
        now, ends = clock.now(), self.retry_budget.ends
        lease.limiter = limiter = LIMITERS.find(
            plan.provider.data.name,
            target.base_url,
            sent.call,
            scope,
            plan.upstream.transport().own_server,
            now,
            limits,
            plan.replica_set.shared_limits,
        )
        tokens = plan.tokens_expected(limits.tokens_per_minute) if limits.tokens_per_minute is not None else 0
        lease.reservation = reservation = limiter.reserve(now, tokens, limits, ends)
        if not reservation.granted:
            yield from lease.wait(reservation, clock, ends)
        self.retry_budget.waited += clock.now() - now

    def admit_again(self, ends: float) -> Steps[float]:
        """Wait until the limits have room for another request; it keeps its place in `concurrency`.

        Raises:
            LocalLimitError: There will be no room before the first event is due.
        """
        lease, clock = self._lease, self.call_settings.clock
        now, limiter = clock.now(), lease.limiter
        if limiter is None or lease.reservation is None:
            return 0.0
        limiter.on_head(lease.again or lease.reservation, now)  # the head that said "accepted"
        lease.again = reservation = limiter.reserve(now, 0, lease.reservation.limits, ends, again=True)
        yield from lease.wait(reservation, clock, ends)
        return clock.now() - now

    def begin(self, call: HttpCall, now: float) -> ChatExchange:
        """Begin a new attempt."""
        plan, target, earlier = self._plan, self._plan.target, None
        resuming = self._resuming
        if resuming is not None and resuming.part is not None and plan.rendered is not None:
            earlier = resuming.earlier(plan.rendered, self.attempts)
        notes = (*self._route.notes, *plan.prepared.notes, *plan.encoded.repairs)
        encoded = replace(plan.encoded, call=call, repairs=notes)
        reasoning_in_text = target.limits.of(target.base_url, encoded.model).reasoning_in_text
        try:
            exchange = ChatExchange(
                plan.prepared.request,
                encoded,
                plan.provider,
                self.call_settings.timeouts,
                now,
                self.retry_budget.ends,
                self._count,
                reasoning_in_text=reasoning_in_text,
                sent_at=self.call_settings.clock.utc(),
                prices=target.prices,
                earlier=earlier,
            )
        except NotContinuableError as unfit:
            error = None if resuming is None else resuming.drop(str(unfit))
            raise (error or errors.InvalidRequestError(f"continue_from: {unfit}")) from None
        exchange.stays_open = resuming is not None
        self._lease.sent()
        return exchange

    def transport(self) -> CommonTransport:
        """The transport of the attempt."""
        return self._plan.upstream.transport()

    def on_head(self, exchange: ChatExchange) -> None:
        """Note that the head of the answer has arrived."""
        self._lease.on_head(exchange, self.call_settings.clock.now())

    def on_end(self, error: errors.DeepSeekV4Error | None) -> None:
        """Note that an attempt has ended."""
        self._lease.end(self.exchange, error, self.call_settings.clock.now())
        if self._spending is not None and not self.retry_budget.is_inherited:
            self._spending.settle(self.exchange, error)

    def goes_on(self, exchange: ChatExchange) -> bool:
        """Whether the call goes on with an answer that the limit cut."""
        resuming = self._resuming
        if resuming is None or not resuming.on_limit(exchange, self._plan, self.attempts):
            return False
        self._cut = exchange
        return True

    def _attempts(self) -> Steps[Reply]:
        """Make one attempt after the other; an answer that has no more room ends where the last one was cut."""
        try:
            return (yield from super()._attempts())
        except (errors.ContextLengthExceededError, errors.SpendLimitError):
            if self._cut is None:
                raise
            self._cut.attempts = tuple(self.attempts)
            events, reply = self._cut.outcome()
        if self.retry_budget.details is not None:
            self.call_settings.notifier.reply(self.retry_budget.details, reply)
        self._report.end(reply, None, self.attempts)
        yield Deliver(events)
        return reply

    def conclude(self, exchange: ChatExchange, attempts: tuple[Attempt, ...]) -> tuple[list[ChatEvent], Reply]:
        """The last events and the reply.

        Raises:
            APIError: The server reported an error inside the stream, or sent something that is not an answer.
            IncompleteReplyError: The answer is not whole.
        """
        exchange.attempts = attempts
        target = self._plan.target
        if exchange.reasoning_in_text is not None:
            target.limits.learn_reasoning_in_text(
                target.base_url, exchange.encoded.model, reasoning_in_text=exchange.reasoning_in_text
            )
        events, reply = exchange.outcome()
        target.limits.learn_version(target.base_url, exchange.encoded.model, reply.raw.get("system_fingerprint"))
        self._compare_models(reply)
        plan, resuming = self._plan, self._resuming
        if resuming is not None and resuming.request_of(plan.request, plan.rendered) is not plan.request:
            plan.upstream.check_format(plan.request, reply.text)
        return events, reply

    def _compare_models(self, reply: Reply) -> None:
        """With `strict_model`, raise an error when another model than the requested one answered."""
        asked, served = reply.requested_model, reply.model
        if not self.call_settings.strict_model or asked is None or served is None:
            return
        plan = self._plan
        if not plan.target.catalogue.same(plan.provider.data.name, asked, served):
            raise errors.ModelMismatchError(f"{served!r} answered, but {asked!r} was requested").about(partial=reply)

    @property
    def may_restart(self) -> bool:
        """Whether a broken answer is requested again."""
        return self._asked.restarts

    def state(self, error: errors.DeepSeekV4Error) -> CallState:
        """The facts on which the decision about an error depends."""
        route, lease = self._route, self._lease
        return replace(
            super().state(error),
            restarts=self.may_restart,
            resumes=self._resuming is not None and self._resuming.part is not None,
            may_refit=self.exchange is not None and route.request.may_shorten and not route.is_refitted,
            another=lease.replica_set.another({*route.avoided, lease.upstream}),
            closed=lease.is_closed(self.call_settings.clock.now()),
            leaving=error is route.cause,
            places=route.rest,
        )

    def follow(self, error: errors.DeepSeekV4Error) -> Decision:
        """Decide what follows an error of an attempt, and prepare the call for it."""
        upstream, decision = self._lease.upstream, self._decide(error)
        if self._resuming is not None:
            decision = self._resumed_or_restarted(error, decision, self._resuming)
        if isinstance(decision, GiveUp):
            for note in self._route.notes:
                error.add_note(note.detail)
        elif isinstance(decision, Retry) and decision.refit:
            self._route = replace(self._route, is_refitted=True)
            self._plan = replace(self._plan, is_prepared=False)
            self.retry_budget.failures -= 1
        else:
            self._route = replace(self._route, avoided=self._route.avoided | {upstream})
        return decision

    def _resumed_or_restarted(self, error: errors.DeepSeekV4Error, decision: Decision, resuming: Resuming) -> Decision:
        """Correct a decision where the caller has received a part of an answer."""
        if not resuming.shown:
            return decision
        budget = self.retry_budget
        in_time = (
            budget.failures <= self.call_settings.policy.max_retries and budget.ends > self.call_settings.clock.now()
        )
        if resuming.part is None or isinstance(decision, GiveUp):
            if not (self.may_restart and in_time and broke_answer(resuming.error or error)):
                return GiveUp()
            resuming.restart()
            return Retry(0.0, restart=True) if isinstance(decision, GiveUp) else replace(decision, restart=True)
        return decision

    def _decide(self, error: errors.DeepSeekV4Error) -> Decision:
        """Decide about an error, as often as it takes to find a provider that can take the request."""
        while True:
            decision = decide(error, self.state(error))
            if not isinstance(decision, FailOver) or self._fail_over(decision.place, error):
                return decision

    def _fail_over(self, place: ReplicaSet[Upstream], error: errors.DeepSeekV4Error) -> bool:
        """Go to the next provider; where it cannot take the request, note why, and return False."""
        name, (provider, target) = self._lease.upstream.server()[0].name, place.upstreams[0].server()
        self._route = replace(self._route, rest=self._route.rest[1:], cause=error)
        self.retry_budget.reserved_retries = len(self._route.rest)
        try:
            request = rewrite_for_failover(self._asked, self._model, self._first, place)
            if place.upstreams[0].prepare(request, self.call_settings, self.retry_budget) is None:
                provider.encode(request, target)
            self._check_resuming(provider, target, request)
        except errors.InvalidRequestError as unfit:
            self._skip(provider.name, unfit)
            return False
        note = Repair("failover", f"{name} failed ({type(error).__name__}), and {provider.name} was asked")
        self._route = replace(self._route, request=request, replica_set=place, notes=(*self._route.notes, note))
        return True

    def _check_resuming(self, provider: Provider, target: Target, request: ChatRequest) -> None:
        """Check that another provider can go on with the part of the answer, unless a restart is as good.

        Raises:
            InvalidRequestError: It cannot; the text names the reason.
        """
        resuming = self._resuming
        if resuming is None or resuming.part is None:
            return
        named, model = request.model or target.served_model, resuming.model
        family = None if model is None else target.catalogue.checkpoint_family(model)
        same = family is not None and named is not None and target.catalogue.checkpoint_family(named) == family
        reason = resuming.may_go_on_at(provider, request, same_model=same)
        if reason is not None and not self.may_restart:
            raise errors.InvalidRequestError(reason)
        if reason is not None:
            resuming.drop(reason)

    def _skip(self, provider: str, error: errors.InvalidRequestError) -> None:
        """Note that a provider cannot take the request."""
        note = Repair("passed_over", f"{provider} was skipped: {error}")
        self._route = replace(self._route, notes=(*self._route.notes, note))
        self.call_settings.notifier.passed_over(provider, str(error))

    def next_provider(self) -> str:
        """The provider of the next attempt."""
        return self._route.replica_set.upstreams[0].server()[0].name

    def _choose(self) -> Lease:
        """Choose the upstream of the next attempt."""
        route = self._route
        key = conversation_key(route.request) if len(route.replica_set.upstreams) > 1 else b""
        upstream = route.replica_set.choose(key, self.call_settings.clock.now(), route.avoided)
        return Lease(route.replica_set, upstream)

    def _encode(
        self,
        upstream: Upstream,
        prepared: PreparedRequest,
        rendered: RenderedRequest | None = None,
        *,
        is_prepared: bool = True,
    ) -> AttemptPlan:
        """Plan an attempt: encode a request for an upstream of the route, or its prompt."""
        route, (provider, target) = self._route, upstream.server()
        if rendered is None and prepared.request.wire != "raw":
            encoded = provider.encode(prepared.request, target)
        else:
            from deepseek_v4_sdk.providers import completion_bodies as bodies  # few programs render prompts

            request = prepared.request
            if self._resuming is not None:
                request = self._resuming.request_of(request, rendered)
            if rendered is None or self._resuming is None:
                encoded = bodies.encode_rendered(provider, request, target, rendered)
            else:
                encoded = bodies.encode_continuation(provider, request, target, rendered)
        header = provider.data.session_header
        if (
            route.replica_set.session_affinity
            and header is not None
            and all(name != header for name, _ in encoded.call.headers)
        ):
            marked = (*encoded.call.headers, (header, conversation_key(route.request).hex()))
            encoded = replace(encoded, call=replace(encoded.call, headers=marked))
        return AttemptPlan(
            route.request,
            route.replica_set,
            upstream,
            provider,
            target,
            prepared,
            encoded,
            target.limits.version_of(target.base_url, encoded.model),
            is_prepared=is_prepared,
            rendered=rendered,
        )

    def details(self) -> CallDetails:
        """The details that hooks get before the chat begins."""
        details, messages = super().details(), tuple(self._plan.prepared.request.messages)
        url, model, profile = self._plan.encoded.call.url, self.model(), self.profile()
        return replace(details, url=url, model=model, profile=profile, is_chat=True, messages=messages)

    def asked(self) -> Asked:
        """The request to the model, for hooks."""
        request = self._plan.prepared.request
        limit, stream = self._plan.encoded.max_tokens, request.wire != "plain"
        return Asked(thinking=request.thinking, max_tokens=limit, temperature=request.temperature, stream=stream)

    def model(self) -> str | None:
        """The requested model."""
        return self._plan.encoded.model

    def metadata(self) -> Mapping[str, object]:
        """The caller's metadata."""
        return self._asked.metadata

    def profile(self) -> str | None:
        """The profile of the server that is called."""
        return self._plan.replica_set.profile

    def prices(self) -> PriceTable | None:
        """The client's own prices, or None."""
        return self._plan.target.prices

    def on_failure(self, exchange: ChatExchange, error: errors.DeepSeekV4Error) -> None:
        """Learn the server's limits from its refusal, and keep the part of an answer that may go on."""
        if self._resuming is not None:
            if exchange.answering and broke_answer(error):
                self._resuming.on_break(exchange, error, self._plan, self.attempts)
            exchange.give_up()
            if exchange.answering:
                self._resuming.reply = exchange.partial()
        if isinstance(error, errors.APIError):
            target = self._plan.target
            target.limits.learn(target.base_url, exchange.encoded.model, error)

    def partial(self) -> Reply | None:
        """The part of the answer that has arrived, or None where no server began one."""
        if self.exchange is None or not self.exchange.succeeded:
            return None if self._resuming is None else self._resuming.reply
        self.exchange.attempts = tuple(self.attempts)
        return self.exchange.partial()


def _resuming_of(request: ChatRequest, provider: Provider) -> Resuming | None:
    """The state of an answer that may go on where it broke off, where the caller wants that.

    Raises:
        UnsupportedOptionError: No server of this provider can go on with an answer.
    """
    begins = request.continue_from is not None or request.until_done is not None
    if not (request.resumes or begins) or request.wire == "plain":
        return None
    data = provider.data
    goes_on = provider.engine is None or data.completions is not None or data.continues_prefix
    if not goes_on and (begins or not request.restarts):
        option = "on_interrupt" if not begins else "until_done" if request.continue_from is None else "continue_from"
        raise errors.UnsupportedOptionError(
            f"{provider.name} has no route on which an answer goes on: leave out {option}, or give "
            "on_interrupt=('resume', 'restart') for the sake of a fallback",
            option=option,
            provider=provider.name,
        )
    from deepseek_v4_sdk.call.resuming import Resuming  # few programs go on with answers

    resuming = Resuming(resumes=request.resumes)
    if request.continue_from is not None:
        resuming.begin_with(request, request.continue_from)
    return resuming
