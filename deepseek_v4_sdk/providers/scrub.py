"""Server messages without details that should not be logged: source paths, account ids, echoed input."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from deepseek_v4_sdk.providers.secret_forms import hide

if TYPE_CHECKING:
    from collections.abc import Sequence

    from deepseek_v4_sdk.chat import JsonValue

__all__ = ["excerpt", "scrub", "scrub_json", "without_input"]

_LONGEST = 1_000
# Number of characters of a message that are read at all. The patterns below take time that grows with the text and no
# faster: otherwise a hostile server could keep a program busy with one answer.
_LONGEST_READ = 50_000
# Number of characters of an error's body that are read, where each value counts as one more. Errors of megabytes exist.
_ROOM = 100_000
# An absolute path of three or more steps that is not part of a URL, and the text around it in a traceback.
_PATH = r"(?<![\w:/.+@\-])/(?!v1/)(?:[\w.+@\-]+/){2,}[\w.+@\-]+"
_SOURCE = r"(?<![\w:/.+@\-])/(?:[\w.+@\-]+/)*[\w+@\-]+\.(?:py|pyx|so|cu|cpp|rs)\b"
# The same as a traceback, a URL or Windows writes it.
_FILE = r"(\bFile )(?:\"[^\"\n]{1,500}\"|'[^'\n]{1,500}')"
_OTHER_PATH = r"\bfile://[^\s'\"]{1,500}|(?<![\w])[A-Za-z]:\\(?:[\w .+@\-]{1,100}\\){1,30}[\w.+@\-]{1,100}"
# Validation errors of pydantic quote the input: the caller's prompt.
_INPUT = re.compile(r"['\"]input['\"]: ?|\binput_value=")
# A word is an account only with a quote around it or a digit in it: "account suspended" has information.
_ACCOUNT = (
    r"(?i)\b(account|organization|org)([ _-]{0,9}(?:id\b)?[ :=]{0,9})"
    r"(?:(['\"])[\w\-]{6,}\3|(?=[\w\-]{0,80}\d)[\w\-]{8,})"
)
_KEY = r"\b(?:sk|nvapi)-[\w\-]{6,}"
# NVIDIA's gateway names the function behind a model.
_FUNCTION = r"(?i)\b(function(?:[ _-]{0,9}id)?[ :=]{0,9})(['\"]?)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\2"


def scrub(text: str, secrets: Sequence[str] = ()) -> str:
    """Make a server's message fit for a log: replace paths, ids of accounts, keys and echoed input; limit the length.

    Args:
        text: The message.
        secrets: The key that was sent, and other secrets, which gateways like to repeat.
    """
    size = len(text)
    text = without_input(hide(text[:_LONGEST_READ], secrets))
    text = re.sub(_FILE, r'\1"<path>"', text)
    text = re.sub(_OTHER_PATH, "<path>", re.sub(_SOURCE, "<path>", re.sub(_PATH, "<path>", text)))
    text = re.sub(_FUNCTION, r"\1<function>", re.sub(_ACCOUNT, r"\1\2<account>", text))
    text = re.sub(_KEY, "<key>", text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({size} characters)"


def scrub_json(value: JsonValue, secrets: Sequence[str] = ()) -> JsonValue:
    """Scrub every text in a JSON value."""
    if isinstance(value, str):
        return scrub(value, secrets)
    if isinstance(value, list):
        return [scrub_json(item, secrets) for item in value]
    if isinstance(value, dict):
        return {
            scrub(name, secrets): "<input>" if name == "input" else scrub_json(item, secrets)
            for name, item in value.items()
        }
    return value


def excerpt(value: JsonValue) -> JsonValue:
    """Shorten an error's body to a useful size: the same value, whose later parts are left out when it is huge."""
    return _part(value, [_ROOM])


def _part(value: JsonValue, room: list[int]) -> JsonValue:
    room[0] -= 1
    if isinstance(value, str):
        room[0] -= len(value)  # `scrub` shortens it
    elif isinstance(value, list):
        items: list[JsonValue] = []
        for item in value:
            if room[0] <= 0:
                break
            items.append(_part(item, room))
        return items
    elif isinstance(value, dict):
        fields: dict[str, JsonValue] = {}
        for name, item in value.items():
            if room[0] <= 0:
                break
            room[0] -= len(name)
            fields[name] = _part(item, room)
        return fields
    return value


def without_input(text: str) -> str:
    """Shorten a message to a useful size, without the caller's prompt that it repeats."""
    text = text[:_LONGEST_READ]
    pieces: list[str] = []
    at = 0
    while match := _INPUT.search(text, at):
        pieces += [text[at : match.end()], "<input>"]
        at = _end_of_value(text, match.end())
    return "".join([*pieces, text[at:]])


def _end_of_value(text: str, at: int) -> int:
    """The index at which a value ends that Python or JSON has written: at the comma or bracket after it."""
    depth, quote = 0, ""
    while at < len(text):
        char = text[at]
        if char == "\\":
            at += 1
        elif quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in "[{(":
            depth += 1
        elif char in "]})" or (char == "," and depth == 0):
            if depth == 0:
                return at
            depth -= 1
        at += 1
    return len(text)
