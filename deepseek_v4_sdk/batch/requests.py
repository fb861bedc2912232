"""The rows of a map: the forms in which a caller gives them, and their ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import TYPE_CHECKING, cast

from deepseek_v4_sdk.chat import MessagesInput, is_mapping, with_defaults
from deepseek_v4_sdk.errors import InvalidRequestError

if TYPE_CHECKING:
    from typing import Any

__all__ = ["MapRequest", "filled", "read_row"]


@dataclass(frozen=True, slots=True)
class MapRequest:
    """One row of `client.map`: a chat, a structured answer where it has a schema, or a tool run where it has tools.

    Attributes:
        messages: As for `client.chat`.
        id: A name for the row that no other row has; None takes its position, counted from 0.
        schema: The type of the answer, as for `client.parse`.
        tools: The tools, as for `client.run_tools`.
        options: The options of the call; they win over those of `client.map`.
        prefix_group: A name for rows that begin alike, such as those with one document: the first of them is sent
            before the others, so that the server's prefix cache holds the beginning when they come.
    """

    messages: MessagesInput
    _: KW_ONLY
    id: str | int | None = None
    schema: object = None
    tools: Sequence[object] = ()
    options: Mapping[str, object] = field(default_factory=dict[str, object])
    prefix_group: str | None = None


def filled(row: MapRequest, shared: MapRequest) -> MapRequest:
    """Fill the gaps of a row with the values that all rows share.

    Raises:
        InvalidRequestError: The row has both a schema and tools.
    """
    schema, tools = row.schema, tuple(row.tools)
    if schema is None and not tools:  # a row of another kind than the others takes neither
        schema, tools = shared.schema, tuple(shared.tools)
    if schema is not None and tools:
        raise InvalidRequestError("the row has a schema and tools: give one of them")
    options = with_defaults(row.options, shared.options) if row.options else shared.options
    return replace(row, schema=schema, tools=tools, options=options)


def read_row(row: object, position: int) -> tuple[str, MapRequest]:
    """Read a row: a `MapRequest`, a mapping with `messages` (a request), or messages as `client.chat` takes them.

    Args:
        row: The row.
        position: Its position, which is its id where it has none.

    Returns:
        Its id, and its request.

    Raises:
        InvalidRequestError: Its id is neither a text nor a number, or its tools are not a list.
    """
    if is_mapping(row) and "messages" in row:
        row = _of_mapping(row)
    elif not isinstance(row, MapRequest):
        row = MapRequest(cast("Any", row))  # the client checks messages
    given: object = row.id
    if given is None:
        return str(position), row
    if isinstance(given, bool) or not isinstance(given, str | int) or given == "":
        raise InvalidRequestError(f"the id of row {position} is {given!r}: give a text, a whole number, or None")
    return str(given), row


def _of_mapping(row: Mapping[str, object]) -> MapRequest:
    tools = row.get("tools") or ()
    if not isinstance(tools, Sequence) or isinstance(tools, str):
        raise InvalidRequestError(f"tools is {type(tools).__name__}: give a list of tools")
    return MapRequest(
        cast("Any", row["messages"]),
        id=cast("Any", row.get("id")),
        schema=row.get("schema"),
        tools=cast("Sequence[object]", tools),
        options={name: value for name, value in row.items() if name not in {"messages", "id", "schema", "tools"}},
    )
