"""The HTTP requests of a call: about to be sent, and ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from deepseek_v4_sdk._late_types import late_type
from deepseek_v4_sdk.chat.options import Thinking
from deepseek_v4_sdk.chat.usage import Usage

if TYPE_CHECKING:
    from deepseek_v4_sdk.catalogue.prices import Cost, PriceTable
else:
    Cost = late_type("deepseek_v4_sdk.catalogue.prices", "Cost")
    PriceTable = late_type("deepseek_v4_sdk.catalogue.prices", "PriceTable")

__all__ = ["Attempt", "RequestDetails"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestDetails:
    """An HTTP request that is about to be sent. Neither its key nor its prompt is here.

    Attributes:
        request_id: The id that goes with it, in the header `x-request-id`.
        provider: The provider.
        method: "GET" or "POST".
        url: The whole URL.
        model: The model that is asked for, or None.
        size: The size of the body in bytes.
        attempt: Which request of the call it is, from 1.
        metadata: What the caller gave as `metadata`.
        profile: The profile of the client, or of the fallback, whose server it goes to; None without one.
        is_chat: Whether a model is to answer, which costs tokens; else it is a question about the server.
        call_id: The id of the call that the request belongs to; all requests of a call have the same.
        thinking: The thinking level that is asked for; None of a question about the server.
        max_tokens: The limit of the answer that is sent, or None.
        temperature: The sampling temperature that is sent, or None.
        stream: Whether the answer comes as a stream on the wire, as it does unless `wire="plain"` is given.
        prices: The client's own prices; None for the built-in ones.
    """

    request_id: str
    provider: str
    method: str
    url: str
    model: str | None = None
    size: int = 0
    attempt: int = 1
    metadata: Mapping[str, object] = field(default_factory=dict[str, object])
    profile: str | None = None
    is_chat: bool = False
    call_id: str = ""
    thinking: Thinking | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    stream: bool = False
    prices: PriceTable | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One HTTP request made for a call.

    Attributes:
        number: Its place, from 1.
        status: The HTTP status, or None when no answer came.
        error: The class name of what went wrong, or None; `StreamClosedError` where the caller left.
        waited: Seconds waited before it was sent.
        seconds: How long it took.
        request_id: The id it carried, or the server's own.
        usage: What the server counted, where it told before the attempt failed; None is unknown, and may be billed.
        provider: The provider that was asked.
        url: The whole URL.
        is_chat: Whether it asked a model, which costs tokens; else it was a question about the server.
        flavor: The provider whose wire was spoken, by whose prices it is billed.
        model: The model that answered, as the server names it; None where it did not.
        sent_at: When it was sent, in UTC; None where it was not a chat.
    """

    number: int
    status: int | None = None
    error: str | None = None
    waited: float = 0.0
    seconds: float = 0.0
    request_id: str | None = None
    usage: Usage | None = None
    provider: str = ""
    url: str = ""
    is_chat: bool = True
    flavor: str = ""
    model: str | None = None
    sent_at: datetime | None = None

    @property
    def may_cost(self) -> bool:
        """Whether it cost tokens, as far as anybody knows: a refusal costs none, and a poll none of its own."""
        if not self.is_chat or self.status == 202:  # what was accepted comes with another request
            return False
        return self.usage is not None or self.status is None or self.status < 300

    def cost(self, *, prices: PriceTable | None = None, currency: str = "USD") -> Cost | None:
        """What it cost, by the price that held when it was sent; None where no price or no count is known.

        Args:
            prices: The prices; the built-in ones by default.
            currency: The currency of the bill.
        """
        usage = self.usage
        if self.sent_at is None or usage is None or usage.prompt_tokens is None or usage.completion_tokens is None:
            return None
        from deepseek_v4_sdk.catalogue.prices import PRICES  # loaded by who asks for a cost

        return (prices or PRICES).cost(
            self.flavor,
            self.model,
            self.sent_at,
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
            cached_tokens=usage.cached_tokens,
            currency=currency,
        )
