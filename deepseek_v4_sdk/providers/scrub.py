"""Server messages without what nobody should log: source paths, account ids, echoed input."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deepseek_v4_sdk.chat import JsonValue

__all__ = ["scrub", "scrub_json"]

_LONGEST = 1_000
# An absolute path of three or more steps that is not part of a URL, and what may stand around it in a traceback.
_PATH = re.compile(r"(?<![\w:/.\-])/(?!v1/)(?:[\w.+@\-]+/){2,}[\w.+@\-]+")
# Validation errors of pydantic quote the input: the caller's prompt.
_INPUT = re.compile(r"'input': .*?(?=, '(?:ctx|url|loc|msg|type)':|\}\]|\}\n|\}$)", re.DOTALL)
_ACCOUNT = re.compile(r"(?i)\b(account|org|organization)([ _-]*(?:id)?[ :=]*)(['\"]?)[\w\-]{8,}\3")


def scrub(text: str) -> str:
    """A server's message, fit for a log: paths, account ids and echoed input replaced, length bounded."""
    text = _INPUT.sub("'input': <input>", text)
    text = _PATH.sub("<path>", text)
    text = _ACCOUNT.sub(r"\1\2<account>", text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text)} characters)"


def scrub_json(value: JsonValue) -> JsonValue:
    """The same for every text in a JSON value."""
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, list):
        return [scrub_json(item) for item in value]
    if isinstance(value, dict):
        return {key: scrub_json(item) for key, item in value.items()}
    return value
