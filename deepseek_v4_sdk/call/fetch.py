"""The course of a request that reads something and is no chat."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from deepseek_v4_sdk.call.call import Call
from deepseek_v4_sdk.exchange import HttpExchange

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from deepseek_v4_sdk.call.call import CallSettings, RetryBudget
    from deepseek_v4_sdk.call.steps import Steps
    from deepseek_v4_sdk.chat import Attempt, ChatEvent
    from deepseek_v4_sdk.providers import HttpCall, Provider

__all__ = ["Fetch"]

T = TypeVar("T")


class Fetch(Call[HttpExchange, T]):
    """Something to read that is no chat.

    Args:
        call: Makes the request.
        provider: Whose server it is.
        transport: Gives what carries it.
        call_settings: What holds for every call.
        read: Makes the result of the answer.
        retry_budget: What it shares with the call that it is a part of, or None.
    """

    def __init__(
        self,
        call: Callable[[], HttpCall],
        provider: Provider,
        transport: Callable[[], Any],
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
        """What is to be sent."""
        yield from ()
        return self._provider, self._call()

    def begin(self, call: HttpCall, now: float) -> HttpExchange:
        """A new attempt."""
        return HttpExchange(self._provider, call, self.call_settings.timeouts, now, self.retry_budget.ends)

    def transport(self) -> Any:  # of the kind of the client
        """What carries it."""
        return self._transport()

    def conclude(self, exchange: HttpExchange, attempts: tuple[Attempt, ...]) -> tuple[list[ChatEvent], T]:
        """The result."""
        del attempts
        return [], self._read(exchange)
