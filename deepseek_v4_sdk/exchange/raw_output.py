"""A sink for raw output: what a model writes becomes reasoning, text and calls here, and not on the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepseek_v4_sdk.chat import Repair
from deepseek_v4_sdk.dsml import Arguments, CallStart, Text
from deepseek_v4_sdk.exchange.output_repair import drop_further_calls, trim_stop
from deepseek_v4_sdk.exchange.raw_text import RawText, Reasoning

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import ChatRequest
    from deepseek_v4_sdk.exchange.assembler import Assembler
    from deepseek_v4_sdk.exchange.raw_text import RawPiece
    from deepseek_v4_sdk.providers import Completions, Sink

__all__ = ["RawOutput"]


class RawOutput:
    """A `Sink` in front of the assembler, for the route of rendered prompts. All text that it gets is raw output.

    Args:
        assembler: The assembler that gets the pieces.
        request: The request: with tools it may have calls.
        rules: The reading of the server's own parsers.
        thinks: Whether the output begins inside reasoning.
    """

    reasoning_in_text: bool | None = None
    """The answer does not show whether the server has a reasoning parser."""

    def __init__(self, assembler: Assembler, request: ChatRequest, rules: Completions, *, thinks: bool) -> None:
        self._assembler = assembler
        self._reader = RawText([tool.name for tool in request.tools], rules, thinks=thinks)
        self._call = -1  # the place of the open call
        self._closed = False
        self.begin, self.call, self.logprobs = assembler.begin, assembler.call, assembler.logprobs
        self.finish, self.usage, self.other = assembler.finish, assembler.usage, assembler.other
        self.reasoning = assembler.reasoning

    @property
    def lost(self) -> str:
        """The unchanged markup that did not become a call."""
        return "\n".join(self._reader.lost)

    @property
    def sink(self) -> Sink:
        """The sink for decoded pieces."""
        return self

    @property
    def begun(self) -> bool:
        """Whether the id and the model are known."""
        return self._assembler.begun

    def text(self, text: str) -> None:
        """Add a piece of raw output."""
        self._pass(self._reader.feed(text))

    def close(self) -> None:
        """Note that the answer has ended: pass on the rest."""
        if self._closed:
            return
        self._closed = True
        assembler = self._assembler
        cut = assembler.finish_reason == "length" or assembler.stop_sequence is not None
        self._pass(self._reader.finish(cut=cut))
        assembler.end_text()
        if assembler.stop_sequence is not None:
            trim_stop(assembler, assembler.stop_sequence)
        drop_further_calls(assembler)

    def _pass(self, pieces: list[RawPiece]) -> None:
        assembler = self._assembler
        for piece in pieces:
            if isinstance(piece, Text):
                assembler.text(piece.text)
            elif isinstance(piece, Reasoning):
                assembler.reasoning(piece.text)
            elif isinstance(piece, CallStart):
                self._call = len(assembler.calls)
                assembler.call(self._call, None, piece.name, None)
            elif isinstance(piece, Arguments):
                assembler.call(self._call, None, None, piece.text)
            elif piece.bars != "full-width":
                assembler.end_call(piece.bars)
                note = f"the call of {assembler.calls[self._call].name!r} has bars that are not V4's own"
                assembler.repairs.append(Repair("recovered_calls", note))
