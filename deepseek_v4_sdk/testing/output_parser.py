"""The model's output, read as each server's parsers read it.

The client has its own reader; this one shares nothing with it, so that tests can compare the two.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from deepseek_v4_sdk.testing.argument_types import Properties, converted
from deepseek_v4_sdk.testing.generated_output import OutputSpan
from deepseek_v4_sdk.testing.model_markup import (
    DSML,
    INVOKE_OPENS,
    THINK_ENDS,
    THINK_OPENS,
    ShowCalls,
    fragments,
    invocations,
)

__all__ = ["OutputParser"]

_OPENS = f"<{DSML}tool_calls>"
_OPENING = re.compile(
    r"(?:\n\n)?(?:" + "|".join(_OPENS[:size] for size in range(len(_OPENS) - 1, len(DSML), -1)) + r")\Z"
)
"""An opening that was cut after the control token in it."""
_SWITCHES = re.compile(f"{THINK_OPENS}|{THINK_ENDS}")


@dataclass(frozen=True, slots=True)
class OutputParser:
    """A server's reading of the model's output.

    Attributes:
        show: How it shows calls.
        wrappers: The names of the outer tag that it knows.
        without_tools: The fate of a call when the request offers no tools: it vanishes, or stays in the text.
        bare: Whether it also finds a call inside a tag that it does not know; that tag stays in the text.
        keeps_breaks: Whether the empty line between a text and its calls belongs to the text.
        trims: The part that it drops: "end", blanks at the end of the thinking; "start", line ends around it and
            before the text.
        rethinks: Whether thinking may begin again, and end again, anywhere before the calls.
        drops_ends: Whether it drops an end of reasoning that ends nothing from the text.
        several: Whether it reads further blocks of calls after the first.
        fits: Whether it makes of values what the schemas want.
    """

    show: ShowCalls = fragments
    wrappers: tuple[str, ...] = ("tool_calls",)
    without_tools: Literal["drop", "leak"] = "leak"
    bare: bool = False
    keeps_breaks: bool = False
    trims: Literal["end", "start"] | None = None
    rethinks: bool = False
    drops_ends: bool = False
    several: bool = False
    fits: bool = False

    def read(self, output: str, *, thinking: bool, tools: bool, offered: Properties | None = None) -> list[OutputSpan]:
        """The server's reading of the model's output, which may end anywhere.

        Args:
            output: The model's output, after the opening of its turn.
            thinking: Whether that opening was one of thinking.
            tools: Whether the request offers tools that may be called.
            offered: The properties of these tools.
        """
        spans: list[OutputSpan] = []
        text = output
        if self.rethinks:
            spans, text, thinking = self._switched(output, thinking=thinking, tools=tools)
        if thinking:
            reasoning, mark, text = text.partition(THINK_ENDS)
            # A call inside the thinking ends it. Without one, and without an end, all of it is reasoning.
            if tools and (inside := self._opening(reasoning)) is not None:
                border = inside.start("tag") if self.keeps_breaks else inside.start()
                text = reasoning[border:] + mark + text
                reasoning, mark = reasoning[:border], ""
            spans += [*self._reasoning_spans(reasoning, ended=bool(mark)), OutputSpan(mark)]
        start = self._opening(text)
        if start is None or (not tools and self.without_tools == "leak"):
            shown = self._begun(text)
            spans.append(OutputSpan(text[: len(text) - len(shown)]))
            opening = _OPENING.search(shown) if tools and self.trims == "start" else None
            end = opening.start() if opening is not None else len(shown)
            return [*spans, *self._text(shown[:end]), OutputSpan(shown[end:])]
        before = text[: start.start("tag") if self.keeps_breaks else start.start()]
        shown = self._begun(before)
        spans.append(OutputSpan(before[: len(before) - len(shown)]))
        generated = shown.strip() or any(span.kind == "text" for span in spans) or not tools
        spans += [*self._text(shown)] if generated else [OutputSpan(shown)]
        spans.append(OutputSpan(text[len(before) : start.end()]))
        if not tools:
            return [*spans, OutputSpan(text[start.end() :])]
        return [*spans, *self._calls(text[start.end() :], start, offered or {})]

    def _calls(self, behind: str, start: re.Match[str], offered: Properties) -> Iterator[OutputSpan]:
        """The calls of a block, and of the blocks after it."""
        count = 0
        while True:
            inner, closing, rest = behind.partition(f"</{DSML}{start['wrapper']}>")
            found, left = invocations(inner)
            for index, call in enumerate(found, start=count):
                yield from self.show(converted(call, offered) if self.fits else call, index)
            count += len(found)
            again = self._opening(rest) if self.several else None
            if again is None:
                yield OutputSpan(left + closing + rest)
                return
            yield OutputSpan(left + closing + rest[: again.end()])
            start, behind = again, rest[again.end() :]

    def _switched(self, output: str, *, thinking: bool, tools: bool) -> tuple[list[OutputSpan], str, bool]:
        """The text before the last switch between reasoning and text; the rest, and whether that is reasoning."""
        spans: list[OutputSpan] = []
        place = 0
        for mark in _SWITCHES.finditer(output):
            piece = output[place : mark.start()]
            if (tools or not thinking) and self._opening(piece) is not None:
                break
            ended = mark[0] == THINK_ENDS
            spans += (
                self._reasoning_spans(piece, ended=ended)
                if thinking
                else [OutputSpan(piece, "text" if piece else None, copy=True)]
            )
            spans.append(OutputSpan(mark[0]))
            thinking, place = not ended, mark.end()
        return spans, output[place:], thinking

    def _reasoning_spans(self, reasoning: str, *, ended: bool) -> list[OutputSpan]:
        """Reasoning, without the parts that the parser drops around it."""
        shown = reasoning.rstrip() if self.trims == "end" else self._begun(reasoning)
        shown = shown.rstrip("\n") if self.trims == "start" and ended else shown
        before, _, behind = reasoning.partition(shown) if shown else (reasoning, "", "")
        spans = [OutputSpan(before), OutputSpan(shown, "reasoning", copy=True), OutputSpan(behind)]
        return [replace(span, reasoning=True) for span in spans]

    def _text(self, text: str) -> Iterator[OutputSpan]:
        """A text, without ends of reasoning where the parser drops those."""
        first, *more = text.split(THINK_ENDS) if self.drops_ends else [text]
        yield OutputSpan(first, "text", copy=True)
        for piece in more:
            yield OutputSpan(THINK_ENDS)
            yield OutputSpan(piece, "text", copy=True)

    def _begun(self, text: str) -> str:
        """A text without the parts that the parser drops before it."""
        return text.lstrip("\n") if self.trims == "start" else text

    def _opening(self, text: str) -> re.Match[str] | None:
        """The beginning of calls; the empty line before them belongs to the match, and its `tag` begins after that."""
        bare = f"|(?={INVOKE_OPENS})" if self.bare else ""
        return re.search(rf"(?:\n\n)?(?P<tag><{DSML}(?P<wrapper>{'|'.join(self.wrappers)})>\n?{bare})", text)
