"""Reservations of a call's attempts under the limits of money and tokens, and the cost of each. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from deepseek_v4_sdk import errors
from deepseek_v4_sdk.call.steps import Compute, Steps
from deepseek_v4_sdk.catalogue.prices import PRICES
from deepseek_v4_sdk.traffic.spend import Bill, reserve

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from deepseek_v4_sdk.call.upstream import Upstream
    from deepseek_v4_sdk.chat import ChatRequest
    from deepseek_v4_sdk.exchange import ChatExchange
    from deepseek_v4_sdk.providers import EncodedChat
    from deepseek_v4_sdk.traffic.spend import Reserved, Spend

__all__ = ["Spending"]


class Spending:
    """The reservations and costs of a call's attempts.

    Args:
        count: Counts the tokens of a text, for answers that the server did not count.
    """

    def __init__(self, count: Callable[[str], int]) -> None:
        self._count = count
        self._reserved: Reserved | None = None  # for the attempt under way
        self._counted: tuple[ChatRequest, Upstream, int] | None = None  # the prompt that was counted last

    def reserve(self, request: ChatRequest, place: Upstream, sent: EncodedChat, at: datetime) -> Steps[None]:
        """Reserve what an attempt may cost: its prompt, counted, and the longest answer, or the mean one so far.

        Raises:
            SpendLimitError: One of the limits has no room for it.
            ConfigurationError: A limit is in USD, and the model has no price; or the vocabulary is not installed.
        """
        prompt = yield from self._prompt(request, place)
        provider, target = place.server()
        bill = Bill(
            provider=provider.data.name,
            model=sent.model,
            endpoint=f"{target.base_url} {sent.model}",
            at=at,
            prices=target.prices or PRICES,
        )
        self._reserved = reserve(cast("Sequence[Spend]", request.spend), bill, prompt, sent.max_tokens)

    def settle(self, transfer: ChatExchange | None, error: errors.DeepSeekV4Error | None) -> None:
        """Put the cost of the attempt in place of what was reserved. Settling twice is settling once.

        A refusal costs nothing, nor does a request that did not reach the server. Where the server did not count, as
        for a stream that broke, the prompt and the arrived part of the answer are counted here.
        """
        reserved, self._reserved = self._reserved, None
        if reserved is None:
            return
        if transfer is None or _not_taken(transfer, error):
            reserved.settle(0, 0)
            return
        usage = transfer.counted
        if usage is not None and usage.prompt_tokens is not None and usage.completion_tokens is not None:
            reserved.settle(
                usage.prompt_tokens,
                usage.completion_tokens,
                cached=usage.cached_tokens or 0,
                model=transfer.answered_by,
                is_reported=True,
            )
            return
        # An answer that was resumed has a part of earlier attempts, which they have paid.
        made = transfer.estimated(reserved.prompt).completion_tokens or 0
        reserved.settle(reserved.prompt, made, model=transfer.answered_by)

    def _prompt(self, request: ChatRequest, place: Upstream) -> Steps[int]:
        """The tokens of a prompt, which is counted once for all attempts at a place."""
        if self._counted is not None and self._counted[0] is request and self._counted[1] is place:
            return self._counted[2]

        def count() -> int | errors.DeepSeekV4Error:
            try:
                return place.count_bound(request)
            except errors.DeepSeekV4Error as error:  # raised below, where the call adds its attempts to it
                return error

        found = cast("int | errors.DeepSeekV4Error", (yield Compute(count, long=place.is_long(request))))
        if isinstance(found, errors.DeepSeekV4Error):
            raise found
        self._counted = (request, place, found)
        return found


def _not_taken(transfer: ChatExchange, error: errors.DeepSeekV4Error | None) -> bool:
    """Whether the server did not take a request: it refused it, or there was no connection."""
    if transfer.head is not None:
        return transfer.head.status >= 300
    return isinstance(error, errors.ConnectionFailedError) or (
        isinstance(error, errors.PhaseTimeoutError) and error.phase == "connect"
    )
