"""The ledger: what the requests of clients have cost in tokens and money, those that failed or were left among them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from deepseek_v4_sdk._late_types import late_type
from deepseek_v4_sdk.chat.hooks import AttemptDetails, Hooks
from deepseek_v4_sdk.chat.shared import Shared
from deepseek_v4_sdk.chat.usage import Usage
from deepseek_v4_sdk.support.forks import new_lock
from deepseek_v4_sdk.support.redaction import never_raises

if TYPE_CHECKING:
    from deepseek_v4_sdk.catalogue.prices import Cost, PriceTable
else:
    Cost = late_type("deepseek_v4_sdk.catalogue.prices", "Cost")
    PriceTable = late_type("deepseek_v4_sdk.catalogue.prices", "PriceTable")

__all__ = ["Ledger", "Spent"]

_MOST = 1_000
_MOST_TAGS = 100
_OTHERS = "others"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """A sum over HTTP requests.

    Attributes:
        requests: Number of requests.
        counted: Number of those whose count the server reported.
        refused: Number of those that the server refused with an HTTP status, which costs no tokens.
        unknown: Number of those with an unknown cost: broken off, left, timed out, or without a count.
        prompt_tokens: The prompts, as far as counted.
        completion_tokens: The answers.
        reasoning_tokens: The part of them that was reasoning.
        cached_tokens: The part of the prompts that came from the server's prefix cache.
        cost: The cost, as far as it is known; None where no cost is. Its `unknown` is `unpriced`, and with any of them
            it is "at least".
        unpriced: How many requests may have cost something that nobody knows: without a count, or without a price.
    """

    requests: int = 0
    counted: int = 0
    refused: int = 0
    unknown: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    cached_tokens: int = 0
    cost: Cost | None = None
    unpriced: int = 0

    def __add__(self, other: Spent) -> Spent:
        return Spent(
            requests=self.requests + other.requests,
            counted=self.counted + other.counted,
            refused=self.refused + other.refused,
            unknown=self.unknown + other.unknown,
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
            reasoning_tokens=self.reasoning_tokens + other.reasoning_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            cost=_together(self, other),
            unpriced=self.unpriced + other.unpriced,
        )


def _together(one: Spent, other: Spent) -> Cost | None:
    cost = one.cost if other.cost is None else other.cost if one.cost is None else one.cost + other.cost
    return None if cost is None else replace(cost, unknown=one.unpriced + other.unpriced)


@dataclass(frozen=True, slots=True)
class _Account:
    profile: str
    provider: str
    model: str


class Ledger(Shared, Hooks):
    """Adds up the cost of each chat's requests, as they end. Pass it as one of `hooks`, to one client or to several.

    It may be used from many threads, and takes no more room the longer it runs.

    Args:
        prices: The prices; else those of the client, or the built-in ones.
        currency: The currency of the costs.
    """

    def __init__(self, *, prices: PriceTable | None = None, currency: str = "USD") -> None:
        self._prices = prices
        self._currency = currency
        self._sums: dict[_Account, Spent] = {}
        self._tags: dict[str, dict[str, Spent]] = {}
        self._lock = new_lock()

    @never_raises
    def __repr__(self) -> str:
        return f"Ledger({self.total!r})"

    @property
    def total(self) -> Spent:
        """The sum of all requests."""
        with self._lock:
            return sum(self._sums.values(), Spent())

    def by(self, what: Literal["profile", "provider", "model"]) -> dict[str, Spent]:
        """The sums for each profile (`""` for clients without one), provider or model."""
        sums: dict[str, Spent] = {}
        with self._lock:
            for account, spent in self._sums.items():
                name: str = getattr(account, what)
                sums[name] = sums.get(name, Spent()) + spent
        return sums

    def by_tag(self, key: str) -> dict[str, Spent]:
        """The sums for each value that `metadata` had under a key, such as `"tenant"`; calls without it are left out.

        Texts, numbers and truth values count; of more than 1,000 values of a key the later ones are `"others"`.
        """
        with self._lock:
            return dict(self._tags.get(key, {}))

    def on_attempt(self, details: AttemptDetails) -> None:
        """Add a request that has ended."""
        request, attempt = details.request, details.attempt
        if not request.is_chat or attempt.status == 202:  # an accepted request is answered by another one
            return
        account = _Account(request.profile or "", request.provider, request.model or "")
        cost = attempt.cost(prices=self._prices or request.prices, currency=self._currency)
        spent = replace(
            _spent(attempt.usage, attempt.status), cost=cost, unpriced=int(attempt.may_cost and cost is None)
        )
        with self._lock:
            if account not in self._sums and len(self._sums) >= _MOST:
                account = _Account(_OTHERS, _OTHERS, _OTHERS)
            self._sums[account] = self._sums.get(account, Spent()) + spent
            for key, value in request.metadata.items():
                if isinstance(value, str | int | float) and (key in self._tags or len(self._tags) < _MOST_TAGS):
                    sums = self._tags.setdefault(key, {})
                    name = str(value) if str(value) in sums or len(sums) < _MOST else _OTHERS
                    sums[name] = sums.get(name, Spent()) + spent


def _spent(usage: Usage | None, status: int | None) -> Spent:
    if usage is None or usage.prompt_tokens is None or usage.completion_tokens is None:
        refused = status is not None and status >= 300
        return replace(Spent(requests=1), refused=int(refused), unknown=int(not refused))
    return Spent(
        requests=1,
        counted=1,
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        reasoning_tokens=usage.reasoning_tokens or 0,
        cached_tokens=usage.cached_tokens or 0,
    )
