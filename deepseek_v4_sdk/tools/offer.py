"""A tool's interface to the rest of the SDK: its spec, and how the arguments of its calls are checked and bound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import JsonValue, ToolCall, ToolSpec

__all__ = ["Offer"]


@dataclass(frozen=True, slots=True)
class Offer:
    """One tool, however it was made.

    Attributes:
        spec: The description of the tool for the model, with the check.
        check: Returns a call's arguments as JSON values, or raises `InvalidToolArgumentsError`.
        bind: Returns them in the types of the function.
    """

    spec: ToolSpec
    check: Callable[[ToolCall], dict[str, JsonValue]]
    bind: Callable[[ToolCall], dict[str, object]]

    def __post_init__(self) -> None:
        object.__setattr__(self, "spec", self.spec.checked_by(self.check))
