"""Events that plain decoding cannot read: halves of surrogate pairs, and numbers whose digits are a text."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Literal, NoReturn, Self, TypeAlias

from deepseek_v4_sdk.chat import JsonValue, Repair

if TYPE_CHECKING:
    from deepseek_v4_sdk.exchange.assembler import Assembler
    from deepseek_v4_sdk.exchange.output_repair import OutputRepair
    from deepseek_v4_sdk.exchange.raw_output import RawOutput

__all__ = ["SurrogateJoiner", "read_as_written", "without_escaped_halves", "without_halves"]

# Fields that hold a piece of the model's output: only there a half may be part of a pair that was cut.
_TEXT_KEYS = frozenset({"content", "reasoning", "reasoning_content", "arguments", "text", "thinking"})
_HALF = re.compile("[\ud800-\udfff]")
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_ESCAPE = re.compile(r"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(u[dD][89a-fA-F]..)|.)", re.DOTALL)
_Place: TypeAlias = tuple[Literal["text", "reasoning", "call"], int | None]
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


class _Written(float):
    """A number and its digits."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Self:
        number = super().__new__(cls, text)
        if not math.isfinite(number):
            raise ValueError("a number beyond a float")
        number.text = text
        return number


def read_as_written(data: bytes) -> JsonValue:
    """Decode one JSON document with the standard library, which keeps what other decoders refuse or round.

    Halves of surrogate pairs stay in the fields of the model's output, and are replaced everywhere else. A number in
    such a field becomes its digits.

    Raises:
        ValueError: The bytes are not JSON.
    """
    import json  # few answers need it

    try:
        text = data.decode("utf-8", "surrogatepass")
        return _cleaned(json.loads(text, parse_float=_Written, parse_constant=_refuse), "")
    except RecursionError:
        raise ValueError("JSON that lies too deep") from None


def without_halves(value: JsonValue) -> JsonValue:
    """Replace every half of a surrogate pair in a value."""
    if isinstance(value, str):
        return _HALF.sub(_REPLACEMENT, value)
    if isinstance(value, list):
        return [without_halves(item) for item in value]
    if isinstance(value, dict):
        return {_HALF.sub(_REPLACEMENT, key): without_halves(item) for key, item in value.items()}
    return value


def without_escaped_halves(arguments: str) -> tuple[str, int]:
    """Replace the escaped halves of surrogate pairs in arguments by U+FFFD; return the text and their number."""
    halves = sum(1 for escape in _ESCAPE.finditer(arguments) if escape[1])
    return _ESCAPE.sub(lambda escape: "\\ufffd" if escape[1] else escape[0], arguments), halves


class SurrogateJoiner:
    """A `Sink` in front of the output repair, for an answer in which a half of a surrogate pair was met.

    The halves of a pair that was cut over two pieces are joined; any other half becomes U+FFFD, and is noted among the
    assembler's repairs.

    Args:
        repair: The sink that gets everything.
        assembler: The assembler that holds the repairs.
    """

    def __init__(self, repair: OutputRepair | RawOutput, assembler: Assembler) -> None:
        self._repair = repair
        self._assembler = assembler
        self._held: tuple[_Place, str] | None = None  # a first half at the end of a piece, and the kind of the piece
        self._replaced = 0
        self.begin, self.logprobs, self.usage = repair.begin, repair.logprobs, repair.usage

    @property
    def begun(self) -> bool:
        """Whether the id and the model are known."""
        return self._repair.begun

    def reasoning(self, text: str) -> None:
        """Add a piece of reasoning."""
        if text := self._mended(("reasoning", None), text):
            self._repair.reasoning(text)

    def text(self, text: str) -> None:
        """Add a piece of text."""
        if text := self._mended(("text", None), text):
            self._repair.text(text)

    def call(self, index: int | None, call_id: str | None, name: str | None, arguments: str | None) -> None:
        """Add a piece of a tool call."""
        self._repair.call(index, call_id, name, self._mended(("call", index), arguments or ""))

    def finish(self, reason: str, stop_sequence: str | None) -> None:
        """Note the server's finish reason."""
        self._release()
        self._repair.finish(reason, stop_sequence)

    def other(self, key: str, value: JsonValue) -> None:
        """Add a field that has no place in a reply."""
        self._repair.other(key, without_halves(value))

    def close(self) -> None:
        """Note that the answer has ended."""
        self._release()
        if self._replaced:
            self._assembler.repairs.append(
                Repair("replaced_characters", f"{self._replaced} half surrogate pair(s) became U+FFFD")
            )
            self._replaced = 0

    def _mended(self, place: _Place, text: str) -> str:
        if self._held is not None:
            if self._held[0] == place:
                text = self._held[1] + text
                self._held = None
            else:
                self._release()
        text = _PAIR.sub(_joined, text)
        if "\ud800" <= text[-1:] <= "\udbff":
            self._held = place, text[-1]
            text = text[:-1]
        text, replaced = _HALF.subn(_REPLACEMENT, text)
        self._replaced += replaced
        return text

    def _release(self) -> None:
        """Release a held half that has found no partner."""
        if self._held is None:
            return
        (kind, index), self._held = self._held[0], None
        self._replaced += 1
        if kind == "text":
            self._repair.text(_REPLACEMENT)
        elif kind == "reasoning":
            self._repair.reasoning(_REPLACEMENT)
        else:
            self._repair.call(index, None, None, _REPLACEMENT)


def _joined(pair: re.Match[str]) -> str:
    return pair[0].encode("utf-16", "surrogatepass").decode("utf-16")


def _cleaned(value: JsonValue, key: str) -> JsonValue:
    if isinstance(value, dict):
        return {_HALF.sub(_REPLACEMENT, name): _cleaned(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_cleaned(item, key) for item in value]
    if isinstance(value, str):
        return value if key in _TEXT_KEYS else _HALF.sub(_REPLACEMENT, value)
    if isinstance(value, _Written):
        return value.text if key in _TEXT_KEYS else float(value)
    return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
