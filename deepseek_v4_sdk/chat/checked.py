"""Checks of the arguments of a call: a tool and its calls have them, but they are not part of their value."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Self, TypeAlias

from deepseek_v4_sdk._late_types import late_type
from deepseek_v4_sdk.chat.json_value import JsonValue

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat.tool_call import ToolCall
else:
    ToolCall = late_type("deepseek_v4_sdk.chat.tool_call", "ToolCall")

__all__ = ["ArgumentCheck", "Checked"]

ArgumentCheck: TypeAlias = Callable[[ToolCall], dict[str, JsonValue]]
"""Gives the arguments of a call, or raises `InvalidToolArgumentsError`."""


class Checked:
    """A frozen dataclass that may have a check.

    The check is not a field: equality, `repr`, `asdict` and pickling ignore it.
    """

    __slots__ = ("_check", "_json")
    _check: ArgumentCheck | None
    _json: bytes  # only of a tool whose fields `read_tool` has checked: what requests send

    @property
    def check(self) -> ArgumentCheck | None:
        """The check of the arguments, or None."""
        return getattr(self, "_check", None)  # empty without a check, as after unpickling

    def _keep(self, check: ArgumentCheck | None) -> Self:
        object.__setattr__(self, "_check", check)
        return self
