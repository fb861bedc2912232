"""One server as a call meets it, and a request that was prepared for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from deepseek_v4_sdk.call.call import CallSettings, RetryBudget
    from deepseek_v4_sdk.call.steps import Steps
    from deepseek_v4_sdk.chat import ChatRequest, Repair
    from deepseek_v4_sdk.providers import Provider, Target

__all__ = ["PreparedRequest", "Upstream"]


@dataclass(slots=True, eq=False)
class PreparedRequest:
    """A request as it is to be sent, and what was decided for its caller.

    Attributes:
        request: The request.
        notes: What was decided.
    """

    request: ChatRequest
    notes: tuple[Repair, ...] = ()


class Upstream(Protocol):
    """One server, as a call meets it."""

    def server(self) -> tuple[Provider, Target]:
        """How it speaks and where it is, as far as that is known by now."""
        ...

    def prepare(
        self, request: ChatRequest, call_settings: CallSettings, retry_budget: RetryBudget
    ) -> Steps[PreparedRequest | None] | None:
        """Steps to run before a chat there, as a part of it, which may give another request to send; or None."""
        ...

    def count_bound(self, request: ChatRequest) -> int:
        """The tokens that the prompt of a request has at most there, counted here."""
        ...

    def is_long(self, request: ChatRequest) -> bool:
        """Whether counting it takes so long that an event loop must not wait for it."""
        ...

    def transport(self) -> object:
        """What carries the requests to it."""
        ...
