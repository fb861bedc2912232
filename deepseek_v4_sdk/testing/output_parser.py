"""What the model wrote, read as each server's parsers read it.

The client has a reader of its own; this one shares nothing with it, so that one can be held against the other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from deepseek_v4_sdk.testing.markup import DSML, INVOKE_OPENS, THINK_ENDS, ShowCalls, fragments, invocations
from deepseek_v4_sdk.testing.speech import Span

__all__ = ["OutputParser"]

_OPENS = f"<{DSML}tool_calls>"
_OPENING = re.compile(
    r"(?:\n\n)?(?:" + "|".join(_OPENS[:size] for size in range(len(_OPENS) - 1, len(DSML), -1)) + r")\Z"
)
"""An opening that was cut behind the control token in it."""


@dataclass(frozen=True, slots=True)
class OutputParser:
    """How a server reads what the model wrote.

    Attributes:
        show: How it shows calls.
        wrappers: The names of the outer tag that it knows.
        without_tools: What becomes of a call when the request offers no tools: it vanishes, or stays in the text.
        bare: Whether it also finds a call inside a tag that it does not know; that tag stays in the text.
        keeps_breaks: Whether the empty line between a text and its calls belongs to the text.
        trims: What it drops: "end", blanks at the end of the thinking; "start", line ends around the thinking and
            before the text.
    """

    show: ShowCalls = fragments
    wrappers: tuple[str, ...] = ("tool_calls",)
    without_tools: Literal["drop", "leak"] = "leak"
    bare: bool = False
    keeps_breaks: bool = False
    trims: Literal["end", "start"] | None = None

    def read(self, output: str, *, thinking: bool, tools: bool) -> list[Span]:
        """What the server makes of the model's output, which may end anywhere.

        Args:
            output: What the model wrote, from behind the opening of its turn.
            thinking: Whether that opening was one of thinking.
            tools: Whether the request offers tools that may be called.
        """
        spans: list[Span] = []
        text = output
        if thinking:
            reasoning, mark, text = output.partition(THINK_ENDS)
            # A call inside the thinking ends it. Without one, and without an end, all of it is reasoning.
            if tools and (inside := self._opening(reasoning)) is not None:
                border = inside.start("tag") if self.keeps_breaks else inside.start()
                reasoning, mark, text = output[:border], "", output[border:]
            shown = reasoning.rstrip() if self.trims == "end" else self._begun(reasoning)
            shown = shown.rstrip("\n") if self.trims == "start" and mark else shown
            before, _, behind = reasoning.partition(shown) if shown else (reasoning, "", "")
            thoughts = [Span(before), Span(shown, "reasoning", copy=True), Span(behind)]
            spans = [*(replace(span, thought=True) for span in thoughts), Span(mark)]
        start = self._opening(text)
        if start is None or (not tools and self.without_tools == "leak"):
            shown = self._begun(text)
            spans.append(Span(text[: len(text) - len(shown)]))
            opening = _OPENING.search(shown) if tools and self.trims == "start" else None
            end = opening.start() if opening is not None else len(shown)
            return [*spans, Span(shown[:end], "text", copy=True), Span(shown[end:])]
        before = text[: start.start("tag") if self.keeps_breaks else start.start()]
        shown = self._begun(before)
        spans.append(Span(before[: len(before) - len(shown)]))
        spans += [Span(shown, "text" if shown.strip() else None, copy=True), Span(text[len(before) : start.end()])]
        if not tools:
            return [*spans, Span(text[start.end() :])]
        inner, closing, rest = text[start.end() :].partition(f"</{DSML}{start['wrapper']}>")
        found, left = invocations(inner)
        for index, call in enumerate(found):
            spans += self.show(call, index)
        whole = closing if start["wrapper"] else found[-1].whole
        return [*spans, Span(left + closing + rest, open=not whole)]

    def _begun(self, text: str) -> str:
        """A text without what is dropped before it."""
        return text.lstrip("\n") if self.trims == "start" else text

    def _opening(self, text: str) -> re.Match[str] | None:
        """Where calls begin; the empty line before them belongs to the match, and its `tag` begins behind that."""
        bare = f"|(?={INVOKE_OPENS})" if self.bare else ""
        return re.search(rf"(?:\n\n)?(?P<tag><{DSML}(?P<wrapper>{'|'.join(self.wrappers)})>\n?{bare})", text)
