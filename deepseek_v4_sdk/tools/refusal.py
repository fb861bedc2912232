"""Errors in arguments: the place, the expected value, and the received one, in few words."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from deepseek_v4_sdk.chat import is_list, is_mapping
from deepseek_v4_sdk.errors import InvalidToolArgumentsError

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import JsonValue, ToolCall

__all__ = ["Place", "first_mistake", "longer_path", "path_of", "pydantic_refusal", "refusal", "shown"]

Place = tuple[str | int, ...]
_MISSING = object()
_LONGEST = 200
_PLAIN_KEY = re.compile(r"[\w$-]+")


def path_of(place: Sequence[str | int]) -> str:
    """A place in the arguments in readable form, such as `items[2].name`."""
    path = ""
    for part in place:
        path = longer_path(path, part)
    return path


def longer_path(path: str, part: str | int) -> str:
    """A path with one more part."""
    if isinstance(part, int):
        return f"{path}[{part}]"
    if _PLAIN_KEY.fullmatch(part):
        return f"{path}.{part}" if path else part
    return f"{path}[{json.dumps(part)}]"


def shown(value: object) -> str:
    """A value in few words; a long one by its kind."""
    if isinstance(value, str):
        text = json.dumps(value[:60])
        return text if len(value) <= 60 else f"{text}... ({len(value)} characters)"
    if is_list(value):
        return f"a list of {len(value)}"
    if is_mapping(value):
        names = (name if _PLAIN_KEY.fullmatch(name) else json.dumps(name) for name in sorted(value))
        return f"an object with {_cut(', '.join(names), 80) or 'nothing'}"
    if isinstance(value, int) and value.bit_length() > 64:
        return "a huge number"
    return json.dumps(value)


def refusal(call: ToolCall, value: object, place: Sequence[str | int], expected: str) -> InvalidToolArgumentsError:
    """The error for one place in the arguments."""
    came = value
    for part in place:
        came = _inside(came, part)
    path = path_of(place)
    where = f"at {_cut(path, 120)}" if path else "as a whole"
    got = "" if came is _MISSING else f"; it is {shown(came)}"
    if not call.arguments.strip():
        got = "; there are none at all"
    return InvalidToolArgumentsError(
        f"the arguments of the call of {call.name!r} ({call.id}) are wrong {where}: {_cut(expected, _LONGEST)}{got}",
        call=call,
        path=path,
    )


def pydantic_refusal(
    call: ToolCall, value: dict[str, JsonValue], details: Sequence[tuple[Place, str, str]]
) -> InvalidToolArgumentsError:
    """Make the error for the first mistake that pydantic found in the arguments of a call."""
    return refusal(call, value, *first_mistake(value, details))


def first_mistake(value: object, details: Sequence[tuple[Place, str, str]]) -> tuple[Place, str]:
    """Find the first of pydantic's mistakes, and in a union the one of the branch that went furthest.

    Args:
        value: The checked value.
        details: Place, type and message of each mistake; pydantic's places name the branches of unions too.
    """
    found = [(*_real(value, place, kind), kind, text) for place, kind, text in details]
    within = found[0][1]
    chosen = found[:1] if within is None else [item for item in found if item[0][: len(within)] == within]
    place = max((item[0] for item in chosen), key=len)
    words: list[str] = []
    for item in chosen:
        if item[0] == place and (text := _words(item[2], item[3])) not in words:
            words.append(text)
    return place, "; or ".join(words[:4])


def _real(value: object, place: Place, kind: str) -> tuple[Place, Place | None]:
    """The part of pydantic's place that exists in the arguments, and the place of the first union in it, if any."""
    real: list[str | int] = []
    within: Place | None = None
    for index, part in enumerate(place):
        inner = _inside(value, part)
        ends = index == len(place) - 1 and kind == "missing"
        if inner is _MISSING and not ends:
            within = tuple(real) if within is None else within
            continue
        real.append(part)
        value = inner
    return tuple(real), within


def _inside(value: object, part: str | int) -> object:
    if is_mapping(value) and isinstance(part, str):
        return value.get(part, _MISSING)
    if is_list(value) and isinstance(part, int) and part < len(value):
        return value[part]
    return _MISSING


def _words(kind: str, text: str) -> str:
    if kind == "missing":
        return "it is required, and missing"
    if kind in {"extra_forbidden", "unexpected_keyword_argument"}:
        return "there is no such argument"
    return text[:1].lower() + text[1:]


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 3]}..."
