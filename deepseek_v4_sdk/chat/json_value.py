"""The type of a decoded JSON value, and the only way of reading and writing JSON."""

from __future__ import annotations

import math
from typing import cast

from pydantic_core import from_json, to_json
from typing_extensions import TypeAliasType

from deepseek_v4_sdk.chat.checks import is_list, is_mapping
from deepseek_v4_sdk.errors import InvalidRequestError

__all__ = [
    "JsonValue",
    "carried_text",
    "check_finite",
    "check_text",
    "plain_json",
    "read_event",
    "read_json",
    "spaced_json",
    "write_json",
    "write_plain_json",
]

to_json(None)  # the encoder imports uuid when it is first used: now, and not in the first request

JsonValue = TypeAliasType("JsonValue", "dict[str, JsonValue] | list[JsonValue] | str | int | float | bool | None")
"""A JSON value, as Python has it."""


def read_json(data: bytes | str) -> JsonValue:
    """Decode one JSON document.

    It refuses `NaN` and `Infinity`: they are not JSON, and no server's parser accepts them. It also refuses numbers
    beyond a float, such as `1e999`, which would be read as infinity.

    Raises:
        ValueError: The bytes are not JSON, or hold such a number.
    """
    value = read_event(data)
    check_finite(value)
    return value


def read_event(data: bytes | str) -> JsonValue:
    """Decode one event of a stream: like `read_json`, but leave numbers beyond a float to `check_finite`.

    The texts and ids of most events have no such number, and looking for one takes as long as decoding.

    Raises:
        ValueError: The bytes are not JSON.
    """
    value: JsonValue = from_json(data, allow_inf_nan=False, cache_strings="keys")
    return value


def check_finite(value: JsonValue) -> None:
    """Refuse a decoded value that holds infinity.

    Raises:
        ValueError: It holds a number that was beyond a float.
    """
    seen = [value]
    for item in seen:  # of exact types, as the decoder returns them: log-probabilities of every token pass through here
        if type(item) is dict:
            seen += item.values()
        elif type(item) is list:
            seen += item
        elif type(item) is float and math.isinf(item):
            raise ValueError("a number beyond a float")


def write_json(value: object) -> bytes:
    """Encode a value as compact UTF-8 JSON, with the keys in their order.

    Raises:
        ValueError: The value holds something that JSON cannot express.
    """
    data = to_json(value, inf_nan_mode="constants")
    if not _is_plain(value) and (b"NaN" in data or b"Infinity" in data):  # in a text these words are harmless
        try:
            from_json(data, allow_inf_nan=False)
        except ValueError:
            raise ValueError("it holds NaN or Infinity") from None
    return data


def write_plain_json(value: JsonValue) -> bytes:
    """Encode a value that `plain_json` made: like `write_json`, without looking for what JSON cannot express."""
    return to_json(value)


def spaced_json(value: object) -> str:
    """Encode a value like Python's own `json`, with blanks after commas and colons: the form that models read.

    Raises:
        ValueError: It holds NaN or infinity.
        TypeError: It holds something that is not JSON.
    """
    import json  # few calls need it

    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _is_plain(value: object) -> bool:
    """Whether all of a value is plain JSON, and each number finite. This costs less than searching large texts."""
    seen = [value]
    for item in seen:
        kind = type(item)
        if kind is dict:
            seen += cast("dict[str, object]", item).values()
        elif kind is list or kind is tuple:
            seen += cast("list[object]", item)
        elif kind is float:
            if not math.isfinite(cast("float", item)):
                return False
        elif kind not in _SCALARS:
            return False
    return True


_SCALARS = (str, int, bool, type(None))
_DEEPEST = 100


def plain_json(value: object, where: str, depth: int = 0) -> JsonValue:
    """Copy a value of only dicts, lists, texts, numbers, booleans and None.

    It refuses values that only look like JSON instead of converting them: a set has no order, so that the request would
    differ from run to run and the server's prefix cache would miss.

    Args:
        value: The caller's value.
        where: The name of the place, for the error.
        depth: Its depth in the caller's value.

    Raises:
        InvalidRequestError: Something in it is not JSON; the text names the place.
    """
    if isinstance(value, str):
        check_text(value, where)
        return value
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InvalidRequestError(f"{where} is {value}: JSON has no such number")
        return value
    if depth > _DEEPEST:
        raise InvalidRequestError(f"{where[:60]}... lies more than {_DEEPEST} levels deep, or holds itself")
    if is_list(value):
        return [plain_json(item, f"{where}[{index}]", depth + 1) for index, item in enumerate(value)]
    if is_mapping(value):
        return {_key(key, where): plain_json(item, f"{where}.{key}", depth + 1) for key, item in value.items()}
    raise InvalidRequestError(f"{where} is {type(value).__name__}, which JSON does not have: give a list, text or dict")


def _key(key: object, where: str) -> str:
    if not isinstance(key, str):
        raise InvalidRequestError(f"{where} has the key {key!r}: keys are texts in JSON")
    check_text(key, f"a key of {where}")
    return key


def check_text(text: str, where: str) -> None:
    """Refuse a text that UTF-8 cannot encode, as a file name may be.

    Raises:
        InvalidRequestError: It holds half a surrogate pair; the text names the place.
    """
    try:
        if not text.isascii():
            text.encode()
    except UnicodeEncodeError as error:
        raise InvalidRequestError(
            f"{where} holds half a surrogate pair (U+{ord(text[error.start]):04X}) at position {error.start}, which "
            "UTF-8 cannot carry: give text.encode('utf-8', 'replace').decode(), or for a file name "
            "os.fsencode(name).decode('utf-8', 'replace')"
        ) from None


def carried_text(text: str) -> tuple[str, int]:
    """Replace each half of a surrogate pair in a text by U+FFFD; return the text and their number."""
    if text.isascii():
        return text, 0
    import re  # few texts need it

    return re.subn("[\ud800-\udfff]", "\N{REPLACEMENT CHARACTER}", text)
