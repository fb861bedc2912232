"""Sinks for the two ends of an answer: before the first content, and after the finish reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from deepseek_v4_sdk.providers import Sink

__all__ = ["AfterFinish", "BeforeFirstEvent"]


class BeforeFirstEvent:
    """Notes whether an event has content. Chunks that only show that the server lives have none, nor has a role.

    Args:
        sink: The sink that gets everything.

    Attributes:
        spoke: Whether there was text, reasoning, a piece of a call or a finish reason.
    """

    __slots__ = ("_sink", "begin", "logprobs", "other", "spoke", "usage")

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.spoke = False
        self.begin, self.logprobs, self.usage, self.other = sink.begin, sink.logprobs, sink.usage, sink.other

    @property
    def begun(self) -> bool:
        """Whether the id and the model are known."""
        return self._sink.begun

    def reasoning(self, text: str) -> None:
        """Add a piece of reasoning."""
        self.spoke = True
        self._sink.reasoning(text)

    def text(self, text: str) -> None:
        """Add a piece of text."""
        self.spoke = True
        self._sink.text(text)

    def call(self, index: int | None, call_id: str | None, name: str | None, arguments: str | None) -> None:
        """Add a piece of a tool call."""
        self.spoke = True
        self._sink.call(index, call_id, name, arguments)

    def finish(self, reason: str, stop_sequence: str | None) -> None:
        """Note the server's finish reason."""
        self.spoke = True
        self._sink.finish(reason, stop_sequence)


class AfterFinish:
    """Lets through what may follow the finish reason, text and counts, and notes the rest.

    Args:
        sink: The sink that gets everything.
        note: A callback that gets the rest.
    """

    __slots__ = ("_note", "_sink", "begin", "finish", "logprobs", "other", "text", "usage")

    def __init__(self, sink: Sink, note: Callable[[str], None]) -> None:
        self._sink = sink
        self._note = note
        self.begin, self.logprobs, self.usage, self.other = sink.begin, sink.logprobs, sink.usage, sink.other
        self.text, self.finish = sink.text, sink.finish

    @property
    def begun(self) -> bool:
        """Whether the id and the model are known."""
        return self._sink.begun

    def reasoning(self, text: str) -> None:
        """Note a piece of reasoning."""
        del text
        self._note("reasoning")

    def call(self, index: int | None, call_id: str | None, name: str | None, arguments: str | None) -> None:
        """Note a piece of a tool call."""
        del index, call_id, name, arguments
        self._note("a piece of a tool call")
