"""The answer to a request, and the facts about its arrival."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from deepseek_v4_sdk._late_types import late_type
from deepseek_v4_sdk.chat.attempt import Attempt
from deepseek_v4_sdk.chat.json_value import JsonValue
from deepseek_v4_sdk.chat.messages import AssistantMessage
from deepseek_v4_sdk.chat.model_field import ModelField
from deepseek_v4_sdk.chat.timing import Timing
from deepseek_v4_sdk.chat.tool_call import ToolCall
from deepseek_v4_sdk.chat.usage import Usage

if TYPE_CHECKING:
    from deepseek_v4_sdk.catalogue.prices import Cost, PriceTable
else:
    Cost = late_type("deepseek_v4_sdk.catalogue.prices", "Cost")
    PriceTable = late_type("deepseek_v4_sdk.catalogue.prices", "PriceTable")

__all__ = ["FinishReason", "Repair", "RepairLevel", "Reply"]

FinishReason: TypeAlias = Literal["stop", "length", "tool_calls", "content_filter", "abort", "repetition", "other"]
"""The reason why the model stopped, in one vocabulary; the server's own word is in `raw_finish_reason`."""


RepairLevel: TypeAlias = Literal["note", "alarm"]
"""The level of a repair: only for a log, or something that a person may want to know."""

_BY_KIND = cast("RepairLevel", "by kind")
# Repairs that give the same answer in another form, or with other words of the request. All others are alarms.
_NOTES = frozenset(
    {
        "bare_value",
        "json_in_text",
        "marked_tokens",
        "model_alias",
        "passed_over_behind",
        "read_arguments",
        "read_value",
        "renamed_call",
        "trimmed_arguments",
        "trimmed_text",
        "trimmed_tokens",
    }
)


@dataclass(frozen=True, slots=True)
class Repair:
    """A repair of an answer, or a decision for the caller in a request.

    Attributes:
        kind: Its kind, in a word that programs can compare.
        detail: Its description, in a sentence.
        level: Whether a person may want to hear of it ("alarm"), as of an answer by another provider or a history that
            was cut, or not ("note"), as of an alias that was resolved. It follows from the kind where it is not given.
    """

    kind: str
    detail: str
    level: RepairLevel = field(default=_BY_KIND, kw_only=True, repr=False)

    def __post_init__(self) -> None:
        if self.level is _BY_KIND:
            object.__setattr__(self, "level", "note" if self.kind in _NOTES else "alarm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply(ModelField):
    """An answer, whole; or, as the `partial` of an error, what had arrived of it.

    Attributes:
        text: The answer's text; empty when the model only called tools.
        reasoning: The reasoning before it, or None when the server sent none.
        tool_calls: The calls, in the model's order.
        partial_tool_calls: Calls that were cut off; only on the partial of an error.
        finish_reason: The reason why the model stopped; None only on a partial.
        raw_finish_reason: The server's own word for it.
        stop_sequence: The stop text that ended the answer, where the server reports it.
        usage: The server's token counts.
        timing: The times at which the pieces arrived.
        logprobs: One entry for each token, as the server sent them, or None.
        model: The model that answered, as the server names it.
        requested_model: The requested model.
        provider: The provider's name; "mock" for the mock.
        flavor: The provider whose API was used.
        id: The server's id of the answer.
        request_id: The id under which the server's logs have the request.
        headers: The HTTP headers of the answer, names in lower case.
        attempts: Every HTTP request made for this call, the last one included.
        repairs: The repairs and decisions.
        max_tokens_sent: The limit that was sent, and so the one that a cut answer reached; None when none was sent.
        metadata: The caller's `metadata`.
        prices: The client's own prices, which `cost` uses; None for the built-in ones.
        raw: The server's further fields. For a stream: the last value of each field that is not a delta, with lists
            joined.
    """

    text: str = ""
    reasoning: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    partial_tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: FinishReason | None = None
    raw_finish_reason: str | None = None
    stop_sequence: str | None = None
    usage: Usage = field(default_factory=Usage)
    timing: Timing = field(default_factory=Timing)
    logprobs: tuple[JsonValue, ...] | None = None
    model: str | None = None
    requested_model: str | None = None
    provider: str = ""
    flavor: str = ""
    id: str | None = None
    request_id: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    attempts: tuple[Attempt, ...] = ()
    repairs: tuple[Repair, ...] = ()
    max_tokens_sent: int | None = None
    metadata: Mapping[str, object] = field(default_factory=dict[str, object])
    prices: PriceTable | None = field(default=None, repr=False, compare=False)
    raw: dict[str, JsonValue] = field(default_factory=dict[str, JsonValue])

    @property
    def alarms(self) -> tuple[Repair, ...]:
        """The repairs that a person may want to hear of."""
        return tuple(repair for repair in self.repairs if repair.level == "alarm")

    @property
    def message(self) -> AssistantMessage:
        """The answer as a message: add it to the conversation to continue; nothing of it is lost.

        A turn that called tools without reasoning has an empty reasoning, not none: DeepSeek's API refuses a
        tool-calling turn whose reasoning is missing, and every server reads the two alike.
        """
        reasoning = "" if self.reasoning is None and self.tool_calls else self.reasoning
        return AssistantMessage(self.text or None, reasoning, self.tool_calls)

    def cost(
        self, *, prices: PriceTable | None = None, currency: str = "USD", at: datetime | None = None
    ) -> Cost | None:
        """Compute the cost of this answer, by the price at the time of the request.

        The model that answered is billed, at the provider whose API was used. None where no price is known, as on your
        own servers, or where the server did not count, or named no model. For an answer that was resumed it is the sum
        of its attempts.

        Args:
            prices: Other prices than the client's.
            currency: The currency of the bill.
            at: Another moment than `timing.sent_at`.

        Raises:
            InvalidRequestError: The moment has no time zone.
        """
        sent_at, usage = at or self.timing.sent_at, self.usage
        if usage.resumed is not None and at is None:
            from deepseek_v4_sdk.chat.sums import total_cost  # loaded for an answer of several requests

            return total_cost(self.attempts, prices or self.prices, currency)
        if sent_at is None or usage.prompt_tokens is None or usage.completion_tokens is None:
            return None
        from deepseek_v4_sdk.catalogue.prices import PRICES  # loaded when a cost is computed

        return (prices or self.prices or PRICES).cost(
            self.flavor,
            self.model,
            sent_at,
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
            cached_tokens=usage.cached_tokens,
            currency=currency,
        )

    def to_dict(self) -> dict[str, object]:
        """Return all fields as plain values, ready for JSON (`metadata` unchanged), without the prices."""
        # Notes of the caller may be anything, and need not be copyable.
        plain: dict[str, Any] = {**asdict(replace(self, metadata={}, prices=None)), "metadata": self.metadata}
        del plain["prices"]
        for calls in ("tool_calls", "partial_tool_calls"):
            plain[calls] = tuple([call.to_dict() for call in getattr(self, calls)])
        for attempt in cast("tuple[dict[str, object], ...]", plain["attempts"]):
            sent = cast("datetime | None", attempt["sent_at"])
            attempt["sent_at"] = None if sent is None else sent.isoformat()
        sent_at = self.timing.sent_at
        plain["timing"] = {**asdict(self.timing), "sent_at": None if sent_at is None else sent_at.isoformat()}
        return plain
