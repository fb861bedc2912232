"""A call of a tool that the model made."""

from __future__ import annotations

from dataclasses import dataclass

from deepseek_v4_sdk.chat.checks import kind_of
from deepseek_v4_sdk.chat.json_value import JsonValue, read_json
from deepseek_v4_sdk.errors import InvalidToolArgumentsError

__all__ = ["ToolCall"]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call of one tool.

    Attributes:
        id: The id that the result must carry back.
        name: The tool's name.
        arguments: The arguments as JSON text, exactly as it came.
    """

    id: str
    name: str
    arguments: str

    @property
    def parsed(self) -> dict[str, JsonValue]:
        """The arguments as a dict.

        Raises:
            InvalidToolArgumentsError: They are no JSON object.
        """
        if not self.arguments.strip():
            return {}
        try:
            value = read_json(self.arguments)
        except ValueError as error:
            raise InvalidToolArgumentsError(
                f"the arguments of the call of {self.name!r} ({self.id}) are no JSON: {error}", call=self
            ) from None
        if not isinstance(value, dict):
            raise InvalidToolArgumentsError(
                f"the arguments of the call of {self.name!r} ({self.id}) are {kind_of(value)}, not a JSON object",
                call=self,
            )
        return value

    @property
    def error(self) -> InvalidToolArgumentsError | None:
        """What `parsed` would raise, or None."""
        try:
            _ = self.parsed
        except InvalidToolArgumentsError as error:
            return error
        return None
