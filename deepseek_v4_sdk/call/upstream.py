"""One server as a call sees it, and a request that was prepared for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from deepseek_v4_sdk.call.call_settings import CallSettings
    from deepseek_v4_sdk.call.retry_budget import RetryBudget
    from deepseek_v4_sdk.call.steps import Steps
    from deepseek_v4_sdk.chat import ChatRequest, Repair
    from deepseek_v4_sdk.exchange import Part
    from deepseek_v4_sdk.providers import Provider, RenderedRequest, Target
    from deepseek_v4_sdk.transport.connection import CommonTransport

__all__ = ["PreparedRequest", "Upstream"]


@dataclass(slots=True, eq=False)
class PreparedRequest:
    """A request that is ready to be sent, and the decisions made for its caller.

    Attributes:
        request: The request.
        notes: The decisions.
    """

    request: ChatRequest
    notes: tuple[Repair, ...] = ()


class Upstream(Protocol):
    """One server, as a call sees it."""

    def server(self) -> tuple[Provider, Target]:
        """The provider and the target, as far as they are known by now."""
        ...

    def prepare(
        self, request: ChatRequest, call_settings: CallSettings, retry_budget: RetryBudget
    ) -> Steps[PreparedRequest | None] | None:
        """Return the steps to run before a chat there, which may return another request to send; or None."""
        ...

    def render(
        self, request: ChatRequest, call_settings: CallSettings, retry_budget: RetryBudget, part: Part | None = None
    ) -> Steps[RenderedRequest]:
        """The steps that render a request as a prompt for this server, followed by the part of an answer."""
        ...

    def check_format(self, request: ChatRequest, text: str) -> None:
        """Check an answer of which the server wrote the end without its grammar."""
        ...

    def count_bound(self, request: ChatRequest) -> int:
        """The tokens that the prompt of a request has at most there, counted here."""
        ...

    def is_long(self, request: ChatRequest) -> bool:
        """Whether counting it takes so long that an event loop must not wait for it."""
        ...

    def transport(self) -> CommonTransport:
        """The transport of its requests."""
        ...
