"""Calls of tools as the model writes them, in DSML."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from deepseek_v4_sdk.chat import JsonValue, ToolCall
from deepseek_v4_sdk.errors import InvalidRequestError
from deepseek_v4_sdk.prompt.json_text import JsonWriter
from deepseek_v4_sdk.prompt.literals import BLANK_LINE, DSML, Piece, Tags
from deepseek_v4_sdk.prompt.render_turns import RenderTurn


@dataclass(frozen=True, slots=True, kw_only=True)
class CallStyle:
    """The way in which an encoder writes calls.

    Attributes:
        tags: Its tags.
        read: Reads arguments; raises ValueError for anything but a JSON object.
        write: Writes a value that is not a text.
        raw_arguments: Whether unreadable arguments are written as one text parameter named `arguments`; otherwise they
            raise an error.
        empty_line: Whether a call without arguments has an empty line between its tags.
    """

    tags: Tags
    read: Callable[[str], dict[str, JsonValue]]
    write: JsonWriter
    raw_arguments: bool
    empty_line: bool


def calls_block(style: CallStyle, calls: Sequence[ToolCall], turn: RenderTurn) -> list[Piece]:
    """Write the block of all calls of a turn, with the blank line before it; nothing without calls.

    Args:
        style: The way of writing it.
        calls: The calls in the order to write them in.
        turn: The turn of the calls, for the error.

    Raises:
        InvalidRequestError: Arguments are not a JSON object, and the encoder cannot write them.
    """
    if not calls:
        return []
    tags = style.tags
    runs = [f"{BLANK_LINE}<"]  # one control token is between each two of these
    begun = f"{tags.calls}>\n"
    for call in calls:
        runs.append(f"{begun}<")
        begun = f'{tags.invoke} name="{call.name}">\n'
        arguments = _arguments(style, call, turn)
        for name, value in arguments.items():
            is_text, shown = ("true", value) if isinstance(value, str) else ("false", style.write(value))
            runs.append(f"{begun}<")
            runs.append(f'{tags.parameter} name="{name}" string="{is_text}">{shown}</')
            begun = f"{tags.parameter}>\n"
        if not arguments and style.empty_line:
            begun += "\n"
        runs.append(f"{begun}</")
        begun = f"{tags.invoke}>\n"
    runs += (f"{begun}</", f"{tags.calls}>")
    pieces: list[Piece] = [(runs[0], False)]
    for run in runs[1:]:
        pieces += (DSML, (run, False))
    return pieces


def _arguments(style: CallStyle, call: ToolCall, turn: RenderTurn) -> dict[str, JsonValue]:
    try:
        return style.read(call.arguments)
    except ValueError as error:
        if style.raw_arguments:
            return {"arguments": call.arguments}
        raise InvalidRequestError(
            f"{turn.where} calls {call.name!r} with arguments that are not a JSON object ({type(error).__name__}): "
            "give the call's own arguments, '{}' for none"
        ) from None
