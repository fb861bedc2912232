"""The model's markup on the server's side: written as the model writes it, and read as each server's parser reads it.

The client has a reader of its own; this one shares nothing with it, so that one can be held against the other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from deepseek_v4_sdk.chat import read_json
from deepseek_v4_sdk.testing.script import ScriptedCall, Turn

__all__ = ["OutputParser", "Style", "write_calls"]

Style: TypeAlias = Literal["full_width", "ascii", "doubled"]
"""The bars of the markup: the model's own, ASCII bars, or its own doubled. Only the first is read by a server."""

_BAR = "\N{FULLWIDTH VERTICAL LINE}"
_MARKS = {"full_width": f"{_BAR}DSML{_BAR}", "ascii": "|DSML|", "doubled": f"{_BAR}{_BAR}DSML{_BAR}{_BAR}"}
_DSML = _MARKS["full_width"]
_INVOKE_OPENS = rf'<{_DSML}invoke name="([^"]*)">'
_INVOKE = re.compile(rf"{_INVOKE_OPENS}(.*?)(</{_DSML}invoke>|\Z)", re.DOTALL)
_PARAMETER = re.compile(
    rf'<{_DSML}parameter name="([^"]*)"(?: string="(true|false)")?>(.*?)(</{_DSML}parameter>|\Z)', re.DOTALL
)


def write_calls(calls: Iterable[ScriptedCall], style: Style = "full_width") -> str:
    """Calls as the model writes them; arguments that are no JSON object become one parameter named `arguments`."""
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
class OutputParser:
    """How a server reads what the model wrote.

    Attributes:
        wrappers: The names of the outer tag that it knows.
        without_tools: What becomes of a call when the request offers no tools: it vanishes, or stays in the text.
        bare: Whether it also finds a call inside a tag that it does not know; that tag stays in the text.
        keeps_breaks: Whether the empty line between a text and its calls belongs to the text.
    """

    wrappers: tuple[str, ...] = ("tool_calls",)
    without_tools: Literal["drop", "leak"] = "leak"
    bare: bool = False
    keeps_breaks: bool = False

    def read(self, output: str, *, thinking: bool, tools: bool) -> Turn:
        """The turn that the server makes of the model's output.

        Args:
            output: What the model wrote, from behind the opening of its turn.
            thinking: Whether that opening was one of thinking.
            tools: Whether the request offers tools that may be called.
        """
        reasoning, text = "", output
        if thinking:
            reasoning, _, text = output.partition("</think>")
            # A call inside the thinking ends it. Without one, and without an end, all of it is reasoning.
            if tools and (inside := self._opening(reasoning)) is not None:
                reasoning, text = output[: inside.start()], output[inside.start() :]
        start = self._opening(text)
        if start is None or (not tools and self.without_tools == "leak"):
            return Turn(reasoning, text)
        before = text[: start.start("tag") if self.keeps_breaks else start.start()]
        before = before if before.strip() else ""
        if not tools:
            return Turn(reasoning, before)
        inner, closing, _ = text[start.end() :].partition(f"</{_DSML}{start['wrapper']}>")
        found = list(_INVOKE.finditer(inner))
        calls = tuple(ScriptedCall(match[1], _arguments(match[2], closed=bool(match[3]))) for match in found)
        whole = closing if start["wrapper"] else found[-1][3]
        return Turn(reasoning, before, calls, None if whole else "length")

    def _opening(self, text: str) -> re.Match[str] | None:
        """Where calls begin; the empty line before them belongs to the match, and its `tag` begins behind that."""
        bare = f"|(?={_INVOKE_OPENS})" if self.bare else ""
        return re.search(rf"(?:\n\n)?(?P<tag><{_DSML}(?P<wrapper>{'|'.join(self.wrappers)})>\n?{bare})", text)


def _arguments(inner: str, *, closed: bool) -> str:
    """Parameters as JSON text, which stays open when the model was cut inside the call."""
    pieces: list[str] = []
    for match in _PARAMETER.finditer(inner):
        name, is_text, value, ended = match.groups()
        if is_text == "false":
            written = value
        else:
            written = json.dumps(value, ensure_ascii=False)
            written = written if ended else written[:-1]
        pieces.append(f"{json.dumps(name, ensure_ascii=False)}: {written}")
    whole = "{" + ", ".join(pieces) + "}"
    return whole if closed else whole[:-1] if pieces else ""
