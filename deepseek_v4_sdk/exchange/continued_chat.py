"""A sink for the rest of an answer that a chat goes on with: the server reads what the model writes, as in any chat."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepseek_v4_sdk.exchange.output_repair import OutputRepair
from deepseek_v4_sdk.exchange.stop_at_seam import StopAtSeam

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import ChatRequest
    from deepseek_v4_sdk.exchange.assembler import Assembler
    from deepseek_v4_sdk.exchange.part import Part
    from deepseek_v4_sdk.providers import Sink

__all__ = ["ContinuedChat"]


class ContinuedChat(OutputRepair):
    """A `Sink` in front of the assembler, which has the part that was handed out.

    Args:
        assembler: The assembler that gets everything.
        request: The request, without tools.
        part: The part of the answer that came before.
    """

    __slots__ = ("_seam",)

    def __init__(self, assembler: Assembler, request: ChatRequest, part: Part) -> None:
        super().__init__(assembler, request, reasoning_in_text=False)
        assembler.go_on(part)
        self._seam = StopAtSeam(request.stop or (), part.text or part.reasoning)

    @property
    def stopped(self) -> bool:
        """Whether a stop text over the seam has ended the answer."""
        return self._seam.found is not None

    @property
    def sink(self) -> Sink:
        """The sink for decoded pieces."""
        return self

    def reasoning(self, text: str) -> None:
        """Add a piece of reasoning."""
        if text := self._seam.feed(text):
            super().reasoning(text)
        self._end_at_stop()

    def text(self, text: str) -> None:
        """Add a piece of text."""
        if not self._assembler.texts and (rest := self._seam.end()):  # the seam was in the reasoning
            super().reasoning(rest)
        if text := self._seam.feed(text):
            super().text(text)
        self._end_at_stop()

    def close(self) -> None:
        """Note that the answer has ended."""
        if rest := self._seam.end():
            super().text(rest) if self._assembler.texts else super().reasoning(rest)
        self._end_at_stop()
        super().close()

    def _end_at_stop(self) -> None:
        if self._seam.found is not None:
            self._assembler.finish("stop", self._seam.found)
