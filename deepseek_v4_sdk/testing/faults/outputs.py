"""Faults of the model's output: none, or calls that the server does not see."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from deepseek_v4_sdk.testing.faults.fault import Fault
from deepseek_v4_sdk.testing.model_markup import Style, write_calls
from deepseek_v4_sdk.testing.script import Turn

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import JsonValue

__all__ = ["cut_call", "empty_turn", "leak_dsml"]


@dataclass(frozen=True, slots=True, repr=False)
class _EmptyTurn(Fault):
    def on_turn(self, turn: Turn, body: dict[str, JsonValue]) -> Turn:
        return Turn(turn.reasoning, finish_reason="stop", cuts=turn.cuts)


def empty_turn() -> Fault:
    """The model thinks, and ends its turn without an answer."""
    return _EmptyTurn()


@dataclass(frozen=True, slots=True, repr=False)
class _CutCall(Fault):
    cuts_calls = True


def cut_call() -> Fault:
    """The answer ends in the middle of its last tool call, as when `max_tokens` runs out; one without a call is whole.

    The server answers as usual; the client raises `TruncatedToolCallError`, with the finished calls in the
    `tool_calls` of its partial, and the cut one in `partial_tool_calls`.
    """
    return _CutCall()


@dataclass(frozen=True, slots=True, repr=False)
class _LeakDsml(Fault):
    style: Style
    where: Literal["text", "reasoning"]

    def on_turn(self, turn: Turn, body: dict[str, JsonValue]) -> Turn:
        if not turn.calls:
            return turn
        markup = "\n\n" + write_calls(turn.calls, self.style)
        generated = Turn(turn.reasoning, turn.text, finish_reason="stop", cuts=turn.cuts)
        if self.where == "reasoning":
            return replace(generated, reasoning=generated.reasoning + markup)
        return replace(generated, text=generated.text + markup)


def leak_dsml(
    style: Literal["full_width", "ascii", "doubled"] = "full_width", where: Literal["text", "reasoning"] = "text"
) -> Fault:
    """The server's parser misses the model's tool calls, and their markup is left in a text.

    Args:
        style: The bars of the markup: "full_width", "ascii" or "doubled".
        where: The place where it is left.
    """
    return _LeakDsml(style, where)
