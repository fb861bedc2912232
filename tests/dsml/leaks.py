"""Markup as servers were seen to leave it in texts, and what a scanner makes of a text that comes in pieces."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from deepseek_v4_sdk.dsml import Arguments, CallEnd, CallStart, Scanner, Text

__all__ = ["MARKS", "TOOLS", "WRAPPERS", "Read", "block", "cuts", "invoke", "parameter", "read"]

BAR = "\N{FULLWIDTH VERTICAL LINE}"
MARKS = {
    "full_width": f"{BAR}DSML{BAR}",
    "ascii": "|DSML|",
    "doubled": f"{BAR}{BAR}DSML{BAR}{BAR}",
    "doubled_ascii": "||DSML||",
    "v4.1": f"{BAR}DSML{BAR} ",
}
"""How the mark of a tag is written."""
MARK = MARKS["full_width"]
WRAPPERS = ("tool_calls", "toolcalls", "tool_call", "toolcall", "tools", "tool", "function_calls", "calls")
"""How the outer tag is named."""
TOOLS = ("get_weather", "now", "write_file")
"""The tools that are offered."""


@dataclass
class Read:
    """What a text consists of."""

    text: str = ""
    calls: list[tuple[str, str, bool]] = field(default_factory=list)
    """Name, arguments, and whether it ended."""
    lost: list[str] = field(default_factory=list)


def read(pieces: Iterable[str], tools: Iterable[str] = TOOLS) -> Read:
    """Feed a scanner."""
    scanner, found = Scanner(list(tools)), Read()
    for given in [*map(scanner.feed, pieces), scanner.finish()]:
        for piece in given:
            match piece:
                case Text(text):
                    found.text += text
                case CallStart(name):
                    found.calls.append((name, "", False))
                case Arguments(text):
                    name, arguments, _ = found.calls[-1]
                    found.calls[-1] = (name, arguments + text, False)
                case CallEnd():
                    found.calls[-1] = (*found.calls[-1][:2], True)
    found.lost = scanner.lost
    assert scanner.calls == sum(ended for _, _, ended in found.calls)
    return found


def cuts(text: str) -> Iterator[list[str]]:
    """The text cut at each place, letter by letter, in small pieces, and at random."""
    for place in range(1, len(text)):
        yield [text[:place], text[place:]]
    yield list(text)
    for size in (2, 3, 7, 20):
        yield [text[start : start + size] for start in range(0, len(text), size)]
    dice = random.Random(len(text))
    for _ in range(10):
        places = sorted(dice.sample(range(len(text) + 1), min(5, len(text))))
        yield [text[start:end] for start, end in zip([0, *places], [*places, None], strict=True)]


def parameter(name: str, value: str, kind: str | None = "true", mark: str = MARK) -> str:
    """An argument; without a kind it does not say whether it is a text."""
    said = "" if kind is None else f' string="{kind}"'
    return f'<{mark}parameter name="{name}"{said}>{value}</{mark}parameter>'


def invoke(name: str, *inner: str, mark: str = MARK) -> str:
    """A call."""
    return "\n".join([f'<{mark}invoke name="{name}">', *inner, f"</{mark}invoke>"])


def block(*calls: str, mark: str = MARK, wrapper: str = "tool_calls") -> str:
    """Calls in their outer tag."""
    return "\n".join([f"<{mark}{wrapper}>", *calls, f"</{mark}{wrapper}>"])
