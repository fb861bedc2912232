"""The shapes of objects that bound a call: their classes are in packages that build on this one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from deepseek_v4_sdk._late_types import late_type

if TYPE_CHECKING:
    from datetime import date, datetime
    from decimal import Decimal

    from deepseek_v4_sdk.chat.request import ChatRequest
else:
    date = late_type("datetime", "date")
    datetime = late_type("datetime", "datetime")
    Decimal = late_type("decimal", "Decimal")
    ChatRequest = late_type("deepseek_v4_sdk.chat.request", "ChatRequest")

__all__ = ["SpendLimit", "WindowBudget"]


class WindowBudget(Protocol):
    """A budget of a context window, as `ContextBudget` is one."""

    @property
    def window(self) -> int:
        """The window in tokens."""
        ...

    def fit_request(self, request: ChatRequest, /) -> object:
        """A conversation that fits."""
        ...


class SpendLimit(Protocol):
    """A limit of money or tokens, as `Spend` is one."""

    @property
    def limit(self) -> Decimal:
        """The limit, in its unit."""
        ...

    def take(self, amount: Decimal, at: datetime, /) -> date:
        """Reserve an amount."""
        ...
