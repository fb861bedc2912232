"""What the flavors share: a scripted turn as tokens, and the frame in which servers send them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from typing import TYPE_CHECKING, Literal, Protocol

from deepseek_v4_sdk.chat import JsonValue, write_json
from deepseek_v4_sdk.testing.script import Error, Raw, Turn

if TYPE_CHECKING:
    from deepseek_v4_sdk.prompt import Dialect
    from deepseek_v4_sdk.testing.markup import OutputParser

__all__ = ["DONE", "Flavor", "Spoken", "Token", "level_of", "speak", "sse"]

DONE = b"data: [DONE]\n\n"
_PIECE = re.compile(r"\s*\S{1,8}|\s+")


class Flavor(Protocol):
    """The server's side of one wire."""

    @property
    def name(self) -> str:
        """The provider whose wire it is."""
        ...

    @property
    def chat_paths(self) -> tuple[str, ...]:
        """Where it takes chats."""
        ...

    @property
    def dialect(self) -> Dialect:
        """The encoder with which it makes a prompt."""
        ...

    @property
    def count_paths(self) -> tuple[str, ...]:
        """Where it counts the tokens of a prompt."""
        ...

    @property
    def parser(self) -> OutputParser:
        """How it reads what the model wrote."""
        ...

    def thinking(self, body: dict[str, JsonValue]) -> str:
        """The level that a request asks for, as this server understands it: "off", "low", "high" or "max"."""
        ...

    def stream(self, turn: Turn, body: dict[str, JsonValue], number: int, prompt: int) -> Iterator[bytes]:
        """A turn as the blocks of a stream."""
        ...

    def plain(self, turn: Turn, body: dict[str, JsonValue], number: int, prompt: int) -> JsonValue:
        """A turn as one JSON answer."""
        ...

    def error(self, status: int, message: str) -> JsonValue:
        """The body of an error."""
        ...

    def too_long(self, window: int, prompt: int, answer: int) -> str | None:
        """What it says to a prompt, or a prompt and its answer, that exceed the window; None when it takes them."""
        ...

    def error_event(self, status: int, message: str) -> bytes:
        """An error inside a stream."""
        ...

    def refuse(self, body: dict[str, JsonValue]) -> Error | Raw | None:
        """What the server answers to a body that it does not take; None when it does."""
        ...

    def read(self, path: str, window: int) -> JsonValue:
        """What a GET of that path answers: JSON, `""` for an empty body, None for no such path."""
        ...


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of what the model says. The first one of a call has its name."""

    kind: Literal["reasoning", "text", "call"]
    text: str
    index: int = 0
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Spoken:
    """A turn as tokens, cut where `max_tokens` cuts it."""

    tokens: list[Token]
    finish_reason: str
    prompt_tokens: int

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

    def count(self, kind: str | None = None) -> int:
        """How many tokens there are, of one kind or in all, with the end token if it was reached."""
        if kind is None:
            return len(self.tokens) + (self.finish_reason != "length")
        return sum(token.kind == kind for token in self.tokens)


def speak(turn: Turn, body: dict[str, JsonValue], prompt: int, *, one_call: bool = False) -> Spoken:
    """A turn as tokens. A token is up to eight characters here; counts of the answer are in these, not in V4's.

    Args:
        turn: The turn.
        body: The request.
        prompt: The tokens of the prompt.
        one_call: Whether the server leaves out all calls but the first when `parallel_tool_calls` is false.
    """
    tokens = [Token("reasoning", piece) for piece in _pieces(turn.reasoning, turn.cuts)]
    tokens += [Token("text", piece) for piece in _pieces(turn.text, turn.cuts)]
    calls = turn.calls[:1] if one_call and body.get("parallel_tool_calls") is False else turn.calls
    for index, call in enumerate(calls):
        tokens.append(Token("call", "", index, call.name))
        tokens += [Token("call", piece, index) for piece in _pieces(call.arguments, turn.cuts)]
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    reason = turn.finish_reason or ("tool_calls" if calls else "stop")
    if isinstance(limit, int) and len(tokens) >= limit:
        tokens, reason = tokens[:limit], "length"
    return Spoken(tokens, reason, prompt)


def _pieces(text: str, cuts: tuple[int, ...]) -> list[str]:
    """A text as it streams: in pieces of the given lengths, else of a word each."""
    if not cuts:
        return _PIECE.findall(text)
    pieces: list[str] = []
    start, lengths = 0, cycle(cuts)
    while start < len(text):
        length = next(lengths)
        pieces.append(text[start : start + length])
        start += length
    return pieces


def level_of(effort: JsonValue) -> str:
    """The level that an effort's name means on the servers that render with the vendor's encoder."""
    levels = {"minimal": "low", "low": "low", "ultra": "max", "max": "max"}
    return levels.get(effort, "high") if isinstance(effort, str) else "high"


def sse(payload: JsonValue) -> bytes:
    """One event."""
    return b"data: " + write_json(payload) + b"\n\n"
