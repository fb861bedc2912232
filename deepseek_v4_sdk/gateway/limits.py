"""Limits of each caller: how much one key may ask for, and spend, before anything goes upstream."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING

from deepseek_v4_sdk import ConfigurationError, Spend
from deepseek_v4_sdk.gateway.errors import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from deepseek_v4_sdk import RateLimits
    from deepseek_v4_sdk.gateway.callers import Caller

__all__ = ["CallerLimits", "CallerSpends"]

_MINUTE = 60.0
_MOST_CALLERS = 10_000


@dataclass(slots=True)
class _Account:
    running: int = 0
    begun: deque[float] = field(default_factory=deque[float])
    tokens: deque[tuple[float, int]] = field(default_factory=deque[tuple[float, int]])


class CallerLimits:
    """Counts what each caller asks for.

    Args:
        limits: The limits of each caller, or None. Tokens are counted when an answer has ended.
        clock: Returns the time in seconds.
    """

    def __init__(self, limits: RateLimits | None, clock: Callable[[], float] = monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._accounts: OrderedDict[str, _Account] = OrderedDict()

    def enter(self, caller: Caller) -> None:
        """Count a request that begins; `leave` ends it.

        Raises:
            Refusal: A limit leaves no room; the answer says when there is some, where that is known.
        """
        limits = self._limits
        if limits is None:
            return
        account, now = self._account(caller), self._clock()
        while account.begun and account.begun[0] <= now - _MINUTE:
            account.begun.popleft()
        while account.tokens and account.tokens[0][0] <= now - _MINUTE:
            account.tokens.popleft()
        if limits.concurrency is not None and account.running >= limits.concurrency:
            raise _refusal("concurrency", f"{limits.concurrency} requests at once", None)
        if limits.requests_per_minute is not None and len(account.begun) >= limits.requests_per_minute:
            wait = account.begun[0] + _MINUTE - now
            raise _refusal("requests_per_minute", f"{limits.requests_per_minute} requests a minute", wait)
        used = sum(count for _, count in account.tokens)
        if limits.tokens_per_minute is not None and used >= limits.tokens_per_minute:
            wait = account.tokens[0][0] + _MINUTE - now
            raise _refusal("tokens_per_minute", f"{limits.tokens_per_minute} tokens a minute", wait)
        account.running += 1
        account.begun.append(now)

    def leave(self, caller: Caller, tokens: int | None) -> None:
        """Count a request that has ended."""
        if self._limits is None:
            return
        account = self._account(caller)
        account.running = max(0, account.running - 1)
        if tokens:
            account.tokens.append((self._clock(), tokens))

    def _account(self, caller: Caller) -> _Account:
        account = self._accounts.pop(caller.id, None) or _Account()
        self._accounts[caller.id] = account
        if len(self._accounts) > _MOST_CALLERS:  # without keys anybody may make up callers
            idle = next((id for id, each in self._accounts.items() if not each.running), None)
            if idle is not None:
                del self._accounts[idle]
        return account


class CallerSpends:
    """The accounts of the callers: each key has limits of money and tokens that no other key can use up.

    Args:
        spend: The limits of each caller; they are copied, and hold nothing themselves.
        by_key: Whether callers have keys. Without keys all callers have one account: anybody could make up another.

    Raises:
        ConfigurationError: One of the limits is not a `Spend`.
    """

    def __init__(self, spend: Spend | Sequence[Spend] | None, *, by_key: bool) -> None:
        given: Sequence[object] = () if spend is None else (spend,) if isinstance(spend, Spend) else spend
        for each in given:
            if not isinstance(each, Spend):
                raise ConfigurationError(f"caller_spend is {type(each).__name__}: give Spend(...), or a list of them")
        self._limits = [each for each in given if isinstance(each, Spend)]
        self._by_key = by_key
        self._accounts: dict[str, list[Spend]] = {}  # as many as there are keys

    def of(self, caller: Caller) -> list[Spend]:
        """The accounts of a caller; none where there are no limits."""
        if not self._limits:
            return []
        holder = caller.id if self._by_key else ""
        if holder not in self._accounts:
            self._accounts[holder] = [Spend(each.limit, each.per, each.unit) for each in self._limits]
        return self._accounts[holder]


def _refusal(limit: str, allowed: str, wait: float | None) -> Refusal:
    return Refusal(429, f"this key may ask for {allowed} of this gateway", code=limit, retry_after=wait)
