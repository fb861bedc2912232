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
        request_id: The id that is sent with it, in the header `x-request-id`.
        provider: The provider.
        method: "GET" or "POST".
        url: The whole URL.
        model: The requested model, or None.
        size: The size of the body in bytes.
        attempt: Its number among the requests of the call, from 1.
        metadata: The caller's `metadata`.
        profile: The profile of the client, or of the fallback, whose server it goes to; None without one.
        is_chat: Whether a model is to answer, which costs tokens; else it is a request about the server.
        call_id: The id of the call that the request belongs to; all requests of a call have the same.
        thinking: The requested thinking level; None for a request about the server.
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
        status: The HTTP status, or None when no answer arrived.
        error: The class name of the error, or None; `StreamClosedError` where the caller left.
        waited: Seconds waited before it was sent.
        seconds: Seconds that it took.
        request_id: The id that was sent with it, or the server's own.
        usage: The server's count, where it was reported before the attempt failed; None is unknown, and may be billed.
        provider: The provider that was called.
        url: The whole URL.
        is_chat: Whether it went to a model, which costs tokens; else it was a request about the server.
        flavor: The provider whose API was used and whose prices apply.
        model: The model that answered, as the server names it; None where it did not.
        sent_at: The time of sending, in UTC; None where it was not a chat.
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
        """Whether it may have cost tokens: a refusal costs none, and a poll none besides its chat."""
        if not self.is_chat or self.status == 202:  # an accepted request is answered by another one
            return False
        return self.usage is not None or self.status is None or self.status < 300

    def cost(self, *, prices: PriceTable | None = None, currency: str = "USD") -> Cost | None:
        """Compute its cost by the price at the time of sending; None where no price or no count is known.

        Args:
            prices: The prices; the built-in ones by default.
            currency: The currency of the bill.
        """
        usage = self.usage
        if self.sent_at is None or usage is None or usage.prompt_tokens is None or usage.completion_tokens is None:
            return None
        from deepseek_v4_sdk.catalogue.prices import PRICES  # loaded when a cost is computed

        return (prices or PRICES).cost(
            self.flavor,
            self.model,
            self.sent_at,
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
            cached_tokens=usage.cached_tokens,
            currency=currency,
        )
