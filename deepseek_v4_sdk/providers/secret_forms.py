"""A secret in each form in which a server may repeat it: unchanged, percent-encoded, escaped for JSON, in base64."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["hide", "holds", "in_base64"]

_SHORTEST = 6  # of a searched spelling in base64: a shorter one occurs in any text
# Number of times that one form may be nested, as in %2525 or in JSON within JSON. A bound keeps the search linear.
_PERCENT = r"%(?:25){0,3}"
_BACKSLASHES = r"\\{1,7}"
_REST = (
    r"[A-Za-z0-9+/_\-]{0,3}(?:=|%3[Dd]){0,2}"  # of a text in base64, where the secret ends within its last characters
)


def hide(text: str, secrets: Sequence[str]) -> str:
    """Replace each of the secrets, in any of its forms, by `<key>`."""
    if not secrets or len(text) < min(map(len, secrets)):
        return text
    return _pattern(tuple(secrets)).sub("<key>", text)


def holds(text: str, secrets: Sequence[str]) -> bool:
    """Whether a text holds one of the secrets, in any form."""
    return bool(secrets) and _pattern(tuple(secrets)).search(text) is not None


def in_base64(secret: str) -> tuple[str, ...]:
    """The part of a secret that is the same in base64, whatever precedes and follows it, in both alphabets."""
    from base64 import b64encode, urlsafe_b64encode  # loaded by the first search

    data, found = secret.encode("utf-8", "surrogatepass"), dict[str, None]()
    for before in range(3):  # where the secret begins within three bytes, which are four characters
        whole = (before + len(data)) // 3 * 4
        for encode in (b64encode, urlsafe_b64encode):
            spelled = encode(bytes(before) + data).decode()[0 if before == 0 else before + 1 : whole]
            if len(spelled) >= _SHORTEST:
                found[spelled] = None
    return tuple(found)


@lru_cache(maxsize=32)
def _pattern(secrets: tuple[str, ...]) -> re.Pattern[str]:
    forms: list[str] = []
    for secret in sorted(set(secrets), key=len, reverse=True):
        forms.append("".join(map(_character, secret)))
        forms += ["".join(map(_character, spelled)) + _REST for spelled in in_base64(secret)]
    return re.compile("|".join(forms))


@lru_cache(maxsize=256)
def _character(character: str) -> str:
    """Make a pattern for a character in each of its forms; letters and digits may be written as numbers too."""
    data = character.encode("utf-8", "surrogatepass")
    percent = "".join(f"{_PERCENT}(?i:{byte:02x})" for byte in data)
    wide = character.encode("utf-16-be", "surrogatepass")
    units = "".join(f"{_BACKSLASHES}u(?i:{wide[at : at + 2].hex()})" for at in range(0, len(wide), 2))
    plain = re.escape(character)
    if character in "\"\\/'":
        plain = rf"\\{{0,7}}{plain}"
    return f"(?:{plain}|{percent}|{units})"
