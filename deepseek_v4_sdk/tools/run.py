"""The state of a tool run: its rounds, the results of their calls, and the cost of all of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from deepseek_v4_sdk._late_types import late_type
from deepseek_v4_sdk.chat import Attempt, Conversation, Reply, ToolCall, Usage
from deepseek_v4_sdk.chat.json_value import carried_text
from deepseek_v4_sdk.chat.sums import total_cost, total_usage

if TYPE_CHECKING:
    from deepseek_v4_sdk.catalogue.prices import Cost, PriceTable
else:
    Cost = late_type("deepseek_v4_sdk.catalogue.prices", "Cost")
    PriceTable = late_type("deepseek_v4_sdk.catalogue.prices", "PriceTable")

__all__ = ["Round", "Stopped", "ToolResult", "ToolRun"]

Stopped: TypeAlias = Literal[
    "answered", "no_call", "max_rounds", "budget", "deadline", "pending", "failed", "cancelled"
]
"""The reason why a run ended.

The model answered; it announced a call and made none; a limit was reached; a call waits for you; an error ended it; it
was cancelled, or closed early.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """The result of one call.

    Attributes:
        call: The call.
        content: The text that the model reads.
        error: The error, or None.
        note: A note on a repair of the tool's result, or None.
        artifact: The value only for your program, as in `ToolOutput(artifact=...)`; it is neither sent nor kept in the
            conversation.
    """

    call: ToolCall
    content: str
    error: str | None = None
    note: str | None = None
    artifact: object = None

    def __post_init__(self) -> None:
        content, replaced = carried_text(self.content)
        if replaced:  # as in the name of a file that is not in UTF-8
            object.__setattr__(self, "content", content)
            object.__setattr__(self, "error", None if self.error is None else carried_text(self.error)[0])
            object.__setattr__(self, "note", f"{replaced} half surrogate pair(s) became U+FFFD")


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One turn of the model, and the results of its calls.

    Attributes:
        reply: The turn.
        results: One for each call that was run, in the order of the calls; none for calls that wait for you.
        preamble: Text of the model in addition to its calls: for a log, not the answer.
    """

    reply: Reply
    results: tuple[ToolResult, ...] = ()
    preamble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolRun:
    """A run of tools that has ended; or, as the `run` of an error, the part up to the error.

    Attributes:
        reply: The last turn of the model; None where no round has ended.
        messages: The whole conversation, ready to be continued.
        rounds: Every turn that has ended.
        stopped: The reason why it ended.
        pending_calls: Calls that nothing ran: those of tools without a function, those that `approve` postponed or
            `on_recovered` holds back, and under `tool_choice="none"` all. Decide about them with `approvals`, or add
            their results to `messages`, and continue.
        reasons: The reason that `approve` gave for postponing a call, by the id of the call.
        resumed: The results of the calls that the conversation ended with when the run began.
        attempts: Every HTTP request of the run, including failed ones, numbered from 1.
        prices: The client's own prices, which `cost` uses; None for the built-in ones.
    """

    reply: Reply | None
    messages: Conversation
    rounds: tuple[Round, ...]
    stopped: Stopped
    pending_calls: tuple[ToolCall, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict[str, str])
    resumed: tuple[ToolResult, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    prices: PriceTable | None = field(default=None, repr=False, compare=False)

    @property
    def text(self) -> str:
        """The text of the last turn; empty where no round has ended."""
        return "" if self.reply is None else self.reply.text

    @property
    def usage(self) -> Usage:
        """The tokens of all requests, as far as they are known; `unknown` counts the requests that may have cost more.

        With `unknown` above 0 each number is "at least".
        """
        return total_usage(self.attempts)

    def cost(self, *, prices: PriceTable | None = None, currency: str = "USD") -> Cost | None:
        """Compute the cost of all requests, each by the price at its time of sending.

        None where the cost of no request is known. `unknown` counts the requests with an unknown cost; the amount is
        then "at least".

        Args:
            prices: Other prices than the client's.
            currency: The currency of the bill.
        """
        return total_cost(self.attempts, prices or self.prices, currency)
