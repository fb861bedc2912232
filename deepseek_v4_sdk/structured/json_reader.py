"""JSON while it arrives: an incremental reader without I/O, whose work grows linearly with the text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from pydantic_core import from_json

from deepseek_v4_sdk.chat import JsonValue, read_json

if TYPE_CHECKING:
    from collections.abc import Callable, KeysView

    from deepseek_v4_sdk.structured.outline import Outline

__all__ = ["JsonReader"]

_BLANKS = re.compile(r"[ \t\n\r]*")
_PLAIN = re.compile(r'[^"\\\x00-\x1f]+')
_SCALAR = re.compile(r"[-+.0-9A-Za-z]+")
_DEEPEST = 200  # levels, like the decoder of whole answers


class _Frame:
    """A container of the value, open or closed."""

    __slots__ = ("_path", "at", "closed", "dict", "is_wrapper", "key", "list", "outline", "parent")

    def __init__(self, outline: Outline, parent: _Frame | None, *, is_list: bool) -> None:
        self.outline = outline
        self.parent = parent
        self.at: str | int = parent.place() if parent is not None else ""
        self.list: list[JsonValue] | None = [] if is_list else None
        self.dict: dict[str, JsonValue] = {}
        self.key = ""  # of the arriving value
        self.closed = 0  # the number of its values that have closed
        self.is_wrapper = False
        self._path: str | None = None

    @property
    def container(self) -> JsonValue:
        return self.dict if self.list is None else self.list

    def place(self) -> str | int:
        """The key or index of the next value."""
        return self.key if self.list is None else self.closed

    def within(self) -> Outline:
        """The outline of the next value."""
        return self.outline.property(self.key) if self.list is None else self.outline.item(self.closed)

    def put(self, value: JsonValue) -> None:
        if self.list is None:
            self.dict[self.key] = value
        else:
            self.list.append(value)

    def grow(self, text: str) -> None:
        """Add to the last text. Nothing else holds it meanwhile, so that CPython adds in place."""
        if self.list is None:
            whole = cast("str", self.dict[self.key])
            self.dict[self.key] = None
            whole += text
            self.dict[self.key] = whole
        else:
            whole = cast("str", self.list[-1])
            self.list[-1] = None
            whole += text
            self.list[-1] = whole

    def path(self) -> str:
        """Its path."""
        if self._path is None:
            self._path = "" if self.parent is None else self.parent.path_of(self.at)
        return self._path

    def path_of(self, at: str | int) -> str:
        """The path of a value in it."""
        from deepseek_v4_sdk.tools.refusal import longer_path

        return "" if self.is_wrapper else longer_path(self.path(), at)


class JsonReader:
    """Reads one JSON object or list, piece by piece.

    The value is plain JSON. An open text appears as far as it has arrived. Enums, dates and the like appear when they
    close, as numbers, booleans and nulls do.

    Args:
        outline: The value's schema.
        wrapper: The key of an object that may surround the value, or None. Without it the value is bare.

    Attributes:
        over: Whether it reads no further.
        done: Whether the value has closed.
        changed: Whether the last piece changed the value.
        items: Number of items of a list that have closed.
    """

    def __init__(self, outline: Outline, wrapper: str | None = None) -> None:
        self.over = self.done = self.changed = False
        self._outline = outline
        self._wrapper = wrapper
        self._top: _Frame | None = None
        self._frame: _Frame | None = None
        self._base: _Frame | None = None  # the value, where it is a container
        self._depth = 0
        self._step: Callable[[str, int], int] = self._value
        self._is_fresh = False  # whether the open container has no value yet
        self._is_key = False
        self._shows = False  # whether the arriving text is shown
        self._pieces: list[str] = []  # of a number, a text or a key, that are not joined
        self._escape = ""
        self._closed: list[tuple[_Frame | None, str | int]] = []  # whose paths are not written
        self._paths: dict[str, None] = {}

    def feed(self, text: str) -> int:
        """Take a piece; returns the index at which reading ended, its length unless it is over."""
        self.changed = False
        place, end = 0, len(text)
        while place < end and not self.over:
            place = self._step(text, place)
        return place

    @property
    def has_value(self) -> bool:
        """Whether a part of the value has arrived."""
        top = self._top
        return top is not None and (not top.is_wrapper or top.key in top.dict)

    @property
    def value(self) -> JsonValue:
        """The value so far. It grows with the next piece."""
        self._show()
        top = self._top
        if top is None:
            return None
        return top.dict.get(top.key) if top.is_wrapper else top.container

    @property
    def whole(self) -> JsonValue:
        """The value with the object around it."""
        self._show()
        return None if self._top is None else self._top.container

    @property
    def items(self) -> int:
        """The number of items of the list that have closed; 0 where the value is not a list."""
        return 0 if self._base is None or self._base.list is None else self._base.closed

    @property
    def complete_paths(self) -> KeysView[str]:
        """The paths of the values that have closed, in this order; "" is the whole value. It grows."""
        for frame, at in self._closed:
            self._paths["" if frame is None else frame.path_of(at)] = None
        self._closed.clear()
        return self._paths.keys()

    def _show(self) -> None:
        """Join the pieces of the open text."""
        if self._pieces and self._shows and self._frame is not None and not self._is_key:
            text = "".join(self._pieces)
            self._pieces.clear()
            self._frame.grow(text)

    def _stop(self, place: int) -> int:
        """Stop, because this is not JSON, or does not fit the schema."""
        self._show()
        self._pieces.clear()
        self.over = True
        return place

    def _value(self, text: str, place: int) -> int:
        place = cast("re.Match[str]", _BLANKS.match(text, place)).end()
        if place == len(text):
            return place
        sign, frame = text[place], self._frame
        if sign == "]" and self._is_fresh and frame is not None and frame.list is not None:
            return self._close(place + 1)
        self._is_fresh = False
        if sign == "{" or sign == "[":
            return self._open(place, is_list=sign == "[")
        if frame is None:
            return self._stop(place)  # a bare scalar closes with the answer
        if sign == '"':
            outline = self._within(frame)
            if not outline.admits("string"):
                return self._stop(place)
            self._shows = not outline.holds_text
            if self._shows:
                frame.put("")
                self.changed = True
            self._is_key, self._step = False, self._text
            return place + 1
        self._shows, self._step = False, self._scalar
        return place if _SCALAR.match(text, place) else self._stop(place)

    def _within(self, frame: _Frame) -> Outline:
        return self._outline if frame.is_wrapper else frame.within()

    def _open(self, place: int, *, is_list: bool) -> int:
        frame = self._frame
        outline = self._outline if frame is None else self._within(frame)
        wrapping = frame is None and self._wrapper is not None and not is_list
        if self._depth == _DEEPEST or not (wrapping or outline.admits("array" if is_list else "object")):
            return self._stop(place)
        opened = _Frame(outline, frame, is_list=is_list)
        if frame is None:
            self._top = opened
        else:
            frame.put(opened.container)
        if frame is None or frame.is_wrapper:
            self._base = opened
        self._frame, self._is_fresh = opened, True
        self._depth += 1
        self._step = self._value if is_list else self._key
        return place + 1

    def _close(self, place: int) -> int:
        """Close the open container."""
        frame = cast("_Frame", self._frame)
        self._depth -= 1
        self._frame = frame.parent
        if frame.parent is not None:
            self._ended(frame.parent)
            return place
        if not frame.is_wrapper:
            if frame.list is None and not self._outline.admits("object"):
                return self._stop(place)
            self._closed.append((None, ""))
            self.changed = True
        self.over = self.done = True
        return place

    def _ended(self, frame: _Frame) -> None:
        """Note that a value in a container has closed."""
        self._closed.append((frame, frame.place()))
        frame.closed += 1
        self.changed = True
        self._step = self._after

    def _after(self, text: str, place: int) -> int:
        place = cast("re.Match[str]", _BLANKS.match(text, place)).end()
        if place == len(text):
            return place
        sign, is_list = text[place], cast("_Frame", self._frame).list is not None
        if sign == ",":
            self._is_fresh = False
            self._step = self._value if is_list else self._key
            return place + 1
        return self._close(place + 1) if sign == ("]" if is_list else "}") else self._stop(place)

    def _key(self, text: str, place: int) -> int:
        place = cast("re.Match[str]", _BLANKS.match(text, place)).end()
        if place == len(text):
            return place
        if text[place] == "}" and self._is_fresh:
            return self._close(place + 1)
        if text[place] != '"' or (cast("_Frame", self._frame).is_wrapper and not self._is_fresh):
            return self._stop(place)
        self._is_key, self._step = True, self._text
        return place + 1

    def _colon(self, text: str, place: int) -> int:
        place = cast("re.Match[str]", _BLANKS.match(text, place)).end()
        if place == len(text):
            return place
        self._step = self._value
        return place + 1 if text[place] == ":" else self._stop(place)

    def _scalar(self, text: str, place: int) -> int:
        found = _SCALAR.match(text, place)
        if found is not None:
            self._pieces.append(found[0])
            place = found.end()
        if place == len(text):
            return place
        written = "".join(self._pieces)
        self._pieces.clear()
        frame = cast("_Frame", self._frame)
        try:
            value = read_json(written)
        except ValueError:
            return self._stop(place)
        kind = "null" if value is None else "boolean" if isinstance(value, bool) else "number"
        if not self._within(frame).admits(kind):
            return self._stop(place)
        frame.put(value)
        self._ended(frame)
        return place

    def _text(self, text: str, place: int) -> int:
        found = _PLAIN.match(text, place)
        if found is not None:
            self._add(found[0])
            place = found.end()
            if place == len(text):
                return place
        sign = text[place]
        if sign == "\\":
            self._escape, self._step = sign, self._escaped
            return place + 1
        if sign != '"':
            return self._stop(place)
        self._end_text()
        return place + 1

    def _escaped(self, text: str, place: int) -> int:
        """Read an escaped character; a pair of surrogates is one."""
        while place < len(text):
            self._escape += text[place]
            place += 1
            if not _is_whole(self._escape):
                continue
            try:
                self._add(cast("str", from_json(f'"{self._escape}"')))
            except ValueError:
                return self._stop(place)
            self._step = self._text
            break
        return place

    def _add(self, text: str) -> None:
        self._pieces.append(text)
        self.changed = self.changed or (self._shows and not self._is_key)

    def _end_text(self) -> None:
        frame = cast("_Frame", self._frame)
        if not self._is_key and self._shows:
            self._show()
            self._ended(frame)
            return
        text = "".join(self._pieces)
        self._pieces.clear()
        if not self._is_key:
            frame.put(text)
            self._ended(frame)
            return
        frame.key = text
        self._step = self._colon
        if frame.parent is None and self._wrapper is not None and not frame.closed:
            if text == self._wrapper:
                frame.is_wrapper, self._base = True, None
            elif not frame.outline.admits("object"):
                self._stop(0)


def _is_whole(escape: str) -> bool:
    """Whether an escape is complete; the first half of a pair of surrogates has not."""
    if escape[1] != "u":
        return True
    if len(escape) == 7:
        return escape[6] != "\\"  # a half without another
    is_high = len(escape) >= 6 and escape[2] in "dD" and escape[3] in "89abAB"
    return len(escape) == (12 if is_high else 6)
