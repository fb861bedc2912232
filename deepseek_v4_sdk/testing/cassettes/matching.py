"""Whether a request is the recorded one, and where it differs, in plain words."""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import Enum
from itertools import zip_longest
from typing import TYPE_CHECKING, Literal, TypeAlias

from deepseek_v4_sdk.chat import JsonValue, read_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from deepseek_v4_sdk.testing.cassettes.cassette import RecordedExchange

__all__ = ["LEFT_OUT", "BodyReader", "RequestMatch", "differences", "mark_of", "reading_of"]

RequestMatch: TypeAlias = Literal["strict", "normalised"] | Callable[[JsonValue], JsonValue]
"""The comparison of requests: exact and in order; or without meaningless fields, in any order; or by a
function that returns the compared part of a body, in any order."""

BodyReader: TypeAlias = Callable[[JsonValue], JsonValue]
"""The part of a body that is compared."""

LEFT_OUT = frozenset({"cache_salt", "metadata", "priority", "request_id", "user", "user_id"})
"""Fields that a normalised body lacks: the user and the priority. The answer does not depend on them."""

_WINDOW = 30
_SHOWN = 90


class _Absent(Enum):
    """A value that only one of the two bodies has."""

    NOTHING = "nothing"


_Value: TypeAlias = "JsonValue | _Absent"


def reading_of(match: RequestMatch) -> BodyReader:
    """The part of a body that is compared."""
    if match == "normalised":
        return _normalised
    return match if callable(match) else _whole


def differences(recorded: RecordedExchange, method: str, path: str, body: bytes, reading: BodyReader) -> Iterator[str]:
    """The differences between a request and the recorded one, a line each."""
    if (recorded.method, recorded.path) != (method, path):
        yield f"recorded {recorded.method} {recorded.path}, sent {method} {path}"
    if recorded.request_body == body:
        return
    try:
        one, other = read_json(recorded.request_body), read_json(body)
    except ValueError:
        yield f"body: recorded {len(recorded.request_body)} bytes, sent {len(body)} others, and one of them is not JSON"
        return
    yield from _compare(reading(one), reading(other), "body")


def mark_of(method: str, path: str, body: bytes, reading: BodyReader) -> int:
    """A number that equal requests share, so that one is found among many without comparing it with each."""
    try:
        read = read_json(body)
    except ValueError:
        return hash((method, path, body))
    try:
        return hash((method, path, _hashed(reading(read))))
    except TypeError:  # a function of the user's made something that has no hash
        return 0


def _hashed(value: JsonValue) -> int:
    """The hash of a value, by the same rules as `_compare`."""
    if isinstance(value, dict):
        return hash(frozenset((key, _hashed(item)) for key, item in value.items()))
    if isinstance(value, list):
        return hash(tuple(map(_hashed, value)))
    return hash((type(value), value)) if isinstance(value, bool) else hash(value)


def _whole(body: JsonValue) -> JsonValue:
    return body


def _normalised(body: JsonValue) -> JsonValue:
    """A body without `LEFT_OUT`, its calls numbered in place of their ids."""
    if not isinstance(body, dict):
        return body
    kept = {key: value for key, value in body.items() if key not in LEFT_OUT}
    messages, numbers = kept.get("messages"), dict[str, JsonValue]()
    if isinstance(messages, list):
        kept["messages"] = [_numbered(message, numbers) for message in messages]
    return kept


def _numbered(message: JsonValue, numbers: dict[str, JsonValue]) -> JsonValue:
    """A message with the numbers of its calls in place of their ids."""
    if not isinstance(message, dict):
        return message
    changed = dict(message)
    calls = changed.get("tool_calls")
    if isinstance(calls, list):
        changed["tool_calls"] = [_with_number(call, "id", numbers) for call in calls]
    return _with_number(changed, "tool_call_id", numbers)


def _with_number(value: JsonValue, key: str, numbers: dict[str, JsonValue]) -> JsonValue:
    known = value.get(key) if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(known, str):
        return value
    return {**value, key: numbers.setdefault(known, f"call {len(numbers) + 1}")}


def _compare(recorded: _Value, sent: _Value, path: str) -> Iterator[str]:
    if isinstance(recorded, dict) and isinstance(sent, dict):
        for key in {**recorded, **sent}:
            yield from _compare(recorded.get(key, _Absent.NOTHING), sent.get(key, _Absent.NOTHING), f"{path}.{key}")
    elif isinstance(recorded, list) and isinstance(sent, list):
        for index, (one, other) in enumerate(zip_longest(recorded, sent, fillvalue=_Absent.NOTHING)):
            yield from _compare(one, other, f"{path}[{index}]")
    elif recorded != sent or isinstance(recorded, bool) is not isinstance(sent, bool):  # to Python True is 1
        first, second = _shown(recorded, sent)
        yield f"{path}: recorded {first}, sent {second}"


def _shown(recorded: _Value, sent: _Value) -> tuple[str, str]:
    """Both values, near the place where long texts differ."""
    if isinstance(recorded, str) and isinstance(sent, str):
        same = next((i for i, (a, b) in enumerate(zip(recorded, sent, strict=False)) if a != b), None)
        at = min(len(recorded), len(sent)) if same is None else same
        start = max(0, at - _WINDOW)
        return _cut(recorded, start), _cut(sent, start)
    return _short(recorded), _short(sent)


def _cut(text: str, start: int) -> str:
    piece = text[start : start + 2 * _WINDOW]
    before, after = "…" if start else "", "…" if start + 2 * _WINDOW < len(text) else ""
    return before + json.dumps(piece, ensure_ascii=False) + after


def _short(value: _Value) -> str:
    if isinstance(value, _Absent):
        return value.value
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
