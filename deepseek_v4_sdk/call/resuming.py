"""An answer that outlives its server: the part that arrived, where it may go on, and what all attempts cost. No I/O."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from deepseek_v4_sdk import errors
from deepseek_v4_sdk.chat import Usage
from deepseek_v4_sdk.exchange import Earlier
from deepseek_v4_sdk.providers.completion_bodies import check_completion

if TYPE_CHECKING:
    from deepseek_v4_sdk.call.plan import AttemptPlan
    from deepseek_v4_sdk.chat import Attempt, ChatRequest, Reply
    from deepseek_v4_sdk.exchange import ChatExchange, Part
    from deepseek_v4_sdk.providers import Provider, RenderedRequest

__all__ = ["Resuming"]


class Resuming:
    """The part of a call's answer that has arrived, while the call may go on with it.

    Attributes:
        part: The part; None when nothing has arrived, or nothing can go on with it.
        shown: Whether the caller has received something of it.
        error: The error that broke the answer off last, or None.
        reply: The part as a reply, or None.
        model: The model that answered, or None.
    """

    def __init__(self) -> None:
        self.part: Part | None = None
        self.shown = False
        self.error: errors.DeepSeekV4Error | None = None
        self._usage = Usage()  # of all attempts that broke
        self._tokens = 0  # of the part, as far as they are in the usage
        self._broken: tuple[int, AttemptPlan, Usage | None] | None = None  # the last attempt, until it is counted
        self._is_told = False  # whether the caller knows of the last break
        self.reply: Reply | None = None
        self.model: str | None = None

    def on_break(
        self, exchange: ChatExchange, error: errors.DeepSeekV4Error, plan: AttemptPlan, attempts: list[Attempt]
    ) -> None:
        """Note that an answer broke off after it began."""
        self.shown, self.error, self._is_told = True, error, False
        self._broken = len(attempts) - 1, plan, exchange.counted
        self.model = exchange.answered_by or exchange.encoded.model or self.model
        part = exchange.part()
        reason = "the answer has its end" if part is None else _reason_against(part, plan)
        if reason is None:
            self.part = part
        else:
            self.drop(reason)

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

    def request_of(self, request: ChatRequest) -> ChatRequest:
        """The request for the rest: a grammar does not go on inside a text that has begun."""
        part = self.part
        if part is None or request.response_format is None or not (part.text or part.held or part.calls):
            return request
        return replace(request, response_format=None)

    def may_go_on_at(self, provider: Provider, request: ChatRequest, *, same_model: bool) -> str | None:
        """The reason why another provider cannot go on with the part, or None."""
        if not same_model:
            return "it is not known to serve the same model"
        try:
            check_completion(provider, self.request_of(request))
        except errors.InvalidRequestError as unfit:
            return str(unfit)
        return None

    def check(self, provider: Provider, request: ChatRequest) -> None:
        """Check that a provider takes the rest of an answer.

        Raises:
            InvalidRequestError: It does not; the text names the reason.
        """
        check_completion(provider, request)

    def earlier(self, rendered: RenderedRequest, attempts: list[Attempt]) -> Earlier:
        """The answer so far, for the exchange that goes on with it; the attempt that broke last is counted."""
        assert self.part is not None  # noqa: S101  # callers go on only with a part
        if self._broken is not None:
            index, plan, told = self._broken
            prompt = rendered.prompt_tokens if plan.rendered is None else len(plan.rendered.ids)
            made = max(0, rendered.part_tokens - self._tokens)
            usage = told or Usage(prompt_tokens=prompt, completion_tokens=made, total_tokens=prompt + made, unknown=1)
            if index < len(attempts) and attempts[index].usage is None:
                attempts[index] = replace(attempts[index], usage=usage)
            resumed = usage.prompt_tokens if self._tokens else None
            self._usage += replace(usage, reasoning_tokens=None, resumed=resumed)
            self._tokens, self._broken = rendered.part_tokens, None
        return Earlier(
            part=self.part,
            raw=rendered.raw,
            tokens=rendered.part_tokens,
            prompt=len(rendered.ids),
            usage=self._usage,
            error=None if self._is_told else self.error,
        )


def _reason_against(part: Part, plan: AttemptPlan) -> str | None:
    """The reason why nothing can go on with a part, or None."""
    request, data = plan.prepared.request, plan.provider.data
    held = request.response_format is not None and request.response_format.get("type") != "text"
    if held and part.past_reasoning and part.calls:
        return "it has a response_format and calls"
    shows = None if data.completions is None else data.completions.shows_written_calls
    if part.begun and part.raw is None and part.calls[-1].arguments and shows != "all":
        call = part.calls[-1]
        if shows is None or not _only_texts(request, call.name, call.arguments):
            return f"it broke off inside the call of {call.name!r}, whose markup is not known"
    return None


def _only_texts(request: ChatRequest, name: str, arguments: str) -> bool:
    """Whether all arguments of a call so far are texts, and their schema says so: no server converts these."""
    from pydantic_core import from_json

    tool = next((tool for tool in request.tools if tool.name == name), None)
    properties = (tool.parameters or {}).get("properties") if tool is not None else None
    try:
        came = from_json(arguments, allow_partial="trailing-strings")
    except ValueError:
        return False
    if not isinstance(came, dict) or not isinstance(properties, dict):
        return False
    return all(
        isinstance(value, str) and isinstance(schema := properties.get(key), dict) and schema.get("type") == "string"
        for key, value in came.items()
    )
