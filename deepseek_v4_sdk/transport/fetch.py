"""The course of a request that reads something and is no chat."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from deepseek_v4_sdk.exchange import Transfer
from deepseek_v4_sdk.transport.course import Course

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from deepseek_v4_sdk.chat import Attempt, ChatEvent
    from deepseek_v4_sdk.providers import HttpCall, Provider
    from deepseek_v4_sdk.transport.course import Allowance, Terms
    from deepseek_v4_sdk.transport.steps import Steps

__all__ = ["Fetch"]

T = TypeVar("T")


class Fetch(Course[Transfer, T]):
    """Something to read that is no chat.

    Args:
        call: Makes the request.
        provider: Whose server it is.
        carrier: Gives what carries it.
        terms: What holds for every call.
        read: Makes the result of the answer.
        allowance: What it shares with the call that it is a part of, or None.
    """

    def __init__(
        self,
        call: Callable[[], HttpCall],
        provider: Provider,
        carrier: Callable[[], Any],
        terms: Terms,
        read: Callable[[Transfer], T],
        allowance: Allowance | None = None,
    ) -> None:
        super().__init__(terms, allowance)
        self._call = call
        self._provider = provider
        self._carrier = carrier
        self._read = read

    def ready(self) -> Steps[tuple[Provider, HttpCall]]:
        """What is to be sent."""
        yield from ()
        return self._provider, self._call()

    def begin(self, call: HttpCall, now: float) -> Transfer:
        """A new attempt."""
        return Transfer(self._provider, call, self.terms.timeouts, now, self.allowance.ends)

    def carrier(self) -> Any:  # of the kind of the client
        """What carries it."""
        return self._carrier()

    def conclude(self, transfer: Transfer, attempts: tuple[Attempt, ...]) -> tuple[list[ChatEvent], T]:
        """The result."""
        del attempts
        return [], self._read(transfer)
