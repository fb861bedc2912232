"""The server's own part of an error message: without the prompts and the values that it quotes."""

from __future__ import annotations

import re

__all__ = ["own_words"]

_OPENING = re.compile(r"(?<![\w\\])(\\?[\"'`]|[“«])")
_CLOSINGS = {"“": "”", "«": "»"}
_DEEPEST = 4  # messages inside of messages
# The words before a quotation of another server's message, and those before one of the caller's text.
_REPORT = re.compile(
    r"(?i)(?:error|errors|err|message|msg|details?|reason|description|exception|response|raw|upstream|cause"
    r"|said|says|reported|returned|replied|answered|failed with)\W{0,12}$"
)
_CALLERS = re.compile(
    r"(?i)\b(?:user|your|the|last|first|chat|input|tool|system|assistant|invalid)[ _-]message\W{0,12}$"
)
_JUDGED = re.compile(r"(?i)\W{0,3}(?:is|was|are|were) (?:not|no|never|an? (?:in|un)|in[vc]|un|for)")
# The caller's text follows these words without quotation marks.
_ECHO = re.compile(
    r"(?i)\b(?:got|received|given|value|content|text|input_value|you sent)\b ?[:=] ?(?=\S)"
    r"|\b(?:invalid|unknown|unsupported|unrecognized|unexpected|malformed)\b(?: [\w.\-'\"`]{1,40}){1,4} ?: ?(?=\S)"
    r"|\b(?P<prompt>prompt|input|message) ?[:=] ?(?=\S)"
)
# Words before a colon that also occur in a message about the length of a request.
_ABOUT_LENGTH = re.compile(
    r"(?i)request|prompt|input\b|messages?\b|tokens|argument|param|length|context|error|exception|failure|response"
)
_NUMBER_SOON = re.compile(r"[^\n]{0,100}\d")


def own_words(message: str) -> str:
    """Return a server's message without its quotations; a message of another server, quoted in it, stays.

    A quotation of one word stays too: servers write names of fields like this.
    """
    return _without_echo(_unquoted(message, 0))


def _unquoted(text: str, depth: int) -> str:
    pieces: list[str] = []
    unclosed: set[str] = set()
    at = 0
    rest = len(text)
    while (opening := _OPENING.search(text, at)) is not None:
        mark, begin = opening[1], opening.end()
        end = -1 if mark in unclosed else _closing(text, begin, mark)
        if end < 0:
            if not _is_report(text, opening.start(), len(text)):
                rest = begin  # it was cut off
                break
            unclosed.add(mark)
            pieces.append(text[at:begin])
            at = begin
            continue
        inner, after = text[begin:end], end + len(mark)
        pieces.append(text[at : opening.start()])
        if not any(map(str.isspace, inner)):
            pieces.append(text[opening.start() : after])
        elif depth < _DEEPEST and _is_report(text, opening.start(), after):
            pieces.append(f" {_unquoted(inner, depth + 1)} ")
        else:
            pieces.append("…")
        at = after
    return "".join([*pieces, text[at:rest]])


def _closing(text: str, at: int, mark: str) -> int:
    """The index at which a quotation ends; below 0 where it does not. After an apostrophe a letter follows."""
    closing = _CLOSINGS.get(mark, mark)
    while (end := text.find(closing, at)) >= 0:
        behind = text[end + len(closing) : end + len(closing) + 1]
        escaped = len(mark) == 1 and text[end - 1 : end] == "\\"
        if not escaped and not (closing == "'" and (behind.isalnum() or behind == "_")):
            return end
        at = end + 1
    return -1


def _is_report(text: str, begin: int, end: int) -> bool:
    """Whether a quotation is a message of another server."""
    before = text[max(0, begin - 60) : begin]
    if not before.strip() and not text[end:].strip(" ."):
        return True
    if _JUDGED.match(text, end) is not None or _CALLERS.search(before) is not None:
        return False
    return _REPORT.search(before) is not None


def _without_echo(text: str) -> str:
    """Cut a message off where it repeats a text without quotation marks."""
    at = 0
    while (found := _ECHO.search(text, at)) is not None:
        if found["prompt"] is not None:  # it is the prompt, unless a sentence with a number follows as servers write it
            echoes = _NUMBER_SOON.match(text, found.end()) is None
        else:
            echoes = _ABOUT_LENGTH.search(found[0]) is None
        if echoes:
            return text[: found.end()]
        at = found.end()
    return text
