"""The lines of a journal: a result as JSON, without the prompt, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from functools import cache
from typing import Any, cast

from pydantic import TypeAdapter

from deepseek_v4_sdk.batch.results import Answer, MapError, MapResult
from deepseek_v4_sdk.chat import Attempt, Conversation, JsonValue, Message, Reply, ToolCall, write_json
from deepseek_v4_sdk.chat.conversation import stored
from deepseek_v4_sdk.tools.run import Round, ToolResult, ToolRun

__all__ = ["Record", "line_of"]

# Notes of the caller may hold anything, headers are the server's of that day, the attempts are once in the line.
_LEFT_OUT = frozenset({"metadata", "headers", "attempts", "prices", "artifact", "messages"})


class Record:
    """A line of a journal that was read back.

    Attributes:
        id: The id of the row.
        digest: The digest of its request.
        failed: Whether it failed.
        retryable: Whether it failed for a cause that may have gone, or nothing was sent.
        error_type: The name of its error's class, or None.
        mechanism: The mechanism of a structured answer, or None.
    """

    def __init__(self, line: JsonValue) -> None:
        """Read a line.

        Raises:
            ValueError: It is not a line of a journal.
        """
        if not isinstance(line, dict):
            raise ValueError("a line of a journal is an object")
        self._line = line
        row_id, digest, error, mechanism = (line.get(name) for name in ("id", "digest", "error", "mechanism"))
        if not isinstance(row_id, str) or not isinstance(digest, str):
            raise ValueError("a line of a journal has an id and a digest")
        self.id, self.digest = row_id, digest
        self.failed = error is not None
        # Where nothing was sent, it costs nothing to try again: the fault may have been in the client's settings.
        self.retryable = isinstance(error, dict) and (error.get("retryable") is True or not line.get("attempts"))
        self.error_type = str(error.get("type")) if isinstance(error, dict) else None
        self.mechanism = mechanism if isinstance(mechanism, str) else None

    def attempts(self) -> tuple[Attempt, ...]:
        """The HTTP requests that were made for it.

        Raises:
            ValueError: The line does not hold them.
        """
        return tuple(_reads(list[Attempt]).validate_python(self._line.get("attempts", [])))

    def error(self) -> MapError:
        """Its error.

        Raises:
            ValueError: The line does not hold one.
        """
        error: MapError = _reads(MapError).validate_python(self._line["error"])
        return error

    def reply(self) -> Reply | None:
        """Its reply, with its attempts.

        Raises:
            ValueError: The line does not hold one.
        """
        kept = self._line.get("reply")
        if not isinstance(kept, dict):
            return None
        reply: Reply = _reads(Reply).validate_python({**kept, "attempts": self._line.get("attempts", [])})
        return reply

    def run(self, messages: Sequence[Message]) -> ToolRun | None:
        """Its tool run.

        Args:
            messages: The messages of the row, which the line does not hold.

        Raises:
            ValueError: The line does not hold one.
        """
        kept = self._line.get("run")
        if not isinstance(kept, dict):
            return None
        conversation = Conversation([*messages, *cast("list[Any]", kept.get("added", []))])
        rounds = tuple(_reads(list[Round]).validate_python(kept.get("rounds", [])))
        return ToolRun(
            reply=self.reply(),
            messages=conversation,
            rounds=rounds,
            stopped=cast("Any", kept.get("stopped")),
            pending_calls=tuple(_reads(list[ToolCall]).validate_python(kept.get("pending_calls", []))),
            reasons=cast("Any", kept.get("reasons", {})),
            resumed=tuple(_reads(list[ToolResult]).validate_python(kept.get("resumed", []))),
            attempts=self.attempts(),
        )


def line_of(result: MapResult, digest: str, given: int, prompt: Sequence[Message] | None = None) -> bytes:
    """Write a result as a line of a journal.

    Args:
        result: The result.
        digest: The digest of its request.
        given: Number of messages of its request: those of a run that follow belong to the answer.
        prompt: The messages of its request, where the journal is to hold them.
    """
    answer = Answer(reply=result.reply, parsed=result.parsed, run=result.run)
    line: dict[str, object] = {"id": result.id, "digest": digest}
    if prompt is not None:
        line["messages"] = [stored(message) for message in prompt]
    if answer.reply is not None:
        line["reply"] = _lean(answer.reply)
    if answer.parsed is not None:
        line["mechanism"] = answer.parsed.mechanism
    if answer.run is not None:
        added = [stored(message) for message in list(answer.run.messages)[given:]]
        line["run"] = {**cast("dict[str, object]", _lean(answer.run)), "added": added}
        cast("dict[str, object]", line["run"]).pop("reply", None)
    if result.error is not None:
        line["error"] = _lean(result.error)
    if result.attempts:
        line["attempts"] = [_lean(attempt) for attempt in result.attempts]
    return write_json(line) + b"\n"


def _lean(value: object) -> object:
    """A value as JSON, without the fields that have no value."""
    if is_dataclass(value) and not isinstance(value, type):
        return {
            name: _lean(item)
            for name in _names(type(value))
            if (item := getattr(value, name)) is not None and item != () and item != "" and item != {}
        }
    if isinstance(value, tuple):
        return [_lean(item) for item in cast("tuple[object, ...]", value)]
    return value.isoformat() if isinstance(value, datetime) else value


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind) if field.init and field.name not in _LEFT_OUT)


@cache
def _reads(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
