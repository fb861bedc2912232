"""The part of an answer that a model has written, as it wrote it: reasoning, text and calls, without an end."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from deepseek_v4_sdk.chat import ToolCall
from deepseek_v4_sdk.errors import InvalidRequestError
from deepseek_v4_sdk.prompt.call_markup import CallStyle, calls_block
from deepseek_v4_sdk.prompt.json_text import python_json, read_python
from deepseek_v4_sdk.prompt.literals import BLANK_LINE, DSML, THINK_CLOSE, V4_TAGS
from deepseek_v4_sdk.prompt.render_turns import RenderTurn

__all__ = ["begun_call", "render_part"]

_STYLE: Final = CallStyle(tags=V4_TAGS, read=read_python, write=python_json, raw_arguments=True, empty_line=False)
_D: Final = DSML[0]
_BLOCK: Final = f"<{_D}{V4_TAGS.calls}>\n"
_BLOCK_END: Final = f"</{_D}{V4_TAGS.calls}>"
_PARAMETER: Final = f'<{_D}{V4_TAGS.parameter} name="'
_PARAMETER_END: Final = f"</{_D}{V4_TAGS.parameter}>\n"


def render_part(
    reasoning: str,
    text: str,
    calls: Sequence[ToolCall] = (),
    begun: ToolCall | None = None,
    *,
    thinks: bool,
    past_reasoning: bool,
) -> str:
    """Write the part of an answer as the model writes it.

    Args:
        reasoning: Its reasoning so far.
        text: Its text so far.
        calls: The complete calls.
        begun: A call that is not complete; its arguments are a beginning of JSON text.
        thinks: Whether the answer begins inside reasoning.
        past_reasoning: Whether text or a call has begun.

    Raises:
        InvalidRequestError: The arguments of a call cannot be written.
    """
    written = reasoning if thinks else ""
    if thinks and past_reasoning:
        written += THINK_CLOSE[0]
    written += text
    if not calls and begun is None:
        return written
    if calls:
        block = "".join(piece for piece, _ in calls_block(_STYLE, calls, RenderTurn("assistant", [])))
        written += block.removesuffix(_BLOCK_END)
    else:
        written += BLANK_LINE + _BLOCK
    return written if begun is None else written + begun_call(begun.name, begun.arguments)


def begun_call(name: str, arguments: str) -> str:
    """Write the beginning of a call: its opening, and the parameters of a beginning of JSON text.

    Raises:
        InvalidRequestError: The text is not a beginning of an object, or ends inside an escape.
    """
    written = f'<{_D}{V4_TAGS.invoke} name="{name}">\n'
    rest = arguments.lstrip()
    if not rest:
        return written
    if rest[0] != "{":
        raise InvalidRequestError(f"the arguments of the begun call of {name!r} are not a beginning of an object")
    rest = rest[1:].lstrip()
    while rest:
        key, rest, ended = _text(rest)
        written += _PARAMETER + key
        if not ended:
            return written
        rest = rest.lstrip()
        if not rest.startswith(":"):
            return written + '"'
        rest = rest[1:].lstrip()
        written += '" string="'
        if not rest:
            return written
        if rest[0] == '"':
            value, rest, ended = _text(rest)
            written += f'true">{value}'
        else:
            value, rest, ended = _value(rest)
            written += f'false">{value}'
        if not ended:
            return written
        written += _PARAMETER_END
        rest = rest.lstrip().removeprefix(",").lstrip()
    return written


def _text(rest: str) -> tuple[str, str, bool]:
    """Read a JSON text, as far as it came: its characters, what follows, and whether it has ended."""
    if rest[0] != '"':
        raise InvalidRequestError("the arguments of a begun call are not a beginning of JSON")
    place = 1
    while place < len(rest) and rest[place] != '"':
        place += 2 if rest[place] == "\\" else 1
    ended = place < len(rest)
    try:
        value: str = json.loads(rest[: place + 1] if ended else f'{rest}"', strict=False)
    except ValueError:
        raise InvalidRequestError("the arguments of a begun call end inside an escape") from None
    return value, rest[place + 1 :], ended


def _value(rest: str) -> tuple[str, str, bool]:
    """Read a JSON value other than a text: as it is written, what follows, and whether something does."""
    try:
        _, end = json.JSONDecoder().raw_decode(rest)
    except ValueError:
        return rest, "", False
    behind = rest[end:]
    return (rest[:end], behind, True) if behind.strip() else (rest, "", False)
