"""The output repair: mends what a server's parsers let through, on the way from the decoder to the assembler."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from deepseek_v4_sdk.chat import Repair
from deepseek_v4_sdk.exchange.control_tokens import without_tokens

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import ChatRequest
    from deepseek_v4_sdk.dsml import Piece, Scanner
    from deepseek_v4_sdk.exchange.assembler import Assembler
    from deepseek_v4_sdk.providers import Sink

__all__ = ["OutputRepair", "drop_further_calls", "trim_stop"]

_CLOSE = "</think>"
_OPEN = "<think>"
_LONE_CLOSE = re.compile(f"(?<!`){_CLOSE}|{_CLOSE}(?!`)")  # between back-ticks it is a quotation
_UNQUOTED_CLOSE = re.compile(f"(?<![ \\t`'\"“«(\\[]){_CLOSE}(?![`'\"”»)\\]])")


def _scanner(tools: list[str]) -> Scanner:
    from deepseek_v4_sdk.dsml import Scanner  # loaded with the first tools: its patterns take 10 ms

    return Scanner(tools)


class OutputRepair:
    """A `Sink` in front of the assembler.

    Tool calls that were left in the text as markup become calls; a call at the end of the reasoning, with no answer
    after it, becomes a call; tags that were left after arguments are cut off; reasoning that was left in the text, with
    its closing tag, becomes reasoning; text that was left in the reasoning, after its closing tag, becomes text. The
    assembler's repairs list each change.

    Args:
        assembler: The assembler that gets everything.
        request: The request: its tools decide what can be a call.
        reasoning_in_text: Whether this server is known to leave reasoning in the text.
    """

    __slots__ = (
        "_assembler",
        "_closed",
        "_held",
        "_in_reasoning",
        "_keeps_stop",
        "_scanner",
        "_thinks",
        "_tools",
        "begin",
        "call",
        "finish",
        "logprobs",
        "other",
        "reasoning_in_text",
        "usage",
    )

    def __init__(self, assembler: Assembler, request: ChatRequest, *, reasoning_in_text: bool) -> None:
        on = request.dsml == "auto"
        self._assembler = assembler
        self._tools = [tool.name for tool in request.tools] if on else []
        self._scanner = _scanner(self._tools) if self._tools else None
        self._thinks = on and request.thinking != "off"
        # A grammar for the whole answer leaves no place for reasoning, unless a parser takes it out.
        held = request.forces_a_call or request.response_format is not None
        self._in_reasoning = self._thinks and reasoning_in_text and not held
        self._held = ""  # a possible beginning of a closing tag
        self._closed = False
        asked = request.extra_body
        self._keeps_stop = bool(asked.get("no_stop_trim") or asked.get("include_stop_str_in_output"))
        self.reasoning_in_text: bool | None = None
        """Whether the server left reasoning in the text; None where the answer does not show it."""
        # Pieces that need no check take no detour.
        self.begin, self.call, self.logprobs = assembler.begin, assembler.call, assembler.logprobs
        self.finish, self.usage, self.other = assembler.finish, assembler.usage, assembler.other

    @property
    def lost(self) -> str:
        """The unchanged markup that did not become a call."""
        return "\n".join(self._scanner.lost) if self._scanner is not None else ""

    @property
    def held(self) -> str:
        """The end of the text that is held back."""
        return self._held + (self._scanner.held if self._scanner is not None else "")

    @property
    def holds_reasoning(self) -> bool:
        """Whether that text is reasoning."""
        return self._in_reasoning

    @property
    def raw(self) -> str | None:
        """All raw output: the server has read it."""
        return None

    @property
    def stopped(self) -> bool:
        """Whether the answer ends here, whatever the server sends: never."""
        return False

    @property
    def sink(self) -> Sink:
        """The sink for decoded pieces: this one, or the assembler when there is nothing to check on the way."""
        return self._assembler if self._scanner is None and not self._in_reasoning else self

    @property
    def begun(self) -> bool:
        """Whether the id and the model are known."""
        return self._assembler.begun

    def reasoning(self, text: str) -> None:
        """Add a piece of reasoning: the server separates it."""
        self.reasoning_in_text = False
        if self._in_reasoning:
            self._leave_reasoning(self._held)
        self._assembler.reasoning(text)

    def text(self, text: str) -> None:
        """Add a piece of text, or of what the server takes for text."""
        if self._in_reasoning:
            self._split(text)
        elif self._scanner is None or self._scanner.passes(text):
            self._assembler.text(text)
        else:
            self._pass(self._scanner.feed(text))

    def close(self) -> None:
        """Note that the answer has ended: pass on the rest, and make the repairs that show only now."""
        if self._closed:
            return
        self._closed = True
        assembler = self._assembler
        if self.sink is assembler and assembler.reasonings:
            self.reasoning_in_text = False
        if self._held:
            assembler.reasoning(self._held)
            self._held = ""
        if self._in_reasoning and assembler.finish_reason not in {None, "length"} and assembler.stop_sequence is None:
            self.reasoning_in_text = (
                False  # the model ended it without a closing tag: the knowledge of the server may be outdated
            )
            self._leave_as_text()
        if self._scanner is not None:
            # vLLM finds calls in a tag that it does not know, and leaves the tag in the text.
            if assembler.calls and not self._scanner.calls:
                self._scanner.drop_blank_line()
                if self._scanner.drop_opening():
                    note = "the tag that opens tool calls was left in the text"
                    assembler.repairs.append(Repair("trimmed_text", note))
            cut = assembler.finish_reason == "length" or assembler.stop_sequence is not None
            if cut and self._scanner.drop_beginning(alone=not any(map(str.strip, assembler.texts))):
                text = "the answer was cut inside the tag that opens tool calls: its beginning was taken off the text"
                assembler.repairs.append(Repair("trimmed_text", text))
            self._pass(self._scanner.finish())
            if self._scanner.calls:
                assembler.repairs.append(
                    Repair("recovered_calls", f"{self._scanner.calls} tool call(s) were left in the text as markup")
                )
        assembler.end_text()
        if self._thinks and not assembler.reasonings:
            self._split_late()
        if assembler.stop_sequence is not None and not self._keeps_stop:
            trim_stop(assembler, assembler.stop_sequence)
        if self._tools:
            self._trim_arguments()
            self._promote()
        if self._thinks and assembler.reasonings:
            self._end_reasoning()
        drop_further_calls(assembler)

    def _pass(self, pieces: list[Piece]) -> None:
        """Pass on the scanner's pieces."""
        from deepseek_v4_sdk.dsml import Arguments, CallStart, Text

        assembler = self._assembler
        for piece in pieces:
            if isinstance(piece, Text):
                assembler.text(piece.text)
            elif isinstance(piece, CallStart):
                assembler.open_call(piece.name, piece.bars)
            elif isinstance(piece, Arguments):
                assembler.call(None, None, None, piece.text)
            else:
                assembler.end_call(piece.bars)

    def _split(self, text: str) -> None:
        """Split a text of a server that is known to leave reasoning in it: reasoning up to the closing tag."""
        text = self._held + text
        before, found, after = text.partition(_CLOSE)
        if found:
            self._note_reasoning_in_text()
            self._leave_reasoning(before)
            if after:
                self.text(after)
            return
        keep = next((size for size in range(len(_CLOSE) - 1, 0, -1) if text.endswith(_CLOSE[:size])), 0)
        self._held = text[len(text) - keep :]
        if len(text) > keep:
            self._assembler.reasoning(text[: len(text) - keep])

    def _leave_reasoning(self, last: str) -> None:
        self._in_reasoning, self._held = False, ""
        if last:
            self._assembler.reasoning(last)

    def _leave_as_text(self) -> None:
        """Turn an answer that streamed as reasoning, and that the model ended without a closing tag, into text.

        It comes again, as text: a reader of text only has not seen it.
        """
        assembler, self._in_reasoning = self._assembler, False
        assembler.end_text()
        text = "".join(assembler.reasonings)
        if not text:
            return
        assembler.reasonings.clear()
        assembler.first_answer = assembler.first_token
        if self._scanner is None:
            assembler.text(text)
        else:
            self._pass([*self._scanner.feed(text), *self._scanner.finish()])
        assembler.repairs.append(
            Repair("joined_text", "the streamed reasoning was the answer's text: it ended without a closing tag")
        )

    def _split_late(self) -> None:
        """Split reasoning from the text of a server that was not expected to leave it there."""
        texts = self._assembler.texts
        text = "".join(texts)
        found = _LONE_CLOSE.search(text)
        if found is None or _OPEN in text[: found.start()]:
            return
        (before, cut), after = without_tokens(text[: found.start()]), text[found.end() :]
        if cut:
            self._assembler.note_tokens(cut, thinks=True)
        self._assembler.reasonings[:] = [before]
        self._assembler.texts[:] = [after] if after else []
        self._note_reasoning_in_text()

    def _note_reasoning_in_text(self) -> None:
        self.reasoning_in_text = True
        self._assembler.repairs.append(
            Repair("split_reasoning", "the server left the reasoning in the text: is its reasoning parser on?")
        )

    def _trim_arguments(self) -> None:
        from deepseek_v4_sdk.dsml import without_markup

        for call in self._assembler.calls:
            arguments = "".join(call.arguments)
            if "DSML" in arguments and (trimmed := without_markup(arguments)) is not None and trimmed != arguments:
                call.arguments = [trimmed]
                self._assembler.repairs.append(
                    Repair("trimmed_arguments", f"markup was left behind the arguments of {call.name!r}")
                )

    def _promote(self) -> None:
        """Find a call at the very end of the reasoning, with no answer: the model forgot to end its thinking."""
        from deepseek_v4_sdk.dsml import calls_at_the_end

        assembler = self._assembler
        if assembler.calls or not assembler.reasonings or any(piece.strip() for piece in assembler.texts):
            return
        found = calls_at_the_end("".join(assembler.reasonings), self._tools)
        if found is None:
            return
        before, calls = found
        assembler.reasonings[:] = [before] if before else []
        for name, arguments, bars in calls:
            assembler.open_call(name, bars)
            assembler.call(None, None, None, arguments)
        assembler.repairs.append(
            Repair("promoted_calls", f"{len(calls)} tool call(s) were at the end of the reasoning as markup")
        )

    def _end_reasoning(self) -> None:
        """End the reasoning at the closing tag in it, where the answer is empty otherwise.

        vLLM's streams (0.33) know the tag by its token. They take one in plain letters, and the answer after it, for
        reasoning; its plain answers, and the vendor's parser, end the reasoning there.
        """
        assembler = self._assembler
        ended = assembler.finish_reason not in {None, "length"} and assembler.stop_sequence is None
        if not ended or any(map(str.strip, assembler.texts)):
            return
        found = _split_at_end("".join(assembler.reasonings))
        if found is None:
            return
        before, after = found
        if after.strip():
            # With a call, or with markup in it, it may be reasoning about the tag.
            if assembler.calls or (self._tools and "DSML" in after):
                return
            assembler.text(after)  # a reader of text only has not seen it
            assembler.end_text()
        elif not assembler.calls:
            return
        assembler.reasonings[:] = [before] if before else []
        note = "a closing tag in plain letters was left in the reasoning, and ends it: what followed is the answer"
        assembler.repairs.append(Repair("ended_reasoning", note))


def _split_at_end(reasoning: str) -> tuple[str, str] | None:
    """Split a text at its only closing tag; None where it has none, several, or one that is a quotation."""
    if reasoning.count(_CLOSE) != 1 or _OPEN in reasoning:
        return None
    found = _UNQUOTED_CLOSE.search(reasoning)
    if found is None:
        return None
    from deepseek_v4_sdk.dsml.position import TextPosition

    before, position = reasoning[: found.start()], TextPosition()
    position.advance(before)
    return (before, reasoning[found.end() :]) if position.allows_own_markup else None


def trim_stop(assembler: Assembler, stop: str) -> None:
    """Cut the stop text off the end: where a character has several tokens, SGLang's streams leave it (0.5.23)."""
    pieces = assembler.texts or assembler.reasonings
    whole = "".join(pieces)
    if whole.endswith(stop):
        pieces[:] = [whole[: -len(stop)]] if whole != stop else []
        assembler.repairs.append(Repair("trimmed_text", "the stop text was left at the end of the answer"))


def drop_further_calls(assembler: Assembler) -> None:
    """Note the calls that are not given out."""
    if more := len(assembler.calls) - len(assembler.given_calls):
        text = f"parallel_tool_calls is False, and the model made {more} more call(s): only the first is given out"
        assembler.repairs.append(Repair("dropped_calls", text))
