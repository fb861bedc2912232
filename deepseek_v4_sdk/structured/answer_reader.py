"""Finding the JSON in an answer that arrives, and reading it. Prose is not taken for JSON."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from deepseek_v4_sdk.chat import TextDelta, ToolCallDelta, ToolCallStarted
from deepseek_v4_sdk.structured.json_reader import JsonReader
from deepseek_v4_sdk.structured.mechanism import TOOL

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import ChatEvent
    from deepseek_v4_sdk.structured.outline import Outline

__all__ = ["AnswerReader"]

_START = re.compile(
    r"""
    ```[\w-]*[ \t]*\r?\n\s*(?P<opener>[{\[])    # a fenced block
    | \{\s*"(?P<key>(?:[^"\\]|\\.)*)"\s*:       # an object, up to its first key
    """,
    re.VERBOSE,
)
_KEPT = 256
"""Number of characters in which a beginning must be recognized. A longer one is found when the answer has ended."""
_MOST = 256  # brackets that are tried: each may require the rest of a piece


class AnswerReader:
    """Reads the value from an answer's events.

    It begins at the bracket that begins the text, at an object whose first key the schema names, or at the bracket that
    begins a fenced block. JSON in any other place is left to the reading of the whole answer.

    Args:
        outline: The schema of the value.
        wrapper: The key of an object that may surround it, or None.
        by_call: Whether the value is the arguments of a call. Then nothing is read out of the text.
    """

    def __init__(self, outline: Outline, wrapper: str | None, *, by_call: bool) -> None:
        self._outline = outline
        self._wrapper = wrapper
        self._by_call = by_call
        self._call: int | None = None
        self._keys = outline.keys if wrapper is None else outline.keys | {wrapper}
        self._held = ""  # the end of the text that was searched
        self._leads = True  # whether only blanks have arrived
        self.json = JsonReader(outline, wrapper)
        self._reads = False
        self._reported = False  # whether any part of the value was reported
        self._tries = 0

    def feed(self, event: ChatEvent) -> bool:
        """Take an event; returns whether it says something about the value."""
        if isinstance(event, TextDelta):
            return not self._by_call and self._take(event.text)
        if isinstance(event, ToolCallDelta):
            return event.index == self._call and self._take(event.arguments)
        if isinstance(event, ToolCallStarted) and self._by_call and self._call is None and event.name == TOOL:
            self._call = event.index
        return False

    def _take(self, text: str) -> bool:
        while self._tries < _MOST:
            if not self._reads:
                self._held += text
                start = self._start()
                if start is None:
                    return False
                text, self._held = self._held[start:], ""
                self._reads, self.json = True, JsonReader(self._outline, self._wrapper)
            place = self.json.feed(text)
            if not self.json.over or self.json.done:
                self._reported = self._reported or self.json.changed
                return self.json.changed
            if self._reported:
                return False
            # It was not the value, and nothing was handed out: search after its bracket.
            self._reads, text = False, text[max(place, 1) :]
            self._tries += 1
        return False

    def _start(self) -> int | None:
        """The index at which the JSON begins in the kept text, or None."""
        if self._leads:
            self._held = self._held.lstrip()
            if not self._held:
                return None
            self._leads = False
            if self._may_begin(self._held[0]):
                return 0
        place = 0
        while (found := _START.search(self._held, place)) is not None:
            if (key := found["key"]) is not None:
                if key in self._keys:
                    return found.start()
                place = found.start() + 1
            else:
                place = found.start("opener")
                if self._may_begin(self._held[place]) and (self._held[place] == "[" or not self._keys):
                    return place
                place += self._held[place] == "["
        self._held = self._held[max(place, len(self._held) - _KEPT) :]
        return None

    def _may_begin(self, sign: str) -> bool:
        """Whether a value may begin like this."""
        if sign == "{":
            return self._wrapper is not None or self._outline.admits("object")
        return sign == "[" and self._outline.admits("array")
