"""A call of a tool that the model made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from deepseek_v4_sdk.chat.checked import ArgumentCheck, Checked
from deepseek_v4_sdk.chat.checks import kind_of
from deepseek_v4_sdk.chat.json_value import JsonValue, read_json
from deepseek_v4_sdk.errors import InvalidToolArgumentsError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Self

__all__ = ["MarkupBars", "ToolCall", "read_arguments", "reading_notes"]

MarkupBars: TypeAlias = Literal["full-width", "doubled", "ascii"]
"""The form of markup: V4's own, with doubled bars, or with ASCII bars; no server reads the last two."""


@dataclass(frozen=True, slots=True)
class ToolCall(Checked):
    """One call of one tool.

    The calls of a reply know the offered tool, and check their arguments against its schema; a call that was made by
    hand, or read from JSON or a pickle, does not.

    Attributes:
        id: The id that the result must have.
        name: The tool's name.
        arguments: The arguments as JSON text, exactly as received.
        bars: The form of the markup that this call was read from; None where the server sent a call.
        read_only: Whether its tool is marked as one without effects; known for the calls of a tool run.
    """

    id: str
    name: str
    arguments: str
    # It is not sent to a server, and the same call from a server and from markup is equal.
    bars: MarkupBars | None = field(default=None, compare=False, kw_only=True)
    read_only: bool = field(default=False, compare=False, kw_only=True, repr=False)

    @property
    def recovered(self) -> bool:
        """Whether it was read from markup in a text or in reasoning: the server took it for no call."""
        return self.bars is not None

    @property
    def parsed(self) -> dict[str, JsonValue]:
        """Return the arguments as a dict, checked against the schema of the tool.

        Raises:
            InvalidToolArgumentsError: They are not a JSON object, or do not match the schema.
        """
        return read_arguments(self) if self.check is None else self.check(self)

    @property
    def error(self) -> InvalidToolArgumentsError | None:
        """The error that `parsed` would raise, or None."""
        try:
            _ = self.parsed
        except InvalidToolArgumentsError as error:
            return error
        return None

    @property
    def is_object(self) -> bool:
        """Whether the arguments are a JSON object (or nothing), whatever the tool takes."""
        try:
            read_arguments(self)
        except InvalidToolArgumentsError:
            return False
        return True

    def to_dict(self) -> dict[str, JsonValue]:
        """Return the call as JSON; what is not known of it is left out."""
        data: dict[str, JsonValue] = {"id": self.id, "name": self.name, "arguments": self.arguments}
        if self.bars is not None:
            data["bars"] = self.bars
        if self.read_only:
            data["read_only"] = True
        return data

    def checked_by(self, check: ArgumentCheck | None) -> ToolCall:
        """Return the same call with another check for `parsed`."""
        return ToolCall(self.id, self.name, self.arguments, bars=self.bars, read_only=self.read_only)._keep(check)

    def of_tool(self, *, read_only: bool) -> ToolCall:
        """Return the same call with the mark whether its tool has effects."""
        if read_only == self.read_only:
            return self
        return ToolCall(self.id, self.name, self.arguments, bars=self.bars, read_only=read_only)._keep(self.check)

    # A copy would lose the check, and a call is immutable.
    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self


def read_arguments(call: ToolCall) -> dict[str, JsonValue]:
    """Read the arguments of a call as a dict, whatever its tool takes; an empty text is an empty dict.

    Raises:
        InvalidToolArgumentsError: They are not a JSON object.
    """
    if not call.arguments.strip():
        return {}
    try:
        value = read_json(call.arguments)
    except ValueError as error:
        raise InvalidToolArgumentsError(
            f"the arguments of the call of {call.name!r} ({call.id}) are not JSON: {error}", call=call
        ) from None
    if not isinstance(value, dict):
        raise InvalidToolArgumentsError(
            f"the arguments of the call of {call.name!r} ({call.id}) are {kind_of(value)}, not a JSON object",
            call=call,
        )
    return value


def reading_notes(call: ToolCall) -> Sequence[str]:
    """The values of a call's arguments that its check converted, a line for each."""
    notes: Callable[[ToolCall], Sequence[str]] | None = getattr(call.check, "notes", None)
    return () if notes is None else notes(call)
