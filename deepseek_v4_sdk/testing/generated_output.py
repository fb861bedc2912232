"""The scripted model's output in V4's tokens: spans, cut at a limit, and the text shown at each token.

A span is a piece of the model's own output, with the text that a server shows of it and the time of showing, so that a
cut at any token leaves what a server would have shown by then.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from typing import Literal, TypeAlias

__all__ = [
    "Cutter",
    "GeneratedOutput",
    "OutputKind",
    "OutputSpan",
    "Token",
    "escaped",
    "rough_ends",
    "say",
    "within_last_call",
    "without_beginning",
]

OutputKind: TypeAlias = Literal["reasoning", "text", "call"]
"""The part of an answer that a piece of output belongs to."""

Cutter: TypeAlias = Callable[[str], Sequence[int]]
"""Find where the tokens of a text end, in characters."""

_PIECE = re.compile(r"\s*\S{1,8}|\s+")


@dataclass(frozen=True, slots=True)
class OutputSpan:
    """A piece of what the model writes.

    Attributes:
        raw: Its text.
        kind: The kind of delta that shows it; None for hidden text.
        copy: Whether its text is shown unchanged. The text of an argument is written as in JSON.
        held: Whether it is shown only once it is complete.
        after: The text shown once it is complete; after the name, if it has one.
        index: Of a call, which one.
        name: The name of the call that begins once it is complete.
        quoted: Whether it is inside a JSON string.
        reasoning: Whether its tokens count as reasoning.
        cut: The text shown at the end when the output ends inside it.
        behind: The text shown at the end when the output ends right after it.
    """

    raw: str
    kind: OutputKind | None = None
    copy: bool = False
    held: bool = False
    after: str = ""
    index: int = 0
    name: str | None = None
    quoted: bool = False
    reasoning: bool = False
    cut: str = ""
    behind: str = ""


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of what is shown. The first one of a call has its name.

    Attributes:
        kind: Its kind.
        text: Its text.
        index: Of a call, which one.
        name: The name, where a call begins.
        count: How many tokens the model had written by then.
    """

    kind: OutputKind
    text: str
    index: int = 0
    name: str | None = None
    count: int = 0


@dataclass(frozen=True, slots=True)
class GeneratedOutput:
    """The generated output up to its end or a cut.

    Attributes:
        tokens: The shown pieces.
        finish_reason: Why it ended.
        completion_tokens: The tokens it wrote, with the end token if it was reached.
        reasoning_tokens: The tokens of the reasoning, without its end mark.
        streamed_reasoning: Which tokens of the first reasoning showed something in a stream, counted from one.
        reasoning_whole: Whether that mark came.
        stop: The stop string that ended it.
        raw: All that it wrote.
    """

    tokens: tuple[Token, ...]
    finish_reason: str
    completion_tokens: int
    reasoning_tokens: int
    streamed_reasoning: tuple[int, ...] = ()
    reasoning_whole: bool = False
    stop: str | None = None
    raw: str = ""

    @property
    def reasoning(self) -> str:
        """All reasoning."""
        return "".join(token.text for token in self.tokens if token.kind == "reasoning")

    @property
    def text(self) -> str:
        """All text."""
        return "".join(token.text for token in self.tokens if token.kind == "text")

    @property
    def calls(self) -> list[tuple[str, str]]:
        """The calls, as name and arguments."""
        calls: list[tuple[str, list[str]]] = []
        for token in self.tokens:
            if token.kind == "call":
                if token.name is not None:
                    calls.append((token.name, []))
                calls[-1][1].append(token.text)
        return [(name, "".join(pieces)) for name, pieces in calls]

    def ids(self) -> list[int]:
        """The tokens of all that it wrote, with the end token if it was reached."""
        from deepseek_v4_sdk.tokens import encode

        ids = encode(self.raw)
        return [*ids, 1] if len(ids) < self.completion_tokens else ids

    def reasoning_by(self, count: int) -> int:
        """The number of reasoning tokens among the first so many tokens."""
        return bisect_right(self.streamed_reasoning, count)


def within_last_call(output: str, cutter: Cutter) -> int | None:
    """The number of tokens that end in the middle of the last call of an output; None where there is no call."""
    start = output.rfind("invoke name=")
    if start < 0:
        return None
    middle = start + (len(output) - start) // 2
    return max(1, sum(end <= middle for end in cutter(output)))


def without_beginning(spans: Sequence[OutputSpan], size: int) -> Sequence[OutputSpan]:
    """The spans without so many characters of the output at their beginning."""
    if not size:
        return spans
    left: list[OutputSpan] = []
    for span in spans:
        taken = min(size, len(span.raw))
        size -= taken
        if taken < len(span.raw):
            left.append(replace(span, raw=span.raw[taken:]) if taken else span)
    return left


def say(
    read: Callable[[str], Sequence[OutputSpan]],
    output: str,
    cutter: Cutter,
    *,
    limit: int | None = None,
    stops: Sequence[str] = (),
    finish_reason: str | None = None,
    cuts: Sequence[int] = (),
    keeps_stop: bool = False,
    holds_back: bool = False,
    stops_in_order: bool = False,
) -> GeneratedOutput:
    """Generate an output.

    Args:
        read: Takes it apart as the server's parser does.
        output: The model's full output.
        cutter: Its tokens.
        limit: How many tokens it may write.
        stops: Strings that end it.
        finish_reason: The reason of its natural end; None for "stop", or "tool_calls" when there is a call.
        cuts: The lengths of the pieces that are shown, used over and over, instead of tokens.
        keeps_stop: Whether the string that ended it is shown too.
        stops_in_order: Whether of several that one token ends the first in the list counts, not the first in the text.
        holds_back: Whether a stream keeps back what may yet become a string that ends it.
    """
    ends = cutter(output)
    end, stop = _stopped(output, stops, ends if stops_in_order else ())
    written = len(ends) if stop is None else sum(each < end for each in ends) + 1
    cut = limit is not None and written >= limit
    if limit is not None and cut:
        written, end, stop = limit, ends[limit - 1] if limit else 0, None
    elif stop is not None and not keeps_stop:
        end -= len(stop)
    raw = output[:end]
    spans = read(raw)
    kept = max((len(each) - 1 for each in stops), default=0) if holds_back and not keeps_stop else 0
    come = [max(0, min(end, place - kept)) for place in ends[:written]]  # characters shown by each token
    come[-1:] = [end] * bool(come)
    shown = list(_shown(spans, come))
    ranges, first = _reasoning_ranges(spans if stop is None else read(output[: ends[written - 1]]))
    reasoned = [
        number
        for number, place in enumerate(ends[:written], start=1)
        if any(begin < place <= end or place == begin == 0 for begin, end in ranges)
    ]
    whole = not ranges or ranges[-1][1] < len(raw)
    by = ends if whole else come
    streamed = [number for number in reasoned if ends[number - 1] <= first]
    if cut:
        reason = "length"
    elif stop is not None:
        reason = "stop"
    elif finish_reason is not None:
        reason = finish_reason
    else:
        reason = "tool_calls" if any(token.kind == "call" for token in shown) else "stop"
    return GeneratedOutput(
        tokens=tuple(_recut(shown, cuts) if cuts else shown),
        finish_reason=reason,
        completion_tokens=written + (reason != "length" and stop is None),
        reasoning_tokens=len(reasoned),
        streamed_reasoning=tuple(
            number for number in streamed if by[number - 1] > (by[number - 2] if number > 1 else 0)
        ),
        reasoning_whole=whole,
        stop=stop,
        raw=raw,
    )


def _reasoning_ranges(spans: Iterable[OutputSpan]) -> tuple[list[tuple[int, int]], int]:
    """The ends of the reasoning, in characters, and the beginning of the text after the first reasoning."""
    found: list[tuple[int, int]] = []
    place, first = 0, -1
    for span in spans:
        if found and span.raw and span.kind == "text" and first < 0:
            first = place
        if span.reasoning and span.raw:
            found.append((place, place + len(span.raw)))
        place += len(span.raw)
    return found, place if first < 0 else first


def escaped(text: str) -> str:
    """A text as written inside a JSON string."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


def rough_ends(text: str) -> list[int]:
    """The ends of pieces of up to eight characters: in place of tokens where nothing is counted."""
    return [match.end() for match in _PIECE.finditer(text)]


def _stopped(output: str, stops: Sequence[str], ends: Sequence[int]) -> tuple[int, str | None]:
    """The end of the first stop string, and the string; of those that one token ends, the first of the list."""
    found = [(place + len(stop), stop) for stop in stops if stop and (place := output.find(stop)) >= 0]
    first = min(found, default=(len(output), None))
    token = bisect_left(ends, first[0])
    return next((each for each in found if ends and bisect_left(ends, each[0]) == token), first)


def _shown(spans: Iterable[OutputSpan], ends: Sequence[int]) -> Iterable[Token]:
    """The shown pieces of spans whose text comes in tokens that end there; a token shows one piece of a call."""
    pending: Token | None = None
    for token in _pieces(spans, ends):
        if pending is not None and _one_piece(pending, token):
            pending = replace(pending, text=pending.text + token.text)
            continue
        if pending is not None:
            yield pending
        pending = token
    if pending is not None:
        yield pending


def _one_piece(before: Token, token: Token) -> bool:
    same = before.count == token.count and before.kind == token.kind and before.index == token.index
    return same and before.name is None and token.name is None


def _pieces(spans: Iterable[OutputSpan], ends: Sequence[int]) -> list[Token]:
    shown: list[Token] = []
    place, number, last = 0, 0, ends[-1] if ends else 0
    closing: Token | None = None
    for span in spans:
        if span.raw and place >= last:
            break
        begin, stop = place, place + len(span.raw)
        until = min(stop, last)
        at_once = span.kind if span.copy and not span.held else None
        come: list[str] = []
        while place < until:
            while ends[number] <= place:
                number += 1
            end = min(ends[number], stop)
            piece = span.raw[place - begin : end - begin]
            place = end
            come.append(escaped(piece) if span.quoted else piece)
            if at_once:
                shown.append(Token(at_once, come[-1], span.index, None, number + 1))
        left = span.cut if place < stop else span.behind
        if span.raw or left:
            closing = Token("call", left, span.index, count=len(ends) + 1) if left else None
        if place < stop:
            break
        if span.kind is not None:
            if span.held and span.raw:
                shown.append(Token(span.kind, "".join(come), span.index, count=number + 1))
            if span.name is not None or span.after:
                shown.append(Token(span.kind, span.after, span.index, span.name, number + 1))
    return [*shown, closing] if closing is not None else shown


def _recut(tokens: Iterable[Token], cuts: Sequence[int]) -> Iterable[Token]:
    """The same texts in pieces of these lengths."""
    runs: list[list[Token]] = []
    for token in tokens:
        one = (token.kind, token.index)
        if token.name is not None or not runs or (runs[-1][-1].kind, runs[-1][-1].index) != one or runs[-1][0].name:
            runs.append([])
        runs[-1].append(token)
    for run in runs:
        if run[0].name is not None:
            yield run[0]
            continue
        text, lengths, start = "".join(token.text for token in run), cycle(cuts), 0
        while start < len(text):
            end = start + next(lengths)
            yield replace(run[-1], text=text[start:end], count=run[-1].count - (end < len(text)))
            start = end
