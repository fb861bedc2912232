"""A tool call while its pieces arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepseek_v4_sdk.chat import ToolCall

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import MarkupBars

__all__ = ["OpenCall"]


class OpenCall:
    """A tool call while its pieces arrive.

    Args:
        place: Its place among the calls of the answer.
        index: The index from the server, or None.
    """

    __slots__ = ("arguments", "bars", "given", "id", "index", "name", "place", "ready", "started")

    def __init__(self, place: int, index: int | None) -> None:
        self.place = place
        self.index = index
        self.given = ""  # the id from the server
        self.id = ""
        self.name = ""
        self.arguments: list[str] = []
        self.bars: MarkupBars | None = None
        self.started = False
        self.ready = False

    def as_call(self) -> ToolCall:
        """The call in its current state."""
        return ToolCall(self.id, self.name, "".join(self.arguments), bars=self.bars)

    def is_followed_by(self, call_id: str | None, name: str, arguments: str | None) -> bool:
        """Whether a piece with a name begins another call, although it has the index or the id of this one."""
        if (call_id and self.given and call_id != self.given) or name != self.name:
            return True
        # Some servers repeat name and id on each piece; but complete arguments are not continued.
        return bool(
            arguments
            and arguments.lstrip().startswith("{")
            and self.arguments
            and self.arguments[-1].rstrip().endswith("}")
            and self.as_call().is_object
        )
