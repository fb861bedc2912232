"""What the flavors share: a scripted turn as tokens, and the frame in which servers send them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from deepseek_v4_sdk.chat import JsonValue, write_json
from deepseek_v4_sdk.testing.script import Error, Raw, Turn

__all__ = ["DONE", "Flavor", "Spoken", "Token", "speak", "sse"]

DONE = b"data: [DONE]\n\n"
_PIECE = re.compile(r"\s*\S{1,8}|\s+")


class Flavor(Protocol):
    """The server's side of one wire."""

    name: str
    chat_paths: tuple[str, ...]

    def thinks(self, body: dict[str, JsonValue]) -> bool:
        """Whether this request has thinking on."""
        ...

    def stream(self, turn: Turn, body: dict[str, JsonValue], number: int) -> Iterator[bytes]:
        """A turn as the blocks of a stream."""
        ...

    def plain(self, turn: Turn, body: dict[str, JsonValue], number: int) -> JsonValue:
        """A turn as one JSON answer."""
        ...

    def error(self, status: int, message: str) -> JsonValue:
        """The body of an error."""
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
        """How many tokens there are, of one kind or in all with the end token."""
        if kind is None:
            return len(self.tokens) + 1
        return sum(token.kind == kind for token in self.tokens)


def speak(turn: Turn, body: dict[str, JsonValue]) -> Spoken:
    """A turn as tokens. A token is up to eight characters here; counts are in these, not in V4's."""
    tokens = [Token("reasoning", piece) for piece in _PIECE.findall(turn.reasoning)]
    tokens += [Token("text", piece) for piece in _PIECE.findall(turn.text)]
    calls = turn.calls[:1] if body.get("parallel_tool_calls") is False else turn.calls
    for index, call in enumerate(calls):
        tokens.append(Token("call", "", index, call.name))
        tokens += [Token("call", piece, index) for piece in _PIECE.findall(call.arguments)]
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    reason = turn.finish_reason or ("tool_calls" if calls else "stop")
    if isinstance(limit, int) and len(tokens) > limit:
        tokens, reason = tokens[:limit], "length"
    return Spoken(tokens, reason, len(write_json(body["messages"])) // 4 + 5)


def sse(payload: JsonValue) -> bytes:
    """One event."""
    return b"data: " + write_json(payload) + b"\n\n"
