"""From answers, errors and lines of a journal to the results of rows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from deepseek_v4_sdk.batch.results import Answer, MapError, MapResult
from deepseek_v4_sdk.chat.sums import total_cost, total_usage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deepseek_v4_sdk.batch.records import Record
    from deepseek_v4_sdk.batch.requests import MapRequest
    from deepseek_v4_sdk.catalogue.prices import PriceTable
    from deepseek_v4_sdk.chat import Attempt, Message, Reply
    from deepseek_v4_sdk.structured import Parsed

__all__ = ["RowClient", "restored", "result_of"]


class RowClient(Protocol):
    """The part of a client that a map needs, in addition to its answers."""

    @property
    def price_table(self) -> PriceTable | None:
        """The client's own prices, or None."""
        ...

    def digest(self, request: MapRequest, /) -> str:
        """Hash all that decides the answer to a row.

        Raises:
            DeepSeekV4Error: The row is wrong.
        """
        ...

    def messages(self, request: MapRequest, /) -> Sequence[Message]:
        """The messages of a row."""
        ...

    def parsed(self, request: MapRequest, reply: Reply, mechanism: str, /) -> Parsed[object]:
        """Read the structured answer in a reply that was kept.

        Raises:
            DeepSeekV4Error: It does not match the schema of the row.
            ValueError: The same.
        """
        ...


def result_of(client: RowClient, row_id: str, position: int, outcome: Answer | Exception) -> MapResult:
    """Make the result of a row from its answer or its error."""
    if isinstance(outcome, Answer):
        made = _made(client, row_id, position, outcome.attempts)
        return replace(made, reply=outcome.reply, parsed=outcome.parsed, run=outcome.run)
    attempts, run = getattr(outcome, "attempts", ()), getattr(outcome, "run", None)
    made = _made(client, row_id, position, tuple(attempts if run is None else run.attempts))
    return replace(made, run=run, error=MapError.of(outcome))


def restored(client: RowClient, record: Record, row_id: str, position: int, request: MapRequest) -> MapResult:
    """Make the result of a row from its line in the journal.

    Raises:
        ValueError: The line does not hold one.
        DeepSeekV4Error: Its answer does not match the schema of the row.
    """
    reply, prices, parsed = record.reply(), client.price_table, None
    if reply is not None and prices is not None:
        reply = replace(reply, prices=prices)
    if reply is not None and record.mechanism is not None:
        parsed = client.parsed(request, reply, record.mechanism)
    return replace(
        _made(client, row_id, position, record.attempts()),
        reply=reply,
        parsed=parsed,
        run=record.run(client.messages(request)) if request.tools else None,
        error=record.error() if record.failed else None,
        from_journal=True,
    )


def _made(client: RowClient, row_id: str, position: int, attempts: tuple[Attempt, ...]) -> MapResult:
    return MapResult(
        id=row_id,
        position=position,
        attempts=attempts,
        usage=total_usage(attempts),
        cost=total_cost(attempts, client.price_table),
    )
