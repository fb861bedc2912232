"""An answer that outlives its server: the part that arrived, where it may go on, and what all attempts cost. No I/O."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deepseek_v4_sdk import errors
from deepseek_v4_sdk.call.retry import GiveUp, Retry, broke_answer
from deepseek_v4_sdk.chat import Repair, Usage, is_mapping
from deepseek_v4_sdk.exchange import Earlier, part_of
from deepseek_v4_sdk.providers import PROVIDER_NAMES, find_provider
from deepseek_v4_sdk.providers.completion_bodies import check_continuation

if TYPE_CHECKING:
    from deepseek_v4_sdk.call.call_settings import CallSettings
    from deepseek_v4_sdk.call.plan import AttemptPlan
    from deepseek_v4_sdk.call.retry import Decision
    from deepseek_v4_sdk.call.retry_budget import RetryBudget
    from deepseek_v4_sdk.call.steps import Steps
    from deepseek_v4_sdk.call.upstream import Upstream
    from deepseek_v4_sdk.chat import Attempt, ChatRequest, Reply, ToolCall
    from deepseek_v4_sdk.exchange import ChatExchange, Part
    from deepseek_v4_sdk.providers import Provider, ProviderData, RenderedRequest, Target

__all__ = ["Resuming", "resuming_of"]


class Resuming:
    """The part of a call's answer that has arrived, while the call may go on with it.

    Attributes:
        part: The part; None when nothing has arrived, or nothing can go on with it.
        shown: Whether the caller has received something of it.
        error: The error that broke the answer off last, or None.
        reply: The part as a reply, or None.
        model: The model that answered, or None.
    """

    def __init__(self, *, resumes: bool) -> None:
        self._resumes = resumes
        self.part: Part | None = None
        self.shown = False
        self.error: errors.DeepSeekV4Error | None = None
        self._usage = Usage()  # of all attempts that broke
        self._tokens = 0  # of the part, as far as they are in the usage
        self._broken: tuple[int, AttemptPlan, Usage | None] | None = None  # the last attempt, until it is counted
        self._cut_at = -1  # the characters of the part that the limit cut last
        self._saved: int | None = None  # the tokens of the answer of another call; 0 until they are counted
        self._saved_reasoning = ""
        self.reply: Reply | None = None
        self.model: str | None = None

    def begin_with(self, request: ChatRequest, reply: Reply) -> None:
        """Begin with the answer of another call."""
        data = find_provider(reply.flavor).data if reply.flavor in PROVIDER_NAMES else None
        begun = reply.partial_tool_calls[-1] if reply.partial_tool_calls else None
        # vLLM closes half a call at max_tokens, and its form is that of a whole one.
        closed = reply.finish_reason == "length" and (data is None or data.closes_cut_calls)
        written = begun is not None and data is not None and _is_written(request, data, begun)
        self.part = part_of(reply, drops_begun_call=closed or not written)
        self._saved, self._saved_reasoning = 0, reply.reasoning or ""
        self.model, self.reply = reply.model or reply.requested_model, reply

    def on_break(
        self, exchange: ChatExchange, error: errors.DeepSeekV4Error, plan: AttemptPlan, attempts: list[Attempt]
    ) -> None:
        """Note that an answer broke off after it began."""
        self.shown, self.error = True, error
        self._broken = len(attempts) - 1, plan, exchange.counted
        self.model = exchange.answered_by or exchange.encoded.model or self.model
        part = exchange.part()
        reason = "the answer has its end" if part is None else _reason_against(part, plan)
        if not self._resumes:
            reason = "on_interrupt does not say 'resume'"
        if reason is None:
            self.part = part
        else:
            self.drop(reason)

    def on_limit(self, exchange: ChatExchange, plan: AttemptPlan, attempts: list[Attempt]) -> bool:
        """Whether the call goes on with an answer that the limit of tokens cut; then its part is kept."""
        request = plan.prepared.request
        if request.until_done is None or not exchange.is_cut:
            return False
        if request.max_tokens is None and plan.provider.data.completions is not None:
            return False  # the window is full
        part = exchange.part()
        if part is None or _reason_against(part, plan) is not None:
            return False
        if part.calls and part.raw is None and plan.provider.data.closes_cut_calls:
            return False  # the last call may be half a call whose end the server has made up, and shown
        size = (
            len(part.raw or "") + len(part.reasoning) + len(part.text) + sum(len(call.arguments) for call in part.calls)
        )
        if size <= self._cut_at:
            return False  # the limit is less than a character has tokens
        if (period := repeated(part.reasoning + part.text)) is not None:
            note = f"the answer was ended, because its last {period} character(s) come again and again"
            exchange.note(Repair("repeated_text", note))
            return False
        made = exchange.counted.completion_tokens if exchange.counted is not None else None
        if made is None or self._tokens + made >= request.until_done:
            return False
        self.part, self.shown, self.error, self._cut_at = part, True, None, size
        self.model = exchange.answered_by or exchange.encoded.model or self.model
        self._broken = len(attempts), plan, exchange.counted
        return True

    def drop(self, reason: str) -> errors.DeepSeekV4Error | None:
        """Note that nothing can go on with the part; return the error that broke the answer off."""
        self.part = None
        if self.error is not None:
            self.error.add_note(f"the answer was not resumed: {reason}")
        return self.error

    def restart(self) -> None:
        """Forget the part: the answer begins again, and the caller knows it."""
        self.part, self.shown, self._tokens = None, False, 0
        self._usage, self._broken = Usage(), None

    def request_of(self, request: ChatRequest, rendered: RenderedRequest | None) -> ChatRequest:
        """The request for the rest: a grammar does not go on inside a text that has begun."""
        if rendered is None or request.response_format is None or not rendered.text_begun:
            return request
        return replace(request, response_format=None)

    def correct(self, decision: Decision, error: errors.DeepSeekV4Error, *, may_restart: bool) -> Decision:
        """Correct a decision about an error where the caller has received a part of an answer.

        Args:
            decision: The decision about the error without that part.
            error: The error.
            may_restart: Whether the caller wants a broken answer again, and the call has a retry and the time for it.
        """
        if not self.shown or (self.part is not None and not isinstance(decision, GiveUp)):
            return decision
        if not (may_restart and broke_answer(self.error or error)):
            return GiveUp()
        self.restart()
        return Retry(0.0, restart=True) if isinstance(decision, GiveUp) else replace(decision, restart=True)

    def check_place(self, provider: Provider, target: Target, request: ChatRequest, *, may_restart: bool) -> None:
        """Check that another provider can go on with the part of the answer, unless a restart is as good.

        Raises:
            InvalidRequestError: It cannot; the text names the reason.
        """
        if self.part is None:
            return
        try:
            self._check_place(self.part, provider, target, request)
        except errors.InvalidRequestError as unfit:
            if not may_restart:
                raise
            self.drop(str(unfit))

    def _check_place(self, part: Part, provider: Provider, target: Target, request: ChatRequest) -> None:
        named, model = request.model or target.served_model, self.model
        family = None if model is None else target.catalogue.checkpoint_family(model)
        if family is None or named is None or target.catalogue.checkpoint_family(named) != family:
            raise errors.InvalidRequestError("it is not known to serve the same model")
        # A part in tokens or as raw output shows where the reasoning ends.
        if _is_exact(part) or part.text or part.held or part.calls:
            request = replace(request, response_format=None)
        check_continuation(provider, request)

    def render(
        self,
        part: Part,
        upstream: Upstream,
        request: ChatRequest,
        call_settings: CallSettings,
        retry_budget: RetryBudget,
    ) -> Steps[RenderedRequest]:
        """Render a request as a prompt that ends with the part of the answer.

        Raises:
            InvalidRequestError: The server does not take the rest of an answer, or its limit is reached.
        """
        try:
            rendered = yield from upstream.render(request, call_settings, retry_budget, part)
            provider, rest = upstream.server()[0], self.request_of(request, rendered)
            check_continuation(provider, rest, thinks=rendered.ends_in_reasoning)
        except errors.InvalidRequestError as unfit:
            raise (self.drop(str(unfit)) or unfit) from None
        self._allow(rendered, request)
        if rendered.limit < 1 and (error := self.drop("max_tokens is reached")) is not None:
            raise error
        return rendered

    def _allow(self, rendered: RenderedRequest, request: ChatRequest) -> None:
        """Let `max_tokens` count only the tokens of this call."""
        if self._saved == 0:
            self._saved = rendered.part_tokens
        made = rendered.part_tokens - (self._saved or 0)
        if request.until_done is not None and request.max_tokens is not None:
            rendered.limit = min(request.max_tokens, request.until_done - made)
        elif request.until_done is not None and rendered.last_message is not None:
            rendered.limit = request.until_done - made
        elif request.max_tokens is not None:
            rendered.limit += self._saved or 0

    def earlier(self, rendered: RenderedRequest, attempts: list[Attempt]) -> Earlier:
        """The answer so far, for the exchange that goes on with it; the attempt that broke last is counted."""
        assert self.part is not None  # noqa: S101  # callers go on only with a part
        saved = self._saved or 0
        if self._broken is not None:
            index, plan, counted = self._broken
            prompt = rendered.prompt_tokens if plan.rendered is None else len(plan.rendered.ids)
            made = max(0, rendered.part_tokens - saved - self._tokens)
            usage = counted or Usage(
                prompt_tokens=prompt, completion_tokens=made, total_tokens=prompt + made, unknown=1
            )
            if index < len(attempts) and attempts[index].usage is None:
                attempts[index] = replace(attempts[index], usage=usage)
            resumed = usage.prompt_tokens if self._tokens or saved else None
            self._usage += replace(usage, reasoning_tokens=None, resumed=resumed)
            self._tokens, self._broken = rendered.part_tokens - saved, None
        return Earlier(
            part=self.part,
            raw=rendered.raw,
            tokens=rendered.part_tokens,
            prompt=len(rendered.ids),
            usage=self._usage,
            error=self.error,
            saved=saved,
            saved_reasoning=self._saved_reasoning,
            ids=tuple(rendered.ids[-rendered.part_tokens :]) if rendered.exact else (),
        )


def resuming_of(request: ChatRequest, provider: Provider) -> Resuming:
    """The state of an answer that may go on where it broke off.

    Args:
        request: The request; its caller wants that.
        provider: The first provider.

    Raises:
        UnsupportedOptionError: No server of this provider can go on with an answer.
    """
    begins = request.continue_from is not None or request.until_done is not None
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
    resuming = Resuming(resumes=request.resumes)
    if request.continue_from is not None:
        resuming.begin_with(request, request.continue_from)
    return resuming


def repeated(text: str) -> int | None:
    """The length of a text that repeats itself at the end of another one, over and over; None where nothing does."""
    end = text[-_REPEATED:]
    if len(end) < _REPEATED:
        return None
    return next((size for size in range(1, _REPEATED // 4 + 1) if end[:-size] == end[size:]), None)


_REPEATED = 2_000  # characters at the end, in which the text comes four times or more


def _reason_against(part: Part, plan: AttemptPlan) -> str | None:
    """The reason why nothing can go on with a part, or None."""
    request, data = plan.prepared.request, plan.provider.data
    held = request.response_format is not None and request.response_format.get("type") != "text"
    if held and part.past_reasoning and part.calls:
        return "it has a response_format and calls"
    if part.begun and not _is_exact(part) and not _is_written(request, data, part.calls[-1]):
        return f"it broke off inside the call of {part.calls[-1].name!r}, whose markup is not known"
    return None


def _is_exact(part: Part) -> bool:
    """Whether the raw output of a part is known, and not only what a server made of it."""
    return part.raw is not None or bool(part.ids)


def _is_written(request: ChatRequest, data: ProviderData, call: ToolCall) -> bool:
    """Whether a server shows the arguments of a begun call as the model wrote them."""
    shows = None if data.completions is None else data.completions.shows_written_calls
    if not call.arguments or shows == "all":
        return True
    return shows == "texts" and _only_texts(request, call.name, call.arguments)


def _only_texts(request: ChatRequest, name: str, arguments: str) -> bool:
    """Whether all arguments of a call so far are texts, and their schema says so: no server converts these."""
    from pydantic_core import from_json

    tool = next((tool for tool in request.tools if tool.name == name), None)
    properties = (tool.parameters or {}).get("properties") if tool is not None else None
    try:
        came: object = from_json(arguments, allow_partial="trailing-strings")
    except ValueError:
        return False
    if not is_mapping(came) or not is_mapping(properties):
        return False
    schemas = [properties.get(key) for key in came]
    texts = all(is_mapping(schema) and schema.get("type") == "string" for schema in schemas)
    return texts and all(isinstance(value, str) for value in came.values())
