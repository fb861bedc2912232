"""The frame of a stream's deltas: events of one answer are the same bytes, except for the text of the delta."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepseek_v4_sdk.chat import read_event, write_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from deepseek_v4_sdk.chat import JsonValue, Usage
    from deepseek_v4_sdk.providers import Sink

__all__ = ["DeltaFrames"]

_STAND_IN = "text"
_LONGEST_PAUSE = 1024
_LONGEST_SEARCH = 15


class DeltaFrames:
    """Learns the bytes around the text of a delta, and reads later events that have the same bytes around another text.

    An event that was parsed and brought only one text gives the frame: the bytes before the text and those after it.
    The frame counts only if the same bytes around another text bring that other text, and all else unchanged. Then the
    frame ends and begins at the quotes of that string, so that only the string of the next event is read. An event that
    is not the frame around one string is parsed, and ends the frame, because its other fields may differ.

    A server whose events differ in more than their texts costs only a few attempts: after a frame without use, the
    next attempt waits longer. So it does, for a few events, after one that gave no frame: the pieces of a call's
    arguments come in a row.

    Args:
        decode: Splits a parsed event into pieces. It treats every text alike.

    Attributes:
        thinks: Whether the text in the frame is reasoning.
    """

    __slots__ = ("_decode", "_pause", "_prefix", "_suffix", "_used", "_wait", "thinks")

    def __init__(self, decode: Callable[[dict[str, JsonValue], Sink], None]) -> None:
        self._decode = decode
        self._prefix = self._suffix = b""  # without a frame both are empty
        self.thinks = False
        self._used = False  # whether the frame has read an event
        self._pause = 0  # the number of events between two attempts
        self._wait = 0

    def read(self, data: bytes) -> str | None:
        """Return the text of an event that has the frame; None or an empty text where the event has to be parsed."""
        inside = self._inside(data)
        if inside is None:
            return None
        try:
            text = inside.decode()
            if "\\" in text or '"' in text or not text.isprintable():
                if b'"' in inside.replace(rb"\\", b"").replace(rb"\"", b""):
                    return None  # the string ends before the frame does
                value = read_event(b'"%b"' % inside)
                text = value if isinstance(value, str) else ""
        except ValueError:
            return None
        self._used = True
        return text

    def parsed(self, data: bytes, payload: dict[str, JsonValue]) -> None:
        """Take an event that was parsed and decoded without an error."""
        if self._prefix:
            if self._inside(data) == b"":
                return
            self.forget()
        if self._wait:
            self._wait -= 1
        elif not self._learn(data, payload):
            self._wait = self._pause = max(self._pause, min(2 * self._pause + 1, _LONGEST_SEARCH))

    def forget(self) -> None:
        """Drop the frame."""
        if self._prefix:
            self._prefix = self._suffix = b""
            self._pause = 0 if self._used else min(2 * self._pause + 1, _LONGEST_PAUSE)
            self._wait = self._pause

    def _inside(self, data: bytes) -> bytes | None:
        """The bytes inside the frame; None for an event with another one."""
        prefix, suffix = self._prefix, self._suffix
        if prefix and data.startswith(prefix) and data.endswith(suffix) and len(data) >= len(prefix) + len(suffix):
            return data[len(prefix) : len(data) - len(suffix)]
        return None

    def _learn(self, data: bytes, payload: dict[str, JsonValue]) -> bool:
        """Take the frame of an event; whether it has one."""
        seen = self._pieces(payload)
        if len(seen.texts) != 1 or seen.adds:
            return False
        thinks, text = seen.texts[0]
        before, found, after = data.rpartition(write_json(text))
        if not found and not text.isascii():
            import json  # loaded for servers that write é as \\u00e9

            before, found, after = data.rpartition(json.dumps(text).encode())
        if not found:
            return False
        other = _STAND_IN if text != _STAND_IN else text + text
        prefix, suffix = before + b'"', b'"' + after
        try:
            repeated = read_event(prefix + other.encode() + suffix)
        except ValueError:
            return False
        again = self._pieces(repeated)
        if again.texts == [(thinks, other)] and not again.adds and again.others == seen.others:
            self._prefix, self._suffix, self.thinks = prefix, suffix, thinks
            self._used = False
            return True
        return False

    def _pieces(self, payload: JsonValue) -> _Pieces:
        pieces = _Pieces()
        if isinstance(payload, dict):
            self._decode(payload, pieces)
        return pieces


class _Pieces:
    """A sink that notes what an event brings.

    Attributes:
        texts: Its texts, each with whether it is reasoning.
        others: Its fields that replace the ones of earlier events.
        adds: Whether it brings more than texts and such fields.
    """

    begun = True

    def __init__(self) -> None:
        self.texts: list[tuple[bool, str]] = []
        self.others: dict[str, JsonValue] = {}
        self.adds = False

    def begin(self, reply_id: str | None, model: str | None) -> None:
        """Take the id and the model."""

    def reasoning(self, text: str) -> None:
        """Note a piece of reasoning."""
        self.texts.append((True, text))

    def text(self, text: str) -> None:
        """Note a piece of text."""
        self.texts.append((False, text))

    def call(self, index: int | None, call_id: str | None, name: str | None, arguments: str | None) -> None:
        """Note a piece of a call."""
        del index, call_id, name, arguments
        self.adds = True

    def logprobs(self, entries: list[JsonValue]) -> None:
        """Note log-probabilities."""
        del entries
        self.adds = True

    def finish(self, reason: str, stop_sequence: str | None) -> None:
        """Note a finish reason."""
        del reason, stop_sequence
        self.adds = True

    def usage(self, usage: Usage) -> None:
        """Note a count."""
        del usage
        self.adds = True

    def other(self, key: str, value: JsonValue) -> None:
        """Note another field; lists grow with each event."""
        self.others[key] = value
        self.adds = self.adds or isinstance(value, list)
