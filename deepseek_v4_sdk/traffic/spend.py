"""Limits of money and tokens: what a request may cost is reserved before it is sent, and settled when it has ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from deepseek_v4_sdk._late_types import late_type
from deepseek_v4_sdk.chat import Shared, is_list
from deepseek_v4_sdk.errors import ConfigurationError, SpendLimitError
from deepseek_v4_sdk.support.forks import new_lock, renewed_in_children
from deepseek_v4_sdk.support.redaction import never_raises

if TYPE_CHECKING:
    from deepseek_v4_sdk.catalogue.prices import PriceTable
else:
    PriceTable = late_type("deepseek_v4_sdk.catalogue.prices", "PriceTable")

__all__ = ["Accounts", "Bill", "Reserved", "Spend", "SpendPer", "SpendUnit", "as_spends", "reserve"]

SpendPer: TypeAlias = Literal["client", "run", "day"]
"""The scope of a limit: all requests under it, one call or tool run, or one day in UTC."""
SpendUnit: TypeAlias = Literal["USD", "tokens"]
"""The unit of a limit."""

_ZERO = Decimal(0)


class Spend(Shared):
    """A limit of money or tokens. Give it as `spend=` to a client or to a call.

    Before each request the most that it may cost is reserved: its prompt, counted, at the price of a miss, and
    `max_tokens`; when it has ended, its cost takes the place of that. With `max_tokens` the limit is never passed.
    Without it, the mean answer so far is reserved, and the answers under way may pass the limit.

    One object is one limit, also where several clients have it. It counts what this process sends.

    Args:
        limit: The limit, in the unit.
        per: "client" is everything that is sent under it; "run" is one call, or one tool run; "day" is a day in UTC.
        unit: "USD" or "tokens".

    Raises:
        ConfigurationError: The limit makes no sense.
    """

    def __init__(self, limit: Decimal | float | str, per: SpendPer = "client", unit: SpendUnit = "USD") -> None:
        if per not in get_args(SpendPer):
            raise ConfigurationError(f"per is {per!r}: give 'client', 'run' or 'day'")
        if unit not in get_args(SpendUnit):
            raise ConfigurationError(f"unit is {unit!r}: give 'USD' or 'tokens'")
        self.limit = _amount(limit)
        self.per: SpendPer = per
        self.unit: SpendUnit = unit
        self._spent = self._reserved = _ZERO
        self._day: date | None = None
        self._answers: dict[str, tuple[int, int]] = {}  # how many tokens in how many answers, by endpoint
        self._lock = new_lock()
        renewed_in_children(self)

    @never_raises
    def __repr__(self) -> str:
        return f"Spend({self.limit} {self.unit} per {self.per}, spent={self.spent}, reserved={self.reserved})"

    @property
    def spent(self) -> Decimal:
        """The amount that is spent: per "day" on the last day on which something was sent, per "run" nothing."""
        return self._spent

    @property
    def reserved(self) -> Decimal:
        """The amount that is reserved for requests under way."""
        return self._reserved

    def leave_to_parent(self) -> None:
        """Requests under way are the parent's, in a child."""
        self._reserved = _ZERO

    def opened(self) -> Spend:
        """The account of one call or run: itself, but for a limit of each run."""
        return Spend(self.limit, self.per, self.unit) if self.per == "run" else self

    def take(self, amount: Decimal, at: datetime) -> date:
        """Reserve an amount; gives the day to which it belongs.

        Raises:
            SpendLimitError: There is not so much left.
        """
        day = at.date()
        with self._lock:
            if self.per == "day" and day != self._day:
                self._day, self._spent, self._reserved = day, _ZERO, _ZERO
            if self._spent + self._reserved + amount > self.limit:
                raise SpendLimitError(
                    f"the limit of {_shown(self.limit)} {self.unit} per {self.per} leaves no room: "
                    f"{_shown(self._spent)} are spent, {_shown(self._reserved)} reserved for requests under way, and "
                    f"this one may cost {_shown(amount)}; it was not sent",
                    limit=self.limit,
                    spent=self._spent,
                    reserved=self._reserved,
                    needed=amount,
                    unit=self.unit,
                    per=self.per,
                )
            self._reserved += amount
        return day

    def give(self, reserved: Decimal, amount: Decimal, day: date) -> None:
        """Put what was spent in the place of what was reserved."""
        with self._lock:
            if self.per == "day" and day != self._day:
                return  # it belongs to a day that is over
            self._reserved = max(_ZERO, self._reserved - reserved)
            self._spent += amount

    def mean_answer(self, endpoint: str) -> int:
        """The mean number of tokens of the answers so far, rounded up; 0 before the first."""
        tokens, answers = self._answers.get(endpoint, (0, 0))
        return -(-tokens // answers) if answers else 0

    def learn(self, endpoint: str, tokens: int) -> None:
        """An answer had so many tokens."""
        with self._lock:
            known, answers = self._answers.get(endpoint, (0, 0))
            self._answers[endpoint] = (known + tokens, answers + 1)


class Accounts(tuple[Spend, ...]):
    """The accounts of one call or run, opened: those of the client and those of the call."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """By what a request is billed.

    Attributes:
        provider: The provider whose prices hold.
        model: The requested model, or None.
        endpoint: Tells endpoints apart.
        at: When it is sent.
        prices: The prices.
    """

    provider: str
    model: str | None
    endpoint: str
    at: datetime
    prices: PriceTable

    def amount(
        self, unit: SpendUnit, prompt: int, answer: int, *, cached: int = 0, model: str | None = None
    ) -> Decimal:
        """Convert a number of tokens to the unit.

        Raises:
            ConfigurationError: The model has no price in USD.
        """
        if unit == "tokens":
            return Decimal(prompt + answer)
        for name in (model, self.model):
            cost = self.prices.cost(
                self.provider,
                name,
                self.at,
                prompt_tokens=prompt,
                completion_tokens=answer,
                cached_tokens=cached,
            )
            if cost is not None:
                return cost.amount
        raise ConfigurationError(
            f"spend is a limit in USD, and no price of {self.model!r} at {self.provider} is known: give prices=, or "
            "Spend(..., unit='tokens')"
        )


@dataclass(slots=True)
class Reserved:
    """The reservation of a running request.

    Attributes:
        bill: By what it is billed.
        prompt: The tokens of its prompt, as counted here.
    """

    bill: Bill
    prompt: int
    parts: list[tuple[Spend, Decimal, date]] = field(default_factory=list["tuple[Spend, Decimal, date]"])

    def settle(
        self, prompt: int, answer: int, *, cached: int = 0, model: str | None = None, is_reported: bool = False
    ) -> None:
        """The request has ended, and has cost so many tokens. Settling twice is settling once.

        Args:
            prompt: The tokens of its prompt.
            answer: The tokens of its answer.
            cached: The tokens of the prompt that came from the cache.
            model: The model that answered, where it said.
            is_reported: Whether the server counted them.
        """
        parts, self.parts = self.parts, []
        for account, reserved, day in parts:
            account.give(reserved, self.bill.amount(account.unit, prompt, answer, cached=cached, model=model), day)
            if is_reported:
                account.learn(self.bill.endpoint, answer)


def reserve(accounts: Sequence[Spend], bill: Bill, prompt: int, max_tokens: int | None) -> Reserved:
    """Reserve what a request may cost, in every account.

    Raises:
        SpendLimitError: One of them has not so much left; nothing is reserved.
        ConfigurationError: One counts in USD, and the model has no price.
    """
    made = Reserved(bill, prompt)
    try:
        for account in accounts:
            answer = account.mean_answer(bill.endpoint) if max_tokens is None else max_tokens
            amount = bill.amount(account.unit, prompt, answer)
            made.parts.append((account, amount, account.take(amount, bill.at)))
    except (SpendLimitError, ConfigurationError):
        made.settle(0, 0)
        raise
    return made


def as_spends(given: object) -> tuple[Spend, ...]:
    """The limits of a client or a call, checked.

    Raises:
        ConfigurationError: One of them is something else.
    """
    if given is None:
        return ()
    each = given if is_list(given) else [given]
    for one in each:
        if not isinstance(one, Spend):
            raise ConfigurationError(f"spend is {type(one).__name__}: give Spend(...), or a list of them")
    return tuple(one for one in each if isinstance(one, Spend))


def _amount(limit: object) -> Decimal:
    try:
        if isinstance(limit, bool) or not isinstance(limit, Decimal | int | float | str):
            raise InvalidOperation
        amount = Decimal(str(limit))
        if not amount.is_finite() or amount <= 0:
            raise InvalidOperation
    except InvalidOperation:
        raise ConfigurationError(f"the limit of Spend is {limit!r}: give a number above 0") from None
    return amount


def _shown(amount: Decimal) -> str:
    return f"{amount.normalize():f}"
