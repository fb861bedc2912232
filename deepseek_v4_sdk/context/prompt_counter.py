"""The counter of a budget: how a server renders a chat, and which histories it accepts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deepseek_v4_sdk._late_types import late_type
from deepseek_v4_sdk.catalogue.prices import PriceTable
from deepseek_v4_sdk.chat import ChatRequest, HistoryRules, MessagesInput, read_tools

if TYPE_CHECKING:
    from deepseek_v4_sdk.prompt import Dialect, Generation
    from deepseek_v4_sdk.tokens.prompts import PromptCount, PromptForm
else:
    Dialect = late_type("deepseek_v4_sdk.prompt", "Dialect")
    Generation = late_type("deepseek_v4_sdk.prompt", "Generation")
    PromptCount = late_type("deepseek_v4_sdk.tokens.prompts", "PromptCount")
    PromptForm = late_type("deepseek_v4_sdk.tokens.prompts", "PromptForm")

__all__ = ["PromptCounter"]


@dataclass(frozen=True, slots=True)
class PromptCounter:
    """Counts prompts as a server does. A client makes one for its server; `rendering` makes one without a server.

    Attributes:
        request: Makes a request from messages and options.
        form: Returns the form in which the server renders a request.
        exact: Returns whether the server will count the same for a request.
        history_rules: The server's rules for a conversation; None where no server is known.
        billed: The provider and the id by which a request is billed; None for an id that is not known.
        prices: The prices of its tokens; None for the built-in prices.
        cache_block: Number of tokens in a block of its prefix cache, or None where that is not known.
        edge: The tokens at the end of its window that no prompt reaches, and those that no answer reaches.
    """

    request: Callable[[MessagesInput, Mapping[str, object]], ChatRequest]
    form: Callable[[ChatRequest], PromptForm]
    exact: Callable[[ChatRequest], bool]
    history_rules: HistoryRules | None = None
    billed: Callable[[ChatRequest], tuple[str, str | None]] = lambda request: ("", request.model)
    prices: PriceTable | None = None
    cache_block: int | None = None
    edge: tuple[int, int] = (0, 0)

    def count(self, request: ChatRequest) -> PromptCount:
        """Count the tokens of a request's prompt.

        Raises:
            InvalidRequestError: The server's encoder would refuse the conversation.
            ConfigurationError: The vocabulary is not installed.
        """
        from deepseek_v4_sdk.tokens.prompts import count_prompt  # loaded when something is counted

        return count_prompt(request.messages, self.form(request))

    @classmethod
    def rendering(cls, dialect: Dialect, generation: Generation = "2026-08") -> PromptCounter:
        """Make a counter for only a prompt format; its counts are never marked as exact."""

        def form(request: ChatRequest) -> PromptForm:
            from deepseek_v4_sdk.tokens.prompts import PromptForm

            return PromptForm(
                dialect=dialect,
                generation=generation,
                thinking=request.thinking,
                tools=request.tools,
                response_format=request.response_format,
                tool_choice=request.tool_choice,
            )

        return cls(_request, form, lambda _: False)


def _request(messages: MessagesInput, options: Mapping[str, object]) -> ChatRequest:
    return ChatRequest.build(messages, {**options, "tools": read_tools(options.get("tools"))}, {})
