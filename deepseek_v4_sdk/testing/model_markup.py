"""The model's markup on the server's side: as the model writes it, and its calls as servers show them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from deepseek_v4_sdk.chat import read_json
from deepseek_v4_sdk.testing.generated_output import OutputSpan, escaped
from deepseek_v4_sdk.testing.script import ScriptedCall, Turn

__all__ = [
    "DSML",
    "INVOKE_OPENS",
    "THINK_ENDS",
    "THINK_OPENS",
    "Invocation",
    "Parameter",
    "ShowCalls",
    "Style",
    "bursts",
    "fragments",
    "invocations",
    "one_call",
    "spans_of",
    "turn_of",
    "unread",
    "unseparated",
    "whole_calls",
    "write_calls",
]

Style: TypeAlias = Literal["full_width", "ascii", "doubled"]
"""The bars of the markup: the model's own, ASCII bars, or its own doubled. Only the first is read by a server."""

_BAR = "\N{FULLWIDTH VERTICAL LINE}"
_MARKS = {"full_width": f"{_BAR}DSML{_BAR}", "ascii": "|DSML|", "doubled": f"{_BAR}{_BAR}DSML{_BAR}{_BAR}"}
DSML = _MARKS["full_width"]
"""The mark of the model's own tags."""
_INVOKE_ENDS = f"</{DSML}invoke>"
_PARAMETER_ENDS = f"</{DSML}parameter>"
INVOKE_OPENS = rf'<{DSML}invoke name="'
"""The opening of a call."""
_INVOKE = re.compile(rf'(?P<open>\s*{INVOKE_OPENS})(?P<name>[^"]*)(?P<tail>">\n?)?')
_PARAMETER = re.compile(
    rf'(?P<tag>\s*<{DSML}parameter)(?:(?P<pre> name=")(?:(?P<key>[^"]*)(?:(?P<quote>")'
    rf'(?P<word> string)?(?:(?P<kind>(?:="(?P<is_text>true|false)")?>)(?P<value>.*?)'
    rf"(?P<close>{_PARAMETER_ENDS}|\Z))?)?)?)?",
    re.DOTALL,
)

THINK_OPENS = "<think>"
"""The opening of the reasoning."""
THINK_ENDS = "</think>"
"""The end of the reasoning."""


def write_calls(calls: Iterable[ScriptedCall], style: Style = "full_width") -> str:
    """Calls as the model writes them; arguments other than a JSON object become one parameter named `arguments`."""
    mark = _MARKS[style]
    lines = [f"<{mark}tool_calls>"]
    for call in calls:
        lines.append(f'<{mark}invoke name="{call.name}">')
        try:
            arguments = read_json(call.arguments)
        except ValueError:
            arguments = None
        for key, value in (arguments if isinstance(arguments, dict) else {"arguments": call.arguments}).items():
            is_text = isinstance(value, str)
            written = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            lines.append(f'<{mark}parameter name="{key}" string="{str(is_text).lower()}">{written}</{mark}parameter>')
        lines.append(f"</{mark}invoke>")
    return "\n".join([*lines, f"</{mark}tool_calls>"])


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter as the model wrote it, as far as it came: the parts of its markup, in order.

    Attributes:
        tag: Up to the word for its kind.
        pre: From there to its name.
        key: Its name.
        quote: The text that ends the name.
        word: The name of the attribute for its kind.
        kind: From there to its value.
        value: Its value.
        close: The closing tag, or a piece of it.
        quoted: Whether the value is a text.
        served: The value as JSON, where the server makes something else of it.
    """

    tag: str
    pre: str
    key: str
    quote: str
    word: str
    kind: str
    value: str
    close: str
    quoted: bool
    served: str = ""

    @property
    def raw(self) -> str:
        """All of it."""
        return self.tag + self.pre + self.key + self.quote + self.word + self.kind + self.value + self.close

    @property
    def whole(self) -> bool:
        """Whether its end came."""
        return self.close == _PARAMETER_ENDS


@dataclass(frozen=True, slots=True)
class Invocation:
    """One call as the model wrote it, as far as it came.

    Attributes:
        open: Up to its name.
        name: Its name.
        tail: The text that ends the name.
        parameters: Its parameters.
        close: The closing tag, or what there is instead.
        whole: Whether its end came.
        served: The arguments, where the server takes them out of a wrapper.
    """

    open: str
    name: str
    tail: str
    parameters: tuple[Parameter, ...]
    close: str
    whole: bool
    served: str = ""

    @property
    def raw(self) -> str:
        """All of it."""
        return self.open + self.name + self.tail + "".join(each.raw for each in self.parameters) + self.close

    @property
    def arguments(self) -> str:
        """The complete arguments as JSON text."""
        return (
            self.served
            or "{" + ", ".join(f"{_key(each)}: {_value(each)}" for each in self.parameters if each.whole) + "}"
        )


ShowCalls: TypeAlias = Callable[[Invocation, int], Iterator[OutputSpan]]
"""Show call number `number` of the answer as a server does, while it arrives."""


def fragments(call: Invocation, index: int) -> Iterator[OutputSpan]:
    """Token by token, as deepseek-recipe 0.2.0 does: names and values on arrival, and the JSON around them."""

    def shown(raw: str, after: str) -> OutputSpan:
        return OutputSpan(raw, "call", after=after, index=index)

    yield OutputSpan(call.open)
    yield OutputSpan(call.name)
    if call.tail:
        yield OutputSpan(call.tail, "call", index=index, name=call.name)
    for place, each in enumerate(call.parameters):
        yield OutputSpan(each.tag)
        if each.pre:
            yield shown(each.pre, ', "' if place else '{"')
            yield OutputSpan(each.key, "call", copy=True, quoted=True, index=index)
        if each.quote:
            yield shown(each.quote, '"')
        if each.word:
            yield shown(each.word, ": ")
        if each.kind:
            opened = '"' if each.quoted else ""
            yield shown(each.kind, opened if each.word else f": {opened}")
            ended, mark, tail = each.close.partition(DSML)
            text = each.value if mark else each.value + ended
            yield OutputSpan(text, "call", copy=True, quoted=each.quoted, index=index)
            if mark:
                yield shown(ended + mark, '"' if each.quoted else "")
                yield OutputSpan(tail)
    ended, mark, tail = call.close.partition(DSML)
    rest = "}" if call.parameters else "{}"
    yield shown(ended + mark, rest if mark and ended.endswith("</") else "")
    yield OutputSpan(tail)


def bursts(call: Invocation, index: int) -> Iterator[OutputSpan]:
    """As vLLM does since 0.25: a text comes in one piece when it ends, or up to a `>` in it.

    Text that something else may still follow waits for it. Of a call that is cut, the finish chunk closes what is
    between two parameters (0.32).
    """
    yield OutputSpan(call.open)
    if not call.tail:
        yield OutputSpan(call.name, "call", index=index, name=call.name, behind="{}")
        return
    yield OutputSpan(call.name)
    yield OutputSpan(call.tail, "call", index=index, name=call.name, behind="{}")
    if call.served:
        yield OutputSpan(
            "".join(each.raw for each in call.parameters) + call.close, "call", after=call.served, index=index
        )
        return
    held, begun = "", False
    for each in call.parameters:
        head = f"{held}{', ' if begun else '{'}{_key(each)}: "
        rest = f"{held}{'}' if begun else '{}'}"
        yield OutputSpan(
            each.tag + each.pre + each.key + each.quote + each.word, "call", index=index, cut=rest, behind=rest
        )
        if each.quoted:
            yield OutputSpan(each.kind, "call", after=f'{head}"', index=index, cut=rest)
            yield from _text_bursts(each, index)
            held = '"'
        else:
            yield OutputSpan(each.kind + each.value, "call", index=index, cut=rest, behind=rest)
            held = _value(each)
            after, behind = (head, f"{held}}}") if each.whole else ("", rest)
            yield OutputSpan(each.close, "call", after=after, index=index, cut=rest, behind=behind)
        if not each.whole:
            return
        begun = True
    rest = f"{held}{'}' if begun else '{}'}"
    after, behind = (rest, "") if call.whole else ("", rest)
    yield OutputSpan(call.close, "call", after=after, index=index, cut=rest, behind=behind)


def _text_bursts(each: Parameter, index: int) -> Iterator[OutputSpan]:
    *shown, last = re.split(r"(?<=>)", each.value)
    for piece in shown:
        yield OutputSpan(piece, "call", copy=True, held=True, quoted=True, index=index)
    if each.whole:
        yield OutputSpan(last)
        yield OutputSpan(each.close, "call", after=escaped(last), index=index, behind='"}')
    else:
        yield OutputSpan(last + each.close)


def whole_calls(call: Invocation, index: int) -> Iterator[OutputSpan]:
    """All at once when the call has ended; one that is cut vanishes."""
    if not call.whole:
        yield OutputSpan(call.raw)
        return
    yield OutputSpan(call.raw, "call", after=call.arguments, index=index, name=call.name)


def spans_of(turn: Turn, show: ShowCalls, *, thinks: bool) -> list[OutputSpan]:
    """A turn of a script as spans: the server's parser has nothing to do with it.

    Args:
        turn: The turn.
        show: How the server shows calls.
        thinks: Whether the turn begins inside the thinking.
    """
    spans = [OutputSpan(turn.reasoning, "reasoning", copy=True, reasoning=True)] if turn.reasoning else []
    if thinks and (turn.text or turn.calls or not turn.reasoning or turn.finish_reason != "length"):
        spans.append(OutputSpan(THINK_ENDS))
    if turn.text:
        spans.append(OutputSpan(turn.text, "text", copy=True))
    if turn.calls:
        spans.append(OutputSpan(f"\n\n<{DSML}tool_calls>"))
        for index, call in enumerate(turn.calls):
            spans += _scripted(call, index, show)
        spans.append(OutputSpan(f"\n</{DSML}tool_calls>"))
    return spans


def _scripted(call: ScriptedCall, index: int, show: ShowCalls) -> list[OutputSpan]:
    """A scripted call, shown as the same call of a model; arguments that no model writes so are shown unchanged."""
    inner = "\n" + "\n".join(write_calls([call]).split("\n")[1:-1])
    (found, *more), rest = invocations(inner)
    if not more and not rest and found.whole and found.arguments == call.arguments:
        return list(show(found, index))
    opened, ended = f'\n<{DSML}invoke name="{call.name}">\n', f"\n{_INVOKE_ENDS}"
    return [
        OutputSpan(opened, "call", index=index, name=call.name),
        OutputSpan(call.arguments, "call", copy=True, index=index),
        OutputSpan(ended),
    ]


def turn_of(spans: Sequence[OutputSpan], finish_reason: str | None, cuts: tuple[int, ...]) -> Turn:
    """The output of spans, as a turn."""
    reasoning = "".join(span.raw for span in spans if span.kind == "reasoning")
    text = "".join(span.raw for span in spans if span.kind == "text")
    calls: list[ScriptedCall] = []
    for span in spans:
        if span.kind == "call":
            if span.name is not None:
                calls.append(ScriptedCall(span.name, ""))
            if calls:
                shown = (escaped(span.raw) if span.quoted else span.raw) if span.copy else ""
                calls[-1] = ScriptedCall(calls[-1].name, calls[-1].arguments + shown + span.after)
    return Turn(reasoning, text, tuple(calls), finish_reason, cuts)


def unseparated(spans: Sequence[OutputSpan], mark: str | None = THINK_ENDS) -> list[OutputSpan]:
    """The reading of a server without a reasoning parser: reasoning is text, and so is the mark of its end."""
    return [
        replace(span, kind="text", copy=True, reasoning=False) if span.reasoning or span.raw == mark else span
        for span in spans
    ]


def one_call(spans: Sequence[OutputSpan]) -> list[OutputSpan]:
    """Without the calls after the first."""
    return [replace(span, kind=None) if span.index else span for span in spans]


def unread(spans: Sequence[OutputSpan]) -> list[OutputSpan]:
    """Spans whose markup nobody has read."""
    return [
        each if each.reasoning or each.raw == THINK_ENDS else OutputSpan(each.raw, "text", copy=True) for each in spans
    ]


def invocations(inner: str) -> tuple[list[Invocation], str]:
    """The calls of a block, and what is left behind the last."""
    found: list[Invocation] = []
    place = 0
    while (opened := _INVOKE.match(inner, place)) is not None and (opened["name"] or opened["tail"] is not None):
        place = opened.end()
        parameters: list[Parameter] = []
        while opened["tail"] is not None and (match := _PARAMETER.match(inner, place)) is not None:
            parts = {
                name: match[name] or "" for name in ("tag", "pre", "key", "quote", "word", "kind", "value", "close")
            }
            if not parts["close"]:
                parts["value"], parts["close"] = _without_end(parts["value"])
            parameters.append(Parameter(**parts, quoted=bool(match["kind"]) and match["is_text"] != "false"))
            place = match.end()
        body, ended, _ = inner[place:].partition(_INVOKE_ENDS)
        close = body + ended
        place += len(close)
        whole, tail = bool(ended), opened["tail"] or ""
        found.append(Invocation(opened["open"], opened["name"], tail, tuple(parameters), close, whole))
    return found, inner[place:]


def _without_end(value: str) -> tuple[str, str]:
    """A value that was cut, and a piece of the closing tag after it."""
    for size in range(min(len(value), len(_PARAMETER_ENDS) - 1), 0, -1):
        if value.endswith(_PARAMETER_ENDS[:size]):
            return value[:-size], value[-size:]
    return value, ""


def _key(each: Parameter) -> str:
    return json.dumps(each.key, ensure_ascii=False)


def _value(each: Parameter) -> str:
    return each.served or (json.dumps(each.value, ensure_ascii=False) if each.quoted else each.value)
