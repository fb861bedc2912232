"""The results of a map: one for each row, whether it was answered or failed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from deepseek_v4_sdk import errors
from deepseek_v4_sdk._late_types import late_type
from deepseek_v4_sdk.call.retry import worth_failover
from deepseek_v4_sdk.chat import Attempt, Reply, Usage
from deepseek_v4_sdk.structured import Parsed

if TYPE_CHECKING:
    from deepseek_v4_sdk.catalogue.prices import Cost
    from deepseek_v4_sdk.tools.run import ToolRun
else:
    Cost = late_type("deepseek_v4_sdk.catalogue.prices", "Cost")
    ToolRun = late_type("deepseek_v4_sdk.tools.run", "ToolRun")

__all__ = ["Answer", "MapError", "MapResult"]

_AGAIN = (errors.PhaseTimeoutError, errors.SpendLimitError, errors.LostToolCallError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer to a row, as the client gives it.

    Attributes:
        reply: The reply; of a tool run the last turn, or None.
        parsed: The structured answer of a row with a schema.
        run: The tool run of a row with tools.
    """

    reply: Reply | None
    parsed: Parsed[object] | None = None
    run: ToolRun | None = None

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """Every HTTP request that was made for it."""
        if self.run is not None:
            return self.run.attempts
        return () if self.reply is None else self.reply.attempts


@dataclass(frozen=True, slots=True, kw_only=True)
class MapError:
    """The error of a row, as plain values.

    Attributes:
        type: The name of its class, such as "RateLimitError".
        message: Its text.
        status_code: The HTTP status, or None.
        retryable: Whether the same row may succeed later: a second start with the journal asks it again.
        partial: The part of the answer that arrived, or None.
    """

    type: str
    message: str
    status_code: int | None = None
    retryable: bool = False
    partial: Reply | None = None

    @classmethod
    def of(cls, error: Exception) -> MapError:
        """Describe an exception."""
        if not isinstance(error, errors.DeepSeekV4Error):
            return cls(type=type(error).__name__, message=errors.one_line(str(error)))
        again = worth_failover(error) or isinstance(error, _AGAIN)
        if isinstance(error, errors.EmptyTurnError):
            again = not error.cut
        return cls(
            type=type(error).__name__,
            message=str(error),
            status_code=getattr(error, "status_code", None),
            retryable=again,
            partial=error.partial,
        )

    def __str__(self) -> str:
        return f"{self.type}: {self.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MapResult:
    """The result of one row.

    Attributes:
        id: The id of the row; its position, counted from 0, where it had none.
        position: Its position among the rows, counted from 0.
        reply: The reply; None for a row that failed. Of a tool run it is the last turn.
        parsed: The structured answer of a row with a schema; its `value` is checked.
        run: The tool run of a row with tools; of a row that failed as far as it got.
        error: The error of a row that failed; else None.
        attempts: Every HTTP request that was made for the row.
        usage: The tokens of all of them; `unknown` counts those whose number is not known.
        cost: The cost of all of them, by the prices at their time; None where none is known.
        from_journal: Whether it comes from the journal, so that nothing was sent.
    """

    id: str
    position: int
    reply: Reply | None = None
    parsed: Parsed[object] | None = None
    run: ToolRun | None = None
    error: MapError | None = None
    attempts: tuple[Attempt, ...] = ()
    usage: Usage = field(default_factory=Usage)
    cost: Cost | None = None
    from_journal: bool = False

    @property
    def text(self) -> str:
        """The text of the reply; empty for a row that failed."""
        return "" if self.reply is None else self.reply.text
