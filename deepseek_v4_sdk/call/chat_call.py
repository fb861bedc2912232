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
from deepseek_v4_sdk.call.plan import AttemptPlan, Route, plan_attempt
from deepseek_v4_sdk.call.retry import CallState, Decision, FailOver, GiveUp, Retry, broke_answer, decide
from deepseek_v4_sdk.call.steps import Deliver, Steps
from deepseek_v4_sdk.call.upstream import PreparedRequest, Upstream
from deepseek_v4_sdk.chat import Attempt, ChatEvent, ChatRequest, Repair, Reply
from deepseek_v4_sdk.exchange import ChatExchange, NotContinuableError
from deepseek_v4_sdk.traffic.replicas import ReplicaSet, conversation_key

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from deepseek_v4_sdk.call.resuming import Resuming
    from deepseek_v4_sdk.call.spending import Spending
    from deepseek_v4_sdk.catalogue.prices import PriceTable
    from deepseek_v4_sdk.chat.hooks import CallDetails
    from deepseek_v4_sdk.providers import HttpCall, Provider, RenderedRequest
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
        self._resuming: Resuming | None = None
        begins = request.continue_from is not None or request.until_done is not None
        if (request.resumes or begins) and request.wire != "plain":
            from deepseek_v4_sdk.call.resuming import resuming_of  # few programs go on with answers

            self._resuming = resuming_of(request, self._lease.upstream.server()[0])
        # Encoded now, so that a wrong request raises at the call.
        self._plan = plan_attempt(self._route, self._lease.upstream, PreparedRequest(request), is_prepared=False)
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
        last, upstream, request, resuming = self._plan, self._lease.upstream, self._route.request, self._resuming
        same = last.upstream is upstream and last.request is request
        if same and last.is_prepared:
            prepared = last.prepared  # encoded again, because a key may have changed
        else:
            steps = upstream.prepare(request, self.call_settings, self.retry_budget)
            prepared = (None if steps is None else (yield from steps)) or PreparedRequest(request)
            goes_on = resuming is not None and resuming.part is not None
            if same and request.wire != "raw" and not goes_on and last.is_for(upstream, prepared.request):
                return replace(last, prepared=prepared, is_prepared=True)  # encoded when the call was made
        rendered = yield from self._render(upstream, prepared.request)
        return plan_attempt(self._route, upstream, prepared, resuming, rendered)

    def _render(self, upstream: Upstream, request: ChatRequest) -> Steps[RenderedRequest | None]:
        """Render a request as a prompt, where that is what is sent."""
        settings, budget, resuming = self.call_settings, self.retry_budget, self._resuming
        if resuming is not None and resuming.part is not None:
            return (yield from resuming.render(resuming.part, upstream, request, settings, budget))
        return (yield from upstream.render(request, settings, budget)) if request.wire == "raw" else None

    def admit(self) -> Steps[None]:
        """Wait until the limits have room, and reserve what it may cost.

        Raises:
            LocalLimitError: There will be none within the time of the call.
            CircuitOpenError: The server is left alone for a while.
            SpendLimitError: A limit of money or tokens has none.
            ConfigurationError: A limit is in USD, and the model has no price.
        """
        plan, budget, clock = self._plan, self.retry_budget, self.call_settings.clock
        waited = yield from self._lease.admit(plan, clock, budget.ends)
        budget.waited += waited
        request = plan.prepared.request
        if request.spend:
            from deepseek_v4_sdk.call.spending import Spending  # loaded for calls with a spend limit

            self._spending = self._spending or Spending(self._count)
            yield from self._spending.reserve(request, plan.upstream, plan.encoded, clock.utc())

    def admit_again(self, ends: float) -> Steps[float]:
        """Wait until the limits have room for another request; it keeps its place in `concurrency`.

        Raises:
            LocalLimitError: There will be no room before the first event is due.
        """
        return (yield from self._lease.admit_again(self.call_settings.clock, ends))

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
        upstream, decision, budget = self._lease.upstream, self._decide(error), self.retry_budget
        if self._resuming is not None:
            in_time = (
                budget.failures <= self.call_settings.policy.max_retries
                and budget.ends > self.call_settings.clock.now()
            )
            decision = self._resuming.correct(decision, error, may_restart=self.may_restart and in_time)
        if isinstance(decision, GiveUp):
            for note in self._route.notes:
                error.add_note(note.detail)
        elif isinstance(decision, Retry) and decision.refit:
            self._route = replace(self._route, is_refitted=True)
            self._plan = replace(self._plan, is_prepared=False)
            budget.failures -= 1
        else:
            self._route = replace(self._route, avoided=self._route.avoided | {upstream})
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
            if self._resuming is not None:
                self._resuming.check_place(provider, target, request, may_restart=self.may_restart)
        except errors.InvalidRequestError as unfit:
            self._skip(provider.name, unfit)
            return False
        note = Repair("failover", f"{name} failed ({type(error).__name__}), and {provider.name} was asked")
        self._route = replace(self._route, request=request, replica_set=place, notes=(*self._route.notes, note))
        return True

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

    def details(self) -> CallDetails:
        """The details that hooks get before the chat begins."""
        plan = self._plan
        messages = tuple(plan.prepared.request.messages)
        return replace(super().details(), url=plan.encoded.call.url, is_chat=True, messages=messages)

    def asked(self) -> Asked:
        """The request to the model, for hooks."""
        plan, request = self._plan, self._plan.prepared.request
        return Asked(
            model=plan.encoded.model,
            profile=plan.replica_set.profile,
            metadata=self._asked.metadata,
            thinking=request.thinking,
            max_tokens=plan.encoded.max_tokens,
            temperature=request.temperature,
            stream=request.wire != "plain",
        )

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
