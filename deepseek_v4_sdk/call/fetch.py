"""A call that reads something and is not a chat."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from deepseek_v4_sdk.call.call import Call
from deepseek_v4_sdk.exchange import HttpExchange

if TYPE_CHECKING:
    from collections.abc import Callable

    from deepseek_v4_sdk.call.call_settings import CallSettings
    from deepseek_v4_sdk.call.retry_budget import RetryBudget
    from deepseek_v4_sdk.call.steps import Steps
    from deepseek_v4_sdk.chat import Attempt, ChatEvent
    from deepseek_v4_sdk.providers import HttpCall, Provider
    from deepseek_v4_sdk.transport.connection import CommonTransport

__all__ = ["Fetch"]

T = TypeVar("T")


class Fetch(Call[HttpExchange, T]):
    """A request that reads something and is not a chat.

    Args:
        call: Makes the request.
        provider: The provider of the server.
        transport: Returns its transport.
        call_settings: The settings of every call.
        read: Makes the result from the answer.
        retry_budget: The budget that it shares with the call it is a part of, or None.
    """

    def __init__(
        self,
        call: Callable[[], HttpCall],
        provider: Provider,
        transport: Callable[[], CommonTransport],
        call_settings: CallSettings,
        read: Callable[[HttpExchange], T],
        retry_budget: RetryBudget | None = None,
    ) -> None:
        super().__init__(call_settings, retry_budget)
        self._call = call
        self._provider = provider
        self._transport = transport
        self._read = read

    def ready(self) -> Steps[tuple[Provider, HttpCall]]:
        """Return the request."""
        yield from ()
        return self._provider, self._call()

    def begin(self, call: HttpCall, now: float) -> HttpExchange:
        """Begin a new attempt."""
        return HttpExchange(self._provider, call, self.call_settings.timeouts, now, self.retry_budget.ends)

    def transport(self) -> CommonTransport:
        """The transport of the request."""
        return self._transport()

    def conclude(self, exchange: HttpExchange, attempts: tuple[Attempt, ...]) -> tuple[list[ChatEvent], T]:
        """Return the result."""
        del attempts
        return [], self._read(exchange)
