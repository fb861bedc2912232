"""A sink for raw output: what a model writes becomes reasoning, text and calls here, and not on the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepseek_v4_sdk.chat import Repair
from deepseek_v4_sdk.dsml import Arguments, CallStart, Text
from deepseek_v4_sdk.exchange.output_repair import drop_further_calls, trim_stop
from deepseek_v4_sdk.exchange.part import NotContinuableError
from deepseek_v4_sdk.exchange.raw_text import RawText, Reasoning
from deepseek_v4_sdk.exchange.stop_at_seam import StopAtSeam

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import ChatRequest
    from deepseek_v4_sdk.exchange.assembler import Assembler
    from deepseek_v4_sdk.exchange.part import Earlier
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
        earlier: The answer so far, or None.

    Raises:
        NotContinuableError: The answer so far, as it follows the prompt, does not read as it was handed out.
    """

    reasoning_in_text: bool | None = None
    """The answer does not show whether the server has a reasoning parser."""

    def __init__(
        self,
        assembler: Assembler,
        request: ChatRequest,
        rules: Completions,
        *,
        thinks: bool,
        earlier: Earlier | None = None,
    ) -> None:
        self._assembler = assembler
        self._reader = RawText([tool.name for tool in request.tools], rules, thinks=thinks)
        self._call = -1  # the place of the open call
        self._closed = False
        self._raw: list[str] = []
        # The ends of what was handed out that the reader still holds back, by kind.
        self._shown = {"reasoning": "", "text": "", "call": ""}
        self._stops = request.stop or ()
        self._seam = StopAtSeam((), "")
        self._more: list[tuple[str, str]] = []  # parts that were not handed out, until text follows
        self.begin, self.call, self.logprobs = assembler.begin, assembler.call, assembler.logprobs
        self.finish, self.usage, self.other = assembler.finish, assembler.usage, assembler.other
        self.reasoning = assembler.reasoning
        if earlier is not None:
            self._go_on(earlier)

    @property
    def lost(self) -> str:
        """The unchanged markup that did not become a call."""
        return "\n".join(self._reader.lost)

    @property
    def held(self) -> str:
        """The end of the text that is held back: it is in the raw output."""
        return ""

    @property
    def holds_reasoning(self) -> bool:
        """Whether the raw output ends inside reasoning."""
        return self._reader.thinks

    @property
    def raw(self) -> str | None:
        """All raw output, that of earlier attempts included."""
        return "".join(self._raw)

    @property
    def stopped(self) -> bool:
        """Whether a stop text over the seam has ended the answer, which the server does not see."""
        return self._seam.found is not None

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
        if self.stopped:
            return
        if self._more:
            self._pass_more()
        self._raw.append(text)
        self._read(self._seam.feed(text))

    def close(self) -> None:
        """Note that the answer has ended: pass on the rest."""
        if self._closed:
            return
        self._closed = True
        assembler = self._assembler
        if assembler.finish_reason is not None:
            self._pass_more()
        self._read(self._seam.end())
        cut = assembler.finish_reason == "length" or assembler.stop_sequence is not None
        self._pass(self._reader.finish(cut=cut))
        assembler.end_text()
        if assembler.stop_sequence is not None:
            trim_stop(assembler, assembler.stop_sequence)
        drop_further_calls(assembler)

    def _go_on(self, earlier: Earlier) -> None:
        """Read the answer so far again, and compare it with what was handed out."""
        part, assembler = earlier.part, self._assembler
        pieces = self._reader.feed(earlier.raw)
        calls: list[list[str]] = []
        for piece in pieces:
            if isinstance(piece, CallStart):
                calls.append([piece.name, ""])
            elif isinstance(piece, Arguments):
                calls[-1][1] += piece.text
        known = len(part.calls)
        if [name for name, _ in calls[:known]] != [call.name for call in part.calls]:
            raise NotContinuableError("its calls would not read as they were handed out")
        assembler.go_on(part)
        self._raw.append(earlier.raw)
        reasoning = "".join(piece.text for piece in pieces if isinstance(piece, Reasoning))
        text = "".join(piece.text for piece in pieces if isinstance(piece, Text))
        self._compare("reasoning", part.reasoning, reasoning)
        self._compare("text", part.text, text)
        if part.begun:
            self._compare("call", part.calls[-1].arguments, calls[known - 1][1])
        for name, arguments in calls[known:]:
            self._more += [("name", name), ("call", arguments)]
        self._call = known - 1
        self._seam = StopAtSeam(self._stops, earlier.raw)

    def _pass_more(self) -> None:
        """Pass on what the reader gave more than was handed out."""
        more, self._more = self._more, []
        for kind, text in more:
            if kind == "reasoning":
                self._assembler.reasoning(text)
            elif kind == "text":
                self._assembler.text(text)
            elif kind == "name":
                self._call += 1
                self._assembler.call(self._call, None, text, None)
            elif text:
                self._assembler.call(self._call, None, None, text)

    def _compare(self, kind: str, shown: str, read: str) -> None:
        """Compare what was handed out with what the reader gives, and keep what one of them has more.

        Raises:
            NotContinuableError: They differ.
        """
        if shown.startswith(read):
            self._shown[kind] = shown[len(read) :]
            return
        if not read.startswith(shown):
            raise NotContinuableError(f"its {kind} would not read as it was handed out")
        self._more.append((kind, read[len(shown) :]))

    def _read(self, text: str) -> None:
        """Pass on text in which no stop text can span the seam; one that does ends the answer."""
        if text:
            self._pass(self._reader.feed(text))
        if self._seam.found is not None:
            self._assembler.finish("stop", self._seam.found)

    def _pass(self, pieces: list[RawPiece]) -> None:
        assembler = self._assembler
        for piece in pieces:
            if isinstance(piece, Text):
                if text := self._new("text", piece.text):
                    assembler.text(text)
            elif isinstance(piece, Reasoning):
                if text := self._new("reasoning", piece.text):
                    assembler.reasoning(text)
            elif isinstance(piece, CallStart):
                self._call, self._shown["call"] = len(assembler.calls), ""
                assembler.call(self._call, None, piece.name, None)
            elif isinstance(piece, Arguments):
                if text := self._new("call", piece.text):
                    assembler.call(self._call, None, None, text)
            elif piece.bars != "full-width":
                assembler.end_call(piece.bars)
                note = f"the call of {assembler.calls[self._call].name!r} has bars that are not V4's own"
                assembler.repairs.append(Repair("recovered_calls", note))

    def _new(self, kind: str, text: str) -> str:
        """The part of a piece that was not handed out before."""
        shown = self._shown[kind]
        if not shown:
            return text
        size = min(len(shown), len(text))
        if shown[:size] != text[:size]:
            size = len(shown)  # the model did not write it again
        self._shown[kind] = shown[size:]
        return text[size:] if shown[:size] == text[:size] else text
